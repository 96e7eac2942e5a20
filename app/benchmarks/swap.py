"""``playteach benchmark swap``: whether the model reads its sentence or only looks.

Every start is played twice: with its own sentence, and with the sentence of another thing
of the same class that stands in the same yard.  The judge follows the first both times, so
that a model that only looks keeps its successes, and one that reads loses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.benchmarks.common import Say, Target, report
from model.paths import default_checkpoint
from recorder.games.base import Task
from recorder.games.doom.scene import build_scene
from recorder.games.doom.tasks import ALL_TASKS, FIRST_UNSEEN_SEED, SUITES, goal_of
from trainer.evaluate import Played, Question, evaluate_starts
from trainer.players import PlayerSpec
from trainer.verdict import wilson

SEEDS = 6
TARGETS = {"swapped_over_random": Target(0.05)}


def measure(runs: int, say: Say) -> dict[str, Any]:
    """Play suite `seen`'s starts with both sentences; ``runs`` times as many seeds.

    ``swapped_over_random`` is by how much the swapped sentences' success lies above that of
    random play on the same starts: 0 is chance.
    """
    starts = swapped_starts(range(FIRST_UNSEEN_SEED, FIRST_UNSEEN_SEED + SEEDS * runs))
    base = PlayerSpec("base", default_checkpoint())
    say(f"{len(starts)} starts, each with its own sentence, another's, and random play")
    plain = [(Question(task), seed) for task, _, seed in starts]
    own = evaluate_starts(base, "doom", plain)
    swapped = evaluate_starts(
        base, "doom", [(Question(task, said), seed) for task, said, seed in starts]
    )
    chance = evaluate_starts(PlayerSpec("random"), "doom", plain)
    rates = {"own": _rate(own), "swapped": _rate(swapped), "random": _rate(chance)}
    figures = {
        **{f"{name}_success": rate for name, rate in rates.items()},
        "swapped_over_random": rates["swapped"] - rates["random"],
    }
    intervals = {
        name: [round(bound, 4) for bound in wilson(sum(p.success for p in played), len(played))]
        for name, played in (("own", own), ("swapped", swapped), ("random", chance))
    }
    return report("swap", [figures], TARGETS, extra={"starts": len(starts), "intervals": intervals})


def swapped_starts(seeds: Sequence[int]) -> list[tuple[Task, str, int]]:
    """Return (task, another thing's sentence, seed) where both things stand in the yard."""
    by_goal = {(task.verb, task.thing): task for task in ALL_TASKS}
    starts = []
    for asked in SUITES["seen"]:
        goal = goal_of(asked.task)
        if goal is None or len(goal.steps) > 1 or goal.steps[0].kind is None:
            continue
        step = goal.steps[0]
        if step.relation:
            continue
        for seed in seeds:
            scene = build_scene(goal, asked.task.id, seed)
            others = [
                by_goal.get((asked.task.verb, placed.kind.phrase))
                for placed in scene.things
                if placed.kind is not step.kind and placed.kind.family == goal.steps[0].kind.family
            ]
            other = next((task for task in others if task is not None), None)
            if other is not None:
                starts.append((asked.task, other.instruction, seed))
    return starts


def _rate(played: Sequence[Played]) -> float:
    return sum(result.success for result in played) / max(1, len(played))
