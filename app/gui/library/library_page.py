"""The library: every recorded attempt, its filter, playback, labels, delete with undo."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QVBoxLayout,
    QWidget,
)

from app.backend.ports import EpisodeFacts, Playback
from app.gui.library.episode_list import (
    FACTS_ROLE,
    EpisodeDelegate,
    EpisodeFilter,
    EpisodeModel,
    Filter,
    summary,
)
from app.gui.library.playback import PlaybackView
from app.gui.style import icons
from app.gui.style.theme import GRID, Theme
from app.gui.style.widgets import Card, Elided, FlowLayout, button, label
from recorder.types import Outcome, RGBImage

UNDO_MS = 12_000
NO_MATCH_TEXT = "No attempt has these words. Clear the search, or choose “All”."
EMPTY_TEXT = "Nothing recorded yet. Every attempt you play, correct or show appears here."


class Toast(QFrame):
    """A word on what was just done, with a way to undo it; goes by itself.

    Signals: undone().
    """

    undone = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "toast")
        self.text = Elided("", "strong")
        self.undo = button("Undo", "link")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(UNDO_MS)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 8, 6)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.undo)
        self.undo.clicked.connect(self.undone)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def tell(self, text: str, *, undo: bool) -> None:
        """Show it for a while, with or without the way to undo it."""
        self.text.setText(text)
        self.undo.setVisible(undo)
        self.show()
        self._timer.start()


class Library(QWidget):
    """The page.  It knows no database: it asks by signals and is handed the answers.

    Signals: open_wanted(int), label_wanted(int, Outcome), delete_wanted(int),
    restore_wanted(int), picture_wanted(int), all with an episode's id.
    """

    open_wanted = Signal(int)
    label_wanted = Signal(int, object)
    delete_wanted = Signal(int)
    restore_wanted = Signal(int)
    picture_wanted = Signal(int)

    def __init__(self, theme: Theme, *, now_s: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._theme = theme
        self._now_s = now_s
        self._current: int | None = None
        self._deleting: dict[int, EpisodeFacts] = {}
        self._deleted: list[int] = []
        self.setProperty("role", "page")
        self.model = EpisodeModel()
        self.filter = EpisodeFilter(self.model)
        self._delegate = EpisodeDelegate(theme, now_s())
        self.search = QLineEdit()
        self.list = QListView()
        self.empty = label(EMPTY_TEXT, "muted", wrap=True)
        self._chips = QButtonGroup(self)
        self.player = PlaybackView(theme)
        self.title = Elided("", "title")
        self.line = Elided("", "muted")
        self.done = button("Done", "chip", "ok")
        self.failed = button("Failed", "chip", "bad")
        self.unclear = button("Not judged", "chip")
        self.delete = button("Delete", "quiet")
        self.toast = Toast()
        self._build()
        self._connect_signals()
        self._restyle()
        self._show_current(None)

    def show_episodes(self, episodes: Sequence[EpisodeFacts]) -> None:
        """Show these, newest first; the chosen one stays chosen while it exists."""
        self._delegate.now_s = self._now_s()
        chosen = self._current
        place = -1 if chosen is None else self.list.currentIndex().row()
        self.model.show_episodes(episodes)
        self._show_which()
        if chosen is not None:
            row = self.model.row_of(chosen)
            if row is None:
                self._current = None
                self._show_current(None)
                self.player.clear("Choose an attempt to play it back.")
                self._choose_beside(place)
            else:
                self._select_row(row)
                self._show_current(self._facts_at(row))

    def choose(self, episode_id: int) -> None:
        """Choose an episode and open it."""
        row = self.model.row_of(episode_id)
        if row is not None:
            self._chips.buttons()[0].setChecked(True)
            self.search.clear()
            self._on_filter()
            self._select_row(row)
            self._open(self._facts_at(row))
            self.list.setFocus()

    def show_playback(self, episode_id: int, playback: Playback) -> None:
        """Show an opened episode, unless another was chosen meanwhile."""
        if episode_id == self._current:
            self.player.open(playback)
        else:
            playback.close()

    def show_problem(self, episode_id: int, sentence: str) -> None:
        """Say why an episode cannot be played back."""
        if episode_id == self._current:
            self.player.clear(sentence)

    def show_picture(self, episode_id: int, rgb: RGBImage | None) -> None:
        """Put a picture to an episode."""
        self.model.show_picture(episode_id, rgb)

    def delete_chosen(self) -> None:
        """Put the chosen episode into the bin."""
        row = None if self._current is None else self.model.row_of(self._current)
        if row is None:
            return
        facts = self._facts_at(row)
        self._deleting[facts.id] = facts
        self.delete_wanted.emit(facts.id)

    def show_deleted(self, episode_id: int) -> None:
        """Say that an episode is in the bin, and offer to bring it back."""
        facts = self._deleting.pop(episode_id, None)
        if facts is not None:
            self._deleted.append(episode_id)
            self.toast.tell(f"Deleted “{facts.instruction}”.", undo=True)

    def tell_problem(self, sentence: str) -> None:
        """Say why something that was asked for here, or elsewhere, was not done."""
        self.toast.tell(sentence, undo=False)

    def undo_delete(self) -> None:
        """Bring the last deleted episode back."""
        if self._deleted:
            self.toast.hide()
            self.restore_wanted.emit(self._deleted.pop())

    def focus_search(self) -> None:
        """Type into the filter."""
        self.search.setFocus()
        self.search.selectAll()

    def _build(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * GRID + 2, 14, 2 * GRID + 2, 14)
        layout.setSpacing(2 * GRID)
        layout.addWidget(self._list_column(), 2)
        layout.addWidget(self._playback_card(), 5)

    def _list_column(self) -> QWidget:
        left = QVBoxLayout()
        left.setSpacing(GRID)
        self.search.setPlaceholderText("Find by words")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find attempts by words")
        left.addWidget(self.search)
        chips = QWidget()
        flow = FlowLayout(spacing=6)
        chips.setLayout(flow)
        for index, which in enumerate(Filter):
            chip = button(which.value, "chip")
            chip.setCheckable(True)
            chip.setChecked(which is Filter.ALL)
            self._chips.addButton(chip, index)
            flow.addWidget(chip)
        left.addWidget(chips)
        self.list.setModel(self.filter)
        self.list.setItemDelegate(self._delegate)
        self.list.setMouseTracking(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Recorded attempts")
        left.addWidget(self.list, 1)
        left.addWidget(self.empty)
        left.addStretch(0)
        left.addWidget(self.toast)
        left.setContentsMargins(0, 0, 0, 0)
        column = QWidget()
        column.setLayout(left)
        column.setMinimumWidth(300)
        column.setMaximumWidth(440)
        return column

    def _playback_card(self) -> Card:
        card = Card("")
        card.head.removeWidget(card.title)
        card.title.hide()
        card.side.hide()
        card.setAccessibleName("Playback")
        card.head.insertWidget(0, self.title, 1)
        card.head.addWidget(self.delete)
        card.body.addWidget(self.player, 1)
        foot = QHBoxLayout()
        foot.setSpacing(GRID)
        foot.addWidget(self.line, 1)
        self._ask: QLabel = label("It was", "muted")
        for widget in (self._ask, self.done, self.failed, self.unclear):
            foot.addWidget(widget)
        card.body.addLayout(foot)
        return card

    def _connect_signals(self) -> None:
        self.search.textChanged.connect(self._on_filter)
        self._chips.idClicked.connect(self._on_filter)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.list.activated.connect(lambda _index: self.player.toggle())
        for key, act in (
            (Qt.Key.Key_Space, self.player.toggle),
            (Qt.Key.Key_Left, lambda: self.player.step(-1)),
            (Qt.Key.Key_Right, lambda: self.player.step(1)),
            (Qt.Key.Key_Delete, self.delete_chosen),
        ):
            shortcut = QShortcut(key, self.list, act)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
        self.model.picture_wanted.connect(self.picture_wanted)
        self.done.clicked.connect(lambda: self._label(Outcome.SUCCESS))
        self.failed.clicked.connect(lambda: self._label(Outcome.FAILURE))
        self.unclear.clicked.connect(lambda: self._label(Outcome.UNKNOWN))
        self.delete.clicked.connect(self.delete_chosen)
        self.toast.undone.connect(self.undo_delete)
        self._theme.changed.connect(self._restyle)

    def _on_filter(self) -> None:
        self.filter.choose(list(Filter)[self._chips.checkedId()], self.search.text())
        self._show_which()

    def _show_which(self) -> None:
        """Show the list, or a word on why there is nothing in it."""
        found = self.filter.rowCount() > 0
        self.empty.setText(NO_MATCH_TEXT if self.model.rowCount() else EMPTY_TEXT)
        self.empty.setVisible(not found)
        self.list.setVisible(found)

    def _on_current(self, index: QModelIndex) -> None:
        if index.isValid():
            facts: EpisodeFacts = index.data(FACTS_ROLE)
            if facts.id != self._current:
                self._open(facts)

    def _open(self, facts: EpisodeFacts) -> None:
        self._current = facts.id
        self._show_current(facts)
        self.player.clear("Opening …")
        self.open_wanted.emit(facts.id)

    def _label(self, outcome: Outcome) -> None:
        if self._current is not None:
            self.label_wanted.emit(self._current, outcome)

    def _show_current(self, facts: EpisodeFacts | None) -> None:
        self.title.setText(facts.instruction if facts else "Playback")
        text = summary(facts, self._now_s()) if facts else ""
        self.line.setText(f"{text} · seed {facts.seed}" if facts else "")
        for widget in (self._ask, self.done, self.failed, self.unclear, self.delete):
            widget.setVisible(facts is not None)

    def _select_row(self, row: int) -> None:
        index = self.filter.mapFromSource(self.model.index(row))
        self.list.selectionModel().setCurrentIndex(
            index, QItemSelectionModel.SelectionFlag.ClearAndSelect
        )

    def _choose_beside(self, place: int) -> None:
        """Choose what has come to the place of an attempt that is gone, so that work goes on."""
        last = self.filter.rowCount() - 1
        if self.isVisible() and place >= 0 and last >= 0:
            index = self.filter.index(min(place, last), 0)
            self.list.selectionModel().setCurrentIndex(
                index, QItemSelectionModel.SelectionFlag.ClearAndSelect
            )

    def _facts_at(self, row: int) -> EpisodeFacts:
        facts: EpisodeFacts = self.model.index(row).data(FACTS_ROLE)
        return facts

    def _restyle(self) -> None:
        pairs = (
            (self.done, "check", "ok_text"),
            (self.failed, "cross", "bad_text"),
            (self.unclear, "question", "muted"),
            (self.delete, "trash", "muted"),
        )
        for widget, name, token in pairs:
            widget.setIcon(icons.icon(name, self._theme.colour(token)))
            widget.setIconSize(QSize(14, 14))
        self.list.viewport().update()
