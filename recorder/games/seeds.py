"""Named ranges of seeds: what a start may be used for.

A start (a task, the sentence heard, a seed) belongs to the range that its seed lies in, and to
no other.  What was trained, taught, practised or chosen on can so never judge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Bounds:
    """The first and the last seed of a range, and in a few words what it is for."""

    first: int
    last: int
    purpose: str


class SeedRange(Enum):
    """Every range; together they hold each seed from 0 to 49,999,999 exactly once."""

    TRAINING = Bounds(0, 999_999, "the default models were trained on them")
    VALIDATION = Bounds(1_000_000, 9_999_999, "constants and checkpoints were chosen on them")
    TEACHING = Bounds(10_000_000, 19_999_999, "a person meets them and teaches on them")
    PRACTICE = Bounds(20_000_000, 29_999_999, "the agent practises on them")
    VERDICT = Bounds(30_000_000, 39_999_999, "rounds are judged on them, each on fresh ones")
    TEST = Bounds(40_000_000, 49_999_999, "figures are published from them and nothing else")

    @property
    def first(self) -> int:
        """The first seed of the range."""
        return self.value.first

    @property
    def last(self) -> int:
        """The last seed of the range."""
        return self.value.last

    @property
    def title(self) -> str:
        """The range's name in lower case, as documents and sentences give it."""
        return self.name.lower()

    def __contains__(self, seed: object) -> bool:
        return isinstance(seed, int) and self.first <= seed <= self.last

    def seeds(self, skip: int, count: int) -> range:
        """Return ``count`` seeds after the first ``skip``; raises ValueError past the end."""
        start = self.first + skip
        if skip < 0 or count < 0 or start + count > self.last + 1:
            raise ValueError(f"{self.name.lower()} has no {count} seeds after {skip}")
        return range(start, start + count)


def range_of(seed: int) -> SeedRange:
    """Return the range that a seed belongs to; raises ValueError outside of all."""
    for each in SeedRange:
        if seed in each:
            return each
    raise ValueError(f"seed {seed} belongs to no range")


def common_range(seeds: Iterable[int]) -> SeedRange:
    """Return the one range of all seeds; raises ValueError for seeds of two, of none, or no seed.

    Ascending ranges of whole numbers are looked at by their ends.
    """
    ends = {seeds[0], seeds[-1]} if isinstance(seeds, range) and seeds else set(seeds)
    found = {range_of(seed) for seed in ends}
    if len(found) != 1:
        names = " and ".join(each.title for each in SeedRange if each in found) or "none"
        raise ValueError(f"the seeds belong to several ranges or to none: {names}")
    return found.pop()


def next_seed(seed: int) -> int:
    """Return the seed of the start after this one: of the same range, after its last the first.

    After a seed outside of all ranges comes the next number.
    """
    own = next((each for each in SeedRange if seed in each), None)
    return own.first if own is not None and seed == own.last else seed + 1


JUDGING = frozenset({SeedRange.VALIDATION, SeedRange.VERDICT, SeedRange.TEST})
"""The ranges that measure; what is recorded to be learnt from comes from the others."""


def may_judge(seed: int) -> bool:
    """Whether an attempt on this seed may be counted as a measurement of what was learnt.

    Raises ValueError for a seed outside of all ranges.
    """
    return range_of(seed) in JUDGING


def may_be_learnt_from(seed: int) -> bool:
    """Whether an attempt on this seed may be recorded, and so be taught.

    It may on every seed that never judges; those outside of all ranges never do.
    """
    return not any(seed in each for each in JUDGING)
