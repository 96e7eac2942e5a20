"""Every seed has one use."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.games.seeds import (
    SeedRange,
    common_range,
    may_be_learnt_from,
    may_judge,
    next_seed,
    range_of,
)


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


SEEDS = st.integers(0, SeedRange.TEST.last)


@given(SEEDS)
def test_a_seed_either_judges_or_is_learnt_from(seed: int) -> None:
    assert may_judge(seed) != may_be_learnt_from(seed)


@given(st.integers(SeedRange.TEST.last + 1, 2**31))
def test_a_seed_outside_of_all_ranges_may_be_recorded(seed: int) -> None:
    assert may_be_learnt_from(seed)
    assert next_seed(seed) == seed + 1


@given(SEEDS)
def test_the_next_seed_stays_in_the_range(seed: int) -> None:
    following = next_seed(seed)
    assert following != seed
    assert range_of(following) is range_of(seed)


@pytest.mark.parametrize("each", SeedRange)
def test_after_the_last_seed_comes_the_first(each: SeedRange) -> None:
    assert next_seed(each.last) == each.first


@given(st.lists(SEEDS, min_size=1, max_size=5))
def test_a_common_range_holds_every_seed(seeds: list[int]) -> None:
    if len({range_of(seed) for seed in seeds}) == 1:
        own = common_range(seeds)
        assert all(seed in own for seed in seeds)
    else:
        with pytest.raises(ValueError, match="several ranges"):
            common_range(seeds)


@given(SEEDS, st.integers(1, 2_000_000))
def test_a_range_of_numbers_is_looked_at_by_its_ends(first: int, count: int) -> None:
    last = min(first + count, SeedRange.TEST.last)
    if range_of(first) is range_of(last):
        assert common_range(range(first, last + 1)) is range_of(first)
    else:
        with pytest.raises(ValueError, match="several ranges"):
            common_range(range(first, last + 1))


def test_no_seed_has_no_range() -> None:
    with pytest.raises(ValueError, match="none"):
        common_range(range(0))
