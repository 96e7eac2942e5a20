"""Rows of a real Luanti against its mod's own word of the view, for the person and the agent."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from live_desktop import needs_luanti
from luanti_hand import Person, explained, luanti, told_yaws

from app.benchmarks.desktop_cases.parts import BusyPolicy, Hand
from app.benchmarks.desktop_cases.stage import missing_programs
from app.session.control_loop import LiveSession
from app.session.wiring import Player, store_recording
from recorder.store import Reader, Store
from recorder.types import Driver

pytest_plugins = ("live_fixtures",)
pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(bool(missing_programs()), reason="Xvfb or openbox is not installed"),
]
SERVER_NS = 15_000_000
"""So late the server hears of a turn: 6 to 40 ms, measured."""


@needs_luanti
def test_every_row_is_followed_by_what_was_done_in_it(
    desktop: str, hand: Hand, tmp_path: Path
) -> None:
    person = Person(hand, 11)
    with Store.open(tmp_path / "data") as store, luanti(tmp_path / "assets") as game:
        _, recording = store_recording(store, game)
        session = LiveSession(
            game, player=Player(BusyPolicy()), make_recording=recording, idle_handback_s=None
        )
        game.listen(session)
        with contextlib.closing(session):
            session.start()
            person.demonstrate(session)
            person.correct(session)
            when_ns, yaws = told_yaws(game._process.world)
    with Reader.open(tmp_path / "data") as reader:
        for episode in reversed(reader.episodes()):
            ticks = reader.ticks(episode.id)
            assert all(tick.paired for tick in ticks)
            seen = np.array([tick.frame_mono_ns for tick in ticks]) + SERVER_NS
            change = np.diff(np.interp(seen, when_ns, yaws))
            for driver in {tick.driver for tick in ticks} - {Driver.NOBODY}:
                places = [
                    place
                    for place in range(1, len(change))
                    if ticks[place].driver is driver is ticks[place - 1].driver
                ]
                turns = np.array([ticks[place].executed.camera[1] for place in places])
                after = explained(turns, change[places])
                before = explained(turns, change[np.array(places) - 1])
                assert after > 0.5, (driver, after, before)
                if driver is Driver.PERSON:
                    assert before < 0.0, (driver, after, before)
