"""A start of a round's measurement, before and after the round side by side."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.backend.ports import FilmFacts
from app.gui.style.dialog_parts import give_size
from app.gui.style.theme import GRID, Theme
from app.gui.style.widgets import Elided, button, label, set_role
from app.gui.teach.clip_view import ClipView

SPEEDS = (1, 2, 4)
PLAYING = "The start is being played again, before and after."
DONE, NOT_DONE = "done", "not done"
Look = Callable[[int, Callable[[FilmFacts], None], Callable[[str], None]], None]
"""Asks for a start by its number; the first call is told the film, or the second why not."""


class FilmDialog(QDialog):
    """Two films, again and again, and the way to the next start."""

    def __init__(self, look: Look, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._number = 0
        self._shut = False
        self.sentence = Elided("", "title")
        self.place = label("", "muted")
        self.views = ClipView(theme), ClipView(theme)
        self.outcomes = label("", "strong"), label("", "strong")
        self.speeds = [button(f"{each}×", "chip") for each in SPEEDS]
        self.again = button("Again", "quiet", tip="Show both from their beginning")
        self.next = button("Another start", tip="The next start of the same measurement")
        self.close_ = button("Close", "agent")
        self._build()
        self.set_speed(1)
        self.show_number(0)

    def show_number(self, number: int) -> None:
        """Ask for a start of the measurement and show it when it was played."""
        self._number = number
        self.next.setEnabled(False)
        self.again.setEnabled(False)
        for view, outcome in zip(self.views, self.outcomes, strict=True):
            view.show_text(PLAYING)
            outcome.setText("")
        self._look(number, self._show_film, self._show_problem)

    def set_speed(self, speed: int) -> None:
        """Show both ``speed`` times as fast as they were played."""
        for view in self.views:
            view.set_speed(speed)
        for each, chip in zip(SPEEDS, self.speeds, strict=True):
            chip.setChecked(each == speed)

    def restart(self) -> None:
        """Show both from their beginning, at the same moment."""
        for view in self.views:
            view.restart()

    def done(self, code: int) -> None:
        """Stop the films as the dialog closes."""
        self._shut = True
        for view in self.views:
            view.shut_down()
        super().done(code)

    def _show_film(self, film: FilmFacts) -> None:
        if self._shut:
            return
        self.sentence.setText(film.sentence)
        self.place.setText(
            f"start {film.number + 1} of {film.starts} (changed ones come first) · seed {film.seed}"
        )
        sides = (film.before, film.done_before), (film.after, film.done_after)
        for view, outcome, (clip, done) in zip(self.views, self.outcomes, sides, strict=True):
            view.open(clip)
            outcome.setText(DONE if done else NOT_DONE)
            set_role(outcome, tone="ok" if done else "bad")
        self.again.setEnabled(True)
        self.next.setEnabled(film.starts > 1)

    def _show_problem(self, sentence: str) -> None:
        if not self._shut:
            for view in self.views:
                view.show_text("")
            self.sentence.setText("No film")
            self.place.setText("")
            self.views[0].show_text(sentence)

    def _build(self) -> None:
        self.setWindowTitle("Before and after")
        give_size(self, 1120, 440)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        head = QHBoxLayout()
        head.addWidget(self.sentence, 1)
        head.addWidget(self.place)
        layout.addLayout(head)
        grid = QGridLayout()
        grid.setSpacing(GRID)
        for column, (name, view, outcome) in enumerate(
            zip(("Before", "After"), self.views, self.outcomes, strict=True)
        ):
            caption = QHBoxLayout()
            caption.addWidget(label(name, "muted"))
            caption.addWidget(outcome)
            caption.addStretch(1)
            grid.addLayout(caption, 0, column)
            grid.addWidget(view, 1, column)
            grid.setColumnStretch(column, 1)
        layout.addLayout(grid, 1)
        foot = QHBoxLayout()
        for each, chip in zip(SPEEDS, self.speeds, strict=True):
            chip.setAccessibleName(f"Speed {each}")
            chip.setCheckable(True)
            chip.clicked.connect(lambda _checked=False, speed=each: self.set_speed(speed))
            foot.addWidget(chip)
        foot.addWidget(self.again)
        foot.addStretch(1)
        foot.addWidget(self.next)
        foot.addWidget(self.close_)
        layout.addLayout(foot)
        self.again.clicked.connect(self.restart)
        self.next.clicked.connect(lambda: self.show_number(self._number + 1))
        self.close_.clicked.connect(self.accept)
