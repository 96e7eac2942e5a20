"""Whose tick is it where the person touches a game in mid-tick, or right at a hand-back?"""

from collections.abc import Callable

import pytest
from desktop_room import Room

from app.session.api import Phase
from model.play.episode import EpisodeEnd, EpisodeStart
from recorder.input.keys import CODES
from recorder.types import Driver, Tick


@pytest.fixture
def room() -> Room:
    return Room()


class Kept:
    """An observer that keeps the ticks of an attempt."""

    def __init__(self) -> None:
        self.ticks: list[Tick] = []

    def on_start(self, start: EpisodeStart) -> None:
        self.ticks.clear()

    def on_instruction(self, tick: int, text: str) -> None:
        return

    def on_tick(self, tick: Tick) -> None:
        self.ticks.append(tick)

    def on_end(self, end: EpisodeEnd) -> None:
        return


@pytest.fixture
def kept(room: Room) -> Kept:
    """Keep the ticks of the attempt that the room's session is in."""
    room.session.play("walk")
    room.tick(2)
    kept = Kept()
    assert room.session._attempt is not None
    room.session._attempt._loop._observers = (kept,)
    room.hear_own()
    room.ears.motion(40, 0, room.clock.now_ns(), shared=False)
    room.tick(2)
    assert room.session.snapshot().phase is Phase.CORRECTING
    kept.ticks.clear()
    return kept


def turned(kept: Kept) -> float:
    """Degrees to the right that are recorded as the person's."""
    return sum(tick.executed.camera[1] for tick in kept.ticks if tick.driver is Driver.PERSON)


def test_a_nudge_right_before_the_hand_back_is_recorded(room: Room, kept: Kept) -> None:
    room.ears.motion(40, 0, room.clock.now_ns(), shared=False)
    room.ears.key(CODES["F8"], True, room.clock.now_ns(), shared=False)
    room.tick(3)
    assert turned(kept) == pytest.approx(8.0)
    assert [tick.driver for tick in kept.ticks] == [Driver.PERSON, Driver.POLICY, Driver.POLICY]
    assert room.device.down == {"W"}


@pytest.mark.parametrize("heard", ["before the tick", "in the tick"])
def test_a_nudge_right_after_the_hand_back_is_a_takeover_and_recorded(
    room: Room, kept: Kept, heard: str
) -> None:
    now_ns = room.clock.now_ns()
    happened: list[Callable[[], None]] = [
        lambda: room.ears.key(CODES["F8"], True, now_ns, shared=False),
        lambda: room.ears.motion(40, 0, now_ns, shared=False),
    ]
    if heard == "in the tick":
        room.listener.unheard.extend(happened)
    else:
        for each in happened:
            each()
    room.tick(3)
    assert turned(kept) == pytest.approx(8.0)
    assert {tick.driver for tick in kept.ticks} == {Driver.PERSON}
    assert room.session.snapshot().phase is Phase.CORRECTING
    assert room.device.down == set()


def test_a_nudge_while_the_last_tick_of_the_persons_is_done_is_a_takeover(
    room: Room, kept: Kept
) -> None:
    """The hands have gone back already, and the tick still opens the gate for the agent."""
    room.ears.motion(10, 0, room.clock.now_ns(), shared=False)
    room.ears.key(CODES["F8"], True, room.clock.now_ns(), shared=False)

    def nudge() -> None:
        room.grabber.after = lambda: None
        room.ears.motion(40, 0, room.clock.now_ns(), shared=False)

    room.grabber.after = nudge
    room.tick(3)
    assert {tick.driver for tick in kept.ticks} == {Driver.PERSON}
    assert turned(kept) == pytest.approx(10.0)


def test_a_hand_that_comes_to_rest_does_not_undo_the_hand_back(room: Room, kept: Kept) -> None:
    room.ears.motion(40, 0, room.clock.now_ns(), shared=False)
    room.ears.key(CODES["F8"], True, room.clock.now_ns(), shared=False)
    room.ears.motion(1, 0, room.clock.now_ns(), shared=False)
    room.tick(2)
    assert room.session.snapshot().phase is Phase.PLAYING


def test_a_tick_in_which_the_person_touched_the_game_is_nobodys(room: Room) -> None:
    room.session.play("walk")
    room.tick(2)
    kept = Kept()
    assert room.session._attempt is not None
    room.session._attempt._loop._observers = (kept,)
    room.hear_own()

    def nudge() -> None:
        room.grabber.after = lambda: None
        room.ears.motion(40, 0, room.clock.now_ns(), shared=False)

    room.grabber.after = nudge
    room.tick(3)
    assert [tick.driver for tick in kept.ticks] == [Driver.NOBODY, Driver.PERSON, Driver.PERSON]
    assert kept.ticks[0].shadow == kept.ticks[0].executed
    # What they did came before the next picture: it is kept with the tick that it was done in.
    assert [event.value for event in kept.ticks[0].events] == [pytest.approx(8.0)]
    assert turned(kept) == 0.0


def test_a_tick_that_was_never_sent_is_stored_as_nothing_done(room: Room) -> None:
    room.session.play("walk")
    room.tick(2)
    kept = Kept()
    assert room.session._attempt is not None
    room.session._attempt._loop._observers = (kept,)
    room.gate.shut_for("guard")
    room.tick(2)
    assert [(tick.driver, tick.executed.held) for tick in kept.ticks] == [
        (Driver.NOBODY, frozenset()),
        (Driver.POLICY, {"forward"}),
    ]


def test_a_key_that_is_let_go_right_after_the_hand_back_does_not_undo_it(
    room: Room, kept: Kept
) -> None:
    room.ears.key(CODES["S"], True, room.clock.now_ns(), shared=False)
    room.tick(2)
    room.session.hand_back()
    room.ears.key(CODES["S"], False, room.clock.now_ns(), shared=False)
    room.tick(3)
    assert room.session.snapshot().phase is Phase.PLAYING
    assert room.device.down == {"W"}
