"""Recorded sentences with parts are taught as they are heard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lessons import begin, record_attempt

from model.actions.tokens import encode_ids
from model.vla.preprocess import CheckpointSpec
from model.vla.tiny import build_model, build_tokenizer
from recorder.games.base import Task
from recorder.store import Reader, Store
from recorder.types import Action, Driver, Outcome, RGBImage
from trainer.data.examples import Example, Passed, Sides, read_examples
from trainer.data.heard import as_heard, asker, by_part

SAID = "take the medkit, then shoot the imp"
WALK = encode_ids(Action(forward=True))
SPEC = CheckpointSpec(
    pixels="coordinates", width=96, height=64, patch_size=16, prompt="picture", parts=True
)


def example(grey: int, instruction: str = SAID, episode: int = 1) -> Example:
    image = np.full((64, 96, 3), grey, np.uint8)
    return Example(image, instruction, WALK, "demonstration", episode, grey)


def bright(image: RGBImage, said: str) -> float:
    """Stand for a model that sees something done where the picture is bright."""
    assert said == "take the medkit"
    return float(image.mean() > 200)


def test_each_tick_is_put_down_to_the_part_in_force() -> None:
    episode = [example(grey) for grey in (10, 20, 250, 251, 30, 250, 40)]
    heard = by_part(episode, bright)
    assert [each.instruction for each in heard] == ["take the medkit"] * 4 + ["shoot the imp"] * 3
    assert [each.tick for each in heard] == [each.tick for each in episode]


def test_every_episode_begins_with_its_first_part() -> None:
    seen = [example(10), example(250), example(251), example(20), example(20, episode=2)]
    assert [each.instruction for each in by_part(seen, bright)] == [
        "take the medkit", "take the medkit", "take the medkit", "shoot the imp",
        "take the medkit",
    ]  # fmt: skip


def test_a_correction_in_the_second_part_is_taught_as_that(tmp_path: Path) -> None:
    """The agent did the first part, in ticks that are not learnt from."""
    two = Task("two", SAID, "take", "medkit", 200)
    with Store.open(tmp_path) as store:
        for seed in range(2):
            record_attempt(
                store, begin(store), [(Driver.POLICY, 40), (Driver.PERSON, 20)], seed=seed,
                task=two, outcome=Outcome.FAILURE,
            )  # fmt: skip
    with Reader.open(tmp_path) as reader:
        sides = read_examples(reader, reader.episodes(), SPEC)
        whole = read_examples(reader, reader.episodes(), replace(SPEC, parts=False))
    corrections = [*sides.train, *sides.select, *sides.gate]
    assert {each.tick for each in corrections} == set(range(40, 60))
    heard = by_part(corrections, bright)
    assert {each.instruction for each in heard} == {"shoot the imp"}
    # What is followed only where there is a part to be followed to is not kept any longer.
    assert all(not each.passed for each in (*heard, *whole.train))


def test_a_sentence_that_is_said_again_begins_with_its_first_part() -> None:
    done = Passed(np.full((64, 64, 3), 250, np.uint8), WALK)
    start = Passed(np.full((64, 64, 3), 10, np.uint8), WALK)
    first = replace(example(30), sentence=1, passed=(start, done, done))
    again = replace(example(30), sentence=3, passed=(start, done))
    heard = [each.instruction for each in by_part([first, again], bright)]
    assert heard == ["shoot the imp", "take the medkit"]


def test_what_stands_behind_you_is_taught_from_where_the_person_has_turned() -> None:
    around = encode_ids(Action(camera=(0.0, 20.0)))
    turning = [
        replace(example(grey, "take the medkit behind you"), answer=around) for grey in range(30)
    ]

    def never_asked(image: RGBImage, said: str) -> float:
        raise AssertionError(said)

    heard = [each.instruction for each in by_part(turning, never_asked)]
    assert heard == ["turn around"] * heard.count("turn around") + ["take the medkit"] * (
        heard.count("take the medkit")
    )
    # A tick turns by at most as far as an answer can say.
    assert 8 <= heard.count("turn around") < 30


def test_a_sentence_of_one_part_stays_as_it_is() -> None:
    alone = [example(250, "go to the barrel"), example(10, "go to the barrel")]
    assert [each.instruction for each in by_part(alone, bright)] == ["go to the barrel"] * 2


def test_what_is_taught_is_in_the_words_that_the_model_is_told() -> None:
    asked: list[str] = []

    def told(said: str) -> str:
        asked.append(said)
        return {"take the medkit": "pick up the medkit"}.get(said, said)

    def just_done(image: RGBImage, said: str) -> float:
        assert said == "pick up the medkit"
        return float(image.mean() > 200)

    seen = [example(10), example(250), example(251), example(20)]
    assert [each.instruction for each in by_part(seen, just_done, told)] == [
        "pick up the medkit", "pick up the medkit", "pick up the medkit", "shoot the imp",
    ]  # fmt: skip
    # Once a part, not once a picture.
    assert asked == ["take the medkit", "shoot the imp"]


@pytest.fixture(scope="module")
def small() -> tuple[Any, Any]:
    words = build_tokenizer([SAID, "Is this done: Yes. No."] * 4, vocabulary=600)
    return build_model(words, SPEC, seed=1, layers=2).eval(), words


def test_a_model_is_asked_only_where_it_was_taught_to(
    small: tuple[Any, Any], tmp_path: Path
) -> None:
    model, words = small
    split = Sides((example(10), example(250)), (), (example(30, episode=2),))
    whole = as_heard(split, model, words, replace(SPEC, parts=False), tmp_path)
    assert [each.instruction for each in whole.train] == [SAID, SAID]
    heard = as_heard(split, model, words, SPEC, tmp_path)
    assert {each.instruction for each in heard.train} <= {"take the medkit", "shoot the imp"}
    assert heard.gate[0].instruction == "take the medkit"


def test_parts_are_taught_only_if_they_are_told_in_play(
    small: tuple[Any, Any], tmp_path: Path
) -> None:
    """With several actions an answer, or earlier pictures, play tells the whole sentence."""
    model, words = small
    spoken = Sides((example(10), example(250), example(251)))
    for spec in (replace(SPEC, chunk=2), replace(SPEC, history=1), replace(SPEC, prompt="plain")):
        assert spec.parts
        assert not spec.told_in_parts
        heard = as_heard(spoken, model, words, spec, tmp_path)
        assert {each.instruction for each in heard.train} == {SAID}
    assert SPEC.told_in_parts


def test_the_answer_depends_on_the_picture_and_on_the_sentence(small: tuple[Any, Any]) -> None:
    ask = asker(*small, SPEC)
    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)
    assert 0 < ask(one, "take the medkit") < 1
    assert ask(one, "take the medkit") != ask(other, "take the medkit")
    assert ask(one, "take the medkit") != ask(one, "shoot the imp")


def test_what_was_done_is_known_of_each_tick_and_begins_anew_with_a_sentence() -> None:
    """Where a sentence is told part after part, nobody says in which part it was done."""
    jumped = [replace(example(grey, "hop"), acts=("jump",)) for grey in (10, 20)]
    assert [each.acts for each in by_part(jumped, bright)] == [("jump",)] * 2
    parted = [replace(example(grey), acts=("jump",)) for grey in (10, 20)]
    assert [each.acts for each in by_part(parted, bright)] == [()] * 2
