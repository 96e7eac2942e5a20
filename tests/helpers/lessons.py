"""Recorded lessons without an engine: a person walks the toy game's dot to the right.

:func:`record_attempt` writes an attempt tick by tick, with any drivers and any end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from toy_game import SIZE, TASKS, ToyGame, WalkPolicy

from model.play.episode import Decision, EpisodeLoop, Proposal, run_episode
from model.play.runner import LockStepRunner
from recorder.games.base import Task
from recorder.store import EpisodeKind, Store
from recorder.types import Action, Driver, Frame, Outcome, Tick

STEP = Action(right=True)


def record_lessons(
    folder: Path, *, episodes: int, ticks: int, game: str = "", store: Store | None = None
) -> None:
    """Record demonstrations of ``ticks`` ticks each into a data folder, as ``game``'s.

    ``store`` is the folder's, where it is open already.
    """
    toy = ToyGame(distance=ticks)

    def decide(_frame: Frame, _proposal: Proposal | None) -> Decision:
        return Decision(STEP, Driver.PERSON)

    with contextlib.nullcontext(store) if store else Store.open(folder) as opened:
        session = opened.begin_session(
            game or toy.name,
            tick_rate_hz=toy.tick_rate_hz,
            width=SIZE,
            height=SIZE,
            realtime=toy.realtime,
            bindings={},
        )
        recorder = opened.episode_recorder(
            session, kind=EpisodeKind.DEMONSTRATION, policy="person", when_full="wait"
        )
        loop = EpisodeLoop(
            toy, LockStepRunner(WalkPolicy()), policy_name="person", observers=(recorder,)
        )
        for seed in range(episodes):
            run_episode(loop, TASKS[seed % 2], seed, decide=decide)
        opened.end_session(session)


@dataclass(frozen=True, slots=True)
class _Begun:
    task: Task
    seed: int
    instruction: str
    tick_rate_hz: float = 20.0
    lock_step: bool = True
    policy: str = "walk"


@dataclass(frozen=True, slots=True)
class _Ended:
    outcome: Outcome
    missed_ticks: int = 0


def begin(store: Store, game: str = "toy") -> int:
    """Begin a session of the toy game; return its id."""
    return store.begin_session(
        game, tick_rate_hz=20.0, width=SIZE, height=SIZE, realtime=False, bindings={}
    )


def record_attempt(
    store: Store,
    session: int,
    drivers: Sequence[tuple[Driver, int]],
    *,
    seed: int,
    task: Task = TASKS[0],
    kind: EpisodeKind = EpisodeKind.ROLLOUT,
    outcome: Outcome = Outcome.SUCCESS,
    policy: str = "",
    adapter_id: int | None = None,
) -> int:
    """Record runs of (driver, ticks) as one attempt; return its id.

    ``policy`` "" is a script's own name.
    """
    recorder = store.episode_recorder(
        session, kind=kind, policy=policy, adapter_id=adapter_id, when_full="wait"
    )
    recorder.on_start(_Begun(task, seed, task.instruction))
    index = 0
    for driver, ticks in drivers:
        for _ in range(ticks):
            picture = np.full((SIZE, SIZE, 3), (17 * index + seed) % 256, np.uint8)
            frame = Frame(index, index * 50_000_000, picture)
            recorder.on_tick(Tick(index, frame.mono_ns, frame, STEP, driver))
            index += 1
    recorder.on_end(_Ended(outcome))
    store.wait()
    assert recorder.episode_id is not None
    return recorder.episode_id
