"""Key names in Qt's portable spelling, and what X11 and pynput call the same keys."""

from __future__ import annotations

BUTTONS: dict[str, int] = {"LeftButton": 1, "MiddleButton": 2, "RightButton": 3}
BUTTON_NAMES: dict[int, str] = {number: name for name, number in BUTTONS.items()}
WHEEL = frozenset({4, 5, 6, 7})
"""X11 tells of the wheel as of buttons."""

KEYSYMS: dict[str, int] = {
    "Space": 0x0020,
    "Shift": 0xFFE1,
    "Ctrl": 0xFFE3,
    "Alt": 0xFFE9,
    "Meta": 0xFFEB,
    "Tab": 0xFF09,
    "Return": 0xFF0D,
    "Enter": 0xFF8D,
    "Esc": 0xFF1B,
    "Backspace": 0xFF08,
    "Del": 0xFFFF,
    "Ins": 0xFF63,
    "Home": 0xFF50,
    "Left": 0xFF51,
    "Up": 0xFF52,
    "Right": 0xFF53,
    "Down": 0xFF54,
    "PgUp": 0xFF55,
    "PgDown": 0xFF56,
    "End": 0xFF57,
    "CapsLock": 0xFFE5,
    **{f"F{n}": 0xFFBD + n for n in range(1, 25)},
}
"""Names whose X11 key symbol is not their character."""
_NAMES: dict[int, str] = {
    **{symbol: name for name, symbol in KEYSYMS.items()},
    # The right-hand twins: Qt has one name for both sides.
    0xFFE2: "Shift",
    0xFFE4: "Ctrl",
    0xFFEA: "Alt",
    0xFE03: "Alt",
    0xFFEC: "Meta",
}


def keysym_of(name: str) -> int | None:
    """Return a key's X11 symbol on the unshifted level, None for what is no key name."""
    if name in KEYSYMS:
        return KEYSYMS[name]
    if len(name) == 1 and name.isprintable():
        # The symbols of Latin-1 are its code points; beyond it they are marked Unicode.
        point = ord(name.lower())
        return point if point < 0x100 else 0x01000000 | point
    return None


def name_of_keysym(symbol: int) -> str:
    """Return a key's name from its symbol on the unshifted level, "" for an unknown one."""
    if symbol in _NAMES:
        return _NAMES[symbol]
    point = symbol & 0xFFFFFF if symbol >= 0x01000000 else symbol
    if 0x20 < point < 0x100 or symbol >= 0x01000000:
        return chr(point).upper()
    return ""
