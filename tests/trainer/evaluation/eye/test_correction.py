"""A difference without the eye's errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluation.eye.correction import corrected
from trainer.evaluation.eye.judge import Reliability
from trainer.evaluation.verdicts.verdict import paired_interval


def test_an_eye_without_errors_and_with_many_marks_changes_next_to_nothing() -> None:
    told = corrected(0.5, 0.3, 0.7, Reliability(100_000, 95_000, 100_000, 95_000))
    assert told == pytest.approx((0.5, 0.3, 0.7), abs=0.005)


def test_what_it_oversees_is_added() -> None:
    """Half of what is done is not seen: a difference of 40 points was one of 80."""
    sees = Reliability(4000, 2000, 4000, 3800)  # Of 45 points in 90 that marks can show.
    difference, low, high = corrected(0.4, 0.3, 0.5, sees)
    assert difference == pytest.approx(0.8)
    # It may be better than it seems, so the lower end stays.
    assert (low, high) == pytest.approx((0.3, 1.0), abs=0.03)


@given(
    st.integers(4, 40), st.integers(4, 40), st.integers(0, 12), st.integers(0, 12),
    st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.5),
)  # fmt: skip
def test_what_got_worse_is_told_as_what_got_better(
    done: int, failed: int, wrong: int, missed: int, difference: float, below: float, above: float
) -> None:
    reliability = Reliability(done, max(0, done - missed), failed, max(0, failed - wrong))
    low, high = max(-1.0, difference - below), min(1.0, difference + above)
    told, told_low, told_high = corrected(difference, low, high, reliability)
    mirrored = corrected(-difference, -high, -low, reliability)
    assert mirrored == pytest.approx((-told, -told_high, -told_low))


@pytest.mark.parametrize(
    "reliability", [Reliability(0, 0, 9, 9), Reliability(8, 4, 8, 4), Reliability(8, 2, 8, 3)]
)
def test_of_an_eye_that_may_be_a_coin_nothing_is_known(reliability: Reliability) -> None:
    assert corrected(0.4, 0.3, 0.5, reliability)[1:] == (-1.0, 1.0)


@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(0, 40), st.integers(0, 40),
    st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.5),
)  # fmt: skip
def test_it_is_an_interval_around_the_difference(
    done: int, failed: int, wrong: int, missed: int, difference: float, below: float, above: float
) -> None:
    reliability = Reliability(done, max(0, done - missed), failed, max(0, failed - wrong))
    low, high = max(-1.0, difference - below), min(1.0, difference + above)
    told, told_low, told_high = corrected(difference, low, high, reliability)
    assert -1 <= told_low <= told + 1e-9
    assert told <= told_high + 1e-9 <= 1 + 1e-9


@pytest.mark.parametrize(("before", "after"), [(0.2, 0.6), (0.4, 0.4), (0.6, 0.2), (0.05, 0.95)])
def test_the_interval_holds_the_truth_as_often_as_it_says(before: float, after: float) -> None:
    """Simulated: 40 pairs, 15 marks of each kind, some of them wrong; it errs alike."""
    rng = np.random.default_rng(0)
    holds, trials = 0, 400
    s, t = 0.92, 0.9
    # What is held against a wrong mark comes out the other way.
    marked = [right * 0.95 + (1 - right) * 0.05 for right in (s, t)]
    for _ in range(trials):
        told = Reliability(
            15, int(rng.binomial(15, marked[0])), 15, int(rng.binomial(15, marked[1]))
        )
        true = rng.random((2, 40)) < np.array([[before], [after]])
        seen = np.where(true, rng.random((2, 40)) < s, rng.random((2, 40)) > t)
        _, low, high = corrected(*paired_interval(list(seen[0]), list(seen[1])), told)
        holds += low <= after - before <= high
    assert holds / trials >= 0.92
