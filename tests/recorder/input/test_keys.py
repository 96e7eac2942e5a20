import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.input.keys import (
    BUTTONS,
    CODES,
    MAX_KEY,
    TWINS,
    X11_OFFSET,
    canonical,
    code_of,
    code_of_x11_button,
    is_button,
    is_key,
    name_of,
    x11_button,
)
from recorder.input.x11_listener import parse_raw

X11 = {
    "1": 10, "0": 19, "Q": 24, "W": 25, "Return": 36, "Ctrl": 37, "A": 38, "`": 49, "Shift": 50,
    "\\": 51, "Z": 52, "/": 61, "RightShift": 62, "Alt": 64, "Space": 65, "F1": 67, "F10": 76,
    "Num1": 87, "F11": 95, "F12": 96, "Enter": 104, "RightCtrl": 105, "Up": 111, "PgUp": 112,
    "Del": 119, "Meta": 133, "F13": 191,
}  # fmt: skip
"""X11's key codes as `xkbcomp` prints them for a usual keyboard (<AE01> = 10 and so on)."""


@pytest.mark.parametrize(("name", "code"), X11.items())
def test_a_name_is_the_place_that_a_us_keyboard_has_it_on(name: str, code: int) -> None:
    assert CODES[name] + X11_OFFSET == code


@given(st.integers(1, MAX_KEY))
def test_every_code_has_one_name_of_its_own_without_a_blank(code: int) -> None:
    assert code_of(name_of(code)) == code
    assert len(name_of(code).split()) == 1
    assert not is_button(code)


@pytest.mark.parametrize("number", [1, 2, 3, 8, 9])
def test_a_mouse_button_comes_back_from_its_number(number: int) -> None:
    code = code_of_x11_button(number)
    assert is_button(code)
    assert x11_button(code) == number
    assert code_of(name_of(code)) == code
    assert (name_of(code) in BUTTONS) is (number <= 3)


def test_other_spellings_are_the_same_key() -> None:
    assert canonical("Control") == canonical("Ctrl") == "Ctrl"
    assert code_of("w") == code_of("W")
    assert code_of("ß") is None


def test_both_sides_of_a_keyboard_are_two_places() -> None:
    for name, twin in TWINS.items():
        assert code_of(name) != code_of(twin)


def test_what_is_no_key_has_no_code() -> None:
    for name in ("", "Banana", "É", "Key17", "Key0", "Key999", "Button1", " "):
        assert code_of(name) is None
    assert is_key("É")
    for name in ("", "Banana", " ", "\t"):
        assert not is_key(name)


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
