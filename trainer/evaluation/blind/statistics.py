"""Blind comparison: a person says of shuffled clips whether it was done, and then which side won.

The clips are of two players, "before" and "after", and nobody is told which is which.  The person
marks them one by one; it is looked whenever both sides have the same number of marks, and play
ends as soon as it is decided, or after ``MOST`` clips a side.

- **The test** compares two rates by the score statistic with the pooled rate (Suissa and Shuster
  1985, J. R. Stat. Soc. A 148, 317-327).  The boundary at n clips a side is ``CONSTANT * (MOST /
  n) ** SHAPE`` (Wang and Tsiatis 1987, Biometrics 43, 193-199); the constant is the least with
  which two equal rates are ever told apart with a chance of at most ``ALPHA``, whatever the rate
  is.  That chance is computed exactly, by recursion over the numbers of marks.
- **A person errs.**  Some clips come twice.  If they are marked alike with chance s, and each mark
  is wrong with chance e, then s = 1 - 2 e (1 - e).  Errors shrink the difference of two rates by 1
  - 2 e (Rogan and Gladen 1978, Am. J. Epidemiol. 107, 71-76), so the difference told is divided by
  that; errors that are alike on both sides never make one of no difference.  A dozen clips hold too
  few repetitions to tell e from them alone, so they are added to ``USUAL`` ones.
- **The interval** is Newcombe's for two independent rates (1998, method 10), as wide as
  ``CONSTANT`` standard errors rather than 1.96: so it holds 95 % of the time although play stops
  early, except for one to two points if nearly every clip of one side and none of the other was
  done.

Pure: no clips, no clock, no random numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from trainer.evaluation.verdicts.verdict import VerdictKind, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALPHA = 0.05
"""The chance that one side is called better although both are alike."""
FIRST = 6
"""So many clips a side are marked before it is looked for the first time."""
MOST = 20
SHAPE = 0.2
CONSTANT = 2.2995
"""How many standard errors the sides have to lie apart after MOST clips each."""
USUAL = (18, 20)
"""What a person is taken for before their clips came twice: (marked alike, marked twice)."""
_DOUBT = 0.05
"""A person may err by so much more than it seems."""
_RATES = tuple(rate / 50 for rate in range(1, 50))


@dataclass(frozen=True, slots=True)
class Marks:
    """So many clips a side are marked, and of those so many were done."""

    n: int = 0
    before: int = 0
    after: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.before <= self.n and 0 <= self.after <= self.n):
            raise ValueError("more clips were done than were marked")


def statistic(marks: Marks) -> float:
    """Return how many standard errors "after" lies above "before"; 0 if all came out alike."""
    done = marks.before + marks.after
    if done in (0, 2 * marks.n):
        return 0.0
    pooled = done / (2 * marks.n)
    return (marks.after - marks.before) / math.sqrt(2 * marks.n * pooled * (1 - pooled))


def boundary(n: int) -> float:
    """Return how far apart the sides have to lie after ``n`` clips each; infinite before FIRST."""
    return math.inf if n < FIRST else CONSTANT * (MOST / n) ** SHAPE


def decided(marks: Marks) -> bool:
    """Whether no further clip is needed."""
    return marks.n >= MOST or abs(statistic(marks)) >= boundary(marks.n)


def kind_of(marks: Marks) -> VerdictKind:
    """Return better or worse if it is decided, "same" if no difference was seen by the end."""
    apart = statistic(marks)
    if abs(apart) >= boundary(marks.n):
        return VerdictKind.BETTER if apart > 0 else VerdictKind.WORSE
    return VerdictKind.SAME if marks.n >= MOST else VerdictKind.NOT_ENOUGH


def error_of(alike: int, twice: int) -> float | None:
    """Return the chance that a mark of the person's is wrong, 0 to 0.5; None without clips twice.

    ``alike`` of the ``twice`` clips that came two times were marked the same both times.
    """
    if not 0 <= alike <= twice:
        raise ValueError("more clips were marked alike than came twice")
    if not twice:
        return None
    return (1 - math.sqrt(max(0.0, 2 * alike / twice - 1))) / 2


def corrected(difference: float, error: float) -> float | None:
    """Return a difference (-1 to 1) without the person's errors; None if they only guess."""
    sight = 1 - 2 * error
    return None if sight < 0.1 else max(-1.0, min(1.0, difference / sight))


