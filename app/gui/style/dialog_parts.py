"""What every dialog has: the row of buttons at its foot, and the short questions and messages."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.gui.style.theme import GRID, scaled
from app.gui.style.widgets import button, label

QUESTION_WIDTH = 440
SCREEN_RIM = 40
"""What a dialog leaves of the screen for its frame and the desktop's bars."""


def button_row(*buttons: QPushButton, aside: QPushButton | None = None) -> QHBoxLayout:
    """Return a dialog's foot: ``aside`` at the left, ``buttons`` at the right, the main one last.

    Qt's own box would order them by the desktop that it finds.
    """
    row = QHBoxLayout()
    row.setSpacing(GRID)
    if aside is not None:
        row.addWidget(aside)
    row.addStretch(1)
    for each in buttons:
        row.addWidget(each)
    return row


def give_size(dialog: QDialog, width: int, height: int) -> None:
    """Give a dialog its first size: pixels at a text size of 100 %, as far as the screen goes."""
    room = dialog.screen().availableSize() - QSize(SCREEN_RIM, SCREEN_RIM)
    dialog.resize(QSize(scaled(width), scaled(height)).boundedTo(room))


class Question(QDialog):
    """A few words with a button that says what it does; accepted if that one is pressed.

    ``detail`` is shown apart from the words.  Without ``leave`` there is nothing to decide.
    """

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        text: str,
        do: str,
        *,
        detail: str = "",
        leave: str = "Cancel",
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setFixedWidth(scaled(QUESTION_WIDTH))
        self.text = label(text, wrap=True)
        self.detail = label(detail, "strong", wrap=True)
        self.detail.setVisible(bool(detail))
        self.do = button(do, "agent")
        self.leave = button(leave)
        self.leave.setVisible(bool(leave))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addWidget(label(title, "title", wrap=True))
        layout.addWidget(self.text)
        layout.addWidget(self.detail)
        layout.addSpacing(GRID)
        layout.addLayout(button_row(self.leave, self.do))
        self.do.clicked.connect(self.accept)
        self.leave.clicked.connect(self.reject)
        self.do.setDefault(True)
        self.do.setFocus()


def confirmed(parent: QWidget | None, title: str, text: str, do: str, *, detail: str = "") -> bool:
    """Ask whether to do something, and return whether the person wants it; waits for them."""
    return _asked(Question(parent, title, text, do, detail=detail))


def tell(parent: QWidget | None, title: str, text: str) -> None:
    """Say something that has to be read now; waits until it is."""
    _asked(Question(parent, title, text, "OK", leave=""))


def _asked(question: Question) -> bool:
    wanted = question.exec() == QDialog.DialogCode.Accepted
    question.deleteLater()
    return wanted
