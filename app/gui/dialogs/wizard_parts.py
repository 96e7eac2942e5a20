"""What the wizard's pages are made of."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.gui.style.key_places import place_name
from app.gui.style.widgets import to_pixmap
from recorder.games.desktop.calibration import THUMBNAIL, Candidate

COLUMNS = 3


class KeyPad(QFrame):
    """Takes one key or mouse button after the other while it has the focus.

    Signals: pressed(str) with the name of a place (:mod:`recorder.input.keys`) or a button.
    """

    pressed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setProperty("role", "card")
        self.setMinimumHeight(120)
        self.setAccessibleName("Press the key here")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take a key, once a press."""
        name = place_name(event)
        if name and not event.isAutoRepeat():
            self.pressed.emit(name)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a mouse button; the first click gives the pad the keys."""
        name = event.button().name
        if name is not None:
            self.pressed.emit(name)

    def focusNextPrevChild(self, _following: bool) -> bool:
        """Let Tab be a game's key."""
        return False


class WindowGrid(QScrollArea):
    """The windows that could be the game's, with their pictures.

    Signals: chosen(int) with a window's place in what :meth:`show_candidates` got.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        inner = QWidget()
        inner.setProperty("role", "scrolled")
        outer = QVBoxLayout(inner)
        self._grid = QGridLayout()
        self._grid.setAlignment(Qt.AlignmentFlag.AlignLeft)
        outer.addLayout(self._grid)
        outer.addStretch(1)
        self.setWidget(inner)
        self.setWidgetResizable(True)

    def show_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Show other windows."""
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        for number, candidate in enumerate(candidates):
            self._grid.addWidget(
                self._choice(number, candidate), number // COLUMNS, number % COLUMNS
            )

    def _choice(self, number: int, candidate: Candidate) -> QToolButton:
        choice = QToolButton()
        choice.setCheckable(True)
        choice.setAutoExclusive(True)
        choice.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        choice.setIconSize(QSize(*THUMBNAIL))
        if candidate.picture is not None:
            choice.setIcon(QIcon(to_pixmap(candidate.picture)))
        title = candidate.window.title
        choice.setText(
            choice.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, THUMBNAIL[0])
        )
        choice.setToolTip(f"{title}\n{candidate.window.process}")
        choice.setAccessibleName(title)
        choice.setFixedWidth(THUMBNAIL[0] + 16)
        choice.clicked.connect(lambda: self.chosen.emit(number))
        return choice
