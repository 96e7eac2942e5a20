from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.actions.tokens import decode_ids, encode, encode_ids
from recorder.types import Action
from trainer.data.examples import Example
from trainer.data.mirror import mirror_image, mirrored, names_a_side

LEFT = Action(left=True, camera=(2.0, -5.0))


def example(sentence: str = "go to the red torch", **changes: object) -> Example:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    fields: dict[str, object] = {
        "image": picture, "instruction": sentence, "answer": encode_ids(LEFT) * 2,
        "kind": "correction", "episode_id": 4, "tick": 7, "earlier": ((picture, encode(LEFT)),),
    }  # fmt: skip
    return Example(**{**fields, **changes})  # type: ignore[arg-type]


@given(
    st.builds(
        Action, forward=st.booleans(), left=st.booleans(), right=st.booleans(),
        attack=st.booleans(), hotbar=st.integers(0, 9),
        camera=st.tuples(st.floats(-10, 10), st.floats(-10, 10)),
    )
)  # fmt: skip
def test_a_mirror_image_of_a_mirror_image_is_the_action(action: Action) -> None:
    assert mirror_image(mirror_image(action)) == action


def test_picture_answer_and_earlier_pictures_are_exchanged() -> None:
    one = example()
    (other,) = mirrored([one])
    assert np.array_equal(other.image, one.image[:, ::-1])
    right = mirror_image(LEFT)
    assert (right.right, right.left, right.camera) == (True, False, (2.0, 5.0))
    assert decode_ids(other.answer) == [decode_ids(encode_ids(right))[0]] * 2
    ((picture, said),) = other.earlier
    assert np.array_equal(picture, one.image[:, ::-1])
    assert said == encode(right)
    assert (other.mirror, other.episode_id, other.tick) == (True, 4, 7)


@pytest.mark.parametrize("sentence", ["go left", "walk around it, clockwise", "the RIGHT imp"])
def test_a_sentence_that_names_a_side_has_no_mirror_image(sentence: str) -> None:
    assert names_a_side(sentence)
    assert mirrored([example(sentence)]) == []


def test_an_answer_in_words_has_no_mirror_image() -> None:
    assert mirrored([example(answer=(), words="Yes.")]) == []
