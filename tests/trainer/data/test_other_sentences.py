"""A lesson's pictures with other sentences."""

from __future__ import annotations

import numpy as np

from trainer.data.examples import Example
from trainer.data.other_sentences import sentences_of, with_other_sentences


def example(sentence: str, kind: str, number: int, words: str = "") -> Example:
    picture = np.full((4, 4, 3), number, np.uint8)
    return Example(picture, sentence, () if words else (number,), kind, number, words=words)


TAUGHT = [example("dash over to the blue torch", "demonstration", n) for n in range(5)]
KNOWN = [
    example("go to the blue torch", "replay", 20),
    example("shoot the imp", "replay", 21),
    example("open the door", "replay", 22),
    example("is the door open", "replay", 23, words="yes"),
]
SAID = sentences_of(KNOWN)


def test_old_sentences_stand_before_the_lessons_pictures_with_the_answer_to_keep_away_from() -> (
    None
):
    made = with_other_sentences(TAUGHT, SAID, 300, np.random.default_rng(3))
    assert len(made) == 300
    shown = {id(each.image): each.answer for each in TAUGHT}
    assert {id(each.image) for each in made} == set(shown)
    for each in made:
        assert each.answer == shown[id(each.image)]
        assert (each.kind, each.episode_id, each.words) == ("replay", None, "")
    said = [each.instruction for each in made]
    assert set(said) == {"go to the blue torch", "shoot the imp", "open the door"}
    # Half of them share a word with the lesson's, and a third of the rest.
    assert 0.55 < said.count("go to the blue torch") / 300 < 0.78
    again = with_other_sentences(TAUGHT, SAID, 300, np.random.default_rng(3))
    assert [each.instruction for each in again] == said


def test_the_lessons_own_sentence_is_none_of_the_others() -> None:
    own = [TAUGHT[0].instruction]
    assert with_other_sentences(TAUGHT, own, 10, np.random.default_rng(0)) == []
    assert with_other_sentences(TAUGHT, [], 10, np.random.default_rng(0)) == []
    assert with_other_sentences([], SAID, 10, np.random.default_rng(0)) == []
