"""Words around a sentence: many of them, and never one that is held out."""

from __future__ import annotations

import numpy as np

from recorder.games.doom.tasks import ALL_TASKS, TRAINED_TASKS
from trainer.data.wording import forms, pattern_of, varied


def test_a_varied_sentence_still_says_what_it_said_and_is_never_held_out() -> None:
    rng = np.random.default_rng(0)
    held = {said for task in ALL_TASKS for said in task.heldout_phrasings}
    forms_held = [pattern_of(form) for ways in forms().values() for form in ways["heldout"]]
    # Also about a thing's second name, of which no list of sentences tells.
    assert any(form.fullmatch("go and pick up the first aid kit") for form in forms_held)
    changed = 0
    for task in TRAINED_TASKS:
        for said in task.phrasings:
            for _ in range(4):
                varies = varied(said, rng)
                assert said in varies
                assert varies not in held
                assert varies == said or not any(form.fullmatch(varies) for form in forms_held)
                changed += varies != said
    assert changed > 1000


def test_many_ways_of_saying_it_come_up() -> None:
    rng = np.random.default_rng(1)
    said = [varied("open the red door", rng) for _ in range(400)]
    assert len(set(said)) > 20
    # "please open the red door" and "go open the red door" are held out.
    assert "please open the red door" not in said
    assert 0.5 < said.count("open the red door") / len(said) < 0.75
