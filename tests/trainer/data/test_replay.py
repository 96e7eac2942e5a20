"""What the base could before is drawn over all that it was taught."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from model.actions.tokens import decode_ids
from model.language.subgoals import NO, YES, done_question
from model.vla.preprocess import CheckpointSpec
from recorder.games.doom import goals
from recorder.games.doom.tasks import TRAINED_TASKS
from trainer.data.examples import Sides
from trainer.data.replay import replay_examples

SPEC = CheckpointSpec(
    pixels="coordinates", width=64, height=32, patch_size=16, prompt="picture", parts=True
)
QUESTION = done_question("")
VERBS = {task.instruction: task.verb for task in TRAINED_TASKS}


@pytest.fixture(scope="module")
def replayed() -> Sides:
    return replay_examples(SPEC, 240, seed=3)


def test_every_verb_that_was_taught_comes_up(replayed: Sides) -> None:
    said = Counter(VERBS[each.instruction] for each in replayed.train if not each.words)
    # Two steps are told one after the other, as in play.
    assert set(said) == {task.verb for task in TRAINED_TASKS} - {goals.TWO_STEP}
    assert len({each.instruction for each in replayed.train}) > 100
    assert said.most_common(1)[0][1] < 0.3 * said.total()


def test_it_asks_whether_something_is_done(replayed: Sides) -> None:
    asked = [each for each in replayed.train if each.words]
    assert {each.words for each in asked} == {YES, NO}
    assert all(each.instruction.startswith(QUESTION) and not each.answer for each in asked)
    assert 0.03 <= len(asked) / len(replayed.train) <= 0.12


def test_the_sides_have_their_sizes_and_share_no_picture(replayed: Sides) -> None:
    sides = (replayed.train, replayed.select, replayed.gate)
    assert [len(side) for side in sides] == [240, 30, 60]
    seen = [{id(each.image) for each in side} for side in sides]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]
    assert all(decode_ids(each.answer) for side in sides for each in side if not each.words)


def test_a_model_that_hears_whole_sentences_is_told_them_and_not_asked() -> None:
    found = replay_examples(replace(SPEC, parts=False), 80, seed=1)
    verbs = Counter(VERBS[each.instruction] for each in found.train)
    assert verbs[goals.TWO_STEP]
    assert not any(each.words for each in found.train)
