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
from app.gui.style.theme import GRID, scaled
from app.gui.style.widgets import button, label, to_pixmap
from recorder.games.desktop.calibration import THUMBNAIL, Candidate

COLUMNS = 3
EMPTY_WIDTH = 460
TILE_RIM = 16
NO_PICTURE = "another window covers it"


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


class EmptyState(QWidget):
    """What stands in the middle while there is nothing to choose from: what is missing, what to do.

    ``act`` is the button that does it.
    """

    def __init__(self, act: str) -> None:
        super().__init__()
        self.title = label("", "title")
        self.text = label("", "muted", wrap=True)
        self.text.setFixedWidth(scaled(EMPTY_WIDTH))
        self.act = button(act, "agent")
        layout = QVBoxLayout(self)
        layout.setSpacing(GRID)
        layout.addStretch(2)
        for words in (self.title, self.text):
            words.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(words, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(GRID)
        layout.addWidget(self.act, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)

    def tell(self, title: str, text: str, *, offers: bool = True) -> None:
        """Say what is missing and what to do; ``offers`` shows the button."""
        self.title.setText(title)
        self.text.setText(text)
        # A label between stretches is given the height of one line.
        self.text.setMinimumHeight(max(0, self.text.heightForWidth(self.text.width())))
        self.act.setVisible(offers)
        self.setAccessibleName(f"{title}. {text}")


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
        title = candidate.window.title
        words = choice.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, THUMBNAIL[0])
        if candidate.picture is None:
            words = f"{words}\n({NO_PICTURE})"
        else:
            choice.setIcon(QIcon(to_pixmap(candidate.picture)))
        choice.setText(words)
        choice.setToolTip(f"{title}\n{candidate.window.process}")
        choice.setAccessibleName(title)
        # Before its first polish a tool button asks for one line only, and keeps that height.
        choice.setFixedSize(
            THUMBNAIL[0] + TILE_RIM, THUMBNAIL[1] + choice.fontMetrics().height() + TILE_RIM
        )
        choice.clicked.connect(lambda: self.chosen.emit(number))
        return choice
