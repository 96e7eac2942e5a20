"""What the next round learns from: one row for each attempt in which the person drove.

A tick says whether it is taught; what was cut because the person stood still can be put back.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from app.backend.ports import LessonFacts
from app.gui.style.widgets import Elided, button, label

MOST_ROWS = 40
"""So many rows are shown, the newest; a card is no library."""
HEIGHT = 168
RIGHT = Qt.AlignmentFlag.AlignRight


class LessonList(QWidget):
    """A line that opens a list.

    Signals: wished(int episode, object use, bool pauses), where ``use`` True or False is the
    person's tick.
    """

    wished = Signal(int, object, bool)

    def __init__(self) -> None:
        super().__init__()
        self.head = button("", "link")
        self.rows: dict[int, QCheckBox] = {}
        self._lessons: tuple[LessonFacts, ...] = ()
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFixedHeight(HEIGHT)
        self._area.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.head, alignment=Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._area)
        self.head.clicked.connect(self._turn)
        self.show_lessons(())

    @property
    def open(self) -> bool:
        """Whether the rows are shown."""
        return not self._area.isHidden()

    def show_lessons(self, lessons: Sequence[LessonFacts]) -> None:
        """Show these; without any there is nothing to see."""
        fresh = tuple(lessons[:MOST_ROWS])
        self.setVisible(bool(fresh))
        if fresh == self._lessons:
            return
        self._lessons = fresh
        at = self._area.verticalScrollBar().value()
        self._area.setWidget(self._table())
        self._area.verticalScrollBar().setValue(at)
        self._show_head()

    def _show_head(self) -> None:
        taught = sum(lesson.taught_s > 0 for lesson in self._lessons)
        arrow = "▾" if self.open else "▸"
        n = len(self._lessons)
        attempts = "attempt" if n == 1 else "attempts"
        self.head.setText(f"{arrow} What is taught: {taught} of {n} {attempts}")

    def _turn(self) -> None:
        self._area.setVisible(not self.open)
        self._show_head()

    def _table(self) -> QWidget:
        table = QWidget()
        table.setProperty("role", "scrolled")
        grid = QGridLayout(table)
        grid.setContentsMargins(0, 0, 6, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        self.rows = {}
        for number, lesson in enumerate(self._lessons):
            self._add(grid, 2 * number, lesson)
        grid.setRowStretch(2 * len(self._lessons), 1)
        return table

    def _add(self, grid: QGridLayout, row: int, lesson: LessonFacts) -> None:
        tick = QCheckBox()
        tick.setChecked(lesson.taught_s > 0)
        tick.setAccessibleName(f"Teach attempt {lesson.episode_id}: {lesson.sentence}")
        tick.clicked.connect(lambda: self._wish_use(lesson, tick.isChecked()))
        self.rows[lesson.episode_id] = tick
        grid.addWidget(tick, row, 0)
        grid.addWidget(Elided(lesson.sentence), row, 1)
        seconds = f"{lesson.taught_s:.1f} s" if lesson.taught_s > 0 else "left out"
        grid.addWidget(label(seconds, "muted"), row, 2, RIGHT)
        if lesson.note:
            grid.addWidget(Elided(lesson.note, "caption"), row + 1, 1)
        # Of an attempt that is taught the note tells what was cut.
        if lesson.pauses or (lesson.note and lesson.taught_s > 0):
            words = "cut the pauses" if lesson.pauses else "put back"
            link = button(words, "link")
            link.setAccessibleName(f"{words}, attempt {lesson.episode_id}")
            link.clicked.connect(lambda: self._wish_pauses(lesson))
            grid.addWidget(link, row + 1, 2, RIGHT)

    def _wish_use(self, lesson: LessonFacts, use: bool) -> None:
        self.wished.emit(lesson.episode_id, use, lesson.pauses)

    def _wish_pauses(self, lesson: LessonFacts) -> None:
        self.wished.emit(lesson.episode_id, lesson.use, not lesson.pauses)
