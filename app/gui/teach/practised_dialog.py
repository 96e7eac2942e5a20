"""Some attempts that practice counted as done, in pictures: whether it learns what is meant."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QDialog, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.backend.ports import PractisedFacts
from app.gui.style.dialog_parts import give_size
from app.gui.style.theme import GRID, Theme
from app.gui.style.widgets import Elided, button, label
from app.gui.teach.verdict_card import FilmStrip

STRIP_PX = 78
INTRO = (
    "Some successful attempts, chosen at random. The last picture of each row is the end. If the "
    "agent did something else than you meant, go back to the agent before."
)
BY_EYE = (
    " Its own eye called these done: mark a few more attempts as done or failed, and it learns to "
    "see the difference."
)


class PractisedDialog(QDialog):
    """A strip for each attempt, with its sentence and the seed of its start."""

    def __init__(
        self, facts: Sequence[PractisedFacts], theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("What it counted as done")
        give_size(self, 760, 640)
        by_eye = any(each.by_eye for each in facts)
        self.intro = label(INTRO + (BY_EYE if by_eye else ""), "muted", wrap=True)
        self.strips: list[FilmStrip] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addWidget(label("What it counted as done", "title"))
        layout.addWidget(self.intro)
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(0, 0, 0, 0)
        for each in facts:
            head = QHBoxLayout()
            head.addWidget(Elided(each.sentence, "strong"), 1)
            judge = "by its own eye" if each.by_eye else "by the game"
            head.addWidget(label(f"{judge} · seed {each.seed}", "muted"))
            rows.addLayout(head)
            strip = FilmStrip(theme, shown=len(each.pictures), height=STRIP_PX)
            strip.show_frames(each.pictures)
            strip.setAccessibleName(f"{len(each.pictures)} pictures of {each.sentence}")
            self.strips.append(strip)
            rows.addWidget(strip)
            rows.addSpacing(GRID)
        rows.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inside)
        layout.addWidget(area, 1)
        foot = QHBoxLayout()
        foot.addStretch(1)
        self.close_ = button("Close", "agent")
        self.close_.clicked.connect(self.accept)
        foot.addWidget(self.close_)
        layout.addLayout(foot)
