"""Keys and moves under X11 by the XTEST extension, the way pynput sends them.

Moves are sent as relative ones: pynput's own reads the pointer and sets it anew, and a
game that puts the pointer back in between would turn by the wrong angle.
"""

from __future__ import annotations

import time

from Xlib import X, error
from Xlib.ext import xtest

from recorder.capture.x11 import close_display, open_display, server_there
from recorder.errors import GameError
from recorder.input.keys import BUTTONS, X11_OFFSET, is_button, x11_button
from recorder.input.layout import Layout, group_of, read_layout

GROUP_S = 0.5
"""So often it is asked which of the keyboard's layouts is in use: no event tells of that."""


class XTestDevice:
    """Implements :class:`recorder.input.sender.InputDevice`.

    Presses and moves raise GameError if the X server has gone.
    """

    def __init__(self, name: str | None = None) -> None:
        self._display = open_display(name)
        self._closed = False
        if not self._display.has_extension(xtest.extname):
            close_display(self._display)
            raise GameError(
                "The X server has no XTEST extension, so keys cannot be sent; start it without "
                "switching that extension off."
            )
        info = self._display.display.info
        self._keycodes = range(info.min_keycode, info.max_keycode + 1)
        self._group: int | None = None
        self._group_asked_s = -GROUP_S

    def knows(self, code: int) -> bool:
        """Return whether the server takes a key or button of this code."""
        if is_button(code):
            return x11_button(code) in BUTTONS.values()
        return code + X11_OFFSET in self._keycodes

    def press(self, code: int, down: bool) -> None:
        """Press or release a key or button; nothing for a code that :meth:`knows` denies."""
        if not self.knows(code):
            return
        if is_button(code):
            self._send(X.ButtonPress if down else X.ButtonRelease, x11_button(code))
        else:
            self._send(X.KeyPress if down else X.KeyRelease, code + X11_OFFSET)

    def move(self, dx: int, dy: int) -> None:
        """Move the pointer."""
        with server_there():
            xtest.fake_input(self._display, X.MotionNotify, 1, x=dx, y=dy)
            # Several a tick: the way to the server is not waited for.
            self._display.flush()

    def is_down(self, code: int) -> bool:
        """Return whether the server takes a key or button for pressed, whoever pressed it."""
        if is_button(code):
            mask = int(self._display.screen().root.query_pointer().mask)
            return bool(mask & (X.Button1Mask << (x11_button(code) - 1)))
        code += X11_OFFSET
        return bool(self._display.query_keymap()[code >> 3] >> (code & 7) & 1)

    def new_layout(self) -> Layout | None:
        """Return the layout at the first call and after each change, else None.

        Nothing has changed for all that is known if the server has gone: whoever looks at the
        window says so.
        """
        try:
            return self._new_layout()
        except error.ConnectionClosedError:
            return None

    def _new_layout(self) -> Layout | None:
        changed = self._group is None
        while self._display.pending_events():
            changed |= self._display.next_event().type == X.MappingNotify
        now_s = time.monotonic()
        if changed or now_s - self._group_asked_s >= GROUP_S:
            self._group_asked_s = now_s
            group = group_of(self._display)
            changed |= group != self._group
            self._group = group
        return read_layout(self._display) if changed else None

    def close(self) -> None:
        """Close the connection."""
        if not self._closed:
            self._closed = True
            close_display(self._display)

    def _send(self, kind: int, detail: int) -> None:
        with server_there():
            xtest.fake_input(self._display, kind, detail)
            # One round trip: when it returns the server has the event.
            self._display.sync()
