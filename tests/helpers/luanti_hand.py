"""A person's hand in Luanti's own window, and the mod's word of where the view really is.

``python tests/helpers/luanti_hand.py FOLDER`` records into a folder, as tests/data/luanti_hand was.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.benchmarks.desktop_cases.parts import BusyPolicy, Hand, until
from app.benchmarks.desktop_cases.stage import own_desktop
from app.session.api import Phase
from app.session.control_loop import LiveSession
from app.session.wiring import Player, store_recording, take_short_turns
from recorder.games import own_window_profiles
from recorder.games.luanti import launch
from recorder.games.luanti.game import LuantiGame, open_luanti
from recorder.store import Store

ASSETS = Path(launch.__file__).parents[3] / "assets"
OFTEN = "\ndedicated_server_step = 0.01\nplayteach_state_interval = 0.005\n"
"""The server hears of the view, and the mod tells it, with nearly every picture of the game."""
WAIT_S = 60.0


@contextmanager
def luanti(tmp: Path) -> Iterator[LuantiGame]:
    """Open a Luanti whose mod tells the view as often as it can."""
    shutil.copytree(ASSETS / "luanti_mod", tmp / "luanti_mod")
    conf = tmp / "luanti_mod" / "client.conf"
    conf.write_text(conf.read_text(encoding="utf-8") + OFTEN, encoding="utf-8")
    profile = own_window_profiles(None)["luanti"]
    game = open_luanti(tmp, profile)
    try:
        yield game
    finally:
        game.close()


class Person:
    """Moves a hand and writes down what it did and when."""

    def __init__(self, hand: Hand, seed: int) -> None:
        self._hand = hand
        self._chance = random.Random(seed)
        self.did: list[tuple[int, str, int]] = []
        """(monotonic ns, "yaw" or a key's name, counts to the right or 1 down 0 up)."""

    def demonstrate(self, session: LiveSession) -> None:
        """Turn by jerks to both sides and steadily, walk, and tap keys; then stop."""
        session.demonstrate("look around the meadow")
        assert session.wait_for(lambda shot: shot.tick >= 4 and shot.outcome is None, WAIT_S)
        for number in range(14):
            self._move(self._chance.randint(20, 60) * (1 if number < 7 else -1))
            self._rest(0.13, 0.25)
        for _ in until(0.9, 0.012):
            self._move(6)
        self._rest(0.2, 0.2)
        self._hold("W", 0.33)
        for name in ("3", "A", "Space"):
            self._rest(0.12, 0.17)
            self._hold(name, 0.03)
        self._rest(0.1, 0.1)
        self._hold("LeftButton", 0.2)
        self._rest(0.3, 0.3)
        self._stop(session)

    def jerk(self, session: LiveSession, times: int, rest_ticks: int) -> None:
        """Demonstrate nothing but turns at once, each followed by a rest; then stop."""
        session.demonstrate("look around the meadow")
        assert session.wait_for(lambda shot: shot.tick >= 8 and shot.outcome is None, WAIT_S)
        for number in range(times):
            self._move(self._chance.randint(25, 60) * (1 if number % 2 else -1))
            here = session.snapshot().tick
            assert session.wait_for(lambda shot, end=here + rest_ticks: shot.tick >= end, WAIT_S)
            self._rest(0.0, 0.1)
        self._stop(session)

    def correct(self, session: LiveSession) -> None:
        """Let the agent play, take over by the mouse, turn and walk, hand back, and stop."""
        session.play("walk on")
        assert session.wait_for(
            lambda shot: shot.phase is Phase.PLAYING and 12 <= shot.tick < 100, WAIT_S
        )
        self._move(-40)
        assert session.wait_for(lambda shot: shot.phase is Phase.CORRECTING, WAIT_S)
        for _ in range(5):
            self._rest(0.1, 0.2)
            self._move(-self._chance.randint(20, 50))
        self._rest(0.1, 0.1)
        self._hold("D", 0.2)
        self._rest(0.3, 0.3)
        here = session.snapshot().tick
        session.hand_back()
        assert session.wait_for(lambda shot: shot.tick >= here + 14, WAIT_S)
        self._stop(session)

    def _stop(self, session: LiveSession) -> None:
        session.stop()
        assert session.wait_for(lambda shot: shot.outcome is not None, WAIT_S)

    def _move(self, counts: int) -> None:
        self.did.append((self._hand.move(counts, 0), "yaw", counts))
        self._hand.wait_for_server()

    def _hold(self, name: str, seconds: float) -> None:
        for down in (True, False):
            self.did.append((self._hand.press(name, down), name, int(down)))
            self._hand.wait_for_server()
            if down:
                time.sleep(seconds)

    def _rest(self, least_s: float, most_s: float) -> None:
        time.sleep(self._chance.uniform(least_s, most_s))


def told_yaws(world: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return (monotonic ns, yaw in degrees, growing to the right) of all that the mod told."""
    # The mod stamps with CLOCK_MONOTONIC_RAW.
    apart_ns = time.monotonic_ns() - time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
    lines = (world / "events.jsonl").read_text(encoding="utf-8").splitlines()
    states = [row for row in map(json.loads, lines) if row["ev"] == "state"]
    return (
        np.array([int(row["us"]) * 1000 + apart_ns for row in states]),
        rightwards(np.array([row["yaw"] for row in states])),
    )


def rightwards(yaw_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the map's yaws, which grow to the left and begin anew at 360, without jumps."""
    return -np.degrees(np.unwrap(np.radians(yaw_deg)))


def explained(turns: NDArray[np.float64], changes: NDArray[np.float64]) -> float:
    """Return which share of the changes' squares the turns explain; below 0 they make it worse."""
    return float(1 - ((turns - changes) ** 2).sum() / (changes**2).sum())


def record(folder: Path) -> None:
    """Record a demonstration and a correction, in small pictures, with ``yaw.csv`` beside them."""
    launch.WIDTH, launch.HEIGHT = 320, 180
    take_short_turns()
    with own_desktop(), tempfile.TemporaryDirectory() as tmp, luanti(Path(tmp)) as game:
        hand = Hand()
        person = Person(hand, 5)
        with Store.open(folder) as store:
            _, recording = store_recording(store, game, width=320, height=180)
            session = LiveSession(
                game, player=Player(BusyPolicy()), make_recording=recording, idle_handback_s=None
            )
            game.listen(session)
            session.start()
            try:
                began_ns = time.monotonic_ns()
                person.demonstrate(session)
                person.correct(session)
                when_ns, yaws = told_yaws(game._process.world)
            finally:
                session.close()
        hand.close()
    with (folder / "yaw.csv").open("w", encoding="ascii", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("mono_ns", "yaw_deg_right"))
        kept = when_ns >= began_ns - 500_000_000
        rows.writerows(zip(when_ns[kept], np.round(yaws[kept], 3), strict=True))
    with (folder / "hand.csv").open("w", encoding="ascii", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("mono_ns", "what", "value"))
        rows.writerows(person.did)


if __name__ == "__main__":
    record(Path(sys.argv[1]))
