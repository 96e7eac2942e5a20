"""Every seed has one use."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.games.seeds import SeedRange, may_judge, range_of


def test_the_ranges_lie_side_by_side() -> None:
    bounds = sorted((each.first, each.last) for each in SeedRange)
    assert bounds[0][0] == 0
    assert all(last + 1 == first for (_, last), (first, _) in itertools.pairwise(bounds))


@given(st.sampled_from(SeedRange), st.integers(0, 10_000), st.integers(0, 100))
def test_seeds_of_a_range_belong_to_it(each: SeedRange, skip: int, count: int) -> None:
    assert all(range_of(seed) is each for seed in each.seeds(skip, count))


def test_what_was_learnt_on_cannot_judge() -> None:
    learnt = (SeedRange.TRAINING, SeedRange.TEACHING, SeedRange.PRACTICE)
    assert [may_judge(each.first) for each in learnt] == [False] * 3
    assert may_judge(SeedRange.VERDICT.first)
    assert may_judge(SeedRange.TEST.last)


@pytest.mark.parametrize("seed", [-1, 50_000_000])
def test_no_seed_lies_outside(seed: int) -> None:
    with pytest.raises(ValueError, match="belongs to no range"):
        range_of(seed)


def test_a_range_ends() -> None:
    with pytest.raises(ValueError, match="has no 2 seeds"):
        SeedRange.TEST.seeds(9_999_999, 2)
