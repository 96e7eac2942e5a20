"""Input: keys only with the focus, the mouse only while captured, warps are no motion."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot
from sample import BINDINGS, SampleSession

from app.gui.play.game_keys import MODIFIER_WAIT_MS
from app.gui.play.play_view import PlayView
from app.gui.style.theme import Theme
from app.session.api import Phase
from recorder.games.base import Bindings
from recorder.games.controls import HeldControls
from recorder.games.doom.game import DOOM_BINDINGS
from recorder.types import NO_ACTION

NO_MODIFIER, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


class Clock:
    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        self.ns += 1000
        return self.ns


@pytest.fixture
def view(qtbot: QtBot, session: SampleSession, theme: Theme) -> Iterator[PlayView]:
    host = QWidget()
    view = PlayView(session, theme, now_ns=Clock())
    other = QLineEdit()
    layout = QVBoxLayout(host)
    layout.addWidget(view)
    layout.addWidget(other)
    host.resize(660, 420)
    qtbot.addWidget(host)
    view.use_bindings(BINDINGS)
    session.set(phase=Phase.PLAYING, instruction="go to the barrel")
    view.show_snapshot(session.snapshot())
    with qtbot.waitActive(host):
        host.show()
    other.setFocus()
    # The fixture keeps the host, and with it the view, alive.
    yield view
    host.close()


def keys(session: SampleSession) -> list[tuple[object, ...]]:
    return [call[1:3] for call in session.calls if call[0] == "key"]


def move_to(view: PlayView, place: QPointF) -> None:
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(view.mapFromGlobal(place.toPoint())),
        place,
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(view, event)


def test_keys_count_only_with_the_focus(
    qtbot: QtBot, view: PlayView, session: SampleSession
) -> None:
    other = view.parentWidget().findChild(QLineEdit)
    qtbot.keyClick(other, Qt.Key.Key_W)
    assert keys(session) == []
    view.setFocus()
    qtbot.keyPress(view, Qt.Key.Key_W)
    qtbot.keyRelease(view, Qt.Key.Key_W)
    assert keys(session) == [("W", True), ("W", False)]
    stamps = [call[3] for call in session.calls if call[0] == "key"]
    assert stamps == sorted(stamps)


def is_kept(view: PlayView, key: Qt.Key, held: Qt.KeyboardModifier) -> bool:
    event = QKeyEvent(QEvent.Type.ShortcutOverride, key, held)
    event.ignore()
    QApplication.sendEvent(view, event)
    return event.isAccepted()


def test_a_chord_of_the_games_keys_is_no_shortcut_while_playing(view: PlayView) -> None:
    control = Qt.KeyboardModifier.ControlModifier
    view.use_bindings(Bindings({"sneak": "Control", "drop": "Q"}))
    assert not is_kept(view, Qt.Key.Key_Q, control)
    view.capture()
    assert is_kept(view, Qt.Key.Key_Q, control)
    assert not is_kept(view, Qt.Key.Key_L, control)
    assert is_kept(view, Qt.Key.Key_L, Qt.KeyboardModifier.NoModifier)
    assert not is_kept(view, Qt.Key.Key_F1, Qt.KeyboardModifier.NoModifier)


def press(view: PlayView, key: Qt.Key, held: Qt.KeyboardModifier = NO_MODIFIER) -> None:
    """Press a key as Qt does: it asks for a shortcut first."""
    for kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
        QApplication.sendEvent(view, QKeyEvent(kind, key, held))


def test_a_modifier_drives_only_if_no_other_key_follows_soon(
    qtbot: QtBot, view: PlayView, session: SampleSession
) -> None:
    view.setFocus()
    press(view, Qt.Key.Key_Control)
    # Ctrl+2 is the window's; the view never sees the 2.
    view.keys.forget_shortcut()
    qtbot.wait(2 * MODIFIER_WAIT_MS)
    qtbot.keyRelease(view, Qt.Key.Key_Control)
    # A tap is too short to drive.
    press(view, Qt.Key.Key_Shift)
    qtbot.keyRelease(view, Qt.Key.Key_Shift)
    assert keys(session) == []
    assert session.state.phase is Phase.PLAYING
    press(view, Qt.Key.Key_Shift)
    qtbot.waitUntil(lambda: keys(session) == [("Shift", True)])
    qtbot.keyRelease(view, Qt.Key.Key_Shift)
    assert keys(session)[-1] == ("Shift", False)


def test_a_modifier_drives_at_once_with_a_game_key_and_while_the_mouse_is_captured(
    view: PlayView, session: SampleSession
) -> None:
    view.setFocus()
    press(view, Qt.Key.Key_Shift)
    press(view, Qt.Key.Key_W, SHIFT)
    assert keys(session) == [("Shift", True), ("W", True)]
    view.release()
    session.calls.clear()
    view.capture()
    press(view, Qt.Key.Key_Shift)
    assert keys(session) == [("Shift", True)]


@pytest.mark.parametrize("drove", [False, True])
def test_a_shortcut_takes_back_what_only_its_modifiers_did(
    qtbot: QtBot, view: PlayView, session: SampleSession, drove: bool
) -> None:
    view.setFocus()
    if drove:
        press(view, Qt.Key.Key_W)
        # What is shown is a moment old.
        view.show_snapshot(replace(session.snapshot(), phase=Phase.PLAYING))
    press(view, Qt.Key.Key_Control)
    qtbot.waitUntil(lambda: ("Ctrl", True) in keys(session))
    view.show_snapshot(session.snapshot())
    assert session.state.phase is Phase.CORRECTING
    view.keys.forget_shortcut()
    assert (("take_back",) in session.calls) is not drove
    assert session.state.phase is (Phase.CORRECTING if drove else Phase.PLAYING)


def test_auto_repeat_is_dropped(view: PlayView, session: SampleSession) -> None:
    view.setFocus()
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        event = QKeyEvent(kind, Qt.Key.Key_W, Qt.KeyboardModifier.NoModifier, "w", True, 1)
        QApplication.sendEvent(view, event)
    assert keys(session) == []


def test_release_of_a_key_pressed_elsewhere_is_not_told(
    qtbot: QtBot, view: PlayView, session: SampleSession
) -> None:
    view.setFocus()
    qtbot.keyRelease(view, Qt.Key.Key_Return)
    qtbot.keyRelease(view, Qt.Key.Key_W)
    assert keys(session) == []


NONE = NO_MODIFIER
DIGIT, LEFT_SHIFT = 10, 50
"""X11's key codes of the places that a US keyboard calls 1 and Shift."""
DIGIT_KEYS = [
    pytest.param(Qt.Key.Key_1, Qt.Key.Key_Exclam, id="us"),
    pytest.param(Qt.Key.Key_Ampersand, Qt.Key.Key_1, id="fr"),
    pytest.param(Qt.Key.Key_Plus, Qt.Key.Key_1, id="cz"),
]
"""What Qt calls the place 1 without and with Shift."""


