"""A short constant action, taught to the real default model: its cost is told, it is not used."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.paths import default_checkpoint
from model.play.episode import Decision, EpisodeLoop, Proposal, run_episode
from model.play.runner import LockStepRunner
from model.play.scripted_policies import IdlePolicy
from model.vla.play_options import PlayOptions
from recorder.games.base import free_task
from recorder.games.doom.game import DoomGame
from recorder.games.seeds import SeedRange
from recorder.store import EpisodeKind, EvaluationRow, Reader, RoundStatus, Store
from recorder.types import Action, Driver, Frame
from trainer.evaluation import old_tasks
from trainer.evaluation.verdicts.lines import sentence_line
from trainer.evaluation.verdicts.sequential import (
    OLD_TASKS_MARGIN,
    Pairs,
    Plan,
    estimate_fixed,
    round_alpha,
)
from trainer.evaluation.verdicts.verdict import Choice, Part, VerdictKind
from trainer.rounds import protocol
from trainer.rounds.client import RoundClient
from trainer.rounds.measuring.decision import decide
from trainer.rounds.measuring.measurement import Ground, play_old_tasks, unjudged_line

LOOK_UP = "look up at the sky"
UP = Action(camera=(-10.0, 0.0))
ATTEMPTS, TICKS = 6, 25
"""A lesson of nine seconds: its person shows it a few times and is done."""
STARTS = 60


def record_looking_up(store: Store) -> None:
    """Record a person who does nothing but hold the view up."""

    def hold(_frame: Frame, _proposal: Proposal | None) -> Decision:
        return Decision(UP, Driver.PERSON)

    task = free_task(LOOK_UP)
    game = DoomGame()
    try:
        session = store.begin_session(
            game.name, tick_rate_hz=game.tick_rate_hz, width=640, height=360,
            realtime=game.realtime, bindings={},
        )  # fmt: skip
        recorder = store.episode_recorder(
            session, kind=EpisodeKind.DEMONSTRATION, policy="person", when_full="wait"
        )
        loop = EpisodeLoop(
            game, LockStepRunner(IdlePolicy()), policy_name="person", observers=(recorder,)
        )
        for seed in SeedRange.TEACHING.seeds(0, ATTEMPTS):
            run_episode(loop, task, seed, decide=hold, max_ticks=TICKS)
        store.end_session(session)
    finally:
        game.close()
    store.wait()


def pairs_played(rows: list[EvaluationRow], base: str, after: str) -> Pairs:
    """Count the pairs from what lies in the store, start by start."""
    sides = {
        key: {(row.task_id, row.seed): row.success for row in rows if row.policy_key == key}
        for key in (base, after)
    }
    assert sides[base].keys() == sides[after].keys()
    pairs = Pairs()
    for start, before in sides[base].items():
        pairs = pairs.plus(before, sides[after][start])
    return pairs


def in_use(data: Path) -> bool:
    with Reader.open(data) as reader:
        return reader.active_adapter() is not None


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_short_constant_action_is_not_put_in_use_and_its_cost_is_told(tmp_path: Path) -> None:
    data, base = tmp_path / "data", default_checkpoint()
    said: list[protocol.Message] = []
    with Store.open(data) as store:
        record_looking_up(store)
        client = RoundClient(data, store, base)
        result = client.run(say=said.append)
        assert result.status is RoundStatus.DONE, result.sentence
        assert result.adapter is not None
        # It was really taught: what is told is the loss of an adapter that learnt the lesson.
        losses = [message.loss for message in said if isinstance(message, protocol.Step)]
        assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
        assert (result.activated, in_use(data)) == (False, False)
        ground = Ground(data, store, base, "doom", PlayOptions(), said.append, lambda: None)
        starts = old_tasks.old_task_starts("doom", old_tasks.taught_tasks("doom", base), 0, STARTS)
        assert len({start.task.verb for start in starts}) > 5
        [line] = play_old_tasks(ground, starts, None, result.adapter)
        keys = [
            ground.player(name, path).key for name, path in (("b", None), ("a", result.adapter))
        ]
        assert not in_use(data)
    with Reader.open(data) as reader:
        played = pairs_played(reader.evaluations(game="doom"), *keys)
    # What is told is what was played.
    assert (line.n, line.before, line.after) == (STARTS, played.before, played.after)
    assert f"{played.before} of {STARTS} with the base, {played.after} now" in line.sentence
    told = estimate_fixed(played, OLD_TASKS_MARGIN)
    assert (line.kind, line.not_worse) == (told.kind, told.not_worse)
    assert ("is kept:" in line.sentence and "not sure" not in line.sentence) == line.not_worse
    assert ("damaged" in line.sentence) == (line.kind is VerdictKind.WORSE)
    # The lesson cannot be judged, so nothing makes up for what was lost.
    lines = [unjudged_line(Part.TAUGHT, LOOK_UP), line]
    assert decide(lines, result.gates).choice in {Choice.TRY, Choice.REFUSE}
    # Even if it could be judged and were learnt, only surely kept old tasks would let it by.
    plan = Plan(round_alpha(1))
    better = sentence_line(Part.TAUGHT, LOOK_UP, plan, Pairs(gained=10))
    assert better.kind is VerdictKind.BETTER
    passed = line.not_worse and all(gate.passed is not False for gate in result.gates)
    assert (decide([better, line], result.gates).choice is Choice.USE) == passed
