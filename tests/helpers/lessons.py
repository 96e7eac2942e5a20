"""Recorded lessons without an engine: a person walks the toy game's dot to the right."""

from __future__ import annotations

from pathlib import Path

from toy_game import SIZE, TASKS, ToyGame, WalkPolicy

from model.play.episode import Decision, EpisodeLoop, Proposal, run_episode
from model.play.runner import LockStepRunner
from recorder.store import EpisodeKind, Store
from recorder.types import Action, Driver, Frame

STEP = Action(right=True)


def record_lessons(folder: Path, *, episodes: int, ticks: int, game: str = "") -> None:
    """Record demonstrations of ``ticks`` ticks each into a data folder, as ``game``'s."""
    toy = ToyGame(distance=ticks)

    def decide(_frame: Frame, _proposal: Proposal | None) -> Decision:
        return Decision(STEP, Driver.PERSON)

    with Store.open(folder) as store:
        session = store.begin_session(
            game or toy.name,
            tick_rate_hz=toy.tick_rate_hz,
            width=SIZE,
            height=SIZE,
            realtime=toy.realtime,
            bindings={},
        )
        recorder = store.episode_recorder(
            session, kind=EpisodeKind.DEMONSTRATION, policy="person", when_full="wait"
        )
        loop = EpisodeLoop(
            toy, LockStepRunner(WalkPolicy()), policy_name="person", observers=(recorder,)
        )
        for seed in range(episodes):
            run_episode(loop, TASKS[seed % 2], seed, decide=decide)
        store.end_session(session)
