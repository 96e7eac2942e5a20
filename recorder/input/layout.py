"""What the layout in use writes on each place of the keyboard.

It serves what a person reads, and games that know keys by letters.  Nothing that is sent,
heard or stored is known by it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recorder.errors import KnownError
from recorder.input.keys import (
    CODES,
    MAX_KEY,
    X11_OFFSET,
    canonical,
    code_of,
    is_button,
    name_of,
)

if TYPE_CHECKING:
    from Xlib.display import Display

_ISO = {
    0x00: "latin-1", 0x01: "iso8859-2", 0x02: "iso8859-3", 0x03: "iso8859-4", 0x05: "iso8859-6",
    0x06: "koi8-r", 0x07: "iso8859-7", 0x0C: "iso8859-8", 0x13: "iso8859-15",
}  # fmt: skip
"""X11's older symbols: a character set, and a byte of it."""
_DEAD = {0xFE50: "`", 0xFE51: "´", 0xFE52: "^", 0xFE53: "~", 0xFE57: "¨", 0xFE5A: "ˇ"}
_UNICODE = 0x01000000


def character_of(symbol: int) -> str:
    """Return the character of an X11 key symbol, in capitals; "" for none that is seen."""
    if symbol in _DEAD:
        return _DEAD[symbol]
    if symbol >= _UNICODE:
        text = chr(symbol - _UNICODE) if symbol - _UNICODE < 0x110000 else ""
    else:
        characters = _ISO.get(symbol >> 8)
        if characters is None:
            return ""
        text = bytes([symbol & 0xFF]).decode(characters, errors="ignore")
    return canonical(text) if text.strip() and text.isprintable() else ""


@dataclass(frozen=True, slots=True)
class Layout:
    """What each place types: ``plain`` on the unshifted level, ``shifted`` on the one of Shift.

    Only places that type a character are in it, by their evdev codes; the others (Shift, F1) mean
    the same under every layout.
    """

    plain: Mapping[int, str] = field(default_factory=dict)
    shifted: Mapping[int, str] = field(default_factory=dict)

    def label(self, code: int) -> str:
        """Return what stands on a place: its unshifted character, else its own name."""
        return self.plain.get(code) or name_of(code)

    def code(self, name: str) -> int | None:
        """Return the place that types ``name``, None for none.

        The unshifted level comes first: a French keyboard has its digits on the shifted one.  A
        name that is no character ("Shift") is the place's own.
        """
        name = canonical(name)
        if len(name) != 1 or not self.plain:
            return code_of(name)
        for code, character in self.plain.items():
            if character == name:
                return code
        return next((code for code, found in self.shifted.items() if found == name), None)


_US_SHIFTED = dict(zip("1234567890-=[];'`\\,./", '!@#$%^&*()_+{}:"~|<>?', strict=True))
US = Layout(
    {code: name for name, code in CODES.items() if len(name) == 1},
    {CODES[name]: shifted for name, shifted in _US_SHIFTED.items()},
)


def group_of(display: Display) -> int:
    """Return which of up to four layouts that are set up an X server uses now."""
    return int(display.screen().root.query_pointer().mask) >> 13 & 3


def read_layout(display: Display) -> Layout:
    """Ask an X server (a python-xlib display) for the layout in use."""
    count = MAX_KEY + X11_OFFSET - display.display.info.min_keycode + 1
    first = display.display.info.min_keycode
    group = group_of(display)
    plain: dict[int, str] = {}
    shifted: dict[int, str] = {}
    for place, symbols in enumerate(display.get_keyboard_mapping(first, count)):
        code = first + place - X11_OFFSET
        texts = [character_of(int(symbol)) for symbol in symbols]
        # Two levels a group; a key without this group types what it does in the first one.
        mine = texts[2 * group : 2 * group + 2]
        mine = mine if any(mine) else texts[:2]
        if mine and mine[0]:
            plain[code] = mine[0]
        if mine and mine[-1]:
            shifted[code] = mine[-1]
    return Layout(plain, shifted)


def layout_in_use() -> Layout:
    """Return the layout in use where an X server can be asked, else the US one."""
    if not os.environ.get("DISPLAY"):
        return US
    from recorder.capture.x11 import open_display

    try:
        display = open_display()
    except KnownError:
        return US
    try:
        return read_layout(display)
    finally:
        display.close()


def in_places(name: str, layout: Layout) -> str:
    """Return the place's name of a key that was named by what ``layout`` types there."""
    code = layout.code(name)
    return canonical(name) if code is None else name_of(code)


class KeyMap:
    """Which code each of a game's key names has, and back.

    With ``letters`` a name is what the layout types, for games that know keys so; else it is the
    place that a US keyboard calls so, and only a name that a US keyboard does not have ("É") is
    looked up in the layout.  ``first`` names are served before the others: two names may be on
    one key, where a layout has one of them on a further level.
    """

    def __init__(
        self,
        first: Iterable[str],
        others: Iterable[str] = (),
        *,
        letters: bool = False,
        layout: Layout = US,
    ) -> None:
        self._first = tuple(dict.fromkeys(first))
        self._others = tuple(dict.fromkeys(others))
        self._letters = letters
        self._codes: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._with_shift: frozenset[str] = frozenset()
        self.use(layout)

    def use(self, layout: Layout) -> None:
        """Look every name up anew: the layout has changed."""
        codes: dict[str, int] = {}
        names: dict[int, str] = {}
        for name in (*self._first, *self._others):
            code = self._look_up(name, layout)
            if code is None:
                continue
            taken = names.setdefault(code, name)
            if canonical(taken) == canonical(name):
                codes[name] = code
        self._codes, self._names = codes, names
        self._with_shift = frozenset(
            name
            for name, code in codes.items()
            if self._letters and layout.shifted.get(code) == canonical(name) != layout.label(code)
        )

    def code(self, name: str) -> int | None:
        """Return the code of a name, None where this keyboard has no such key."""
        return self._codes.get(name)

    def needs_shift(self, name: str) -> bool:
        """Return whether a letter is typed only with Shift: so the game wants it pressed, too."""
        return name in self._with_shift

    def codes(self, names: Collection[str]) -> frozenset[int]:
        """Return the codes of all names that this keyboard has."""
        return frozenset(self._codes[name] for name in names if name in self._codes)

    def name(self, code: int) -> str:
        """Return the game's name of a code, "" for a key that it does not know."""
        return self._names.get(code, "")

    def _look_up(self, name: str, layout: Layout) -> int | None:
        place = code_of(name)
        if place is not None and (is_button(place) or not self._letters):
            return place
        typed = layout.code(name)
        # A Cyrillic layout types no "W" at all: games then take the place for it.
        return place if typed is None else typed
