"""``playteach benchmark expert``: how often the scripted expert does what it teaches.

For every verb, two-step sentences included, STARTS test seeds spread evenly over the
verb's tasks.  An expert that fails shows mistakes, or the yard made a map that cannot be
played; each failed start is listed, so that it can be watched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import cycle
from typing import TypedDict

from app.benchmarks.common import Say, Target, report
from recorder.games.base import Task
from recorder.games.doom.tasks import ALL_TASKS
from recorder.games.seeds import SeedRange
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import evaluate
from trainer.evaluation.starts import Attempt, Start
from trainer.evaluation.verdicts.verdict import wilson

RUNS = 1
STARTS = 100
"""Test seeds for every verb."""
AIM = 0.98
TARGETS = {
    "success": Target(AIM, at_least=True),
    "verbs_significantly_below": Target(0),
}
SAY_EVERY = 50


class VerbRate(TypedDict):
    """A verb's successes of ``n`` starts; ``wrong`` counts what was done to another thing."""

    success: int
    n: int
    interval: list[float]
    wrong: int


def measure(runs: int, say: Say, *, workers: int | None = None) -> dict[str, object]:
    """Play every verb's starts as the expert; ``runs`` times as many seeds.

    A verb is significantly below where the upper end of Wilson's 95 % interval is below
    the aim.  ``by_verb`` holds (successes, starts, interval); ``failed`` the starts.
    """
    starts = verb_starts(ALL_TASKS, STARTS * runs)
    say(f"{len(starts)} starts of {len({start.task.verb for start in starts})} verbs")
    done: list[Attempt] = []

    def on_played(played: Attempt) -> None:
        done.append(played)
        if len(done) % SAY_EVERY == 0 or len(done) == len(starts):
            say(f"{len(done)} played, {sum(not one.success for one in done)} failed")

    played = evaluate(PlayerSpec("expert"), "doom", starts, workers=workers, on_played=on_played)
    by_verb: dict[str, list[Attempt]] = {}
    for start, result in zip(starts, played, strict=True):
        by_verb.setdefault(start.task.verb, []).append(result)
    table = {verb: _rates(results) for verb, results in by_verb.items()}
    good = sum(result.success for result in played)
    figures = {
        "success": good / len(played),
        "verbs_significantly_below": float(sum(row["interval"][1] < AIM for row in table.values())),
        **{f"success {verb}": row["success"] / row["n"] for verb, row in table.items()},
    }
    failed = [
        {"task": one.task_id, "seed": one.seed, "outcome": str(one.outcome), "ticks": one.ticks}
        for one in played
        if not one.success
    ]
    low, high = wilson(good, len(played))
    return report(
        "expert",
        [figures],
        TARGETS,
        extra={
            "starts": len(played),
            "interval": [round(low, 4), round(high, 4)],
            "by_verb": table,
            "failed": failed,
        },
    )


def verb_starts(tasks: Sequence[Task], count: int) -> list[Start]:
    """Return ``count`` starts of every verb: its tasks in turn, each start another test seed.

    The tasks' order is that of their ids' hashes, so that the first hundred of a long list
    are a fair sample of it.
    """
    by_verb: dict[str, list[Task]] = {}
    for task in sorted(tasks, key=lambda task: hashlib.sha256(task.id.encode()).hexdigest()):
        by_verb.setdefault(task.verb, []).append(task)
    return [
        Start(task, task.instruction, seed)
        for group in by_verb.values()
        for task, seed in zip(cycle(group), SeedRange.TEST.seeds(0, count), strict=False)
    ]


def _rates(results: Sequence[Attempt]) -> VerbRate:
    success = sum(result.success for result in results)
    low, high = wilson(success, len(results))
    return {
        "success": success,
        "n": len(results),
        "interval": [round(low, 4), round(high, 4)],
        "wrong": sum(str(result.outcome) == "failure" for result in results),
    }
