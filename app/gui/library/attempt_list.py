"""The library's list: one attempt is open, any number are chosen, and keys work on them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QListView

from app.backend.ports import EpisodeFacts
from app.gui.library.episode_list import FACTS_ROLE, EpisodeDelegate, EpisodeFilter

Flag = QItemSelectionModel.SelectionFlag
_GOING = frozenset(
    {
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
    }
)
"""Keys that go to another attempt."""


class AttemptList(QListView):
    """The list over a filter of episodes.

    Signals: opened(EpisodeFacts) when the person goes to another attempt, chosen_changed(),
    toggle_asked() and step_asked(int frames) for the player, delete_asked().
    """

    opened = Signal(object)
    chosen_changed = Signal()
    toggle_asked = Signal()
    step_asked = Signal(int)
    delete_asked = Signal()

    def __init__(self, episodes: EpisodeFilter, delegate: EpisodeDelegate) -> None:
        super().__init__()
        self._episodes = episodes
        self._choosing = False
        self.setModel(episodes)
        self.setItemDelegate(delegate)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAccessibleName("Recorded attempts")
        self.setAccessibleDescription("Shift, Ctrl and Ctrl+A choose several; Del deletes them.")
        self.selectionModel().currentChanged.connect(self._on_current)
        self.selectionModel().selectionChanged.connect(self._on_selection)
        self.activated.connect(lambda _index: self.toggle_asked.emit())
        for key, act in (
            (Qt.Key.Key_Space, self.toggle_asked.emit),
            (Qt.Key.Key_Left, lambda: self.step_asked.emit(-1)),
            (Qt.Key.Key_Right, lambda: self.step_asked.emit(1)),
            (Qt.Key.Key_Delete, self.delete_asked.emit),
        ):
            shortcut = QShortcut(key, self, act)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)

    def chosen(self) -> tuple[EpisodeFacts, ...]:
        """Return the attempts that are chosen, in the list's order."""
        rows = sorted(index.row() for index in self.selectedIndexes())
        return tuple(self._facts(self._episodes.index(row, 0)) for row in rows)

    def first_place(self) -> int:
        """Return the topmost chosen row, the current one if none is chosen, -1 for neither."""
        rows = [index.row() for index in self.selectedIndexes()]
        return min(rows, default=self.currentIndex().row())

    def choose(self, episode_ids: Sequence[int], current: int | None = None) -> None:
        """Choose those that are shown, and go to ``current``, else to the first of them."""
        wanted = set(episode_ids)
        shown = [self._episodes.index(row, 0) for row in range(self._episodes.rowCount())]
        chosen = [index for index in shown if self._facts(index).id in wanted]
        selection = QItemSelection()
        for index in chosen:
            selection.select(index, index)
        going = next((i for i in chosen if self._facts(i).id == current), None)
        if going is None and chosen:
            going = chosen[0]
        model = self.selectionModel()
        # Told once, and not of what is passed on the way.
        self._choosing = True
        model.setCurrentIndex(QModelIndex() if going is None else going, Flag.NoUpdate)
        self._choosing = False
        model.select(selection, Flag.ClearAndSelect)
        if going is not None:
            self.scrollTo(going)
            self._on_current(going)
        self.chosen_changed.emit()

    def choose_place(self, place: int) -> None:
        """Choose the attempt at a row, or the last one where the list has become shorter."""
        last = self._episodes.rowCount() - 1
        if place >= 0 and last >= 0:
            index = self._episodes.index(min(place, last), 0)
            self.selectionModel().setCurrentIndex(index, Flag.ClearAndSelect)

    def choose_current(self) -> None:
        """Choose the current attempt where none is, as when what was chosen is filtered away."""
        current = self.currentIndex()
        if current.isValid() and not self.selectedIndexes():
            self.selectionModel().select(current, Flag.ClearAndSelect)

    def _on_current(self, index: QModelIndex) -> None:
        if index.isValid() and not self._choosing:
            self.opened.emit(self._facts(index))

    def selectionCommand(  # Qt's name
        self, index: QModelIndex | QPersistentModelIndex, event: QEvent | None = None
    ) -> QItemSelectionModel.SelectionFlag:
        """Return what an event does to the choice: no key goes to an attempt without choosing it.

        By itself Ctrl with an arrow does: then the buttons were about another one than the film.
        """
        flags = super().selectionCommand(index, event)
        if isinstance(event, QKeyEvent) and flags == Flag.NoUpdate and event.key() in _GOING:
            return Flag.ClearAndSelect
        return flags

    def _on_selection(self) -> None:
        if self._choosing:
            return
        rows = self.selectedIndexes()
        here = self.currentIndex()
        if rows and here not in rows:
            # The open one was taken out of the choice: what is left is what it is about.
            near = min(rows, key=lambda each: abs(each.row() - here.row()))
            self.selectionModel().setCurrentIndex(near, Flag.NoUpdate)
        self.chosen_changed.emit()

    @staticmethod
    def _facts(index: QModelIndex) -> EpisodeFacts:
        facts: EpisodeFacts = index.data(FACTS_ROLE)
        return facts
