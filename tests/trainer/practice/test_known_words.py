"""Which known sentences are tried in place of a new one, and how often each."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from model.language.paraphrase import Sayings
from model.paths import default_checkpoint
from recorder.games import judged_task, task_list
from trainer.practice.known_words import OWN, choose, known_words

TASKS = task_list("doom")


def near(sentence: str) -> list[str]:
    return known_words(default_checkpoint(), TASKS, sentence, 8, rewrite=True)


@pytest.mark.parametrize("thing", ["barrel", "lost soul behind you", "farthest imp"])
def test_what_new_words_mean_is_among_what_is_tried(thing: str) -> None:
    meant = judged_task(TASKS, f"shoot the {thing}")
    tried = [judged_task(TASKS, each) for each in near(f"use your gun on the {thing}")]
    assert meant is not None
    assert meant in tried
    # Each asks for something else: no attempt is made twice in other words.
    ids = [each.id for each in tried if each is not None]
    assert len(ids) == len(set(ids))


def test_what_the_model_is_told_anyhow_is_not_tried() -> None:
    sayings = Sayings.load(default_checkpoint())
    assert sayings is not None
    told = {sayings.restate(each) for each in near("shoot the barrel")}
    assert told
    assert sayings.restate("shoot the barrel") not in told


def test_a_sentence_of_two_parts_and_one_like_nothing_have_none() -> None:
    assert near("pick up the medkit, then open the blue door") == []
    assert near("zzzz qqqq") == []


def tell(rates: dict[str, float]) -> Counter[str]:
    """Return how often of 300 each was told, if they succeed at these rates."""
    rng = np.random.default_rng(0)
    tallies: dict[str, tuple[int, int]] = {}
    for _ in range(300):
        said = choose([each for each in rates if each != OWN], tallies, rng)
        tries, good = tallies.get(said, (0, 0))
        tallies[said] = tries + 1, good + bool(rng.random() < rates[said])
    return Counter({said: tries for said, (tries, _) in tallies.items()})


def test_what_succeeds_is_told_most_often_and_all_is_tried() -> None:
    told = tell({OWN: 0.3, "good": 0.9, "bad": 0.05})
    assert told["good"] > 200
    assert told["bad"] >= 1


def test_a_known_sentence_that_succeeds_is_preferred_to_its_own_and_one_that_fails_is_not() -> None:
    told = tell({OWN: 0.7, "as well": 0.6})
    assert told["as well"] > 200
    told = tell({OWN: 0.7, "never": 0.0})
    assert told[OWN] > 200


def test_without_known_sentences_it_is_told_itself() -> None:
    assert choose([], {}, np.random.default_rng(0)) == OWN
