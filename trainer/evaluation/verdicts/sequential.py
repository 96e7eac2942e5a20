"""Paired play that stops as soon as it is decided, with an interval that is valid at the stop.

How many pairs that takes: ``FIRST_LOOK``, ``STEP``, ``MOST_PAIRS``.  A round's time is predicted
from the usual number, ``PAIRS`` in ``app/backend/lessons/round_time.py``.

A pair is one start, played before and after a round.  Only pairs that came out differently say
which side is better: a pair is *gained* (failed before, succeeded after) or *lost*.  If nothing
changed, each of them is gained with chance one half, whatever the rates are and however often
it is looked (McNemar 1947).  What is done with that:

- **better / worse**: a repeated sign test (Armitage, McPherson and Rowe 1969, J. R. Stat. Soc. A
  132, 235-244): the binomial tail of the gained pairs is held against one nominal level at every
  look, and the level is the largest with which a fair coin ever passes within the longest play
  with a chance of at most alpha.  That chance is computed exactly, by recursion.
- **alpha over the rounds of a lesson**: the k-th round may spend ``LESSON_ALPHA * 6 / (pi k)^2``;
  the sum over all k is ``LESSON_ALPHA`` (sum of 1/k^2 = pi^2 / 6), divided evenly between the
  sentences of a round (Bonferroni).
- **the interval, and "not worse by more than the margin"**: the outcomes at which play can stop
  are ordered by their estimate, the difference of the two rates (sample mean ordering: Emerson
  and Fleming 1990, Biometrika 77, 875-892), and their chances are exact sums over all ways to
  get there; so early stops are accounted for.  The share of pairs that differ is not known; it
  is set to its likeliest value for each difference that is tried (Tango 1998, Statistics in
  Medicine 17, 891-908).
- A fixed number of pairs (the old tasks) carries Tango's score interval.

Pure: no play, no clock, no random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from trainer.evaluation.verdicts.verdict import VerdictKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LESSON_ALPHA = 0.03
"""The chance that any round of one lesson is called better although none changed anything."""
WORSE_ALPHA = 0.025
"""The chance that a round which changed nothing is called worse."""
FIRST_LOOK = 10
STEP = 5
MOST_PAIRS = 80
SENTENCE_MARGIN = 0.10
OLD_TASKS_MARGIN = 0.05
SAME_WITHIN = 0.15
"""A gain is of no matter if it is smaller, so a sentence that surely gained less is the same."""
SURE = 0.05
"""The one-sided error of "not worse by more than the margin"."""
POWER = 0.8
STOP_Z = 2.0
"""So many standard errors from both margins, and playing on would change nothing."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """How often each of the four outcomes of a pair came."""

    both: int = 0
    gained: int = 0
    lost: int = 0
    neither: int = 0

    def __post_init__(self) -> None:
        if min(self.both, self.gained, self.lost, self.neither) < 0:
            raise ValueError("counts of pairs are not negative")

    @property
    def n(self) -> int:
        """The number of pairs."""
        return self.both + self.gained + self.lost + self.neither

    @property
    def before(self) -> int:
        """Successes before."""
        return self.both + self.lost

    @property
    def after(self) -> int:
        """Successes after."""
        return self.both + self.gained

    def plus(self, before: bool, after: bool) -> Pairs:
        """Return the counts with one more pair."""
        return Pairs(
            self.both + (before and after),
            self.gained + (after and not before),
            self.lost + (before and not after),
            self.neither + (not before and not after),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """When it is looked and what is enough.

    ``alpha`` is what "better" may cost; ``taught`` False is for what only has to be kept: it
    stops as soon as it is surely not worse by more than ``margin`` (a share).  ``looks`` are
    numbers of pairs, in order.
    """

    alpha: float
    taught: bool = True
    margin: float = SENTENCE_MARGIN
    looks: tuple[int, ...] = tuple(range(FIRST_LOOK, MOST_PAIRS + 1, STEP))

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1 or not 0 < self.margin < 1:
            raise ValueError("alpha and margin are shares between 0 and 1")
        if not self.looks or sorted(set(self.looks)) != list(self.looks) or self.looks[0] < 1:
            raise ValueError("looks are rising numbers of pairs")

    @property
    def most(self) -> int:
        """The number of pairs at which play ends in any case."""
        return self.looks[-1]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known when play stops: shares, with a 95 % interval.

    ``not_worse`` says that the loss is at most the margin, with one-sided error 5 %.
    """

    kind: VerdictKind
    difference: float
    low: float
    high: float
    not_worse: bool


