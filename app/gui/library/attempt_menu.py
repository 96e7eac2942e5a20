"""What can be done with the attempts that are chosen in the library, as a context menu."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.backend.ports import EpisodeFacts, LessonFacts
from app.gui.style import icons
from app.gui.style.theme import OUTCOME_MEANINGS, Theme
from recorder.types import Outcome

MARKS = (
    (Outcome.SUCCESS, "Mark as done", "ok_text"),
    (Outcome.FAILURE, "Mark as failed", "bad_text"),
    (Outcome.UNKNOWN, "Mark as not judged", "muted"),
)


class AttemptMenu(QMenu):
    """The menu.  ``lessons`` are those of the chosen attempts that rounds can learn from.

    Signals: play_asked(), mark_asked(Outcome), teach_asked(bool) whether rounds are to learn from
    them, delete_asked().
    """

    play_asked = Signal()
    mark_asked = Signal(object)
    teach_asked = Signal(bool)
    delete_asked = Signal()

    def __init__(
        self,
        chosen: Sequence[EpisodeFacts],
        lessons: Sequence[LessonFacts],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setToolTipsVisible(True)
        it = "it" if len(chosen) == 1 else "them"
        if len(chosen) == 1:
            self._add("Play back", "play", keys="Space").triggered.connect(self.play_asked)
        else:
            self._add(f"{len(chosen)} attempts").setEnabled(False)
        self.addSeparator()
        for outcome, words, tint in MARKS:
            action = self._add(words, icons.OUTCOME_ICONS[outcome], tint)
            action.setToolTip(OUTCOME_MEANINGS[outcome])
            action.setEnabled(any(each.outcome is not outcome for each in chosen))
            action.triggered.connect(lambda _on=False, o=outcome: self.mark_asked.emit(o))
        if lessons:
            self.addSeparator()
            taught = [lesson.taught_s > 0 for lesson in lessons]
            for use, words in ((True, f"Teach {it}"), (False, f"Leave {it} out of teaching")):
                action = self._add(words)
                action.setEnabled(any(each is not use for each in taught))
                action.triggered.connect(lambda _on=False, u=use: self.teach_asked.emit(u))
        self.addSeparator()
        self._add("Delete", "trash", keys="Del").triggered.connect(self.delete_asked)

    def _add(self, words: str, icon: str = "", tint: str = "muted", *, keys: str = "") -> QAction:
        """Add an entry; ``keys`` are only told: the list hears them itself."""
        spoken = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
        action = QAction(f"{words}\t{spoken}" if keys else words, self)
        if icon:
            grey = self._theme.colour("nobody")
            action.setIcon(icons.icon(icon, self._theme.colour(tint), grey))
        self.addAction(action)
        return action
