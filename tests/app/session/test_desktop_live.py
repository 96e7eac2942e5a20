"""The real thing: an X server and a window manager of the test's own, and plain windows."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from live_desktop import wait_for_phase, wait_for_trouble, wait_until_down
from Xlib import X

from app.benchmarks.desktop_cases.faults import Faults
from app.benchmarks.desktop_cases.parts import Hand, plain_session, until
from app.benchmarks.desktop_cases.stage import PlainWindow, missing_programs, own_desktop
from app.session.api import Phase
from app.session.control_loop import LiveSession
from recorder.capture.base import Rect, Trouble, WindowState
from recorder.capture.grab import MssGrabber
from recorder.capture.x11 import X11Windows
from recorder.input.keys import CODES
from recorder.input.x11_listener import X11Listener
from recorder.threads import BackgroundThread
from recorder.types import Driver, Outcome

pytest_plugins = ("live_fixtures",)
pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(bool(missing_programs()), reason="Xvfb or openbox is not installed"),
]


@pytest.fixture
def session(window: PlainWindow) -> Iterator[LiveSession]:
    made = plain_session(window.id).start()
    yield made
    made.close()


class KeySorter:
    """Keeps the keys and moves that a listener tells it of."""

    def __init__(self) -> None:
        self.keys: list[tuple[int, bool]] = []
        self.moves: list[tuple[float, float]] = []

    def focus(self, has: bool) -> None:
        pass

    def key(self, code: int, down: bool, mono_ns: int, *, shared: bool) -> None:
        self.keys.append((code, down))

    def motion(self, dx: float, dy: float, mono_ns: int, *, shared: bool) -> None:
        self.moves.append((dx, dy))

    def wheel(self) -> None:
        pass


def test_a_window_is_found_pictured_and_its_troubles_are_seen(
    windows: X11Windows, window: PlainWindow, other: PlainWindow
) -> None:
    windows.focus(window.id)
    wait_for_trouble(windows, window.id, None)
    found = {info.title: info for info in windows.windows()}
    rect = found["Plain game"].rect
    assert found["Plain game"].id == window.id
    assert (rect.width, rect.height) == (640, 360)
    grabber = MssGrabber()
    picture = grabber.grab(rect)
    grabber.close()
    assert picture.shape == (360, 640, 3)
    assert tuple(picture[180, 320]) == (0x40, 0x60, 0x80)

    windows.focus(other.id)
    wait_for_trouble(windows, window.id, Trouble.UNFOCUSED)
    over = PlainWindow("Over it", left=rect.left + 50, top=rect.top + 50, width=100, height=100)
    wait_for_trouble(windows, over.id, None)
    # A panel or a notification covers a game without taking its focus.
    display = windows._display
    display.create_resource_object("window", window.id).set_input_focus(1, 0)
    wait_for_trouble(windows, window.id, Trouble.COVERED)
    over.close()
    wait_for_trouble(windows, window.id, None)
    display.create_resource_object("window", window.id).unmap()
    display.sync()
    wait_for_trouble(windows, window.id, Trouble.MINIMISED)
    assert windows.look(0x7FFFFF).trouble is Trouble.GONE


def test_a_docked_window_is_wholly_shown_in_the_top_right_corner(
    windows: X11Windows, window: PlainWindow
) -> None:
    before = windows.look(window.id).rect
    windows.dock(window.id)
    for _ in until(10.0):
        if windows.look(window.id).rect != before:
            break
    rect, screen = windows.look(window.id).rect, windows.screen()
    assert rect.inside(screen)
    assert rect.top < 40
    assert screen.width - 40 < rect.left + rect.width <= screen.width
    # One that has gone is nobody's fault.
    windows.dock(window.id + 1000)


def test_a_window_is_asked_about_anew_only_after_a_change(
    windows: X11Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = PlainWindow("Plain game", left=100, top=60, width=640, height=360)
    windows.focus(window.id)
    wait_for_trouble(windows, window.id, None)
    anew: list[int] = []
    whole = windows._look_anew

    def counted(*arguments: Any) -> WindowState:
        anew.append(1)
        return whole(*arguments)

    monkeypatch.setattr(windows, "_look_anew", counted)
    for _ in until(10.0):
        before = len(anew)
        state = windows.look(window.id)
        if len(anew) == before:
            break
    assert len(anew) == before
    # The desktop has settled: nothing is asked but who has the keyboard.
    assert [windows.look(window.id) for _ in range(20)] == [state] * 20
    assert len(anew) == before

    windows._display.create_resource_object("window", window.id).configure(x=300)
    for _ in until(10.0):
        if windows.look(window.id).rect != state.rect:
            break
    assert abs(windows.look(window.id).rect.left - 300) < 5
    window.close()
    assert windows.look(window.id).trouble is Trouble.GONE


def test_the_person_takes_over_in_the_games_window_and_the_agent_is_silent(
    session: LiveSession, hand: Hand
) -> None:
    session.play("go on")
    wait_until_down(hand, "W", "LeftButton")
    hand.press("A", True)
    wait_for_phase(session, Phase.CORRECTING)
    assert hand.wait_until_up(2.0, ("W", "LeftButton")) is not None
    assert session.wait_for(lambda shot: shot.executed.held == {"left"}, 5.0)
    assert session.snapshot().driver is Driver.PERSON
    assert hand.down() == ("A",)
    hand.press("A", False)
    session.hand_back()
    wait_until_down(hand, "W")


def test_the_very_key_that_the_agent_holds_becomes_the_persons(
    session: LiveSession, hand: Hand
) -> None:
    session.play("go on")
    wait_until_down(hand, "W", "LeftButton")
    hand.press("W", True)
    wait_for_phase(session, Phase.CORRECTING)
    assert hand.wait_until_up(2.0, ("LeftButton",)) is not None
    assert session.wait_for(lambda shot: shot.executed.held == {"forward"}, 5.0)
    assert hand.down() == ("W",)
    hand.press("W", False)
    assert hand.wait_until_up(2.0) is not None


def test_what_the_server_has_told_is_heard_without_the_listeners_thread(
    window: PlainWindow, hand: Hand
) -> None:
    sorter = KeySorter()
    listener = X11Listener(window.id, sorter)
    # Its thread never gets a turn.
    listener._thread = BackgroundThread("listener", lambda: None)
    listener.start()
    try:
        hand.press("S", True)
        hand.press("S", False)
        for _ in until(10.0):
            listener.hear()
            if len(sorter.keys) == 2:
                break
        assert sorter.keys == [(CODES["S"], True), (CODES["S"], False)]
    finally:
        listener.close()


def test_leaving_the_window_pauses_and_going_on_asks_for_it(
    session: LiveSession,
    hand: Hand,
    windows: X11Windows,
    window: PlainWindow,
    other: PlainWindow,
) -> None:
    session.play("go on")
    wait_until_down(hand, "W")
    windows.focus(other.id)
    wait_for_phase(session, Phase.PAUSED)
    assert hand.wait_until_up(2.0) is not None
    assert "focus" in session.snapshot().message
    ticks = session.snapshot().tick
    hand.press("W", True)
    hand.press("W", False)
    assert session.snapshot().phase is Phase.PAUSED
    assert session.snapshot().tick == ticks
    session.resume()
    wait_for_phase(session, Phase.PLAYING)
    wait_until_down(hand, "W")


def test_a_chat_pauses_until_it_is_closed(session: LiveSession, hand: Hand) -> None:
    session.play("go on")
    wait_until_down(hand, "W")
    hand.press("T", True)
    hand.press("T", False)
    wait_for_phase(session, Phase.PAUSED)
    hand.press("Return", True)
    hand.press("Return", False)
    wait_for_phase(session, Phase.PLAYING)


def test_a_keyboard_that_somebody_grabbed_is_not_the_games(
    session: LiveSession, hand: Hand, windows: X11Windows
) -> None:
    """A screen lock does so, and so does a menu; the focus stays where it was."""
    session.play("go on")
    wait_until_down(hand, "W")
    root, display = windows._root, windows._display
    root.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
    display.sync()
    wait_for_phase(session, Phase.PAUSED)
    assert hand.wait_until_up(2.0) is not None
    ticks = session.snapshot().tick
    hand.press("S", True)
    hand.press("S", False)
    session.resume()
    assert session.wait_for(lambda shot: "focus" in shot.message, 10.0)
    assert (session.snapshot().phase, session.snapshot().tick) == (Phase.PAUSED, ticks)
    display.ungrab_keyboard(X.CurrentTime)
    display.sync()
    for _ in until(10.0, 0.2):
        session.resume()
        if session.wait_for(lambda shot: shot.phase is Phase.PLAYING, 2.0):
            break
    wait_until_down(hand, "W")


def test_hotkeys_work_while_the_game_has_the_focus(session: LiveSession, hand: Hand) -> None:
    def tap(name: str) -> None:
        hand.press(name, True)
        hand.press(name, False)

    session.play("go on")
    wait_until_down(hand, "W")
    tap("F6")
    wait_for_phase(session, Phase.PAUSED)
    assert hand.wait_until_up(2.0) is not None
    tap("F6")
    wait_for_phase(session, Phase.PLAYING)
    tap("A")
    wait_for_phase(session, Phase.CORRECTING)
    tap("F8")
    wait_for_phase(session, Phase.PLAYING)
    tap("F12")
    wait_for_phase(session, Phase.PAUSED)
    tap("F6")
    wait_for_phase(session, Phase.PLAYING)
    for key, outcome in (("F9", Outcome.SUCCESS), ("F10", Outcome.FAILURE)):
        session.play("go on")
        wait_for_phase(session, Phase.PLAYING)
        tap(key)
        assert session.wait_for(lambda shot, outcome=outcome: shot.outcome is outcome, 10.0)


def test_a_games_own_warp_of_the_pointer_is_no_hand(
    window: PlainWindow, hand: Hand, windows: X11Windows
) -> None:
    sorter = KeySorter()
    listener = X11Listener(window.id, sorter).start()
    try:
        for where in (300, 200, 320):
            windows._root.warp_pointer(where, where)
        windows._display.sync()
        hand.move(7, 0)
        hand.press("S", True)
        hand.press("S", False)
        for _ in until(10.0):
            if len(sorter.keys) == 2:
                break
        assert sorter.keys == [(CODES["S"], True), (CODES["S"], False)]
        assert sorter.moves == [(7.0, 0.0)]
    finally:
        listener.close()


def test_a_window_on_a_second_monitor_is_seen_there_and_stays_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two monitors are one X screen; here the right one is larger and begins lower."""
    right = Rect(1280, 120, 1280, 600)
    with own_desktop(2560, 720), contextlib.ExitStack() as stack:
        window = PlainWindow("Plain game", left=1500, top=200, width=640, height=360)
        windows, grabber = X11Windows(), MssGrabber()
        for part in (window, windows, grabber):
            stack.callback(part.close)
        monkeypatch.setattr(windows, "_monitors", lambda: [Rect(0, 0, 1280, 720), right])
        windows.focus(window.id)
        wait_for_trouble(windows, window.id, None)
        rect = windows.look(window.id).rect
        assert tuple(grabber.grab(rect)[180, 320]) == (0x40, 0x60, 0x80)
        windows.dock(window.id)
        for _ in until(10.0):
            if windows.look(window.id).rect != rect:
                break
        assert windows.look(window.id).rect.inside(right)
        assert tuple(grabber.grab(windows.look(window.id).rect)[180, 320]) == (0x40, 0x60, 0x80)
        # Half of it beyond the last monitor.
        windows._window(window.id).configure(x=2300)
        windows._display.sync()
        wait_for_trouble(windows, window.id, Trouble.OFF_SCREEN)


@pytest.mark.parametrize("kind", ["kill", "hang", "focus", "panic"])
def test_nothing_stays_down(
    kind: str, window: PlainWindow, other: PlainWindow, hand: Hand, windows: X11Windows
) -> None:
    faults = Faults(window, other, hand, windows)
    assert None not in list(faults.run(kind, 2))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kill", "hang", "focus", "panic"])
def test_nothing_ever_stays_down(
    kind: str, window: PlainWindow, other: PlainWindow, hand: Hand, windows: X11Windows
) -> None:
    assert None not in list(Faults(window, other, hand, windows).run(kind, 100))
