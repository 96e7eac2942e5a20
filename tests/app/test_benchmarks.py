"""The form of a benchmark's result."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.benchmarks import sentences, swap
from app.benchmarks.common import Target, median, percentile, report
from app.benchmarks.window import run_window_child
from recorder.games.doom.scene import build_scene
from recorder.games.doom.tasks import ALL_TASKS, goal_of


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


def test_sentences_are_told_apart() -> None:
    document = sentences.measure(1, lambda _line: None)
    median = document["median"]
    assert all(target["met"] for target in document["targets"].values())
    assert median["called_unfamiliar_unrelated"] > 0.95
    assert median["called_unfamiliar_held_out"] < 0.15
    # What is no better than a coin's toss would give a half.
    assert sentences.area_under_curve(np.array([1.0, 0.0]), np.array([0.5])) == 0.5
    assert sentences.area_under_curve(np.array([0.5]), np.array([0.5, 0.0])) == 0.75


def test_a_swapped_sentence_names_another_thing_that_stands_there() -> None:
    starts = swap.swapped_starts(range(1_000_000, 1_000_002))
    assert len(starts) >= 40
    for task, said, seed in starts:
        goal = goal_of(task)
        assert goal is not None
        there = {placed.kind.phrase for placed in build_scene(goal, task.id, seed).things}
        other = next(t for t in ALL_TASKS if t.instruction == said)
        assert other.verb == task.verb
        assert other.thing != task.thing
        assert other.thing in there
