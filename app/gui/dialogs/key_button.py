"""A button that shows a key and takes another one; controls in words."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QPushButton

from app.gui.style.key_places import place_name, short_key
from app.gui.style.theme import scaled
from app.gui.style.widgets import set_role

RESERVED_KEYS = {"Esc", "Return", "Enter"}
"""Esc pauses and Enter hands back in the view, always; no control may take them."""

CONTROL_WORDS = {
    "forward": "Forward",
    "back": "Back",
    "left": "Left",
    "right": "Right",
    "sprint": "Sprint",
    "sneak": "Sneak",
    "use": "Use, open, place",
    "drop": "Drop",
    "attack": "Attack, dig, shoot",
    "jump": "Jump",
    "inventory": "Inventory",
}


def control_words(control: str) -> str:
    """Return a control in words ("hotbar.3": "Slot 3")."""
    if control.startswith("hotbar."):
        return f"Slot {control.removeprefix('hotbar.')}"
    return CONTROL_WORDS.get(control, control)


class KeyButton(QPushButton):
    """Shows a key; pressed, it waits for another key or mouse button.

    Signals: chosen(str) with the name of the key's place (:mod:`recorder.input.keys`).  With
    ``letters`` the key shown is named by what it types.
    """

    chosen = Signal(str)

    def __init__(self, control: str, key: str, *, letters: bool = False) -> None:
        super().__init__()
        self._key = key
        self._letters = letters
        self.setCheckable(True)
        self.setAutoDefault(False)
        self.setMinimumWidth(scaled(110))
        self.setText(self._shown())
        self.setAccessibleName(f"Key for {control_words(control)}: {self._shown()}")
        self.toggled.connect(self._on_toggled)

    def show_key(self, key: str) -> None:
        """Show another key."""
        self._key = key
        self.setText(self._shown())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take the key while waiting; Esc keeps the old one."""
        if not self.isChecked():
            super().keyPressEvent(event)
            return
        self.setChecked(False)
        if event.key() != Qt.Key.Key_Escape:
            self.chosen.emit(place_name(event))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the button while waiting."""
        if not self.isChecked():
            super().mousePressEvent(event)
            return
        self.setChecked(False)
        name = event.button().name
        if name is not None:
            self.chosen.emit(name)

    def focusNextPrevChild(self, following: bool) -> bool:
        """Let Tab be bound while waiting."""
        return False if self.isChecked() else super().focusNextPrevChild(following)

    def _shown(self) -> str:
        return short_key(self._key, letters=self._letters)

    def _on_toggled(self, waiting: bool) -> None:
        self.setText("press a key …" if waiting else self._shown())
        set_role(self, role="person" if waiting else "")
