"""Which place on the keyboard a Qt key event comes from, and what stands on it.

On X11 and Wayland the event carries the place's own code.  Elsewhere (macOS, Windows, Qt's
offscreen platform) it is told by what the key types, as on a US keyboard: Shift+1 is "1" there,
but another layout is not known.
"""

from __future__ import annotations

import functools
import sys
import time

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence

from recorder.input.keys import (
    CODES,
    MAX_KEY,
    X11_OFFSET,
    canonical,
    code_of,
    is_button,
    name_of,
)
from recorder.input.layout import US, Layout, in_places, layout_in_use

_QT_KEYS = {int(Qt.Key.Key_Backtab): "Tab", int(Qt.Key.Key_AltGr): "RightAlt"}
_KEYPAD = "0123456789+-*/."
_SHORT = {
    "LeftButton": "LMB",
    "RightButton": "RMB",
    "MiddleButton": "MMB",
    "Return": "Enter",
}
_TWO_WORDS = ("Right", "Num", "Key")


def place_name(event: QKeyEvent) -> str:
    """Return the name of the place of a key (:mod:`recorder.input.keys`); "" for none."""
    code = _native_code(event)
    return _name_by_key(event) if code is None else name_of(code)


def press_id(event: QKeyEvent) -> int:
    """Return a number that a key's press and its release share, whatever else is held."""
    code = _native_code(event)
    if code is not None:
        return code
    # Windows and macOS have a code of their own that no modifier changes.
    return event.nativeVirtualKey() or -CODES.get(_name_by_key(event), event.key())


def _native_code(event: QKeyEvent) -> int | None:
    if sys.platform in {"win32", "darwin"}:
        return None
    code = event.nativeScanCode() - X11_OFFSET
    return code if 0 < code <= MAX_KEY else None


def _name_by_key(event: QKeyEvent) -> str:
    if event.key() in _QT_KEYS:
        return _QT_KEYS[event.key()]
    text = QKeySequence(event.key()).toString(QKeySequence.SequenceFormat.PortableText)
    if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
        text = in_places(text, US)
    if event.modifiers() & Qt.KeyboardModifier.KeypadModifier and text and text in _KEYPAD:
        text = f"Num{text}"
    return canonical(text)


def shown_layout() -> Layout:
    """Return the layout in use, for what a person reads; at most a second old."""
    return _layout_at(int(time.monotonic()))


@functools.lru_cache(maxsize=1)
def _layout_at(_second: int) -> Layout:
    # Without a screen of its own the window shows nobody a key.
    return layout_in_use() if QGuiApplication.platformName() in {"xcb", "wayland"} else US


def short_key(name: str, *, letters: bool = False) -> str:
    """Return what stands on a key, short: "Z" for the place "W" of a French keyboard.

    With ``letters`` the name is what the key types already.
    """
    name = canonical(name)
    if name in _SHORT:
        return _SHORT[name]
    code = code_of(name)
    if code is None or is_button(code) or letters:
        return name
    shown = shown_layout().label(code)
    first = next((word for word in _TWO_WORDS if shown.startswith(word)), "")
    rest = shown.removeprefix(first)
    return f"{first} {rest}" if first and rest else shown
