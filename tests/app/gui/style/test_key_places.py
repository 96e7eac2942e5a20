"""Which place a key event comes from, and what the window writes on it."""

import pytest
from fake_layouts import CZ, FR
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.gui.dialogs.hotkeys_page import rebind_hotkey
from app.gui.dialogs.key_button import KeyButton
from app.gui.dialogs.wizard_parts import KeyPad
from app.gui.play.hud import key_caps
from app.gui.style import key_places
from app.gui.style.key_places import place_name, press_id, short_key
from recorder.games.base import Bindings
from recorder.input.hearing import DEFAULT_HOTKEYS, Hotkey
from recorder.input.layout import Layout

NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
KEYPAD = Qt.KeyboardModifier.KeypadModifier


def press(
    key: Qt.Key, code: int = 0, held: Qt.KeyboardModifier = NONE, virtual: int = 0
) -> QKeyEvent:
    return QKeyEvent(QEvent.Type.KeyPress, key, held, code, virtual, 0)


@pytest.fixture(params=["linux", "darwin", "win32"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name = str(request.param)
    monkeypatch.setattr(key_places.sys, "platform", name)
    return name


@pytest.mark.parametrize(
    ("key", "code", "name"),
    [
        (Qt.Key.Key_Z, 25, "W"),
        (Qt.Key.Key_Ampersand, 10, "1"),
        (Qt.Key.Key_Eacute, 11, "2"),
        (Qt.Key.Key_Shift, 50, "Shift"),
        (Qt.Key.Key_Shift, 62, "RightShift"),
        (Qt.Key.Key_Control, 37, "Ctrl"),
        (Qt.Key.Key_AltGr, 108, "RightAlt"),
        (Qt.Key.Key_1, 87, "Num1"),
        (Qt.Key.Key_Less, 94, "Key86"),
        (Qt.Key.Key_Space, 65, "Space"),
        (Qt.Key.Key_unknown, 25, "W"),
    ],
)
def test_the_native_code_is_the_place(key: Qt.Key, code: int, name: str) -> None:
    assert place_name(press(key, code)) == name


@pytest.mark.parametrize(
    ("key", "held", "name"),
    [
        (Qt.Key.Key_W, NONE, "W"),
        (Qt.Key.Key_1, NONE, "1"),
        (Qt.Key.Key_Exclam, SHIFT, "1"),
        (Qt.Key.Key_Question, SHIFT, "/"),
        (Qt.Key.Key_Shift, SHIFT, "Shift"),
        (Qt.Key.Key_Control, NONE, "Ctrl"),
        (Qt.Key.Key_Backtab, SHIFT, "Tab"),
        (Qt.Key.Key_1, KEYPAD, "Num1"),
        (Qt.Key.Key_Up, KEYPAD, "Up"),
        (Qt.Key.Key_Up, NONE, "Up"),
        (Qt.Key.Key_AltGr, NONE, "RightAlt"),
    ],
)
def test_without_a_code_it_is_what_a_us_keyboard_types(
    system: str, key: Qt.Key, held: Qt.KeyboardModifier, name: str
) -> None:
    assert place_name(press(key, 0, held)) == name


def test_a_code_of_another_system_is_not_taken_for_x11s(system: str) -> None:
    assert place_name(press(Qt.Key.Key_W, 17)) == ("8" if system == "linux" else "W")


def test_a_press_and_its_release_are_one_on_every_system(system: str) -> None:
    down = press(Qt.Key.Key_1, 10, NONE, 49)
    up = press(Qt.Key.Key_Exclam, 10, SHIFT, 49)
    assert press_id(down) == press_id(up) != press_id(press(Qt.Key.Key_2, 11, NONE, 50))
    # As Qt's offscreen platform tells of it, and macOS of the key A (its virtual key is 0).
    assert press_id(press(Qt.Key.Key_1)) == press_id(press(Qt.Key.Key_Exclam, 0, SHIFT))
    # No name and a virtual key may not be taken for one another: A's place is 30.
    assert press_id(press(Qt.Key.Key_A)) != press_id(press(Qt.Key.Key_B, 0, NONE, 30))


@pytest.mark.parametrize(
    ("layout", "shown"), [(FR, ["&", "Z", "Num 1"]), (CZ, ["+", "W", "Num 1"])]
)
def test_a_key_is_shown_as_the_layout_in_use_has_it(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, layout: Layout, shown: list[str]
) -> None:
    monkeypatch.setattr(key_places, "shown_layout", lambda: layout)
    assert [short_key(name) for name in ("1", "W", "Num1")] == shown
    assert [short_key(name) for name in ("LeftButton", "Return", "Control", "RightShift")] == [
        "LMB", "Enter", "Ctrl", "Right Shift"
    ]  # fmt: skip
    # What the layout types is a name already.
    assert short_key("W", letters=True) == "W"
    bindings = Bindings({"forward": "W"})
    assert key_caps(bindings)[0].text == shown[1]
    assert key_caps(Bindings({"forward": "W"}, letters=True))[0].text == "W"
    button = KeyButton("forward", "W")
    qtbot.addWidget(button)
    assert button.text() == shown[1]
    assert shown[1] in button.accessibleName()


def test_the_buttons_and_the_wizard_take_places(qtbot: QtBot) -> None:
    button, pad = KeyButton("hotbar.2", "2"), KeyPad()
    heard: list[str] = []
    for widget in (button, pad):
        qtbot.addWidget(widget)
    button.chosen.connect(heard.append)
    pad.pressed.connect(heard.append)
    for widget in (button, pad):
        button.setChecked(True)
        # The third digit of a French keyboard.
        QApplication.sendEvent(widget, press(Qt.Key.Key_QuoteDbl, 12))
    assert heard == ["3", "3"]


def test_only_a_place_can_be_a_hotkey() -> None:
    table, sentence = rebind_hotkey(DEFAULT_HOTKEYS, Hotkey.PAUSE, "LeftButton", [])
    assert table == DEFAULT_HOTKEYS
    assert "cannot" in sentence
    table, sentence = rebind_hotkey(DEFAULT_HOTKEYS, Hotkey.PAUSE, "É", [])
    assert table == DEFAULT_HOTKEYS
    table, sentence = rebind_hotkey(DEFAULT_HOTKEYS, Hotkey.PAUSE, "Key86", [])
    assert (table[Hotkey.PAUSE], sentence) == ("Key86", "")
