"""How often a round sees what: the shares of the kinds, and the draws within each.

Classes and shares follow Sirius and IWR (docs/decisions.md): corrections are worth half of a
round, what the base was trained on at least a quarter.  No torch here: the window asks too.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recorder.store import Split
from trainer.data.examples import Example
from trainer.data.material import Material

REPLAY_SHARE = 0.4
"""Part of a round's samples that is what the base was trained on; at least a quarter."""
ROLLOUT_SHARE = 0.1
"""Part of a round's samples, at most, that is what the agent did well by itself, where a person
showed something: it can do that already, and an evening of watching would drown the lesson."""
MAX_VISITS = 8
"""So often a sample is seen at most, if there are not too few for the steps of a round."""
SELECT_SHARE, GATE_SHARE = 1 / 8, 1 / 4
"""Of what was known before: what there is to choose by, and to judge on, for one to replay."""


def balanced(examples: Sequence[Example]) -> tuple[Example, ...]:
    """Weigh a sentence's samples by one over the root of its number within the kind.

    So ten episodes of one task and two of another are seen 2.2 : 1, not 5 : 1.
    """
    counts = Counter((each.kind, each.instruction) for each in examples)
    return tuple(
        replace(each, weight=each.weight / math.sqrt(counts[each.kind, each.instruction]))
        for each in examples
    )


def lesson_samples(counts: Mapping[str, int]) -> int:
    """Return how many samples a round is about: the person's, or the agent's own without any."""
    persons = counts.get("correction", 0) + counts.get("demonstration", 0)
    return persons or counts.get("rollout", 0)


def class_shares(counts: Mapping[str, int], draws: int, most: int = MAX_VISITS) -> dict[str, float]:
    """Return how much of a round's ``draws`` samples each class gets (sums to 1).

    Corrections aim at half, replay keeps its share, demonstrations and rollouts take the
    rest by their numbers, rollouts no more than ROLLOUT_SHARE beside what a person showed; no class
    gets more than ``most`` draws a sample, and what is left over goes to replay.
    """
    shares = dict.fromkeys(counts, 0.0)
    shares["replay"] = REPLAY_SHARE
    rest = 1.0 - REPLAY_SHARE
    cap = {kind: most * count / draws for kind, count in counts.items()}
    if counts.get("correction"):
        shares["correction"] = min(0.5, rest, cap["correction"])
        rest -= shares["correction"]
    rollouts, shown = counts.get("rollout", 0), counts.get("demonstration", 0)
    if rollouts:
        most_share = ROLLOUT_SHARE if shown or counts.get("correction") else 1.0
        by_number = rest * rollouts / (rollouts + shown)
        shares["rollout"] = min(by_number, most_share, cap["rollout"])
        rest -= shares["rollout"]
    if shown:
        shares["demonstration"] = min(rest, cap["demonstration"])
    elif counts.get("correction"):
        shares["correction"] = min(shares["correction"] + rest, cap["correction"])
    shares["replay"] = 1.0 - sum(v for k, v in shares.items() if k != "replay")
    return shares


def mix(counts: Mapping[str, int], draws: int, most: int = MAX_VISITS) -> dict[str, float]:
    """Return the share of every kind of which there are samples (0 to 1, summing to 1).

    ``counts`` are samples by kind, those of "replay" too; ``most`` see :func:`class_shares`.
    """
    there = {kind: count for kind, count in counts.items() if count}
    shares = class_shares(there, draws, most)
    whole = sum(shares.get(kind, 0.0) for kind in there) or 1.0
    return {kind: shares.get(kind, 0.0) / whole for kind in there}


def draw_plan(
    examples: Sequence[Example], draws: int, rng: np.random.Generator, most: int = MAX_VISITS
) -> NDArray[np.int64]:
    """Return ``draws`` indices into ``examples`` in random order.

    Within a class samples are drawn by weight; one of an episode at most ``most`` times, so
    that there may be fewer.  Where there is nothing to replay, its share goes to the others.
    """
    by_kind: dict[str, list[int]] = {}
    for index, example in enumerate(examples):
        by_kind.setdefault(example.kind, []).append(index)
    shares = mix({kind: len(indices) for kind, indices in by_kind.items()}, draws, most)
    chosen: list[int] = []
    for kind, indices in by_kind.items():
        count = round(shares[kind] * draws)
        weights = np.array([examples[i].weight for i in indices])
        # What can be made anew without end is drawn without one; of lessons there are few.
        endless = kind == "replay" and any(examples[i].episode_id is None for i in indices)
        visits = _visits(weights, count, rng, None if endless else most)
        chosen.extend(np.repeat(indices, visits).tolist())
    plan = np.array(chosen, dtype=np.int64)
    rng.shuffle(plan)
    return plan


def _visits(
    weights: NDArray[np.float64], count: int, rng: np.random.Generator, cap: int | None
) -> NDArray[np.int64]:
    """Spread ``count`` draws over samples by weight, none above ``cap``."""
    visits = np.zeros(len(weights), dtype=np.int64)
    left = count
    while left > 0:
        open_ = visits < cap if cap is not None else np.ones(len(weights), dtype=bool)
        if not open_.any():
            break
        p = np.where(open_, weights, 0.0)
        drawn = rng.multinomial(left, p / p.sum())
        visits += drawn
        if cap is not None:
            visits = np.minimum(visits, cap)
        left = count - int(visits.sum())
    return visits


def shares_of(
    material: Material, draws: int, *, replays: bool, most: int = MAX_VISITS
) -> dict[str, float]:
    """Return what a round on this material is made of (see :func:`mix`).

    ``draws`` are its samples, ``replays`` says whether there is anything to replay.
    """
    counts = material.on(Split.TRAIN)
    return mix({**counts, "replay": 1} if replays else counts, draws, most)


def stratified(
    examples: Sequence[Example], count: int, rng: np.random.Generator
) -> tuple[Example, ...]:
    """Return ``count`` examples (all, if there are fewer), as many of every sentence, in order."""
    numbers = np.arange(len(examples))
    chosen = stratified_by(numbers, lambda index: examples[index].instruction, count, rng)
    return tuple(examples[int(index)] for index in chosen)


def stratified_by(
    numbers: NDArray[np.int64],
    stratum: Callable[[int], str],
    count: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return ``count`` of ``numbers`` (all, if fewer), of each stratum in turn, sorted."""
    strata: dict[str, list[int]] = defaultdict(list)
    for number in rng.permutation(numbers).tolist():
        strata[stratum(number)].append(number)
    turns = sorted(
        (turn, place, number)
        for place, own in enumerate(strata.values())
        for turn, number in enumerate(own)
    )
    return np.array(sorted(number for *_, number in turns[:count]), dtype=np.int64)
