"""Blind comparison: how often it is right, how soon, and what a person's errors do to it."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluation.blind.statistics import (
    ALPHA,
    CONSTANT,
    FIRST,
    MOST,
    Marks,
    boundary,
    corrected,
    decided,
    ends,
    error_of,
    kind_of,
    median_clips,
    statistic,
    told_by,
    worst_error,
)
from trainer.evaluation.verdicts.verdict import VerdictKind

ERROR = 0.05
RUNS = 1_000


def marked(rate: float) -> float:
    """Return how often a person who errs marks clips as done."""
    return rate * (1 - ERROR) + (1 - rate) * ERROR


def compared(rng: random.Random, before: float, after: float) -> tuple[VerdictKind, int]:
    """Mark clips until it is decided; return the verdict and the number of clips."""
    marks = Marks()
    while not decided(marks):
        marks = Marks(
            marks.n + 1,
            marks.before + (rng.random() < marked(before)),
            marks.after + (rng.random() < marked(after)),
        )
    return kind_of(marks), 2 * marks.n


@pytest.mark.parametrize(
    ("before", "after", "right", "clips"), [(0.0, 0.8, 0.95, 16), (0.2, 0.8, 0.90, 22)]
)
def test_a_gain_is_seen_by_a_person_who_errs_in_one_of_twenty(
    before: float, after: float, right: float, clips: int
) -> None:
    rng = random.Random(1)
    found = [compared(rng, before, after) for _ in range(RUNS)]
    assert sum(kind is VerdictKind.BETTER for kind, _ in found) >= right * RUNS
    assert sorted(clips for _, clips in found)[RUNS // 2] <= clips
    assert median_clips(marked(before), marked(after)) <= clips
    assert ends(marked(before), marked(after))[VerdictKind.BETTER] >= right


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_what_changed_nothing_is_seldom_called_better_or_worse(rate: float) -> None:
    exact = ends(marked(rate), marked(rate))
    assert exact[VerdictKind.BETTER] + exact[VerdictKind.WORSE] <= ALPHA
    assert exact[VerdictKind.BETTER] == pytest.approx(exact[VerdictKind.WORSE])
    assert median_clips(marked(rate), marked(rate)) == 2 * MOST
    rng = random.Random(round(10 * rate))
    found = [compared(rng, rate, rate)[0] for _ in range(RUNS)]
    # Three standard errors of a thousand runs.
    assert sum(kind is not VerdictKind.SAME for kind in found) <= (ALPHA + 0.021) * RUNS


@given(st.integers(1, MOST).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n))
))  # fmt: skip
def test_the_sides_are_treated_alike(counts: tuple[int, int, int]) -> None:
    n, one, other = counts
    marks, turned = Marks(n, one, other), Marks(n, other, one)
    assert statistic(marks) == pytest.approx(-statistic(turned))
    assert decided(marks) == decided(turned)
    if not decided(marks):
        assert kind_of(marks) is VerdictKind.NOT_ENOUGH
    assert n >= FIRST or not decided(marks)
    assert boundary(n) >= boundary(MOST)


def test_a_persons_error_is_told_from_clips_that_came_twice() -> None:
    assert error_of(0, 0) is None
    assert error_of(10, 10) == 0
    # Both right or both wrong: 0.95^2 + 0.05^2.
    assert error_of(905, 1000) == pytest.approx(ERROR)
    assert error_of(3, 8) == 0.5
    with pytest.raises(ValueError, match="alike"):
        error_of(3, 2)


def test_errors_shrink_a_difference_and_it_is_told_without_them() -> None:
    told = marked(0.8) - marked(0.2)
    assert told == pytest.approx(0.54)
    assert corrected(told, ERROR) == pytest.approx(0.6)
    assert corrected(0.95, ERROR) == 1
    assert corrected(0.3, 0.48) is None


def test_marks_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="done"):
        Marks(3, 4, 0)


def test_the_constant_is_the_least_that_keeps_the_error() -> None:
    assert worst_error(CONSTANT) <= ALPHA < worst_error(CONSTANT - 0.001)


Ends = list[tuple[Marks, float]]


def all_ends(before: float, after: float) -> Ends:
    """Return every end of a comparison with its exact chance, for rates of clips marked done."""
    going: dict[tuple[int, int], float] = {(0, 0): 1.0}
    found: Ends = []
    for n in range(1, MOST + 1):
        fresh: dict[tuple[int, int], float] = {}
        for (b, a), chance in going.items():
            for more_b, chance_b in ((0, 1 - before), (1, before)):
                for more_a, chance_a in ((0, 1 - after), (1, after)):
                    key = b + more_b, a + more_a
                    fresh[key] = fresh.get(key, 0.0) + chance * chance_b * chance_a
        going = {}
        for (b, a), chance in fresh.items():
            marks = Marks(n, b, a)
            if decided(marks):
                found.append((marks, chance))
            else:
                going[b, a] = chance
    return found


def held(before: float, after: float, error: float) -> float:
    """Return the exact chance that the interval holds the true difference."""
    first, second = (rate * (1 - error) + (1 - rate) * error for rate in (before, after))
    same = 1 - 2 * error * (1 - error)
    total = 0.0
    for marks, chance in all_ends(first, second):
        # One clip in five comes twice.
        twice = (2 * marks.n - 1) // 5
        for alike in range(twice + 1):
            of_them = math.comb(twice, alike) * same**alike * (1 - same) ** (twice - alike)
            told = told_by(marks, alike, twice)
            if told.low - 1e-9 <= after - before <= told.high + 1e-9:
                total += chance * of_them
    return total


@pytest.mark.parametrize("error", [0.0, 0.1])
def test_the_interval_holds_although_play_stops_early_and_the_person_errs(error: float) -> None:
    rates = (0.0, 0.5, 1.0)
    chances = [held(one, other, error) for one in rates for other in rates if one <= other]
    assert min(chances) > 0.93
    assert sum(chances) / len(chances) > 0.95


@given(
    st.integers(1, MOST).flatmap(
        lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n))
    ),
    st.integers(0, 7).flatmap(lambda twice: st.tuples(st.integers(0, twice), st.just(twice))),
)
def test_the_interval_says_what_the_verdict_says(
    counts: tuple[int, int, int], repeated: tuple[int, int]
) -> None:
    marks = Marks(*counts)
    told = told_by(marks, *repeated)
    assert -1 <= told.low <= told.difference <= told.high <= 1
    match kind_of(marks):
        case VerdictKind.BETTER:
            assert told.low >= 0
            assert told.difference > 0
        case VerdictKind.WORSE:
            assert told.high <= 0
            assert told.difference < 0
        case _:
            assert told.low <= 0 <= told.high
    n, before, after = counts
    turned = told_by(Marks(n, after, before), *repeated)
    assert turned.difference == pytest.approx(-told.difference)
    assert turned.low == pytest.approx(-told.high)


def test_a_person_who_marks_the_same_clip_otherwise_is_believed_less() -> None:
    sure = told_by(Marks(10, 2, 8), 4, 4)
    unsure = told_by(Marks(10, 2, 8), 1, 4)
    assert sure.error < ERROR < unsure.error
    assert sure.high <= unsure.high
    # What was seen was blurred more, so there was more to see.
    assert sure.difference < unsure.difference
    with pytest.raises(ValueError, match="nothing"):
        told_by(Marks(), 0, 0)
