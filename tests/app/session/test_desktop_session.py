"""A session over a game in a window of its own: who drives, who is heard, when it waits."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from desktop_room import Room
from fake_desktop import PROFILE, Desk
from fake_layouts import CZ, FR
from scripted import ScriptedPolicy
from toy_game import WalkPolicy

from app.session.api import Phase
from app.session.control_loop import LiveSession
from app.session.wiring import Player
from model.play.episode import Decision, EpisodeLoop, Proposal
from model.play.policy import ActionChunk, Observation
from model.play.runner import LockStepRunner
from recorder.capture.base import Trouble
from recorder.errors import GameError
from recorder.games.base import free_task
from recorder.input.guard import GONE
from recorder.input.keys import CODES
from recorder.input.layout import US, Layout
from recorder.types import NO_ACTION, Action, Driver, Frame, Outcome


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.mark.parametrize("letters", [True, False])
@pytest.mark.parametrize("layout", [US, FR, CZ])
def test_digits_are_whose_they_are_under_every_layout(layout: Layout, letters: bool) -> None:
    bindings = replace(
        PROFILE.bindings, letters=letters, keys={**PROFILE.bindings.keys, "sneak": "Shift"}
    )
    room = Room(replace(PROFILE, bindings=bindings))
    room.device.layout = layout
    slots = Player(ScriptedPolicy([Action(hotbar=1), Action(hotbar=2), Action()]))
    room.session.use_player(slots)
    room.session.play("go on")
    for _ in range(12):
        room.tick()
        room.hear_own()
        assert room.session.snapshot().phase is Phase.PLAYING
    # A French or Czech digit needs Shift; the place of the key is what counts.
    room.press("Shift", True)
    room.press("2", True)
    room.tick()
    shot = room.session.snapshot()
    assert shot.driver is Driver.PERSON
    assert shot.executed == Action(hotbar=2, sneak=True)


def test_the_clock_of_the_session_is_the_games_own() -> None:
    desk = Desk()
    assert LiveSession(desk.game, threaded=False)._clock is desk.clock


def test_the_agent_never_takes_itself_for_the_person(room: Room) -> None:
    room.session.play("walk")
    for _ in range(50):
        room.tick()
        room.hear_own()
    assert room.session.snapshot().phase is Phase.PLAYING


def test_a_turn_that_the_windows_edge_cuts_is_stored_as_the_game_got_it(room: Room) -> None:
    far = Player(ScriptedPolicy([Action(forward=True, camera=(0.0, 170.0))]))
    room.session.use_player(far)
    room.session.play("turn")
    room.tick()
    shot = room.session.snapshot()
    counts = sum(dx for dx, _ in room.device.moves)
    assert 0 < counts < 170.0 / 0.2
    assert shot.driver is Driver.POLICY
    # What is shown is the very row that the recorder gets.
    assert shot.executed.camera == pytest.approx((0.0, 0.2 * counts))
    assert shot.proposed == Action(forward=True, camera=(0.0, 170.0))


def test_a_touch_takes_over_and_handing_back_gives_the_agent_its_key_again(room: Room) -> None:
    room.session.play("walk")
    room.tick(3)
    room.hear_own()
    room.ears.key(CODES["S"], True, room.clock.now_ns(), shared=False)
    room.tick(2)
    shot = room.session.snapshot()
    assert (shot.phase, shot.driver) == (Phase.CORRECTING, Driver.PERSON)
    assert shot.executed.held == {"back"}
    assert room.device.down == set()
    room.hear_own()
    room.ears.key(CODES["S"], False, room.clock.now_ns(), shared=False)
    room.ears.key(CODES["F8"], True, room.clock.now_ns(), shared=False)
    room.tick(2)
    assert room.session.snapshot().driver is Driver.POLICY
    assert room.device.down == {"W"}


@pytest.mark.parametrize("touch", ["key", "mouse", "unbound key"])
def test_a_touch_that_no_listener_has_heard_yet_still_is_the_next_ticks(
    room: Room, touch: str
) -> None:
    room.session.play("walk")
    room.tick(3)
    room.hear_own()
    ears, now_ns = room.ears, room.clock.now_ns()
    happened: dict[str, Callable[[], None]] = {
        "key": lambda: ears.key(CODES["S"], True, now_ns, shared=False),
        "mouse": lambda: ears.motion(40, 0, now_ns, shared=False),
        "unbound key": lambda: ears.key(CODES["X"], True, now_ns, shared=False),
    }
    room.listener.unheard.append(happened[touch])
    room.tick()
    shot = room.session.snapshot()
    assert (shot.phase, shot.driver) == (Phase.CORRECTING, Driver.PERSON)
    assert shot.drivers[-1] == (Driver.PERSON, 1)
    assert room.device.down == set()


def test_a_tick_is_as_old_as_the_last_touch_that_it_knows_of() -> None:
    desk = Desk()
    loop = EpisodeLoop(desk.game, None, policy_name="slow", clock=desk.clock)
    loop.begin(free_task("walk"), 0)
    began_ns = desk.clock.now_ns()

    def decide(frame: Frame, proposal: Proposal | None) -> Decision:
        # The thread loses its turn here, and a touch of now comes too late for this decision.
        desk.clock.advance_ns(30_000_000)
        return Decision(NO_ACTION, Driver.POLICY)

    assert loop.tick(decide).mono_ns == began_ns


@pytest.mark.parametrize("trouble", [Trouble.UNFOCUSED, Trouble.COVERED, Trouble.LOCKED])
def test_trouble_pauses_with_a_sentence_and_keeps_the_attempt(room: Room, trouble: Trouble) -> None:
    room.session.play("walk")
    room.tick(3)
    ticks = room.session.snapshot().tick
    room.windows.trouble = trouble
    room.tick(3)
    shot = room.session.snapshot()
    assert (shot.phase, shot.tick, shot.outcome) == (Phase.PAUSED, ticks, None)
    assert shot.message.endswith(".")
    assert room.device.down == set()
    # Going on does not help while the trouble lasts.
    room.windows.takes_focus = False
    room.session.resume()
    room.tick()
    assert room.session.snapshot().phase is Phase.PAUSED
    why = room.session.snapshot().message
    room.session.play("run")
    room.tick()
    assert (room.session.snapshot().phase, room.session.snapshot().message) == (Phase.PAUSED, why)
    room.session.play("walk")
    room.windows.trouble = None
    room.session.resume()
    room.tick(2)
    assert room.session.snapshot().phase is Phase.PLAYING
    assert room.device.down == {"W"}


class Looker(WalkPolicy):
    """Remembers how bright the pictures were that it answered to."""

    def __init__(self) -> None:
        super().__init__("forward")
        self.seen: list[int] = []

    def propose(self, observation: Observation) -> ActionChunk:
        self.seen.append(int(observation.frame.rgb[0, 0, 0]))
        return super().propose(observation)


def test_after_a_pause_the_game_is_looked_at_anew() -> None:
    desk, looker = Desk(), Looker()
    session = LiveSession(
        desk.game,
        player=Player(looker),
        make_runner=LockStepRunner,
        clock=desk.clock,
        idle_handback_s=None,
        threaded=False,
    )
    desk.game.listen(session)
    assert desk.hearing is not None
    desk.hearing.focus(True)
    with closing(session.start()):
        session.play("walk")
        for _ in range(3):
            session.step()
        session.pause()
        session.step()
        # The world has gone on, which the newest picture does not show.
        newest = len(desk.grabber.grabs)
        session.resume()
        session.step()
        assert looker.seen[-1] == newest + 1


def test_a_window_that_vanished_ends_the_attempt(room: Room) -> None:
    room.session.play("walk")
    room.tick(2)
    room.windows.trouble = Trouble.GONE
    room.tick()
    assert room.session.snapshot().outcome is Outcome.INTERRUPTED
    assert "gone" in room.session.snapshot().message


def test_panic_releases_at_once_and_pauses(room: Room) -> None:
    room.session.play("walk")
    room.tick(2)
    room.ears.key(CODES["F12"], True, room.clock.now_ns(), shared=False)
    room.tick(2)
    assert room.device.down == set()
    assert room.session.snapshot().phase is Phase.PAUSED


def test_a_guard_that_ended_ends_the_attempt_and_leaves_nothing_down(room: Room) -> None:
    room.session.use_player(Player(ScriptedPolicy([Action(forward=True, back=True)] * 9)))
    room.session.play("walk")
    room.tick(2)
    assert room.device.down == {"W", "S"}
    room.guard.ended = True
    room.tick()
    shot = room.session.snapshot()
    assert (shot.outcome, shot.message) == (Outcome.INTERRUPTED, GONE)
    assert room.device.down == set()
    room.session.close()
    assert room.windows.closed


def test_the_end_of_an_attempt_releases_everything(room: Room) -> None:
    room.session.play("walk")
    room.tick(2)
    room.ears.key(CODES["F9"], True, room.clock.now_ns(), shared=False)
    room.tick()
    assert room.session.snapshot().outcome is Outcome.SUCCESS
    assert room.device.down == set()


def test_what_the_person_demonstrates_is_recorded_and_never_sent_again(room: Room) -> None:
    room.session.demonstrate("walk")
    room.tick()
    room.ears.key(CODES["W"], True, room.clock.now_ns(), shared=False)
    room.ears.motion(10, -5, room.clock.now_ns(), shared=False)
    room.tick()
    executed = room.session.snapshot().executed
    assert executed.held == {"forward"}
    assert np.allclose(executed.camera, (-1.0, 2.0))
    assert room.device.events == []
    assert room.device.moves == []


def test_a_pause_key_is_pressed_on_pausing_and_on_going_on() -> None:
    room = Room(replace(PROFILE, pause_key="P"))
    room.session.play("walk")
    room.tick(2)
    room.ears.key(CODES["F6"], True, room.clock.now_ns(), shared=False)
    room.tick()
    assert room.device.events[-2:] == [("P", True), ("P", False)]
    assert room.gate.shut
    room.device.events.clear()
    room.session.resume()
    room.tick()
    assert room.device.events == [("P", True), ("P", False), ("W", True)]
    # After a panic nothing at all is sent.
    room.device.events.clear()
    room.ears.key(CODES["F12"], True, room.clock.now_ns(), shared=False)
    room.tick()
    assert room.device.events == [("W", False)]


def test_a_grabbed_keyboard_pauses_though_the_window_has_the_focus(room: Room) -> None:
    """A screen lock, a menu or a launcher takes the keys and leaves the focus where it was."""
    room.session.play("walk")
    room.tick(2)
    ticks = room.session.snapshot().tick
    room.ears.focus(False)
    room.tick(5)
    shot = room.session.snapshot()
    assert (shot.phase, shot.tick) == (Phase.PAUSED, ticks)
    assert "focus" in shot.message
    assert room.device.down == set()
    room.session.resume()
    room.tick(2)
    assert room.session.snapshot().phase is Phase.PAUSED
    room.ears.focus(True)
    room.session.resume()
    room.tick(2)
    assert room.session.snapshot().phase is Phase.PLAYING
    assert room.device.down == {"W"}


@pytest.mark.parametrize("why", ["focus", "panic", "window"])
def test_the_pause_key_goes_on_whatever_paused(room: Room, why: str) -> None:
    room.session.play("walk")
    room.tick(2)
    room.hear_own()
    match why:
        case "focus":
            room.ears.focus(False)
        case "panic":
            room.ears.key(CODES["F12"], True, room.clock.now_ns(), shared=False)
        case _:
            room.session.pause()
    room.tick(2)
    assert room.session.snapshot().phase is Phase.PAUSED
    room.ears.focus(True)
    for phase in (Phase.PLAYING, Phase.PAUSED, Phase.PLAYING):
        room.hear_own()
        room.ears.key(CODES["F6"], True, room.clock.now_ns(), shared=False)
        room.tick(2)
        assert room.session.snapshot().phase is phase


def test_a_mouse_that_moved_in_a_pause_is_no_takeover_after_it(room: Room) -> None:
    room.session.play("walk")
    room.tick(2)
    room.press("F6", True)
    room.tick(2)
    assert room.session.snapshot().phase is Phase.PAUSED
    room.ears.motion(60, 0, room.clock.now_ns(), shared=False)
    room.tick()
    room.press("F6", True)
    room.tick(3)
    assert room.session.snapshot().phase is Phase.PLAYING
    assert Driver.PERSON not in [driver for driver, _ in room.session.snapshot().drivers]


def test_the_pause_key_pressed_twice_at_once_changes_nothing(room: Room) -> None:
    room.session.play("walk")
    room.tick(2)
    for _ in range(2):
        room.ears.key(CODES["F6"], True, room.clock.now_ns(), shared=False)
    room.tick(2)
    assert room.session.snapshot().phase is Phase.PLAYING


def test_a_forbidden_key_is_never_sent_whatever_the_policy_says() -> None:
    """A profile refuses to bind one; here a policy's control leads to one all the same."""
    room = Room(replace(PROFILE, forbidden=frozenset({"W"})))
    room.session.play("walk")
    room.tick(5)
    assert room.device.events == []
    assert room.sender.refused >= 5


