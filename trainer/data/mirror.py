"""What one would do in a world whose left is right: twice the examples, where no side is meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.actions.tokens import decode, decode_ids, encode, encode_ids
from recorder.types import Action
from trainer.data.examples import Example

_SIDED = re.compile(r"\b(?:left|right|clockwise|anticlockwise)\b", re.IGNORECASE)


def names_a_side(sentence: str) -> bool:
    """Return whether a sentence means another thing if left and right are exchanged."""
    return _SIDED.search(sentence) is not None


def mirror_image(action: Action) -> Action:
    """Return an action with left and right exchanged."""
    pitch, yaw = action.camera
    return replace(action, left=action.right, right=action.left, camera=(pitch, -yaw))


def mirrored(examples: Sequence[Example]) -> list[Example]:
    """Return the mirror image of each example that has one: picture, answer and earlier pictures.

    Those whose sentence names a side have none, nor has an answer in words.
    """
    return [_mirrored(each) for each in examples if each.answer and not _sided(each)]


def _sided(example: Example) -> bool:
    return names_a_side(example.instruction)


def _mirrored(example: Example) -> Example:
    return replace(
        example,
        image=np.ascontiguousarray(example.image[:, ::-1]),
        answer=_answer(example.answer),
        earlier=tuple(
            (np.ascontiguousarray(picture[:, ::-1]), _said(said))
            for picture, said in example.earlier
        ),
        mirror=True,
    )


def _answer(numbers: Sequence[int]) -> tuple[int, ...]:
    return tuple(n for action in decode_ids(numbers) for n in encode_ids(mirror_image(action)))


def _said(text: str) -> str:
    return "".join(encode(mirror_image(action)) for action in decode(text))
