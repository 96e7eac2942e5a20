from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.types import Outcome
from trainer.practice.groups import SPEED, advantages, reward


def test_only_a_success_is_worth_something_and_a_quick_one_more() -> None:
    assert reward(Outcome.FAILURE, 3, 60) == reward(Outcome.TIMEOUT, 60, 60) == 0.0
    assert reward(Outcome.SUCCESS, 60, 60) == 1.0
    assert reward(Outcome.SUCCESS, 0, 60) == 1.0 + SPEED
    assert reward(Outcome.SUCCESS, 70, 60) == 1.0


@pytest.mark.parametrize("rewards", [[], [1.0], [0.0] * 8, [1.05, 1.04, 1.06]])
def test_a_group_in_which_all_came_to_the_same_says_nothing(rewards: list[float]) -> None:
    assert advantages(rewards) == ()


@given(st.lists(st.sampled_from([0.0, 1.0, 1.05, 1.1]), min_size=2, max_size=12))
def test_advantages_have_mean_0_and_spread_1_and_keep_the_order(rewards: list[float]) -> None:
    gains = advantages(rewards)
    if not gains:
        assert statistics.pstdev(rewards) < 0.05
        return
    assert math.isclose(math.fsum(gains), 0.0, abs_tol=1e-9)
    assert math.isclose(statistics.pstdev(gains), 1.0, rel_tol=1e-9)
    for one, gain in zip(rewards, gains, strict=True):
        for other, loss in zip(rewards, gains, strict=True):
            assert (one > other) == (gain > loss + 1e-12)
