"""Keys are places: the real X server under other layouts, and a layout that changes."""

import contextlib
import math
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from live_desktop import needs_luanti, wait_for_phase, wait_until_down

from app.benchmarks.desktop_cases.parts import Hand, plain_profile, until
from app.benchmarks.desktop_cases.stage import PlainWindow, missing_programs
from app.session.api import Phase
from app.session.control_loop import LiveSession
from app.session.wiring import Player
from model.play.policy import ActionChunk, Observation
from recorder.capture.grab import MssGrabber
from recorder.capture.x11 import X11Windows
from recorder.games import open_game
from recorder.games.base import Bindings, free_task
from recorder.games.desktop.game import DesktopGame
from recorder.games.desktop.hands import Hands, open_hands
from recorder.games.desktop.profile import Profile
from recorder.games.luanti.game import LuantiGame
from recorder.input.keys import CODES
from recorder.input.layout import group_of, layout_in_use
from recorder.input.xtest import XTestDevice
from recorder.types import Action, Driver

pytest_plugins = ("live_fixtures",)
pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(bool(missing_programs()), reason="Xvfb or openbox is not installed"),
    pytest.mark.skipif(shutil.which("setxkbmap") is None, reason="setxkbmap is not installed"),
]
LABELS = {"us": "1W", "fr": "&Z", "cz": "+W"}
"""What each layout types, unshifted, on the places that a US keyboard calls 1 and W."""
LETTER_W = {"us": "W", "fr": "Z", "cz": "W"}
"""The place on which each layout types a W."""


def use_layout(*arguments: str) -> None:
    subprocess.run(["setxkbmap", *arguments], check=True)


class SlotPolicy:
    """Walks, and chooses one slot after the other."""

    name = "slots"
    history_frames = 0

    def __init__(self) -> None:
        self._tick = 0

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        del instruction, seed

    def propose(self, observation: Observation) -> ActionChunk:
        self._tick += 1
        slot = self._tick // 2 % 8 + 1 if self._tick % 2 else 0
        return ActionChunk((Action(forward=True, hotbar=slot),), observation.frame.id, 0.0, 1.0)


def profile_with_slots(*, letters: bool) -> Profile:
    plain = plain_profile()
    keys = {**plain.bindings.keys, **{f"hotbar.{n}": f"{n}" for n in range(1, 9)}}
    return Profile(
        name="plain",
        title="Plain window",
        bindings=Bindings(keys, 0.2, letters),
        window_title="^Plain",
        chat=plain.chat,
        forbidden=plain.forbidden,
    )


@contextlib.contextmanager
def playing(window: PlainWindow, *, letters: bool) -> Iterator[LiveSession]:
    profile = profile_with_slots(letters=letters)
    game = DesktopGame(
        profile, window.id, X11Windows(), MssGrabber(), open_hands(profile, window.id)
    )
    session = LiveSession(game, player=Player(SlotPolicy()), idle_handback_s=None)
    game.listen(session)
    session.start()
    try:
        session.play("go on")
        wait_for_phase(session, Phase.PLAYING)
        yield session
    finally:
        session.close()


def hands_of(session: LiveSession) -> Hands:
    game = session._game
    assert isinstance(game, DesktopGame)
    return game.hands


def heard_of_a_person(hands: Hands) -> int:
    assert hands.hearing is not None
    return hands.hearing.person_events


@pytest.mark.parametrize("letters", [False, True], ids=["places", "letters"])
@pytest.mark.parametrize("layout", ["us", "fr", "cz"])
def test_digits_are_whose_they_are(
    window: PlainWindow, hand: Hand, layout: str, letters: bool
) -> None:
    use_layout(layout)
    with playing(window, letters=letters) as session:
        hands = hands_of(session)
        for _ in until(20.0):
            if hands.ledger.sent >= 20:
                break
        assert hands.ledger.sent >= 20
        assert heard_of_a_person(hands) == 0
        assert session.snapshot().phase is Phase.PLAYING
        # Hand and agent share a device here: a Shift that the agent holds cannot be pressed.
        hand.press("S", True)
        wait_for_phase(session, Phase.CORRECTING)
        hand.press("S", False)
        assert session.wait_for(lambda shot: shot.executed == Action(), 10.0)
        hand.press("Shift", True)
        hand.press("2", True)
        wanted = Action(hotbar=2, sneak=True)
        assert session.wait_for(lambda shot: shot.executed == wanted, 10.0)
        assert session.snapshot().driver is Driver.PERSON
        # Let go the other way round: nothing stays.
        hand.press("Shift", False)
        hand.press("2", False)
        assert session.wait_for(lambda shot: shot.executed == Action(), 10.0)


