"""What layouts type, without a screen: symbols, labels, and games that know keys by letters."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from fake_layouts import CZ, DE, FR

from recorder.capture import x11
from recorder.errors import NoDisplayError
from recorder.input.hearing import DEFAULT_HOTKEYS, Hotkey, hotkey_codes
from recorder.input.keys import CODES
from recorder.input.layout import (
    US,
    KeyMap,
    Layout,
    character_of,
    group_of,
    in_places,
    layout_in_use,
    read_layout,
)


@pytest.mark.parametrize(
    ("symbol", "character"),
    [
        (0x31, "1"), (0x77, "W"), (0xE9, "É"), (0x1EC, "Ě"), (0x1F8, "Ř"), (0x6C1, "А"),
        (0x01000416, "Ж"), (0xFE52, "^"), (0x20, ""), (0, ""), (0xFFE1, ""), (0xFF50, ""),
        (0xFF0D, ""), (0xFFB1, ""), (0x13BD, "Œ"), (0xDF, "ß"), (0x01FFFFFF, ""),
    ],
)  # fmt: skip
def test_the_character_of_a_symbol(symbol: int, character: str) -> None:
    assert character_of(symbol) == character


class Server:
    """An X server's answers about its keyboard, as python-xlib gives them."""

    def __init__(self, symbols: dict[int, Sequence[int]], group: int = 0) -> None:
        self.display = SimpleNamespace(info=SimpleNamespace(min_keycode=8))
        self.symbols = symbols
        pointer = SimpleNamespace(mask=group << 13 | 0x10)
        root = SimpleNamespace(query_pointer=lambda: pointer)
        self._screen = SimpleNamespace(root=root)

    def screen(self) -> Any:
        return self._screen

    def get_keyboard_mapping(self, first: int, count: int) -> list[Sequence[int]]:
        # The server refuses (BadValue) to tell of codes beyond its last one.
        assert first + count - 1 <= 255
        return [self.symbols.get(code, (0, 0, 0, 0)) for code in range(first, first + count)]


TWO_GROUPS = {10: (0x31, 0x21, 0x26, 0x31), 25: (0x77, 0x57, 0x7A, 0x5A), 50: (0xFFE1,) * 4}


@pytest.mark.parametrize(("group", "labels"), [(0, ("1", "W")), (1, ("&", "Z"))])
def test_the_layout_in_use_is_the_groups(group: int, labels: tuple[str, str]) -> None:
    server = Server(TWO_GROUPS, group)
    assert group_of(server) == group
    layout = read_layout(server)
    assert (layout.label(CODES["1"]), layout.label(CODES["W"])) == labels
    assert layout.label(CODES["Shift"]) == "Shift"
    assert layout.code("1") == CODES["1"]


def test_a_key_without_the_group_types_what_it_does_in_the_first() -> None:
    layout = read_layout(Server({25: (0x77, 0x57)}, 1))
    assert layout.label(CODES["W"]) == "W"


def test_without_a_screen_the_layout_is_taken_for_the_us_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    assert layout_in_use() is US

    def refuse() -> None:
        raise NoDisplayError("No X display answers.")

    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.setattr(x11, "open_display", refuse)
    assert layout_in_use() is US


NAMES = ("W", "A", "1", "2", "Shift", "LeftButton")


@pytest.mark.parametrize("layout", [US, FR, CZ, DE])
def test_a_place_is_the_same_under_every_layout(layout: Layout) -> None:
    keys = KeyMap(NAMES, layout=layout)
    assert [keys.code(name) for name in NAMES] == [CODES[name] for name in NAMES]
    assert [keys.name(CODES[name]) for name in NAMES] == list(NAMES)
    assert keys.name(CODES["F5"]) == ""


@pytest.mark.parametrize(
    ("layout", "places"),
    [
        (US, {"W": "W", "Z": "Z", "A": "A", "1": "1", "2": "2"}),
        (FR, {"W": "Z", "Z": "W", "A": "Q", "1": "1", "2": "2"}),
        (CZ, {"W": "W", "Z": "Y", "A": "A", "1": "1", "2": "2"}),
    ],
)
def test_a_letter_is_where_the_layout_types_it(layout: Layout, places: dict[str, str]) -> None:
    keys = KeyMap(places, letters=True, layout=layout)
    assert {name: keys.code(name) for name in places} == {
        name: CODES[place] for name, place in places.items()
    }


@pytest.mark.parametrize(
    ("layout", "letters", "shifted"),
    [(US, True, ""), (FR, True, "12"), (CZ, True, "12"), (DE, True, ""), (FR, False, "")],
)
def test_a_letter_that_is_typed_with_shift_needs_it(
    layout: Layout, letters: bool, shifted: str
) -> None:
    keys = KeyMap(["W", "1", "2"], letters=letters, layout=layout)
    assert "".join(name for name in ("W", "1", "2") if keys.needs_shift(name)) == shifted


def test_after_a_change_of_layout_letters_are_elsewhere_and_places_are_not() -> None:
    letters, places = KeyMap(["W"], letters=True), KeyMap(["W"])
    for keys in (letters, places):
        assert keys.code("W") == CODES["W"]
        keys.use(FR)
    assert letters.code("W") == CODES["Z"]
    assert letters.name(CODES["W"]) == ""
    assert places.code("W") == CODES["W"]


def test_a_letter_that_no_key_types_is_taken_for_its_place() -> None:
    cyrillic = Layout({CODES["W"]: "Ц"}, {})
    assert KeyMap(["W"], letters=True, layout=cyrillic).code("W") == CODES["W"]


def test_a_name_that_no_us_keyboard_has_is_looked_up_in_the_layout() -> None:
    assert KeyMap(["É"], layout=FR).code("É") == CODES["2"]
    assert KeyMap(["É"], layout=US).code("É") is None
    assert hotkey_codes({**DEFAULT_HOTKEYS, Hotkey.PANIC: "É"}, FR)[CODES["2"]] is Hotkey.PANIC


def test_a_further_level_takes_no_key_from_the_game() -> None:
    # German keyboards have "/" on Shift+7; a chat key must not take the seventh slot away.
    keys = KeyMap(["7"], ["/"], letters=True, layout=DE)
    assert keys.name(CODES["7"]) == "7"
    assert keys.code("/") is None


def test_two_spellings_are_one_key() -> None:
    keys = KeyMap(["Ctrl"], ["Control"])
    assert keys.codes(["Ctrl", "Control"]) == {CODES["Ctrl"]}


@pytest.mark.parametrize(
    ("layout", "name", "place"),
    [
        (FR, "Z", "W"), (FR, "&", "1"), (FR, "É", "2"), (FR, "1", "1"), (CZ, "Ě", "2"),
        (CZ, "Y", "Z"), (US, "!", "1"), (FR, "Control", "Ctrl"), (FR, "LeftButton", "LeftButton"),
        (US, "É", "É"),
    ],
)  # fmt: skip
def test_what_was_pressed_under_a_layout_becomes_a_place(
    layout: Layout, name: str, place: str
) -> None:
    assert in_places(name, layout) == place
