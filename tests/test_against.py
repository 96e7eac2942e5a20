"""Two trees side by side: the ratio of each pair of runs, and its interval."""

from __future__ import annotations

import math

import pytest
from against import interval, ratio
from scipy.stats import ttest_1samp


def test_a_ratio_below_one_is_faster_for_times_and_speeds_alike() -> None:
    assert ratio(1.0, 2.0, "help_s") == 0.5
    assert ratio(30.0, 15.0, "actions_per_s") == 0.5


def test_the_interval_is_scipys_of_the_logarithms() -> None:
    ratios = [1.02, 0.97, 1.10, 1.01]
    logs = [math.log(each) for each in ratios]
    expected = ttest_1samp(logs, 0.0).confidence_interval(0.95)
    mean, low, high = interval(ratios)
    assert mean == pytest.approx(math.prod(ratios) ** 0.25)
    assert (low, high) == pytest.approx((math.exp(expected.low), math.exp(expected.high)))


def test_one_pair_of_runs_tells_nothing() -> None:
    assert interval([1.3]) == (pytest.approx(1.3), 0.0, math.inf)
