"""Invented paired play, to see how often the rules for putting a round in use are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.evaluation.verdicts.sequential import Pairs, Plan, decided, is_better, round_alpha

if TYPE_CHECKING:
    import numpy as np


def play_many(
    rng: np.random.Generator,
    plan: Plan,
    times: int,
    before: float,
    after: float,
    *,
    alike: float = 0.0,
) -> list[Pairs]:
    """Play ``times`` measurements whose rates are ``before`` and ``after``, each to its stop.

    ``alike`` (0 to 1) is the share of starts on which one luck decides both sides.
    """
    import numpy as np

    luck = rng.random((times, plan.most))
    other = np.where(rng.random(luck.shape) < alike, luck, rng.random(luck.shape))
    old, new = luck < before, other < after
    counts = np.stack(
        [np.cumsum(each, axis=1) for each in (old & new, ~old & new, old & ~new, ~old & ~new)],
        axis=-1,
    )
    return [_stopped(plan, each) for each in counts[:, [look - 1 for look in plan.looks]].tolist()]


def _stopped(plan: Plan, looks: list[list[int]]) -> Pairs:
    for each in looks:
        pairs = Pairs(*each)
        if decided(plan, pairs):
            return pairs
    raise RuntimeError("the last look decides")


def wrongly_used(rng: np.random.Generator, *, lessons: int, rounds: int, base: float) -> int:
    """Return how many of ``lessons`` have a round called better although none changed anything."""
    wrong = [False] * lessons
    for number in range(1, rounds + 1):
        plan = Plan(round_alpha(number))
        for index, pairs in enumerate(play_many(rng, plan, lessons, base, base)):
            wrong[index] |= is_better(pairs.gained, pairs.lost, plan.alpha, plan.most)
    return sum(wrong)
