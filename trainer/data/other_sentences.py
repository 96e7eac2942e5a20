"""A lesson's pictures with other sentences: what the lesson is not about.

What is replayed shows old sentences in front of other pictures.  A model that has only seen them so
may do the new thing whenever the picture looks like the lesson's.  These examples hold the old
sentences in front of the lesson's own pictures; nobody says what is right there, so they are
learnt from only as far as the model is to answer as it did before
(``keep`` of :class:`trainer.rounds.training.lora_config.LoraConfig`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from trainer.data.examples import Example
from trainer.data.material import PERSONS

_WORDS = re.compile(r"[a-z]{3,}")
_COMMON = frozenset({"the", "and", "then", "nearest", "farthest"})
ALIKE_SHARE = 0.5
"""So often a sentence is taken that shares a word with the lesson's, if there are any."""


def sentences_of(examples: Sequence[Example]) -> list[str]:
    """Return the sentences that are answered by actions, each once, sorted."""
    return sorted({each.instruction for each in examples if each.answer})


def sentences_shown(examples: Iterable[Example]) -> set[str]:
    """Return the sentences that a person showed or corrected: they are to change.

    What the agent did well by itself is not: that stays as it is.
    """
    return {each.instruction for each in examples if each.kind in PERSONS}


def with_other_sentences(
    shown: Sequence[Example], sentences: Sequence[str], count: int, rng: np.random.Generator
) -> list[Example]:
    """Return ``count`` examples: a picture of ``shown`` with another of ``sentences``.

    Their kind is "replay", their answer is that of the picture's own sentence, which must not
    become likelier for the other.  None if there is no such picture or sentence.
    """
    pictures = [each for each in shown if each.answer and not each.mirror]
    if not pictures or not sentences:
        return []
    words = {said: _words(said) for said in sentences}
    made = []
    for _ in range(count):
        picture = pictures[int(rng.integers(len(pictures)))]
        own = _words(picture.instruction)
        others = [said for said in sentences if said != picture.instruction]
        alike = [said for said in others if words[said] & own]
        chosen = alike if alike and rng.random() < ALIKE_SHARE else others
        if chosen:
            said = chosen[int(rng.integers(len(chosen)))]
            made.append(
                replace(
                    picture, instruction=said, kind="replay", episode_id=None, weight=1.0, acts=()
                )
            )
    return made


def _words(sentence: str) -> frozenset[str]:
    return frozenset(_WORDS.findall(sentence.casefold())) - _COMMON
