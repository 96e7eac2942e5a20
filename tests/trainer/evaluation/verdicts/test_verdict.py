"""Intervals, against published values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluation.verdicts.verdict import paired_interval, wilson

pairs = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80)


def split(outcomes: list[tuple[bool, bool]]) -> tuple[list[bool], list[bool]]:
    return [before for before, _ in outcomes], [after for _, after in outcomes]


def table(both: int, lost: int, gained: int, neither: int) -> tuple[list[bool], list[bool]]:
    """Outcomes (before, after) of a two by two table."""
    return split(
        [(True, True)] * both
        + [(True, False)] * lost
        + [(False, True)] * gained
        + [(False, False)] * neither
    )


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe 1998 (Statistics in Medicine 17, 857-872), method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_published_intervals_of_a_rate(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)
    # Failures are successes turned round.
    assert wilson(n - successes, n) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_wilson_at_the_edges() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == 1.0
    # One standard deviation to each side, near the middle.
    low, high = wilson(500, 1000, z=1.0)
    assert high - low == pytest.approx(0.0316, abs=1e-4)
    with pytest.raises(ValueError, match="no rate"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="no rate"):
        wilson(-1, 2)


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [
        # Newcombe 1998 (Statistics in Medicine 17, 2635-2650), method 10.
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((20, 12, 2, 16), 0.0562, 0.3292),
        # Failures counted instead of successes: the same difference, turned round.
        ((0, 12, 2, 36), 0.0569, 0.3404),
    ],
)
def test_the_published_intervals_of_a_paired_difference(
    cells: tuple[int, int, int, int], low: float, high: float
) -> None:
    # The paper subtracts the other way round: first minus second.
    before, after = table(*cells)
    difference, found_low, found_high = paired_interval(after, before)
    assert difference == pytest.approx(0.2)
    assert (found_low, found_high) == pytest.approx((low, high), abs=5e-4)


@given(pairs)
def test_an_interval_holds_its_difference_and_turns_round_with_the_pair(
    outcomes: list[tuple[bool, bool]],
) -> None:
    before, after = split(outcomes)
    difference, low, high = paired_interval(before, after)
    assert -1.0 <= low <= difference <= high <= 1.0
    turned = paired_interval(after, before)
    assert turned == pytest.approx((-difference, -high, -low), abs=1e-9)


@pytest.mark.parametrize(("before", "after"), [([], []), ([True], [True, False])])
def test_what_is_no_pair_is_refused(before: list[bool], after: list[bool]) -> None:
    with pytest.raises(ValueError, match="one length"):
        paired_interval(before, after)
