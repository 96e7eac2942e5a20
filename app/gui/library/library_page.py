"""The library: every recorded attempt, its filter, playback, labels, delete with undo."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint, QSize, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from app.backend.ports import EpisodeFacts, LessonFacts, Playback
from app.gui.library.attempt_list import AttemptList
from app.gui.library.attempt_menu import AttemptMenu
from app.gui.library.episode_list import (
    FACTS_ROLE,
    EpisodeDelegate,
    EpisodeFilter,
    EpisodeModel,
    Filter,
    meaning,
    summary,
)
from app.gui.library.playback import PlaybackView
from app.gui.library.toast import Toast
from app.gui.style import icons
from app.gui.style.theme import GRID, Theme, scaled
from app.gui.style.widgets import Card, Elided, FlowLayout, button, label
from recorder.types import Outcome, RGBImage

NO_MATCH_TEXT = "No attempt has these words. Clear the search, or choose “All”."
CHOOSE_TEXT = "Choose an attempt to play it back."
EMPTY_TEXT = "Nothing recorded yet. Every attempt you play, correct or show appears here."


class Library(QWidget):
    """The page.  It knows no database: it asks by signals and is handed the answers.

    Signals: open_wanted(int), picture_wanted(int) with an episode's id; label_wanted(tuple,
    Outcome), delete_wanted(tuple), restore_wanted(tuple) with the ids of one or more;
    teach_wanted(list[LessonFacts], bool): whether rounds are to learn from these.
    """

    open_wanted = Signal(int)
    picture_wanted = Signal(int)
    label_wanted = Signal(object, object)
    delete_wanted = Signal(object)
    restore_wanted = Signal(object)
    teach_wanted = Signal(object, bool)

    def __init__(self, theme: Theme, *, now_s: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._theme = theme
        self._now_s = now_s
        self._open_one: EpisodeFacts | None = None
        self._lessons: dict[int, LessonFacts] = {}
        self._deleted: list[tuple[int, ...]] = []
        self._returning: tuple[int, ...] = ()
        self.setProperty("role", "page")
        self.model = EpisodeModel()
        self.filter = EpisodeFilter(self.model)
        self._delegate = EpisodeDelegate(theme, now_s())
        self.search = QLineEdit()
        self.list = AttemptList(self.filter, self._delegate)
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
        self._show_chosen()

    def show_episodes(self, episodes: Sequence[EpisodeFacts]) -> None:
        """Show these, newest first; what is chosen stays chosen while it exists."""
        self._delegate.now_s = self._now_s()
        chosen, place = self.list.chosen(), self.list.first_place()
        changed = self.model.show_episodes(episodes)
        self._show_which()
        if not changed:
            return
        there = {each.id: each for each in episodes}
        returned = [each for each in self._returning if each in there]
        self._returning = () if returned else self._returning
        open_id = self._open_one.id if self._open_one is not None else None
        self._open_one = None if open_id is None else there.get(open_id)
        kept = returned or [each.id for each in chosen if each.id in there]
        if open_id is not None and self._open_one is None and not kept:
            self.player.clear(CHOOSE_TEXT)
            if self.isVisible():
                # What has come to the place of what is gone, so that work goes on.
                self.list.choose_place(place)
        elif kept:
            self.list.choose(kept, open_id)
        self._show_chosen()

    def show_lessons(self, lessons: Sequence[LessonFacts]) -> None:
        """Know which attempts a round can learn from, and what it takes of each."""
        self._lessons = {lesson.episode_id: lesson for lesson in lessons}

    def choose(self, episode_id: int) -> None:
        """Choose an episode and open it."""
        row = self.model.row_of(episode_id)
        if row is not None:
            self._chips.buttons()[0].setChecked(True)
            self.search.clear()
            self._on_filter()
            self._open_one = None
            self.list.choose((episode_id,))
            self.list.setFocus()

    def show_playback(self, episode_id: int, playback: Playback) -> None:
        """Show an opened episode, unless another was chosen meanwhile."""
        if self._open_one is not None and episode_id == self._open_one.id:
            self.player.open(playback)
        else:
            playback.close()

    def show_problem(self, episode_id: int, sentence: str) -> None:
        """Say why an episode cannot be played back."""
        if self._open_one is not None and episode_id == self._open_one.id:
            self.player.clear(sentence)

    def show_picture(self, episode_id: int, rgb: RGBImage | None) -> None:
        """Put a picture to an episode."""
        self.model.show_picture(episode_id, rgb)

    def chosen(self) -> tuple[EpisodeFacts, ...]:
        """Return the attempts that marks and deletion are about; else the open one, or none."""
        chosen = self.list.chosen()
        if not chosen and self._open_one is not None:
            return (self._open_one,)
        return chosen

    def delete_chosen(self) -> None:
        """Put what is chosen into the bin; not what is out of sight, on another page."""
        chosen = self.chosen() if self.isVisible() else ()
        if chosen:
            self.delete_wanted.emit(tuple(each.id for each in chosen))

    def show_deleted(self, episode_ids: Sequence[int], problem: str) -> None:
        """Say that episodes are in the bin, and offer to bring them back.

        ``problem`` says why others are not, "" if all are.
        """
        self._deleted.append(tuple(episode_ids))
        rows = [self.model.row_of(each) for each in episode_ids]
        if len(rows) == 1 and rows[0] is not None:
            what = f"“{self._facts_at(rows[0]).instruction}”"
        else:
            what = f"{len(rows)} attempt{'' if len(rows) == 1 else 's'}"
        self.toast.tell(" ".join(filter(None, (f"Deleted {what}.", problem))), undo=True)

    def tell_problem(self, sentence: str) -> None:
        """Say why something that was asked for here, or elsewhere, was not done."""
        self.toast.tell(sentence, undo=False)

    def undo_delete(self) -> None:
        """Bring back what was deleted last, all that went at once."""
        if self._deleted:
            self.toast.hide()
            self._returning = self._deleted.pop()
            self.restore_wanted.emit(self._returning)

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
        left.addWidget(self.list, 1)
        left.addWidget(self.empty)
        left.addStretch(0)
        left.addWidget(self.toast)
        left.setContentsMargins(0, 0, 0, 0)
        column = QWidget()
        column.setLayout(left)
        self._column = column
        return column

    def _playback_card(self) -> Card:
        card = Card("")
        card.head.removeWidget(card.title)
        card.title.hide()
        card.side.hide()
        card.setAccessibleName("Playback")
        # All the room that the button leaves: the head has a stretch of its own.
        card.head.insertWidget(0, self.title, 100)
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
        self.list.opened.connect(self._open)
        self.list.chosen_changed.connect(self._show_chosen)
        self.list.toggle_asked.connect(self.player.toggle)
        self.list.step_asked.connect(self.player.step)
        self.list.delete_asked.connect(self.delete_chosen)
        self.list.customContextMenuRequested.connect(self._show_menu)
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
        self.list.choose_current()

    def _show_which(self) -> None:
        """Show the list, or a word on why there is nothing in it."""
        found = self.filter.rowCount() > 0
        self.empty.setText(NO_MATCH_TEXT if self.model.rowCount() else EMPTY_TEXT)
        self.empty.setVisible(not found)
        self.list.setVisible(found)

    def _open(self, facts: EpisodeFacts) -> None:
        if self._open_one is not None and facts.id == self._open_one.id:
            return
        self._open_one = facts
        self._show_chosen()
        self.player.clear("Opening …")
        self.open_wanted.emit(facts.id)

    def _label(self, outcome: Outcome) -> None:
        if chosen := self.chosen():
            self.label_wanted.emit(tuple(each.id for each in chosen), outcome)

    def _show_menu(self, place: QPoint) -> None:
        """Offer what can be done with what is chosen."""
        chosen = self.list.chosen()
        if chosen:
            menu = self.make_menu(chosen)
            menu.popup(self.list.viewport().mapToGlobal(place))

    def make_menu(self, chosen: Sequence[EpisodeFacts]) -> AttemptMenu:
        """Return the context menu of these attempts, which goes when it is closed."""
        lessons = [self._lessons[each.id] for each in chosen if each.id in self._lessons]
        menu = AttemptMenu(chosen, lessons, self._theme, self)
        menu.play_asked.connect(self.player.toggle)
        menu.mark_asked.connect(self._label)
        menu.teach_asked.connect(lambda use: self._teach(lessons, use))
        menu.delete_asked.connect(self.delete_chosen)
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _teach(self, lessons: Sequence[LessonFacts], use: bool) -> None:
        self.teach_wanted.emit(list(lessons), use)

    def _show_chosen(self) -> None:
        """Show in the card what is open, and how many attempts its buttons are about."""
        facts, count = self._open_one, len(self.chosen())
        text = f"{summary(facts, self._now_s())} · seed {facts.seed}" if facts else ""
        several = facts is not None and count > 1
        self.line.tip = meaning(facts.outcome) if facts else ""
        if facts is None:
            self.title.setText("Playback")
        else:
            self.title.setText(f"{count} attempts are chosen" if several else facts.instruction)
        self.line.setText(f"Shown: “{facts.instruction}” · {text}" if several and facts else text)
        self._ask.setText("They were" if several else "It was")
        self.delete.setText(f"Delete {count}" if several else "Delete")
        for widget in (self._ask, self.done, self.failed, self.unclear, self.delete):
            widget.setVisible(facts is not None)

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
            widget.setIconSize(QSize(scaled(14), scaled(14)))
        self._column.setMinimumWidth(scaled(330))
        self._column.setMaximumWidth(scaled(440))
        self.list.viewport().update()
