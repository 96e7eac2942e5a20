"""How many steps a round takes, and how often it sees a sample."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.sampling import MAX_VISITS, class_shares
from trainer.rounds.training.lora_config import LoraConfig, most_visits, plan_steps, usual_config


def test_seven_seconds_of_a_person_are_seen_until_the_least_steps_are_done() -> None:
    persons = 129
    assert plan_steps(persons, LoraConfig(min_steps=20)) == 54
    often = LoraConfig(min_steps=140)
    assert plan_steps(persons, often) == 140
    assert plan_steps(persons, LoraConfig(min_steps=140, max_steps=30)) == 30
    # 140 steps of 24, of which 60 % are the person's, over 129 samples are 15.6 visits.
    assert most_visits(persons, often) == 20
    assert most_visits(persons, LoraConfig(min_steps=20)) == MAX_VISITS


@given(st.integers(50, 2000), st.integers(20, 300))
def test_the_persons_samples_get_their_share_of_the_steps(persons: int, least: int) -> None:
    config = LoraConfig(min_steps=least, max_steps=300)
    draws = plan_steps(persons, config) * config.batch
    counts = {"demonstration": persons, "replay": 600}
    shares = class_shares(counts, draws, most_visits(persons, config))
    assert np.isclose(shares["demonstration"], 0.6)


def test_a_large_base_is_not_taught_at_the_rate_of_a_small_one() -> None:
    small, large = (usual_config(large=each, seed=3, max_steps=40) for each in (False, True))
    assert small.learning_rate > large.learning_rate == LoraConfig().learning_rate
    assert (small.keep > 0, large.keep) == (True, 0.0)
    assert (small.checkpointing, large.checkpointing) == (False, True)
    assert {(each.seed, each.max_steps) for each in (small, large)} == {(3, 40)}