def ends(before: float, after: float) -> dict[VerdictKind, float]:
    """Return the exact chance of each verdict, were these the rates of clips marked done."""
    return _chances(before, after, CONSTANT)[0]


def median_clips(before: float, after: float) -> int:
    """Return how many clips it takes in half of the comparisons, both sides together."""
    total = 0.0
    for n, chance in _chances(before, after, CONSTANT)[1].items():
        total += chance
        if total >= 0.5:
            return 2 * n
    return 2 * MOST


@dataclass(frozen=True, slots=True)
class Told:
    """What a comparison tells: the difference of the true rates, shares, with a 95 % interval.

    ``error`` is how often a mark of the person's is wrong, as far as it can be told.
    """

    difference: float
    low: float
    high: float
    error: float


def told_by(marks: Marks, alike: int, twice: int) -> Told:
    """Return what marks tell; ``alike`` of the ``twice`` clips that came twice were marked alike.

    The interval agrees with :func:`kind_of`: it lies on one side of 0 or holds it.  A person who
    only guesses has told nothing: -1 to 1.  Raises ValueError without marks.
    """
    if not marks.n:
        raise ValueError("nothing was marked")
    error = error_of(alike + USUAL[0], twice + USUAL[1])
    assert error is not None
    before, after = marks.before / marks.n, marks.after / marks.n
    difference = corrected(after - before, error)
    if difference is None:
        return Told(0.0, -1.0, 1.0, error)
    low_b, high_b = wilson(marks.before, marks.n, CONSTANT)
    low_a, high_a = wilson(marks.after, marks.n, CONSTANT)
    low = after - before - math.hypot(after - low_a, high_b - before)
    high = after - before + math.hypot(high_a - after, before - low_b)
    low, high = (_corrected_bound(bound, error) for bound in (low, high))
    match kind_of(marks):
        case VerdictKind.BETTER:
            low = max(low, 0.0)
        case VerdictKind.WORSE:
            high = min(high, 0.0)
        case _:
            low, high = min(low, 0.0), max(high, 0.0)
    return Told(difference, min(low, difference), max(high, difference), error)


def _corrected_bound(bound: float, error: float) -> float:
    """Return a bound without the person's errors, which may be more than they seem.

    That matters only if it lies farther from 0 for it.
    """
    found = corrected(bound, error + _DOUBT)
    return math.copysign(1.0, bound) if found is None else found


def worst_error(constant: float) -> float:
    """Return the greatest chance that two equal rates are told apart with another CONSTANT."""
    return max(_told_apart(rate, constant) for rate in _RATES)


def _told_apart(rate: float, constant: float) -> float:
    found = _chances(rate, rate, constant)[0]
    return found[VerdictKind.BETTER] + found[VerdictKind.WORSE]


def _chances(
    before: float, after: float, constant: float
) -> tuple[dict[VerdictKind, float], dict[int, float]]:
    """Return the chance of each verdict, and of each number of clips a side at the end."""
    import numpy as np

    going = np.zeros((MOST + 1, MOST + 1))
    going[0, 0] = 1.0
    kinds = dict.fromkeys((VerdictKind.BETTER, VerdictKind.WORSE), 0.0)
    lengths: dict[int, float] = {}
    for n in range(1, MOST + 1):
        fresh = going * (1 - before) * (1 - after)
        fresh[1:, :] += going[:-1, :] * before * (1 - after)
        fresh[:, 1:] += going[:, :-1] * (1 - before) * after
        fresh[1:, 1:] += going[:-1, :-1] * before * after
        going = fresh
        apart = _statistics(n)
        far = np.abs(apart) >= (math.inf if n < FIRST else constant * (MOST / n) ** SHAPE)
        kinds[VerdictKind.BETTER] += float(going[far & (apart > 0)].sum())
        kinds[VerdictKind.WORSE] += float(going[far & (apart < 0)].sum())
        lengths[n] = float(going[far].sum())
        going[far] = 0.0
    kinds[VerdictKind.SAME] = float(going.sum())
    lengths[MOST] += kinds[VerdictKind.SAME]
    return kinds, lengths


@cache
def _statistics(n: int) -> NDArray[np.float64]:
    """Return the statistic of every pair of counts (before, after), each 0 to MOST."""
    import numpy as np

    table = np.zeros((MOST + 1, MOST + 1))
    for before in range(n + 1):
        for after in range(n + 1):
            table[before, after] = statistic(Marks(n, before, after))
    return table
