"""Records for ever into the folder of its argument, telling each tick first; to be killed."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from recorder.clock import MonotonicClock, Pacer
from recorder.games.base import free_task
from recorder.store import Store
from recorder.types import Action, Driver, Frame, Outcome, Tick

RATE_HZ = 60.0


def main() -> None:
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    clock = MonotonicClock()
    store = Store.open(folder, clock=clock)
    session_id = store.begin_session(
        "doom", tick_rate_hz=RATE_HZ, width=64, height=36, realtime=False, bindings={}
    )
    recorder = store.episode_recorder(session_id, kind="rollout")
    pacer = Pacer(clock, RATE_HZ)
    task = free_task("walk")
    while True:
        recorder.on_start(
            SimpleNamespace(
                task=task,
                seed=seed,
                instruction="walk",
                tick_rate_hz=RATE_HZ,
                lock_step=False,
                policy="base",
            )
        )
        for index in range(rng.randint(5, 150)):
            pacer.wait()
            now_ns = clock.now_ns()
            rgb = np.full((36, 64, 3), index % 256, np.uint8)
            driver = rng.choice([Driver.POLICY, Driver.PERSON])
            tick = Tick(index, now_ns, Frame(index, now_ns, rgb), Action(jump=True), driver)
            sys.stdout.write(f"{recorder.episode_id} {index} {now_ns}\n")
            sys.stdout.flush()
            recorder.on_tick(tick)
        recorder.on_end(SimpleNamespace(outcome=Outcome.SUCCESS, missed_ticks=0))


if __name__ == "__main__":
    main()