def looks_up_to(pairs: int) -> tuple[int, ...]:
    """Return when it is looked if at most ``pairs`` are played; raises ValueError below 1."""
    if pairs < 1:
        raise ValueError("no pair is played")
    usual = range(FIRST_LOOK, pairs, STEP)
    return (*usual, pairs)


def round_alpha(number: int, sentences: int = 1) -> float:
    """Return what one sentence of the ``number``-th (1 ...) round of a lesson may spend."""
    if number < 1 or sentences < 1:
        raise ValueError("rounds and sentences are counted from 1")
    return LESSON_ALPHA * 6 / (math.pi * number) ** 2 / sentences


@cache
def nominal_level(alpha: float, most: int) -> float:
    """Return the level of each single look with which a fair coin passes with chance <= alpha.

    It is looked after every one of at most ``most`` pairs that differ: looking more seldom, or
    having fewer of them, spends less.
    """
    levels = sorted({_tail(d)[g] for d in range(1, most + 1) for g in range(d // 2, d + 1)})
    low, high = 0, len(levels)  # Of levels[:low] each is known to be small enough.
    while low < high:
        middle = (low + high) // 2
        if _chance_of_passing(levels[middle], most) <= alpha:
            low = middle + 1
        else:
            high = middle
    return levels[low - 1] if low else 0.0


@cache
def _tail(d: int) -> tuple[float, ...]:
    """Return the chance of at least g heads in d throws of a fair coin, by g (0 to d + 1)."""
    total, chances = 0, [0.0] * (d + 2)
    for heads in range(d, -1, -1):
        total += math.comb(d, heads)
        chances[heads] = total / 2**d
    return tuple(chances)


def _chance_of_passing(level: float, most: int) -> float:
    """Return the chance that a fair coin's tail is ever at most ``level`` within ``most``."""
    import numpy as np

    going = np.zeros(most + 2)
    going[0], passed = 1.0, 0.0
    for d in range(1, most + 1):
        going[1 : d + 1] = (going[1 : d + 1] + going[:d]) / 2
        going[0] /= 2
        tails = np.array(_tail(d)[: d + 1])
        out = tails <= level
        passed += float(going[: d + 1][out].sum())
        going[: d + 1][out] = 0.0
    return passed


def is_better(gained: int, lost: int, alpha: float, most: int) -> bool:
    """Whether the sign test says so: the lost pairs against ``gained`` turned round is worse."""
    return gained > lost and _tail(gained + lost)[gained] <= nominal_level(alpha, most)


def score_z(n: int, gained: int, lost: int, difference: float) -> float:
    """Return Tango's score statistic of a true difference (after - before), a normal deviate."""
    likely = likely_lost(n, gained, lost, difference)
    variance = n * (2 * likely + difference * (1 - difference))
    distance = gained - lost - n * difference
    if variance <= 1e-12:
        return 0.0 if abs(distance) < 1e-9 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def likely_lost(n: int, gained: int, lost: int, difference: float) -> float:
    """Return the likeliest chance that a pair is lost, were the true difference this one."""
    b = -gained - lost + (2 * n - gained + lost) * difference
    c = -lost * difference * (1 - difference)
    root = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    return min(max(root, 0.0, -difference), (1 - difference) / 2)


def decided(plan: Plan, pairs: Pairs) -> bool:
    """Whether play stops here; never between two looks."""
    if pairs.n >= plan.most:
        return True
    return pairs.n in plan.looks and _stops(plan, pairs.n, pairs.gained, pairs.lost)


@cache
def _stops(plan: Plan, n: int, gained: int, lost: int) -> bool:
    if n >= plan.most:
        return True
    if plan.taught and is_better(gained, lost, plan.alpha, plan.most):
        return True
    if is_better(lost, gained, WORSE_ALPHA, plan.most):
        return True
    if score_z(n, gained, lost, -plan.margin) < STOP_Z:
        return False
    return not plan.taught or score_z(n, gained, lost, SAME_WITHIN) <= -STOP_Z


@dataclass(frozen=True, slots=True, eq=False)
class _Ends:
    """Every outcome at which play can stop, with in how many orders of pairs it is reached.

    The chance of an outcome is ``ways * p_gained^gained * p_lost^lost * p_equal^(n - gained -
    lost)``; ``log_ways`` is the logarithm of the number of ways.
    """

    n: NDArray[np.int64]
    gained: NDArray[np.int64]
    lost: NDArray[np.int64]
    log_ways: NDArray[np.float64]

    def chances(self, p_gained: float, p_lost: float) -> NDArray[np.float64]:
        """Return the chance of each outcome; they add up to 1."""
        import numpy as np

        gained, lost, equal = (
            math.log(max(p, 1e-300)) for p in (p_gained, p_lost, 1 - p_gained - p_lost)
        )
        chances: NDArray[np.float64] = np.exp(
            self.log_ways
            + self.gained * gained
            + self.lost * lost
            + (self.n - self.gained - self.lost) * equal
        )
        return chances


@cache
def _ends(plan: Plan) -> _Ends:
    import numpy as np

    size = plan.most + 1
    going = np.zeros((size, size))
    going[0, 0] = 1.0
    found: list[tuple[int, int, int, float]] = []
    for n in range(1, plan.most + 1):
        fresh = going.copy()
        fresh[1:, :] += going[:-1, :]
        fresh[:, 1:] += going[:, :-1]
        going = fresh
        if n not in plan.looks:
            continue
        for gained, lost in np.argwhere(going > 0).tolist():
            if _stops(plan, n, gained, lost):
                found.append((n, gained, lost, float(going[gained, lost])))
                going[gained, lost] = 0.0
    columns: list[Any] = [np.array(column) for column in zip(*found, strict=True)]
    return _Ends(columns[0], columns[1], columns[2], np.log(columns[3]))


@cache
def _estimate(plan: Plan, n: int, gained: int, lost: int) -> Estimate:
    import numpy as np

    ends = _ends(plan)
    each = (ends.gained - ends.lost) / ends.n
    here = (gained - lost) / n
    above, equal = each > here + 1e-12, np.abs(each - here) <= 1e-12

    def chance(difference: float) -> tuple[float, float]:
        """Return the chances of a larger estimate than this one, and of an equal one."""
        p_lost = likely_lost(n, gained, lost, difference)
        chances = ends.chances(max(0.0, p_lost + difference), p_lost)
        return float(chances[above].sum()), float(chances[equal].sum())

    def at_least(difference: float, part: float) -> float:
        larger, same = chance(difference)
        return larger + part * same

    # Half of an equal outcome counts (the mid-p value, Lancaster 1961), so that the interval
    # holds the truth about as often as it says, and not more often.
    low = _crossing(lambda d: at_least(d, 0.5) - 0.025, here, -1.0)
    high = _crossing(lambda d: at_least(d, 0.5) - 0.975, here, 1.0)
    # Here all of it counts: this one decides.
    not_worse = at_least(-plan.margin, 1.0) <= SURE and here > -plan.margin
    surely_small = 1 - at_least(SAME_WITHIN, 0.0) <= SURE and here < SAME_WITHIN
    if plan.taught and is_better(gained, lost, plan.alpha, plan.most):
        kind = VerdictKind.BETTER
    elif is_better(lost, gained, WORSE_ALPHA, plan.most):
        kind = VerdictKind.WORSE
    elif not_worse and (surely_small or not plan.taught):
        kind = VerdictKind.SAME
    else:
        kind = VerdictKind.NOT_ENOUGH
    better = kind is VerdictKind.BETTER
    return Estimate(kind, here, min(low, here), max(high, here), not_worse or better)


def _crossing(rising: Callable[[float], float], inside: float, far: float) -> float:
    """Return where a function changes its sign between ``inside`` and ``far`` (-1 or 1)."""
    sign_far = rising(far) > 0
    if (rising(inside) > 0) == sign_far:
        # It is past its level already here: the estimate itself is the bound.
        return inside if sign_far != (far < 0) else far
    for _ in range(24):
        middle = (inside + far) / 2
        if (rising(middle) > 0) == sign_far:
            far = middle
        else:
            inside = middle
    return far


def estimate(plan: Plan, pairs: Pairs) -> Estimate:
    """Return what is known after ``pairs``, played as ``plan`` says.

    Play that was broken off between two looks is judged as if it had been planned to end there.
    Without pairs nothing is known: the interval is -1 to 1.
    """
    if pairs.n == 0:
        return Estimate(VerdictKind.NOT_ENOUGH, 0.0, -1.0, 1.0, not_worse=False)
    if not decided(plan, pairs):
        before = tuple(look for look in plan.looks if look < pairs.n)
        plan = Plan(plan.alpha, plan.taught, plan.margin, (*before, pairs.n))
    return _estimate(plan, pairs.n, pairs.gained, pairs.lost)


def estimate_fixed(pairs: Pairs, margin: float) -> Estimate:
    """Return what a number of pairs says that was fixed before: Tango's score interval."""
    n, gained, lost = pairs.n, pairs.gained, pairs.lost
    if n == 0:
        return Estimate(VerdictKind.NOT_ENOUGH, 0.0, -1.0, 1.0, not_worse=False)
    here = (gained - lost) / n

    def bound(z: float, far: float) -> float:
        return _crossing(lambda d: z - score_z(n, gained, lost, d), here, far)

    low, high = bound(1.959963984540054, -1.0), bound(-1.959963984540054, 1.0)
    not_worse = score_z(n, gained, lost, -margin) >= 1.6448536269514722
    if low > 0:
        kind = VerdictKind.BETTER
    elif high < 0 and not not_worse:
        kind = VerdictKind.WORSE
    else:
        kind = VerdictKind.SAME if not_worse else VerdictKind.NOT_ENOUGH
    return Estimate(kind, here, low, high, not_worse)


def pair_chances(base: float, gain: float) -> tuple[float, float]:
    """Return the chances (gained, lost) of a pair whose sides come out independently.

    That is the hardest case of those in which a start that was easy before is no harder after.
    """
    after = min(1.0, max(0.0, base + gain))
    return (1 - base) * after, base * (1 - after)


def chance_of(kind: VerdictKind, plan: Plan, p_gained: float, p_lost: float) -> float:
    """Return the exact chance that play as planned ends in a verdict."""
    import numpy as np

    ends = _ends(plan)
    chances = ends.chances(p_gained, p_lost)
    if kind in (VerdictKind.BETTER, VerdictKind.WORSE):
        better = kind is VerdictKind.BETTER
        alpha = plan.alpha if better else WORSE_ALPHA
        yes = np.array(
            [
                is_better(*((g, l_) if better else (l_, g)), alpha, plan.most)
                for g, l_ in zip(ends.gained.tolist(), ends.lost.tolist(), strict=True)
            ]
        )
    else:
        yes = np.array(
            [
                _estimate(plan, n, g, l_).kind is kind
                for n, g, l_ in zip(
                    ends.n.tolist(), ends.gained.tolist(), ends.lost.tolist(), strict=True
                )
            ]
        )
    return float(chances[yes].sum())


def power(pairs: int, gain: float, base: float, alpha: float = LESSON_ALPHA) -> float:
    """Return the chance that at most ``pairs`` pairs find a gain (a share) from ``base``."""
    plan = Plan(alpha, looks=looks_up_to(pairs))
    return chance_of(VerdictKind.BETTER, plan, *pair_chances(base, gain))


def findable_gain(pairs: int, base: float, alpha: float = LESSON_ALPHA) -> float | None:
    """Return the least gain that is found 4 times in 5, in whole points as a share.

    None if not even a success at every start would be.
    """
    room = math.floor(100 * (1 - base) + 1e-9)
    low, high = 0, room + 1
    while high - low > 1:
        middle = (low + high) // 2
        if power(pairs, middle / 100, base, alpha) >= POWER:
            high = middle
        else:
            low = middle
    return None if high > room else high / 100
