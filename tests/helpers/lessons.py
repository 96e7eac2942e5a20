"""Recorded lessons without an engine: a person walks the toy game's dot to the right."""

from __future__ import annotations

import contextlib
from pathlib import Path

from toy_game import SIZE, TASKS, ToyGame, WalkPolicy

from model.play.episode import Decision, EpisodeLoop, Proposal, run_episode
from model.play.runner import LockStepRunner
from recorder.store import EpisodeKind, Store
from recorder.types import Action, Driver, Frame

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
