"""Words around a sentence: many of them, and never one that is held out."""

from __future__ import annotations

import numpy as np

from recorder.games.doom.tasks import ALL_TASKS, TRAINED_TASKS
from trainer.wording import varied


def test_a_varied_sentence_still_says_what_it_said_and_is_never_held_out() -> None:
    rng = np.random.default_rng(0)
    held = {said for task in ALL_TASKS for said in task.heldout_phrasings}
    changed = 0
    for task in TRAINED_TASKS:
        for said in task.phrasings:
            for _ in range(4):
                varies = varied(said, rng)
                assert said in varies
                assert varies not in held
                changed += varies != said
    assert changed > 1000


def test_many_ways_of_saying_it_come_up() -> None:
    rng = np.random.default_rng(1)
    said = [varied("open the red door", rng) for _ in range(400)]
    assert len(set(said)) > 20
    # "please open the red door" and "go open the red door" are held out.
    assert "please open the red door" not in said
    assert 0.5 < said.count("open the red door") / len(said) < 0.75