def send(view: PlayView, down: bool, key: Qt.Key, held: Qt.KeyboardModifier, code: int) -> None:
    kind = QEvent.Type.KeyPress if down else QEvent.Type.KeyRelease
    QApplication.sendEvent(view, QKeyEvent(kind, key, held, code, 0, 0))


@pytest.mark.parametrize("code", [DIGIT, 0], ids=["native code", "no native code"])
def test_a_digit_comes_up_though_shift_went_down_meanwhile(
    view: PlayView, session: SampleSession, code: int
) -> None:
    view.capture()
    shift = LEFT_SHIFT if code else 0
    send(view, True, Qt.Key.Key_1, NONE, code)
    send(view, True, Qt.Key.Key_Shift, NONE, shift)
    send(view, False, Qt.Key.Key_Exclam, SHIFT, code)
    send(view, False, Qt.Key.Key_Shift, SHIFT, shift)
    assert keys(session) == [("1", True), ("Shift", True), ("1", False), ("Shift", False)]
    controls = HeldControls(DOOM_BINDINGS)
    for name, down in keys(session):
        controls.key(str(name), bool(down), 0)
    controls.take()
    assert controls.take()[0] == NO_ACTION


@pytest.mark.parametrize(("plain", "shifted"), DIGIT_KEYS)
def test_a_weapon_is_chosen_by_the_place_of_its_digit_also_with_shift(
    view: PlayView, session: SampleSession, plain: Qt.Key, shifted: Qt.Key
) -> None:
    view.setFocus()
    send(view, True, plain, NONE, DIGIT)
    send(view, False, plain, NONE, DIGIT)
    send(view, True, Qt.Key.Key_Shift, NONE, LEFT_SHIFT)
    send(view, True, shifted, SHIFT, DIGIT)
    controls = HeldControls(DOOM_BINDINGS)
    for name, down in keys(session):
        controls.key(str(name), bool(down), 0)
    action, _ = controls.take()
    assert (action.hotbar, action.held) == (1, {"sprint"})


def test_without_a_native_code_a_us_keyboard_is_assumed(
    view: PlayView, session: SampleSession
) -> None:
    view.setFocus()
    send(view, True, Qt.Key.Key_Exclam, SHIFT, 0)
    send(view, False, Qt.Key.Key_1, NONE, 0)
    assert keys(session) == [("1", True), ("1", False)]


def test_a_layout_that_changes_under_a_pressed_key_leaves_nothing_down(
    view: PlayView, session: SampleSession
) -> None:
    view.setFocus()
    send(view, True, Qt.Key.Key_W, NONE, 25)
    send(view, False, Qt.Key.Key_Z, NONE, 25)
    send(view, False, Qt.Key.Key_W, NONE, 52)
    assert keys(session) == [("W", True), ("W", False)]


