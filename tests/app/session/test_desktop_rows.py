"""In every row the picture comes before its action, whoever acts: a game whose picture is its yaw.

The person's mouse runs on the clock alone, with a report each millisecond, and a picture shows
what was moved until it is read.  So both sides of a row are known from outside the session.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fake_desktop import Desk
from toy_game import ToyGame, WalkPolicy

from app.session.api import Phase
from app.session.control_loop import LiveSession
from app.session.wiring import Player, store_recording
from model.play.episode import EpisodeEnd, EpisodeStart
from model.play.policy import ActionChunk, Observation
from model.play.runner import LockStepRunner
from recorder.capture.base import Rect
from recorder.data_folder import database_path
from recorder.games.base import Game
from recorder.input.hearing import Hearing
from recorder.input.keys import CODES
from recorder.store import Store
from recorder.store.pairing import recorded_picture_first
from recorder.types import Action, Driver, RGBImage, Tick

REPORT_NS = 1_000_000
ZERO = 30_000
"""Counts that the picture shows for a yaw of 0, so that none is negative."""


class Turner(WalkPolicy):
    """Turns by three degrees to the left in every tick."""

    def propose(self, observation: Observation) -> ActionChunk:
        return ActionChunk((Action(camera=(0.0, -3.0)),), observation.frame.id, 1.0, 1.0)


class Person:
    """A hand that moves on the clock alone: the game has it at once, the listener when asked."""

    def __init__(self, desk: Desk, hearing: Hearing) -> None:
        self._desk, self._hearing = desk, hearing
        self._lived_ns = desk.clock.now_ns()
        self._speed = 0
        self._will_press: list[tuple[int, str]] = []
        self.counts = 0
        self.down: set[str] = set()

    def move(self, counts_a_ms: int) -> None:
        """Move the mouse to the right from now on."""
        self.live()
        self._speed = counts_a_ms

    def press_in(self, after_ns: int, name: str) -> None:
        """Press a key so long from now, whatever happens then."""
        self._will_press.append((self._desk.clock.now_ns() + after_ns, name))

    def live(self) -> None:
        """Do what the hand does until now."""
        while self._lived_ns + REPORT_NS <= self._desk.clock.now_ns():
            self._lived_ns += REPORT_NS
            while self._will_press and self._will_press[0][0] <= self._lived_ns:
                at_ns, name = self._will_press.pop(0)
                self.down.add(name)
                self._desk.listener.unheard.append(
                    partial(self._hearing.key, CODES[name], True, at_ns, shared=False)
                )
            if not self._speed:
                continue
            self.counts += self._speed
            self._desk.listener.unheard.append(
                partial(self._hearing.motion, self._speed, 0, self._lived_ns, shared=False)
            )


class World:
    """A session over a window that shows how far everybody has turned it, and the key S."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.clock = self.desk.clock
        self.session = LiveSession(
            self.desk.game,
            player=Player(Turner()),
            make_runner=LockStepRunner,
            clock=self.clock,
            idle_handback_s=None,
            threaded=False,
        )
        self.desk.game.listen(self.session)
        assert self.desk.hearing is not None
        self.desk.hearing.focus(True)
        self.person = Person(self.desk, self.desk.hearing)
        self.ticks: list[Tick] = []
        hear = self.desk.listener.hear

        def hear_until_now() -> None:
            self.person.live()
            hear()

        self.desk.listener.hear = hear_until_now  # type: ignore[method-assign]
        self.desk.grabber.grab = self.grab  # type: ignore[method-assign]
        self.session.start()

    def grab(self, rect: Rect) -> RGBImage:
        self.person.live()
        counts = ZERO + self.person.counts + sum(dx for dx, _ in self.desk.device.moves)
        picture = np.zeros((rect.height, rect.width, 3), np.uint8)
        picture[..., 0], picture[..., 1] = divmod(counts, 256)
        picture[..., 2] = 255 * ("S" in self.person.down)
        return picture

    def keep_ticks(self) -> None:
        assert self.session._attempt is not None
        self.session._attempt._loop._observers = (self,)

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.session.step()

    def on_start(self, start: EpisodeStart) -> None:
        return

    def on_instruction(self, tick: int, text: str) -> None:
        return

    def on_tick(self, tick: Tick) -> None:
        self.ticks.append(tick)

    def on_end(self, end: EpisodeEnd) -> None:
        return

    def shown_deg(self, tick: Tick) -> float:
        high, low = (int(tick.frame.rgb[0, 0, axis]) for axis in (0, 1))
        return (high * 256 + low - ZERO) * self.desk.game.bindings.degrees_per_count

    def turns(self) -> list[tuple[Driver, float, float]]:
        """Return (driver, turn in the row, turn from its picture to the next) of every row."""
        return [
            (now.driver, now.executed.camera[1], self.shown_deg(after) - self.shown_deg(now))
            for now, after in pairwise(self.ticks)
        ]


