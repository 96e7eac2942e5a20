"""Which clip of a blind comparison comes next: drawn once, then a function of what was said.

- **The order.**  Places come in twos, one clip of each side, and a coin says which side comes
  first; so both sides have the same number of marks as often as can be.  Starts are drawn for each
  side by itself within blocks of ``BLOCK``, so that a start's two clips seldom follow each other
  and nearly every start that was played is seen of both sides.  After every ``TWICE_EVERY``
  clips one comes again.  Which side a place has is independent of all that can be seen.
- **The course.**  A skipped clip comes again ``LATER`` clips later.  Of a clip that comes twice the
  first mark counts for the comparison, both together for the person's own consistency.

Pure: given the order and what was said, everything follows.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from recorder.store.comparisons.rows import ClipMark, Side
from trainer.evaluation.blind.statistics import MOST, Marks, decided

BLOCK = 4
"""So many starts are drawn from at a time; they divide MOST."""
TWICE_EVERY = 5
APART = 3
"""At least so many other clips lie between a clip and its repetition."""
LATER = 4


@dataclass(frozen=True, slots=True)
class Place:
    """What is shown at one place: a side on a start (0 to MOST - 1).

    ``repeats`` is the place whose clip is shown once more, None for a clip of its own.
    """

    side: Side
    start: int
    repeats: int | None = None


def draw_order(rng: random.Random) -> tuple[Place, ...]:
    """Draw the order of a comparison: MOST clips a side, and those that come twice."""
    fresh: list[Place] = []
    for first in range(0, MOST, BLOCK):
        before = rng.sample(range(first, first + BLOCK), BLOCK)
        turn = rng.randrange(1, BLOCK)
        # Turned, so that no start meets itself within a pair of places.
        after = before[turn:] + before[:turn]
        for one, other in zip(before, after, strict=True):
            pair = [Place(Side.BEFORE, one), Place(Side.AFTER, other)]
            fresh += pair if rng.random() < 0.5 else pair[::-1]
    order: list[Place] = []
    own: list[int] = []
    for number, place in enumerate(fresh, start=1):
        own.append(len(order))
        order.append(place)
        if number % TWICE_EVERY == 0 and number < len(fresh):
            again = rng.choice([each for each in own if each < len(order) - APART])
            own.remove(again)
            order.append(Place(order[again].side, order[again].start, repeats=again))
    return tuple(order)


@dataclass(frozen=True, slots=True)
class Course:
    """How far a comparison is.

    ``next`` is the place that is shown now, None if it is decided.  ``ahead`` are the places after
    it in the order in which they would come.  ``marks`` are those that count for the comparison;
    ``alike`` of ``twice`` clips that were marked two times were marked the same.  ``marked`` counts
    every mark.
    """

    next: int | None
    ahead: tuple[int, ...]
    marks: Marks
    alike: int
    twice: int
    marked: int

    @property
    def over(self) -> bool:
        """Whether it is decided."""
        return self.next is None

    @property
    def may_skip(self) -> bool:
        """Whether another clip can be shown instead of this one for now."""
        return bool(self.ahead)


def course_of(order: Sequence[Place], said: Sequence[ClipMark]) -> Course:
    """Return how far a comparison is after what was said, in the order in which it was said.

    Raises ValueError for a mark on another clip than the one that was shown, or after the end.
    """
    waiting = list(range(len(order)))
    first: dict[int, bool] = {}
    sides: dict[Side, list[bool]] = {Side.BEFORE: [], Side.AFTER: []}
    alike = twice = marked = 0
    over = False
    for each in said:
        if over or not waiting or waiting[0] != each.place:
            raise ValueError(f"the clip at place {each.place} was not the one that was shown")
        waiting.pop(0)
        if each.done is None:
            waiting.insert(LATER, each.place)
            continue
        marked += 1
        place = order[each.place]
        clip = each.place if place.repeats is None else place.repeats
        if clip in first:
            twice += 1
            alike += first[clip] == each.done
            continue
        first[clip] = each.done
        sides[place.side].append(each.done)
        over = decided(_marks(sides))
    return Course(
        next=None if over else waiting[0],
        ahead=() if over else tuple(waiting[1:]),
        marks=_marks(sides),
        alike=alike,
        twice=twice,
        marked=marked,
    )


def _marks(sides: dict[Side, list[bool]]) -> Marks:
    """Return as many marks of each side as both have, the first ones."""
    before, after = sides[Side.BEFORE], sides[Side.AFTER]
    n = min(len(before), len(after))
    return Marks(n, sum(before[:n]), sum(after[:n]))
