"""Which seeds a command takes: what teaches never judges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.seeds import EVALUATED, seeds_to_judge_on, seeds_to_show_on
from recorder.errors import ExitCode, UsageError
from recorder.games.seeds import JUDGING, SeedRange

LEARNT = [each for each in SeedRange if each not in JUDGING]
SPANS = st.tuples(st.sampled_from(SeedRange), st.integers(0, 900_000), st.integers(1, 1000))


@given(SPANS)
def test_a_model_is_judged_on_no_seed_that_it_may_have_learnt_on(
    span: tuple[SeedRange, int, int],
) -> None:
    own, skip, count = span
    seeds = own.seeds(skip, count)
    if own in JUDGING:
        assert seeds_to_judge_on(seeds, scripted=False, say=pytest.fail) == (seeds, own)
        return
    with pytest.raises(UsageError) as caught:
        seeds_to_judge_on(seeds, scripted=False, say=pytest.fail)
    assert caught.value.exit_code is ExitCode.USAGE
    assert f"the {own.title} range" in caught.value.sentence
    assert f"use {SeedRange.VALIDATION.first} to" in caught.value.sentence
    told: list[str] = []
    assert seeds_to_judge_on(seeds, scripted=True, say=told.append) == (seeds, own)
    assert f"the {own.title} range" in told[0]


def test_without_seeds_the_validation_range_judges() -> None:
    seeds, own = seeds_to_judge_on(None, scripted=False, say=pytest.fail)
    assert own is SeedRange.VALIDATION
    assert seeds == SeedRange.VALIDATION.seeds(0, EVALUATED)


@pytest.mark.parametrize("seeds", [range(999_990, 1_000_010), range(49_999_990, 50_000_010)])
def test_seeds_of_two_ranges_are_refused(seeds: range) -> None:
    for scripted in (False, True):
        with pytest.raises(UsageError, match="do not lie in one range"):
            seeds_to_judge_on(seeds, scripted=scripted, say=pytest.fail)
    with pytest.raises(UsageError, match="do not lie in one range"):
        seeds_to_show_on(seeds, for_training=True)


@given(SPANS)
def test_demonstrations_are_on_teaching_seeds_or_those_of_a_default_models_training(
    span: tuple[SeedRange, int, int],
) -> None:
    own, skip, count = span
    seeds = own.seeds(skip, count)
    for for_training, wanted in ((False, SeedRange.TEACHING), (True, SeedRange.TRAINING)):
        if own is wanted:
            seeds_to_show_on(seeds, for_training=for_training)
        else:
            with pytest.raises(UsageError, match=f"of the {own.title} range"):
                seeds_to_show_on(seeds, for_training=for_training)
