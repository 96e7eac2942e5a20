"""Answers the questions that wait for the person, by the words on their buttons."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.gui.style.dialog_parts import Question

LOOK_MS = 5


class Answers:
    """Presses the button that says ``words`` in every question that opens while it lives.

    ``asked`` are the words of those questions, ``details`` what they showed apart.  A question
    without such a button is left open, so that the test that waits for it fails by its time limit.
    """

    def __init__(self, words: str) -> None:
        self.words = words
        self.asked: list[str] = []
        self.details: list[str] = []
        self._timer = QTimer()
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def stop(self) -> None:
        """Answer nothing more."""
        self._timer.stop()

    def _look(self) -> None:
        question = QApplication.activeModalWidget()
        if not isinstance(question, Question):
            return
        for choice in (question.do, question.leave):
            if choice.isVisible() and choice.text() == self.words:
                self.asked.append(question.text.text())
                self.details.append(question.detail.text())
                choice.click()
                return
