"""What a round's measurement says: a line for each thing that was measured, and what follows.

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


class VerdictKind(StrEnum):
    """What paired play says of the new adapter."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"
    NOT_ENOUGH = "not enough runs"


class Part(StrEnum):
    """What a line of a verdict is about."""

    TAUGHT = "taught"
    EARLIER = "earlier lesson"
    OLD_TASKS = "old tasks"


class Choice(StrEnum):
    """What becomes of a round's adapter."""

    USE = "use"
    WAIT = "still being checked"
    TRY = "try it"
    PLAY_MORE = "play more"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Line:
    """What was measured of one sentence, or of the old tasks together.

    ``name`` is the sentence as it is heard, or what the line stands for.  ``before`` and
    ``after`` are successes on the same ``n`` starts; ``difference``, ``low`` and ``high`` (a 95 %
    interval) are shares, 0.1 is ten points.  ``not_worse`` says that the loss is surely at most
    ``margin``.  ``kind`` is None while nothing is known: not measured, or ``checking``, in which
    case it is still being played.  ``against`` says what played before: the "parent", or for the
    old tasks also the "base".  ``blind`` says that a person judged clips without knowing which
    side they are of; then ``n`` is the number of clips a side, and the difference and its interval
    are without the person's own errors.  ``by_eye`` says that the agent's own eye judged, which was
    taught from the person's marks; then the difference and its interval are without its errors.
    ``elsewhere`` says that it is of another game, which
    cannot be played in this one's rounds.
    """

    part: Part
    name: str
    kind: VerdictKind | None
    before: int
    after: int
    n: int
    difference: float
    low: float
    high: float
    margin: float
    not_worse: bool
    sentence: str
    against: str = "parent"
    checking: bool = False
    blind: bool = False
    elsewhere: bool = False
    by_eye: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a round came to, with a line for everything that was measured.

    ``kind`` and the figures are those of the taught sentence that decides (the first that got
    better, else the first that got worse, else the first); ``sentence`` says what follows.
    """

    kind: VerdictKind
    before: int
    after: int
    n: int
    difference: float
    low: float
    high: float
    sentence: str
    choice: Choice = Choice.TRY
    lines: tuple[Line, ...] = ()


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
