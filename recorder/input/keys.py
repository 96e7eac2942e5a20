"""Keys as places on the keyboard: their native codes, and their names on a US keyboard.

A place is known by its evdev code, which never depends on the layout: the key right of Tab is
16 under every layout.  An X server adds 8 to it.  A mouse button has an evdev code, too.  In
files and settings a place is named by what a US keyboard has there ("W", "1", "Shift"), so that
one file means the same keys under every layout.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

X11_OFFSET = 8
"""The X server's key code of a place minus its evdev code."""
MAX_KEY = 255 - X11_OFFSET
"""The highest evdev code that an X server can tell of."""
BUTTONS: dict[str, int] = {"LeftButton": 1, "MiddleButton": 2, "RightButton": 3}
"""The X server's numbers of the mouse buttons."""
WHEEL = frozenset({4, 5, 6, 7})
"""X11 tells of the wheel as of buttons."""
_FIRST_BUTTON = 0x110
_BUTTON_CODES = {"LeftButton": 0x110, "RightButton": 0x111, "MiddleButton": 0x112}
_OTHER_BUTTONS = 0x200
"""X11's further buttons lie here, each at its own number."""

_ROWS: tuple[tuple[int, str], ...] = (
    (2, "1234567890-="),
    (16, "QWERTYUIOP[]"),
    (30, "ASDFGHJKL;'`"),
    (43, "\\ZXCVBNM,./"),
)
_NUMPAD = {
    "Num*": 55, "Num7": 71, "Num8": 72, "Num9": 73, "Num-": 74, "Num4": 75, "Num5": 76, "Num6": 77,
    "Num+": 78, "Num1": 79, "Num2": 80, "Num3": 81, "Num0": 82, "Num.": 83, "Enter": 96, "Num/": 98,
}  # fmt: skip
_NAMED = {
    "Esc": 1, "Backspace": 14, "Tab": 15, "Return": 28, "Ctrl": 29, "Shift": 42, "RightShift": 54,
    "Alt": 56, "Space": 57, "CapsLock": 58, "NumLock": 69, "ScrollLock": 70, "RightCtrl": 97,
    "Print": 99, "RightAlt": 100, "Home": 102, "Up": 103, "PgUp": 104, "Left": 105, "Right": 106,
    "End": 107, "Down": 108, "PgDown": 109, "Ins": 110, "Del": 111, "Pause": 119, "Meta": 125,
    "RightMeta": 126, "Menu": 127,
}  # fmt: skip
_FUNCTION = {
    **{f"F{n}": 58 + n for n in range(1, 11)},
    "F11": 87,
    "F12": 88,
    **{f"F{n}": 170 + n for n in range(13, 25)},
}
CODES: Mapping[str, int] = {
    **{name: first + place for first, row in _ROWS for place, name in enumerate(row)},
    **_NAMED,
    **_FUNCTION,
    **_NUMPAD,
    **_BUTTON_CODES,
}
"""Evdev codes of the places that have a name."""
_NAMES = {code: name for name, code in CODES.items()}
ALIASES: Mapping[str, str] = {"Control": "Ctrl", "Cmd": "Meta"}
"""Names that people, older settings and toolkits use, and what the place is called here."""
TWINS: Mapping[str, str] = {
    "Shift": "RightShift",
    "Ctrl": "RightCtrl",
    "Alt": "RightAlt",
    "Meta": "RightMeta",
}
"""Places that a keyboard has twice, left and right."""
_UNNAMED = re.compile(r"(Key|Button)([1-9][0-9]{0,2})")


def canonical(name: str) -> str:
    """Return how a key is spelled here: "Ctrl" for "Control", "W" for "w"."""
    name = ALIASES.get(name, name)
    return name.upper() if len(name) == 1 and len(name.upper()) == 1 else name


def code_of(name: str) -> int | None:
    """Return the evdev code of the place that a US keyboard calls so, None for no such place."""
    code = CODES.get(canonical(name))
    unnamed = _UNNAMED.fullmatch(name) if code is None else None
    if unnamed is None:
        return code
    number = int(unnamed[2])
    if unnamed[1] == "Button":
        return _OTHER_BUTTONS + number if number not in BUTTONS.values() else None
    return number if number <= MAX_KEY and number not in _NAMES else None


def name_of(code: int) -> str:
    """Return a place's name on a US keyboard; one that has none there is "Key86" by its code."""
    if code in _NAMES:
        return _NAMES[code]
    return f"Button{code - _OTHER_BUTTONS}" if code >= _OTHER_BUTTONS else f"Key{code}"


def is_key(name: str) -> bool:
    """Return whether a name may stand for a key: a place, or a character of some layout."""
    return code_of(name) is not None or (len(name) == 1 and name.isprintable() and name != " ")


def is_button(code: int) -> bool:
    """Return whether a code is a mouse button's."""
    return code >= _FIRST_BUTTON


def x11_button(code: int) -> int:
    """Return the X server's number of a mouse button."""
    if code >= _OTHER_BUTTONS:
        return code - _OTHER_BUTTONS
    return BUTTONS[_NAMES[code]]


def code_of_x11_button(number: int) -> int:
    """Return the code of a mouse button from the X server's number."""
    named = next((name for name, each in BUTTONS.items() if each == number), None)
    return _OTHER_BUTTONS + number if named is None else _BUTTON_CODES[named]
