"""Players without a model."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from model.play.policy import Observation, Policy
from model.play.scripted_policies import IdlePolicy, RandomPolicy
from recorder.types import NO_ACTION, Action, Frame

SEEN = [Observation(Frame(i, 0, np.zeros((4, 4, 3), np.uint8)), "go") for i in range(400)]


def played(policy: Policy, seed: int | None = None) -> list[Action]:
    policy.reset("go", seed=seed)
    chunks = [policy.propose(seen) for seen in SEEN]
    assert [chunk.frame_id for chunk in chunks] == list(range(len(SEEN)))
    assert all(len(chunk.actions) == 1 for chunk in chunks)
    return [chunk.actions[0] for chunk in chunks]


@pytest.mark.parametrize("policy", [IdlePolicy(), RandomPolicy()])
def test_each_is_a_policy(policy: Policy) -> None:
    assert isinstance(policy, Policy)


def test_idle_does_nothing() -> None:
    assert set(played(IdlePolicy())) == {NO_ACTION}


def test_chance_is_fixed_by_its_seed() -> None:
    policy = RandomPolicy()
    assert played(policy, 3) == played(policy, 3)
    assert played(policy, 3) != played(policy, 4)


def test_chance_tries_everything_and_holds_it_for_a_while() -> None:
    actions = [action for seed in range(5) for action in played(RandomPolicy(), seed)]
    for control in ("forward", "back", "left", "right", "attack"):
        assert 0.03 < np.mean([getattr(action, control) for action in actions]) < 0.6
    turns = [action.camera[1] for action in actions]
    assert min(turns) < -2 < 2 < max(turns)
    assert all(abs(turn) <= 10 for turn in turns)
    changes = sum(one != other for one, other in pairwise(actions))
    assert 5 < len(actions) / changes < 12
