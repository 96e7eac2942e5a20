import struct

import pytest

from recorder.input.keys import KEYSYMS, keysym_of, name_of_keysym
from recorder.input.x11_listener import parse_raw

NAMES = [*KEYSYMS, *"ABCXYZ0129/.,;'-=[]", "Ä", "Ж"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_back_from_its_symbol(name: str) -> None:
    symbol = keysym_of(name)
    assert symbol is not None
    assert name_of_keysym(symbol) == name


def test_both_sides_of_a_keyboard_have_one_name() -> None:
    assert name_of_keysym(0xFFE1) == name_of_keysym(0xFFE2) == "Shift"


def test_what_is_no_key_has_no_symbol() -> None:
    assert keysym_of("LeftButton") is None
    assert keysym_of("") is None
    assert name_of_keysym(0) == ""


def test_a_raw_motion_is_read() -> None:
    # Captured from an X server: axes 0 and 1, accelerated 7 and -3.5, then unaccelerated.
    body = struct.pack("<HIIHHI4x", 2, 123456, 0, 4, 2, 0) + (3).to_bytes(8, "little")
    for whole, part in ((7, 0), (-4, 1 << 31), (6, 0), (-3, 0)):
        body += struct.pack("<iI", whole, part)
    event = parse_raw(17, body)
    assert (event.kind, event.time_ms, event.source) == (17, 123456, 4)
    assert event.axes == {0: (7.0, 6.0), 1: (-3.5, -3.0)}


def test_a_raw_key_has_no_axes() -> None:
    body = struct.pack("<HIIHHI4x", 3, 1, 25, 5, 2, 0) + bytes(8)
    event = parse_raw(13, body)
    assert (event.detail, event.axes) == (25, {})