def test_at_rest_nothing_gives_the_game_the_keyboard(room: Room) -> None:
    """While a round is measured in another window of the game."""
    room.session.play("walk")
    room.tick(2)
    room.session.rest("It is being measured.")
    room.tick(2)
    assert room.session.snapshot().phase is Phase.PAUSED
    assert room.device.down == set()
    focused = room.windows.focused
    for begin in (room.session.play, room.session.demonstrate):
        with pytest.raises(GameError, match="measured"):
            begin("walk")
    room.session.resume()
    room.session.reset()
    room.tick(2)
    shot = room.session.snapshot()
    assert (shot.phase, shot.message) == (Phase.PAUSED, "It is being measured.")
    assert room.windows.focused == focused
    room.session.wake_up()
    # It goes on when the person says so, not before.
    room.tick(2)
    assert room.session.snapshot().phase is Phase.PAUSED
    room.session.resume()
    room.tick(2)
    assert room.session.snapshot().phase is Phase.PLAYING
    assert room.windows.focused == focused + 1


def test_rest_finds_nobody_playing_and_leaves_it_so(room: Room) -> None:
    room.session.rest("It is being measured.")
    room.tick()
    room.session.wake_up()
    assert room.session.snapshot().phase is Phase.WATCHING
    room.session.play("walk")
    room.tick()
    assert room.session.snapshot().phase is Phase.PLAYING
