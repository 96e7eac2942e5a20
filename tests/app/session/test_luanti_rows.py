"""Rows of a real Luanti: no picture shows what its row does, and what it does is what was turned.

The pictures say when, whatever the machine is busy with, and the mod's own word of the view how
far.  Turns come one by one with rests between them, so that either is told without a clock.
"""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from live_desktop import needs_luanti
from luanti_hand import Person, luanti, told_yaws
from numpy.typing import NDArray

from app.benchmarks.desktop_cases.parts import BusyPolicy, Hand
from app.benchmarks.desktop_cases.stage import missing_programs
from app.session.control_loop import LiveSession
from app.session.wiring import Player, store_recording
from model.play.policy import ActionChunk, Observation
from recorder.store import Reader, Store
from recorder.types import NO_ACTION, Action, Driver

pytest_plugins = ("live_fixtures",)
pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(bool(missing_programs()), reason="Xvfb or openbox is not installed"),
]
JERKS = 12
REST_TICKS = 14
SEEN_TICKS = 10
"""So long a turn may take until it is seen; on a busy machine it does."""


class PulsePolicy(BusyPolicy):
    """Turns by eight degrees at once, and rests."""

    def __init__(self) -> None:
        super().__init__()
        self._thought = 0

    def propose(self, observation: Observation) -> ActionChunk:
        self._thought += 1
        turns = self._thought % REST_TICKS == 0
        action = Action(camera=(0.0, 8.0)) if turns else NO_ACTION
        return ActionChunk((action,), observation.frame.id, 0.0, 1.0)


def apart(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    """Return how much two pictures differ, grey levels in the mean."""
    return float(np.abs(one - other).mean())


def turns_of(reader: Reader, episode_id: int, driver: Driver) -> list[float]:
    """Return the turns of an episode in degrees, each held against the pictures around it."""
    ticks = reader.ticks(episode_id)
    pictures = [picture.astype(np.int16) for picture in reader.frames(episode_id)]
    turns = []
    for place, tick in enumerate(ticks[:-SEEN_TICKS]):
        turn = tick.executed.camera[1]
        if not turn or place == 0:
            continue
        assert (tick.driver, tick.paired) == (driver, True)
        # A segment of the video begins with a sharper picture, so no difference is nothing.
        view, before = pictures[place], pictures[place - 1]
        after = pictures[place + SEEN_TICKS]
        assert 2 * apart(view, before) < apart(view, after), f"picture {place} shows its own row"
        turns.append(turn)
    return turns


@pytest.mark.long(15, "a real Luanti, which runs in real time")
@needs_luanti
def test_no_picture_shows_what_its_row_does_and_all_that_was_turned_is_in_the_rows(
    desktop: str, hand: Hand, tmp_path: Path
) -> None:
    person = Person(hand, 11)
    with Store.open(tmp_path / "data") as store, luanti(tmp_path / "assets") as game:
        _, recording = store_recording(store, game)
        session = LiveSession(
            game, player=Player(PulsePolicy()), make_recording=recording, idle_handback_s=None
        )
        game.listen(session)
        with contextlib.closing(session):
            session.start()
            person.jerk(session, JERKS, REST_TICKS)
            _, yaws = told_yaws(game._process.world)
            session.play("look on")
            assert session.wait_for(
                lambda shot: shot.outcome is None and 90 <= shot.tick < 300, 60.0
            )
            session.stop()
            assert session.wait_for(lambda shot: shot.outcome is not None, 60.0)
    with Reader.open(tmp_path / "data") as reader:
        agents, persons = reader.episodes()
        jerks = turns_of(reader, persons.id, Driver.PERSON)
        assert len(jerks) == JERKS
        assert jerks == pytest.approx([counts * 0.2 for _, _, counts in person.did])
        # The mod tells every view; the jerks go to and fro from where it began.
        views = np.cumsum([0.0, *jerks])
        told = yaws[-1] - views[-1] + views
        assert all(np.min(np.abs(yaws - view)) < 0.1 for view in told)
        assert len(turns_of(reader, agents.id, Driver.POLICY)) >= 3