@pytest.fixture
def world() -> World:
    return World()


def test_a_demonstrations_action_is_what_happens_from_its_picture_to_the_next(
    world: World,
) -> None:
    world.session.demonstrate("look around")
    world.tick()
    world.keep_ticks()
    for counts in (0, 1, 3, -2, 0, -4, 4, 0):
        world.person.move(counts)
        # A hand keeps no time: it changes in mid-tick.
        world.clock.advance_ns(17_000_000)
        world.tick(2)
    assert {driver for driver, _, _ in world.turns()} == {Driver.PERSON}
    done, seen = zip(*((done, seen) for _, done, seen in world.turns()), strict=True)
    assert done == pytest.approx(seen)
    assert max(done) > 20.0
    assert min(done) < -20.0


@pytest.mark.parametrize("after_ns", range(0, 50_000_000, 7_000_000))
def test_a_key_of_the_persons_is_in_the_row_before_the_first_picture_that_shows_it(
    world: World, after_ns: int
) -> None:
    world.session.demonstrate("walk back")
    world.tick()
    world.keep_ticks()
    world.tick(2)
    world.person.press_in(after_ns, "S")
    world.tick(3)
    shown = [bool(tick.frame.rgb[0, 0, 2]) for tick in world.ticks]
    done = [tick.executed.back for tick in world.ticks]
    assert shown[1:] == done[:-1]
    assert any(done)


def test_rows_of_agent_and_person_pair_alike_around_a_takeover(world: World) -> None:
    world.session.play("look around")
    world.tick(2)
    world.keep_ticks()
    world.tick(3)
    world.person.move(2)
    world.clock.advance_ns(9_000_000)
    world.tick(6)
    assert world.session.snapshot().phase is Phase.CORRECTING
    world.person.move(0)
    world.tick()
    world.session.hand_back()
    world.tick(4)
    rows = [row for row in world.turns() if row[0] is not Driver.NOBODY]
    assert [done for _, done, _ in rows] == pytest.approx([seen for _, _, seen in rows])
    drivers = [driver for driver, _, _ in rows]
    assert drivers.count(Driver.POLICY) >= 5
    assert drivers.count(Driver.PERSON) >= 5
    # What they did in the tick in which they touched the game is kept with that tick.
    events = sum(event.value for tick in world.ticks for event in tick.events)
    per_count = world.desk.game.bindings.degrees_per_count
    assert events == pytest.approx(world.person.counts * per_count, abs=2 * 40 * per_count)


def test_after_a_pause_the_picture_is_a_new_one(world: World) -> None:
    world.session.demonstrate("look around")
    world.tick()
    world.keep_ticks()
    world.tick(2)
    world.session.pause()
    world.tick()
    # The game goes on being turned while nothing is recorded.
    world.person.move(3)
    world.clock.advance_ns(400_000_000)
    world.person.live()
    world.person.move(0)
    world.session.resume()
    world.tick(3)
    assert [done for _, done, _ in world.turns()[2:]] == pytest.approx([0.0] * 2)
    assert world.shown_deg(world.ticks[2]) == pytest.approx(240.0)


@pytest.mark.parametrize("make", [lambda: Desk().game, ToyGame])
def test_what_is_recorded_from_now_on_is_read_as_it_is_stored(
    tmp_path: Path, make: Callable[[], Game]
) -> None:
    """Else the reader would move every row once more, to the picture before its own."""
    with Store.open(tmp_path) as store:
        store_recording(store, make())
        store.wait()
        with contextlib.closing(sqlite3.connect(database_path(tmp_path))) as connection:
            (session,) = connection.execute("SELECT realtime, extra FROM session").fetchall()
    assert recorded_picture_first(bool(session[0]), json.loads(session[1]))
