"""The form of a benchmark's result."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.benchmarks.common import Target, median, percentile, report
from app.benchmarks.window import run_window_child


def test_medians_stand_beside_their_targets() -> None:
    each = [
        {"rate": 20.0, "share": 0.5},
        {"rate": 16.0, "share": None},
        {"rate": 18.0, "share": 0.1},
    ]
    made = report("play", each, {"rate": Target(17.5, at_least=True), "share": Target(0.2)})
    assert made["median"] == {"rate": 18.0, "share": 0.3}
    assert made["targets"]["rate"] == {"target": "at least 17.5", "met": True}
    assert made["targets"]["share"] == {"target": "at most 0.2", "met": False}
    assert made["runs"] == 3


def test_what_is_missing_is_not_met() -> None:
    assert not Target(1.0).met_by(None)
    assert median([None, math.inf]) is None
    with pytest.raises(ValueError, match="at least one run"):
        report("play", [], {})


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.001, 1))
def test_a_percentile_covers_its_share(values: list[float], share: float) -> None:
    bound = percentile(values, share)
    assert bound is not None
    assert bound in values
    assert sum(value <= bound for value in values) >= share * len(values) - 1e-6


def test_the_real_window_comes_to_play_in_a_process_of_its_own() -> None:
    run = run_window_child(0.3)
    assert 0 < run.visible_s < run.playing_s
    assert run.gaps_ms
