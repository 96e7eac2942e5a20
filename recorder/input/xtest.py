"""Keys and moves under X11 by the XTEST extension, the way pynput sends them.

Moves are sent as relative ones: pynput's own reads the pointer and sets it anew, and a
game that puts the pointer back in between would turn by the wrong angle.
"""

from __future__ import annotations

from typing import Any

from Xlib import X
from Xlib.ext import xtest

from recorder.capture.x11 import open_display
from recorder.errors import GameError
from recorder.input.keys import BUTTONS, keysym_of


class XTestDevice:
    """Implements :class:`recorder.input.sender.InputDevice`."""

    def __init__(self, name: str | None = None) -> None:
        self._display: Any = open_display(name)
        self._closed = False
        if not self._display.has_extension(xtest.extname):
            self._display.close()
            raise GameError(
                "The X server has no XTEST extension, so keys cannot be sent; start it without "
                "switching that extension off."
            )
        self._codes: dict[str, int] = {}

    def knows(self, name: str) -> bool:
        """Return whether the keyboard has such a key."""
        return name in BUTTONS or self.code(name) != 0

    def code(self, name: str) -> int:
        """Return the key code of a name, 0 where the keyboard has none."""
        if name not in self._codes:
            symbol = keysym_of(name)
            code = 0 if symbol is None else self._display.keysym_to_keycode(symbol)
            self._codes[name] = int(code)
        return self._codes[name]

    def press(self, name: str, down: bool) -> None:
        """Press or release a key or button."""
        if name in BUTTONS:
            self._send(X.ButtonPress if down else X.ButtonRelease, BUTTONS[name])
        elif code := self.code(name):
            self._send(X.KeyPress if down else X.KeyRelease, code)

    def move(self, dx: int, dy: int) -> None:
        """Move the pointer."""
        xtest.fake_input(self._display, X.MotionNotify, 1, x=dx, y=dy)
        # Several a tick: the way to the server is not waited for.
        self._display.flush()

    def is_down(self, name: str) -> bool:
        """Return whether the server takes a key or button for pressed, whoever pressed it."""
        if name in BUTTONS:
            mask = int(self._display.screen().root.query_pointer().mask)
            return bool(mask & (X.Button1Mask << (BUTTONS[name] - 1)))
        code = self.code(name)
        return bool(self._display.query_keymap()[code >> 3] >> (code & 7) & 1)

    def close(self) -> None:
        """Close the connection."""
        if not self._closed:
            self._closed = True
            self._display.close()

    def _send(self, kind: int, detail: int) -> None:
        xtest.fake_input(self._display, kind, detail)
        # One round trip: when it returns the server has the event.
        self._display.sync()
