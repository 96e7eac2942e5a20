"""Did it get better?  Paired seeds, an interval, and a sentence.

Single rates carry Wilson's score interval (Wilson 1927).  The difference of two paired
rates carries Newcombe's hybrid score interval (Newcombe 1998, Statistics in Medicine 17,
2635-2650, method 10).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

Z95 = 1.959963984540054
MIN_PAIRS = 10
SAME_WITHIN = 0.15
"""An interval inside +- this difference says that nothing changed that matters."""


class VerdictKind(StrEnum):
    """What paired play says of the new adapter."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"
    NOT_ENOUGH = "not enough runs"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts of successes before and after on ``n`` equal starts.

    ``difference``, ``low`` and ``high`` are shares (0.1 is ten points), 95 % interval.
    """

    kind: VerdictKind
    before: int
    after: int
    n: int
    difference: float
    low: float
    high: float
    sentence: str


@cache
def wilson(successes: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Return Wilson's interval of a rate, as wide as ``z`` standard deviations to each side.

    (0, 1) without trials.  Raises ValueError where ``successes`` is not within 0..n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no rate")
    if n == 0:
        return 0.0, 1.0
    # Late: it takes a second to load.
    from scipy.stats import binomtest

    confidence = math.erf(z / math.sqrt(2))
    interval = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def paired_interval(
    before: Sequence[bool], after: Sequence[bool], z: float = Z95
) -> tuple[float, float, float]:
    """Return (difference after - before, low, high) of paired outcomes.

    Raises ValueError for lists of different or zero length.
    """
    n = len(before)
    if n == 0 or n != len(after):
        raise ValueError("paired outcomes must be two lists of one length")
    both = sum(a and b for a, b in zip(after, before, strict=True))
    gained = sum(a and not b for a, b in zip(after, before, strict=True))
    lost = sum(b and not a for a, b in zip(after, before, strict=True))
    neither = n - both - gained - lost
    p_after, p_before = (both + gained) / n, (both + lost) / n
    low_a, high_a = wilson(both + gained, n, z)
    low_b, high_b = wilson(both + lost, n, z)
    product = (both + gained) * (lost + neither) * (both + lost) * (gained + neither)
    phi = 0.0
    if product > 0:
        excess = float(both * neither - gained * lost)
        if excess > n / 2:
            excess -= n / 2
        elif excess >= 0:
            excess = 0.0
        phi = excess / math.sqrt(product)
    difference = p_after - p_before
    down = _spread(p_after - low_a, high_b - p_before, phi)
    up = _spread(high_a - p_after, p_before - low_b, phi)
    return difference, max(-1.0, difference - down), min(1.0, difference + up)


def _spread(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))


def judge(before: Sequence[bool], after: Sequence[bool]) -> Verdict:
    """Compare paired successes and say what they mean."""
    n = len(before)
    if n == 0:
        return Verdict(
            VerdictKind.NOT_ENOUGH, 0, 0, 0, 0.0, -1.0, 1.0,
            "Not enough runs: nothing was played, so it is not known whether it got better.",
        )  # fmt: skip
    difference, low, high = paired_interval(before, after)
    old, new = sum(before), sum(after)
    counts = f"{old} of {n} before, {new} of {n} after"
    if n < MIN_PAIRS:
        kind, text = VerdictKind.NOT_ENOUGH, f"Not enough runs to tell: {counts}."
    elif low > 0:
        kind, text = VerdictKind.BETTER, f"Better: {counts} on the same starts."
    elif high < 0:
        kind, text = VerdictKind.WORSE, f"Worse: {counts} on the same starts."
    elif low >= -SAME_WITHIN and high <= SAME_WITHIN:
        kind, text = VerdictKind.SAME, f"Same: {counts} on the same starts."
    else:
        kind, text = (
            VerdictKind.NOT_ENOUGH,
            f"Not enough runs to tell: {counts}; play more starts to be sure.",
        )
    return Verdict(kind, old, new, n, difference, low, high, text)
