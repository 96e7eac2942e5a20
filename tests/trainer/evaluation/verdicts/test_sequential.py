"""Paired play that stops when it is decided: its errors, its intervals, its power."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from trainer.evaluation.verdicts.sequential import (
    LESSON_ALPHA,
    MOST_PAIRS,
    OLD_TASKS_MARGIN,
    WORSE_ALPHA,
    Pairs,
    Plan,
    chance_of,
    decided,
    estimate,
    estimate_fixed,
    findable_gain,
    is_better,
    likely_lost,
    looks_up_to,
    nominal_level,
    pair_chances,
    power,
    round_alpha,
    score_z,
)
from trainer.evaluation.verdicts.simulated_rounds import play_many, wrongly_used
from trainer.evaluation.verdicts.verdict import VerdictKind

FIRST = Plan(round_alpha(1))
KEPT = Plan(round_alpha(1), taught=False)


def test_the_error_of_all_rounds_of_a_lesson_is_bounded() -> None:
    assert sum(round_alpha(k) for k in range(1, 5000)) <= LESSON_ALPHA
    assert round_alpha(3, 2) == pytest.approx(round_alpha(3) / 2)
    with pytest.raises(ValueError, match="from 1"):
        round_alpha(0)


@pytest.mark.parametrize("alpha", [round_alpha(1), round_alpha(2), round_alpha(5), WORSE_ALPHA])
def test_a_fair_coin_passes_no_more_often_than_allowed(alpha: float) -> None:
    rng = np.random.default_rng(3)
    heads = np.cumsum(rng.integers(0, 2, (20_000, MOST_PAIRS)), axis=1)
    thrown = np.arange(1, MOST_PAIRS + 1)
    level = nominal_level(alpha, MOST_PAIRS)
    passed = (binom.sf(heads - 1, thrown, 0.5) <= level * (1 + 1e-9)).any(axis=1).mean()
    assert passed <= alpha + 3 * math.sqrt(alpha / 20_000)
    # It is not so careful that nothing is left to find.
    assert passed >= 0.6 * alpha


@pytest.mark.parametrize("base", [0.05, 0.5, 0.9])
def test_ten_rounds_that_change_nothing_are_put_in_use_less_than_once_in_twenty(
    base: float,
) -> None:
    rng = np.random.default_rng(round(100 * base))
    assert wrongly_used(rng, lessons=2000, rounds=10, base=base) / 2000 <= 0.05
    # By design it is at most 3 %, exactly.
    exact = sum(
        chance_of(VerdictKind.BETTER, Plan(round_alpha(k)), *pair_chances(base, 0.0))
        for k in range(1, 11)
    )
    assert exact <= LESSON_ALPHA


@pytest.mark.parametrize(
    ("base", "gain"), [(0.05, 0.0), (0.5, 0.0), (0.9, 0.0), (0.1, 0.5), (0.4, 0.2), (0.6, -0.2)]
)
def test_the_interval_that_is_told_holds_the_truth_nineteen_times_in_twenty(
    base: float, gain: float
) -> None:
    rng = np.random.default_rng(17)
    told = [estimate(FIRST, pairs) for pairs in play_many(rng, FIRST, 2000, base, base + gain)]
    held = sum(each.low <= gain <= each.high for each in told) / 2000
    assert 0.93 <= held <= (0.97 if 0.1 < base < 0.9 else 1.0)


@pytest.mark.parametrize("base", [0.5, 0.8, 0.95])
def test_the_interval_of_the_old_tasks_holds_the_truth_nineteen_times_in_twenty(
    base: float,
) -> None:
    rng = np.random.default_rng(19)
    plan = Plan(0.01, looks=(300,))
    for loss in (0.0, 0.04):
        many = play_many(rng, plan, 2000, base, base - loss, alike=0.7)
        told = [estimate_fixed(pairs, OLD_TASKS_MARGIN) for pairs in many]
        held = sum(each.low <= -loss <= each.high for each in told) / 2000
        assert 0.93 <= held <= 0.97
    worse = play_many(rng, plan, 2000, base, base - OLD_TASKS_MARGIN, alike=0.7)
    let_by = sum(estimate_fixed(pairs, OLD_TASKS_MARGIN).not_worse for pairs in worse) / 2000
    assert let_by <= 0.065


@pytest.mark.parametrize("plan", [FIRST, KEPT], ids=["taught", "kept"])
@pytest.mark.parametrize("base", [0.3, 0.6, 0.95])
def test_what_is_worse_by_the_margin_is_not_let_by(plan: Plan, base: float) -> None:
    rng = np.random.default_rng(23)
    many = play_many(rng, plan, 2000, base, base - plan.margin, alike=0.6)
    assert sum(estimate(plan, pairs).not_worse for pairs in many) / 2000 <= 0.065


def test_a_clear_case_takes_ten_pairs_and_a_close_one_eighty() -> None:
    rng = np.random.default_rng(29)
    clear = [pairs.n for pairs in play_many(rng, FIRST, 400, 0.05, 0.95)]
    assert float(np.median(clear)) == 10
    strong = [pairs.n for pairs in play_many(rng, FIRST, 400, 0.3, 0.7)]
    assert float(np.median(strong)) <= 30
    close = [pairs.n for pairs in play_many(rng, FIRST, 400, 0.5, 0.6)]
    assert float(np.median(close)) == MOST_PAIRS
    kept = [pairs.n for pairs in play_many(rng, KEPT, 400, 0.95, 0.95, alike=0.8)]
    assert float(np.median(kept)) <= 50


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 20), st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_better_and_worse_are_never_both_and_the_interval_holds_its_estimate(
    both: int, gained: int, lost: int, neither: int
) -> None:
    pairs = Pairs(both, gained, lost, neither)
    if not 0 < pairs.n <= MOST_PAIRS:
        return
    told = estimate(FIRST, pairs)
    assert -1 <= told.low <= told.difference <= told.high <= 1
    assert told.difference == pytest.approx((gained - lost) / pairs.n)
    if told.kind is VerdictKind.BETTER:
        assert told.not_worse
        assert is_better(gained, lost, FIRST.alpha, MOST_PAIRS) or pairs.n < MOST_PAIRS
    assert estimate(KEPT, pairs).kind is not VerdictKind.BETTER


def test_it_is_decided_only_at_a_look() -> None:
    assert not decided(FIRST, Pairs(0, 9, 0, 0))
    assert decided(FIRST, Pairs(0, 10, 0, 0))
    assert not decided(FIRST, Pairs(5, 3, 0, 2))
    assert decided(FIRST, Pairs(40, 10, 10, 20))
    assert looks_up_to(23) == (10, 15, 20, 23)
    assert looks_up_to(8) == (8,)
    with pytest.raises(ValueError, match="no pair"):
        looks_up_to(0)


@pytest.mark.parametrize("pairs", [Pairs(43, 1, 0, 0), Pairs(100, 20, 12, 168)])
def test_a_fixed_interval_ends_where_the_score_is_a_deviate_of_95_percent(pairs: Pairs) -> None:
    told = estimate_fixed(pairs, 0.1)
    assert told.difference == pytest.approx((pairs.gained - pairs.lost) / pairs.n)
    ends = [score_z(pairs.n, pairs.gained, pairs.lost, each) for each in (told.low, told.high)]
    assert ends == pytest.approx([1.96, -1.96], abs=1e-2)


@given(st.integers(1, 80), st.floats(-0.9, 0.9), st.data())
@settings(max_examples=80, deadline=None)
def test_the_likeliest_share_is_the_likeliest(
    n: int, difference: float, data: st.DataObject
) -> None:
    gained = data.draw(st.integers(0, n))
    lost = data.draw(st.integers(0, n - gained))

    def likelihood(q: float) -> float:
        parts = ((gained, q + difference), (lost, q), (n - gained - lost, 1 - 2 * q - difference))
        return sum(k * math.log(max(p, 1e-12)) for k, p in parts if k)

    best = likely_lost(n, gained, lost, difference)
    lowest, highest = max(0.0, -difference), (1 - difference) / 2
    assert lowest - 1e-9 <= best <= highest + 1e-9
    others = np.linspace(lowest, highest, 41)
    assert likelihood(best) >= max(likelihood(float(q)) for q in others) - 1e-6


def test_the_power_that_is_said_is_the_power_there_is() -> None:
    rng = np.random.default_rng(31)
    alpha = round_alpha(1)
    many = play_many(rng, FIRST, 2000, 0.3, 0.55)
    found = sum(estimate(FIRST, pairs).kind is VerdictKind.BETTER for pairs in many) / 2000
    assert power(MOST_PAIRS, 0.25, 0.3, alpha) == pytest.approx(found, abs=0.035)
    least = findable_gain(MOST_PAIRS, 0.5, alpha)
    assert least is not None
    assert power(MOST_PAIRS, least, 0.5, alpha) >= 0.8 > power(MOST_PAIRS, least - 0.01, 0.5, alpha)
    # Where nearly everything succeeds already there is nothing to find.
    assert findable_gain(MOST_PAIRS, 0.95, alpha) is None