def test_a_layout_that_changes_while_the_agent_plays_touches_nothing(
    window: PlainWindow, hand: Hand
) -> None:
    use_layout("us")
    with playing(window, letters=False) as session:
        hands = hands_of(session)
        for layout in ("fr", "cz", "us"):
            wait_until_down(hand, "W")
            use_layout(layout)
            tick = session.snapshot().tick
            assert session.wait_for(lambda shot, tick=tick: shot.tick >= tick + 10, 20.0)
            assert hand.down() == ("W",)
        assert heard_of_a_person(hands) == 0
        hand.press("F12", True)
        hand.press("F12", False)
        wait_for_phase(session, Phase.PAUSED)
        digits = tuple("12345678")
        assert hand.wait_until_up(2.0, ("W", *digits)) is not None


def test_a_game_that_knows_letters_gets_them_after_a_change_too(
    window: PlainWindow, hand: Hand
) -> None:
    use_layout("us")
    with playing(window, letters=True) as session:
        hands = hands_of(session)
        wait_until_down(hand, "W")
        use_layout("fr")
        for _ in until(10.0):
            if hand.down(("W", "Z")) == ("Z",):
                break
        assert hand.down(("W", "Z")) == ("Z",)
        assert heard_of_a_person(hands) == 0
        session.stop()
        assert hand.wait_until_up(2.0, ("W", "Z")) is not None


@pytest.mark.parametrize("layout", ["us", "fr", "cz"])
def test_the_sender_hears_of_a_layout_and_tells_of_it_once(desktop: str, layout: str) -> None:
    device = XTestDevice()
    try:
        use_layout("de")
        time.sleep(0.2)
        assert device.new_layout() is not None
        use_layout(layout)
        found = None
        for _ in until(10.0):
            found = device.new_layout()
            if found is not None:
                break
        assert found is not None
        assert "".join(found.label(CODES[name]) for name in "1W") == LABELS[layout]
        assert found.code("1") == CODES["1"]
        assert found.code("W") == CODES[LETTER_W[layout]]
        assert found == layout_in_use()
        time.sleep(0.6)
        assert device.new_layout() is None
    finally:
        device.close()


def test_the_second_of_two_layouts_is_known_once_it_is_chosen(desktop: str, hand: Hand) -> None:
    use_layout("us,fr", "-option", "grp:caps_toggle")
    device = XTestDevice()
    try:
        layout = device.new_layout()
        assert layout is not None
        assert layout.label(CODES["W"]) == "W"
        hand.press("CapsLock", True)
        hand.press("CapsLock", False)
        found = None
        for _ in until(10.0):
            found = device.new_layout()
            if found is not None:
                break
        assert found is not None
        assert group_of(device._display) == 1
        assert found.label(CODES["W"]) == "Z"
    finally:
        device.close()


def test_what_the_server_refuses_the_fake_refuses_too(desktop: str) -> None:
    from fake_desktop import FakeDevice

    device, fake = XTestDevice(), FakeDevice()
    try:
        for code in (-8, 0, 1, 17, 247, 248, 0x110, 0x112, 0x208, 600):
            assert device.knows(code) == fake.knows(code), code
    finally:
        device.close()


@pytest.mark.long(11, "a real Luanti walks under three layouts")
@needs_luanti
def test_luanti_walks_and_chooses_slots_under_every_layout(desktop: str) -> None:
    """It takes keys by what they type, a French or Czech digit with Shift.  One start for all."""
    use_layout("us")
    game = open_game("luanti")
    assert isinstance(game, LuantiGame)
    try:
        game.reset(free_task("look around"), 0)
        for layout, slot in (("us", 3), ("fr", 5), ("cz", 2)):
            use_layout(layout)
            before = game.hidden_state()
            for _ in range(10):
                game.step(Action(forward=True))
            for _ in until(10.0):
                game.step(Action(hotbar=slot))
                game.step(Action())
                if game.hidden_state().slot == slot:
                    break
            state = game.hidden_state()
            assert state.slot == slot, layout
            assert math.dist((state.x, state.z), (before.x, before.z)) > 0.5, layout
    finally:
        game.close()


def test_what_the_keymap_compiler_says_reaches_no_client(desktop: str, windows: X11Windows) -> None:
    """It writes to the server's descriptor 2, which may be no client's socket."""
    servers = [each for each in psutil.Process().children(recursive=True) if each.name() == "Xvfb"]
    assert len(servers) == 1
    assert windows.screen().width == 1280
    assert Path(f"/proc/{servers[0].pid}/fd/2").readlink().is_file()
