"""A word on what was just done in the library, with the way to undo it."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout

from app.gui.style.widgets import Elided, button

UNDO_MS = 12_000


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
