"""``playteach benchmark swap``: whether the model reads its sentence or only looks.

Every start is played twice: with its own sentence, and with the sentence of another thing
of the same class that stands in the same yard (a sentence of the training, so that not
knowing it is no reason to fail).  The judge follows the first both times: a model that only
looks keeps its successes, and one that reads loses them, down to those of random play.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.benchmarks.common import Say, Target, report
from model.paths import default_checkpoint
from recorder.games.doom.goals import Step
from recorder.games.doom.scene import Scene, build_scene
from recorder.games.doom.tasks import SUITES, TRAINED_TASKS, goal_of
from recorder.games.doom.things import KIND_BY_KEY, Kind
from recorder.games.seeds import SeedRange
from recorder.types import Outcome
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import evaluate
from trainer.evaluation.starts import Attempt, Start
from trainer.evaluation.verdicts.verdict import paired_interval, wilson

RUNS = 20
SEEDS = 1
"""Test seeds of each instruction in a run."""
SAY_EVERY = 25
TARGETS = {
    "swapped_over_random": Target(0.05),
    "swapped_over_random_low": Target(0.0),
}


@dataclass(frozen=True, slots=True)
class Swapped:
    """A start with its own sentence, and another thing's sentence to be said instead."""

    own: Start
    said: str

    @property
    def swapped(self) -> Start:
        """The same start, with the other sentence heard."""
        return replace(self.own, heard=self.said)


def measure(runs: int, say: Say, *, workers: int | None = None) -> dict[str, object]:
    """Play suite `seen`'s starts with both sentences; ``runs`` times as many seeds.

    ``swapped_over_random`` is by how much the swapped sentences' success lies above that of
    random play on the same starts (0 is chance), ``..._low`` the lower end of its 95 %
    interval: above 0 the model succeeds more often than by chance.  ``swapped_done_wrong`` is
    the share of swapped starts in which something else than the judge's thing was acted on:
    what was asked for, as a rule.
    """
    starts = swapped_starts(SeedRange.TEST.seeds(0, SEEDS * runs))
    base = PlayerSpec("base", default_checkpoint())
    say(f"{len(starts)} starts, each with its own sentence, another's, and random play")
    plain = [each.own for each in starts]
    others = [each.swapped for each in starts]
    tasks = [start.task for start in plain]
    played = {
        "own": _play("own", base, plain, say, workers),
        "swapped": _play("swapped", base, others, say, workers),
        "random": _play("random", PlayerSpec("random"), plain, say, workers),
    }
    good = {name: [one.success for one in each] for name, each in played.items()}
    difference, low, high = paired_interval(good["random"], good["swapped"])
    wrong = sum(one.outcome is Outcome.FAILURE for one in played["swapped"])
    figures = {
        **{f"{name}_success": sum(each) / len(each) for name, each in good.items()},
        "swapped_over_random": difference,
        "swapped_over_random_low": low,
        "swapped_done_wrong": wrong / len(starts),
    }
    intervals = {
        name: [round(bound, 4) for bound in wilson(sum(each), len(each))]
        for name, each in good.items()
    }
    intervals["swapped_over_random"] = [round(low, 4), round(high, 4)]
    by_verb = {
        verb: {
            name: sum(one for one, task in zip(each, tasks, strict=True) if task.verb == verb)
            for name, each in good.items()
        }
        | {"n": sum(task.verb == verb for task in tasks)}
        for verb in dict.fromkeys(task.verb for task in tasks)
    }
    extra = {"starts": len(starts), "intervals": intervals, "by_verb": by_verb}
    return report("swap", [figures], TARGETS, extra=extra)


def _play(
    name: str,
    player: PlayerSpec,
    starts: Sequence[Start],
    say: Say,
    workers: int | None,
) -> list[Attempt]:
    done: list[bool] = []

    def on_played(played: Attempt) -> None:
        done.append(played.success)
        if len(done) % SAY_EVERY == 0 or len(done) == len(starts):
            say(f"{name}: {len(done)} of {len(starts)} played, {sum(done)} succeeded")

    return evaluate(player, "doom", starts, workers=workers, on_played=on_played)


def swapped_starts(seeds: Sequence[int]) -> list[Swapped]:
    """Return the starts in whose yard both things stand."""
    by_goal = {(task.verb, task.thing): task for task in TRAINED_TASKS}
    starts = []
    for asked in SUITES["seen"]:
        goal = goal_of(asked.task)
        # Where two of a kind stand there, the other thing has another name for a sentence.
        if goal is None or len(goal.steps) > 1 or goal.steps[0].relation:
            continue
        for seed in seeds:
            for kind in _alike(build_scene(goal, asked.task.id, seed), goal.steps[0]):
                other = by_goal.get((asked.task.verb, kind.phrase))
                if other is not None:
                    own = Start(asked.task, asked.task.instruction, seed)
                    starts.append(Swapped(own, other.instruction))
                    break
    return starts


def _alike(scene: Scene, step: Step) -> list[Kind]:
    """Return the other kinds of the step's class that are in a scene, fixtures too."""
    if step.kind is None:
        return []
    there = [placed.kind for placed in scene.things]
    there += [KIND_BY_KEY[fixture.key] for fixture in scene.plan.fixtures]
    return [kind for kind in there if kind is not step.kind and kind.family == step.kind.family]
