"""The wizard that makes a profile of a game: its window, its keys, its mouse, a trial turn."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.backend.games.ports import Calibration
from app.gui.calls.async_calls import Bridge
from app.gui.dialogs.wizard_pages import (
    Draft,
    KeysPage,
    MousePage,
    NamePage,
    TrialPage,
    WindowPage,
    WizardPage,
)
from app.gui.style.dialog_parts import give_size
from app.gui.style.theme import GRID
from app.gui.style.widgets import button, label


class GameWizard(QDialog):
    """Five steps to a profile.  Signals: made(str) with the new game's name."""

    made = Signal(str)

    def __init__(self, calibration: Calibration, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._calibration = calibration
        self._bridge = Bridge(threads=1)
        self.draft = Draft()
        self.setWindowTitle("Another game")
        give_size(self, 860, 620)
        self.step = label("", "caption")
        self.heading = label("", "title")
        self.pages = QStackedWidget()
        self.note = label("", "caption", "person", wrap=True)
        self.back = button("Back")
        self.next = button("Next", "agent")
        self.window_page = WindowPage(self.draft, calibration, self._bridge)
        self.keys_page = KeysPage(self.draft)
        self.mouse_page = MousePage(self.draft, calibration, self._bridge)
        self.trial_page = TrialPage(self.draft, calibration, self._bridge)
        self.name_page = NamePage(self.draft, calibration, self._bridge)
        self._steps: tuple[WizardPage, ...] = (
            self.window_page,
            self.keys_page,
            self.mouse_page,
            self.trial_page,
            self.name_page,
        )
        self._lay_out()
        self._connect()
        self._go(0)
        self.window_page.look()

    def _lay_out(self) -> None:
        for page in self._steps:
            self.pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addWidget(self.step)
        layout.addWidget(self.heading)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.note)
        row = QHBoxLayout()
        close = button("Cancel", "link")
        close.clicked.connect(self.reject)
        row.addWidget(close)
        row.addStretch(1)
        row.addWidget(self.back)
        row.addWidget(self.next)
        layout.addLayout(row)

    def _connect(self) -> None:
        self.back.clicked.connect(self._on_back)
        self.next.clicked.connect(self._on_next)
        for page in self._steps:
            page.changed.connect(self._show_ready)
            page.noted.connect(self.note.setText)
            page.screen_left.connect(self._to_front)
        self.name_page.saved.connect(self._on_saved)
        self._bridge.problem.connect(self.note.setText)

    # Going on and back

    @property
    def _page(self) -> WizardPage:
        return self._steps[self.pages.currentIndex()]

    def _go(self, number: int) -> None:
        self.pages.setCurrentIndex(number)
        page = self._page
        self.step.setText(f"Step {number + 1} of {len(self._steps)}")
        self.heading.setText(page.title)
        self.setAccessibleDescription(page.title)
        self.note.setText("")
        self._show_ready()
        page.enter()

    def _show_ready(self) -> None:
        self.next.setEnabled(self._page.ready)
        self.next.setText(self._page.next_words)
        self.back.setEnabled(self.pages.currentIndex() > 0)

    def _on_back(self) -> None:
        if self._page.step_back():
            return
        self._page.leave()
        self._go(max(0, self.pages.currentIndex() - 1))

    def _on_next(self) -> None:
        if self._page is self.name_page:
            self.name_page.save()
            return
        self._page.leave()
        self._go(self.pages.currentIndex() + 1)

    def _to_front(self) -> None:
        if (parent := self.parentWidget()) is not None:
            parent.window().raise_()
        self.raise_()
        self.activateWindow()

    def _on_saved(self, name: str) -> None:
        self.accept()
        self.made.emit(name)

    # Qt's events

    def done(self, result: int) -> None:
        """Stop counting and let the screen go."""
        self.mouse_page.count_timer.stop()
        self._bridge.close()
        self._calibration.close()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close as by Cancel."""
        self.reject()
        event.accept()
