"""Settings of the keys that are Playteach's own while a game in its own window has the focus."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.gui.dialogs.key_button import RESERVED_KEYS, KeyButton
from app.gui.style.key_places import short_key
from app.gui.style.theme import GRID
from app.gui.style.widgets import button, label
from recorder.input.hearing import DEFAULT_HOTKEYS, Hotkey
from recorder.input.keys import code_of, is_button

HOTKEY_WORDS = {
    Hotkey.PANIC: "Stop everything (in any window)",
    Hotkey.PAUSE: "Pause or go on",
    Hotkey.HAND_BACK: "Hand back to the agent",
    Hotkey.SUCCESS: "Mark as done",
    Hotkey.FAILURE: "Mark as failed",
}


def rebind_hotkey(
    hotkeys: Mapping[Hotkey, str], hotkey: Hotkey, key: str, taken: Collection[str]
) -> tuple[dict[Hotkey, str], str]:
    """Give ``hotkey`` another key; one that had it gets the old one in exchange.

    Keys are places (:mod:`recorder.input.keys`); ``taken`` are the game's own.  Returns the new
    table and a sentence on the exchange or the refusal, "" for neither.
    """
    table = dict(hotkeys)
    if key in taken:
        return table, f"{short_key(key)} plays the game; choose a key that does not."
    code = code_of(key)
    if key in RESERVED_KEYS or code is None or is_button(code):
        return table, f"{short_key(key)} cannot be one of these; choose another key."
    sentence = ""
    other = next((each for each, name in table.items() if name == key and each != hotkey), None)
    if other is not None:
        table[other] = table[hotkey]
        sentence = (
            f"“{HOTKEY_WORDS[other]}” had {short_key(key)}; it is now {short_key(table[other])}."
        )
    table[hotkey] = key
    return table, sentence


class HotkeysPage(QWidget):
    """A page of the settings dialog; :meth:`chosen` is what the person wants."""

    def __init__(self, hotkeys: Mapping[Hotkey, str], taken: Collection[str]) -> None:
        super().__init__()
        self._hotkeys = dict(hotkeys)
        self._taken = frozenset(taken)
        self._buttons: dict[Hotkey, KeyButton] = {}
        self.note = label("", "caption", "person", wrap=True)
        layout = QVBoxLayout(self)
        layout.addWidget(
            label(
                "These work while a game in a window of its own has the focus; Esc belongs to the "
                "game there. They count from the next time the game is opened.",
                "muted",
                wrap=True,
            )
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(3 * GRID)
        grid.setVerticalSpacing(5)
        for row, (hotkey, words) in enumerate(HOTKEY_WORDS.items()):
            grid.addWidget(label(words), row, 0)
            choice = KeyButton(hotkey.value, self._hotkeys[hotkey])
            choice.setAccessibleName(f"{words}: {short_key(self._hotkeys[hotkey])}")
            choice.chosen.connect(lambda name, which=hotkey: self._on_key(which, name))
            self._buttons[hotkey] = choice
            grid.addWidget(choice, row, 1)
        grid.setColumnStretch(0, 1)
        layout.addLayout(grid)
        layout.addWidget(self.note)
        again = button("Back to the usual keys", "link")
        again.clicked.connect(self._on_defaults)
        layout.addWidget(again)
        layout.addStretch(1)

    def chosen(self) -> dict[Hotkey, str]:
        """Return the keys as they stand."""
        return dict(self._hotkeys)

    def _on_key(self, hotkey: Hotkey, key: str) -> None:
        if not key:
            return
        self._hotkeys, sentence = rebind_hotkey(self._hotkeys, hotkey, key, self._taken)
        self.note.setText(sentence)
        self._show_keys()

    def _on_defaults(self) -> None:
        self._hotkeys = dict(DEFAULT_HOTKEYS)
        self.note.setText("")
        self._show_keys()

    def _show_keys(self) -> None:
        for hotkey, choice in self._buttons.items():
            choice.show_key(self._hotkeys[hotkey])