def test_a_chord_is_known_by_places(view: PlayView) -> None:
    view.use_bindings(Bindings({"sneak": "Ctrl", "drop": "Q"}))
    view.capture()
    # On a French keyboard the place Q types A, and the place A types Q.
    for key, code, kept in ((Qt.Key.Key_A, 24, True), (Qt.Key.Key_Q, 38, False)):
        held = Qt.KeyboardModifier.ControlModifier
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, held, code, 0, 0)
        event.ignore()
        QApplication.sendEvent(view, event)
        assert event.isAccepted() is kept


def test_enter_asks_to_hand_back_and_is_no_game_key(
    qtbot: QtBot, view: PlayView, session: SampleSession
) -> None:
    view.setFocus()
    with qtbot.waitSignal(view.hand_back_asked):
        qtbot.keyPress(view, Qt.Key.Key_Return)
    assert keys(session) == []


def test_losing_the_focus_releases_everything(
    qtbot: QtBot, view: PlayView, session: SampleSession
) -> None:
    view.capture()
    qtbot.keyPress(view, Qt.Key.Key_W)
    session.calls.clear()
    with qtbot.waitSignal(view.capture_changed):
        view.parentWidget().findChild(QLineEdit).setFocus()
    assert ("focus_lost",) in session.calls
    assert not view.captured
    assert view.mouseGrabber() is None
    # The late release of the key must not reach the session any more.
    session.calls.clear()
    qtbot.keyRelease(view, Qt.Key.Key_W)
    assert keys(session) == []


def test_a_click_captures_nothing_where_nothing_is_played(
    qtbot: QtBot, view: PlayView, session: SampleSession
) -> None:
    session.set(phase=Phase.WATCHING)
    view.show_snapshot(session.snapshot())
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton)
    assert not view.captured
    assert view.hasFocus()
    assert keys(session) == []


def test_first_click_captures_and_the_next_is_a_button(
    qtbot: QtBot, view: PlayView, session: SampleSession
) -> None:
    session.play("go to the barrel")
    view.show_snapshot(session.snapshot())
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton)
    assert view.captured
    assert view.hasFocus()
    assert keys(session) == []
    qtbot.mousePress(view, Qt.MouseButton.LeftButton)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton)
    assert keys(session) == [("LeftButton", True), ("LeftButton", False)]


def test_motion_is_relative_and_own_warps_are_none(view: PlayView, session: SampleSession) -> None:
    centre = QPointF(view.mapToGlobal(view.rect().center()))
    view.capture()
    move_to(view, centre)
    session.calls.clear()
    move_to(view, centre + QPointF(10, -4))
    move_to(view, centre + QPointF(13, -4))
    moves = [call[1:3] for call in session.calls if call[0] == "mouse_move"]
    assert moves == [(10.0, -4.0), (3.0, 0.0)]
    # Far from the middle the pointer is put back; that jump is not the person's.
    session.calls.clear()
    move_to(view, centre + QPointF(120, 0))
    move_to(view, centre)
    move_to(view, centre + QPointF(-5, 0))
    moves = [call[1:3] for call in session.calls if call[0] == "mouse_move"]
    assert moves == [(107.0, 4.0), (-5.0, 0.0)]


def test_motion_counts_only_while_captured(view: PlayView, session: SampleSession) -> None:
    view.setFocus()
    move_to(view, QPointF(view.mapToGlobal(QPoint(30, 30))))
    assert not [call for call in session.calls if call[0] == "mouse_move"]


def test_sensitivity_scales_motion(view: PlayView, session: SampleSession) -> None:
    centre = QPointF(view.mapToGlobal(view.rect().center()))
    view.use_sensitivity(2.5)
    view.capture()
    move_to(view, centre)
    session.calls.clear()
    move_to(view, centre + QPointF(4, 2))
    assert ("mouse_move", 10.0, 5.0) in [call[:3] for call in session.calls]


def test_picture_keeps_its_aspect(view: PlayView) -> None:
    for width, height in ((900, 300), (400, 700)):
        view.resize(width, height)
        box = view.picture_rect()
        assert box.width() / box.height() == pytest.approx(16 / 9, rel=1e-3)
        assert box.left() >= 0
        assert box.bottom() <= height


def test_picture_is_scaled_once_per_frame(view: PlayView, session: SampleSession) -> None:
    view.grab()
    first = view._scaled
    assert first is not None
    view.show_snapshot(session.snapshot())
    view.grab()
    assert view._scaled is first
    session.show_frame(3)
    view.show_snapshot(session.snapshot())
    view.grab()
    assert view._scaled is not first
