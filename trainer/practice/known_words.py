"""Known sentences that are tried in place of one that is practised, and how well each does.

What a new sentence asks for is often something that the agent can do if it is told so in words that
it was taught: "gun down the barrel" for "use your gun on the barrel".  Whoever judges the attempt
says whether it was; what succeeded is learnt under the new sentence.  No torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from model.language.familiarity import Repertoire, taught_sentences
from model.language.paraphrase import Sayings
from model.language.subgoals import split_instruction
from recorder.games import judged_task
from recorder.games.base import Task

NEAR = 60
"""So many taught sentences that are like one are looked at; many are other words for the same."""
OWN = ""
"""Stands for the sentence itself, among what may be told."""
Tally = tuple[int, int]
"""Attempts, and how many of them succeeded."""


def known_words(
    base: Path, tasks: Sequence[Task], heard: str, most: int, *, rewrite: bool
) -> list[str]:
    """Return at most ``most`` sentences that a base was taught and that are like ``heard``.

    Each asks for something else, and none is what the model is told for ``heard`` anyhow.  None if
    ``heard`` has several parts, as a part cannot be judged.
    """
    if len(split_instruction(heard)) != 1:
        return []
    sayings = Sayings.load(base)
    own = () if sayings is None else sayings.sentences
    taught = Repertoire(own or taught_sentences(tasks))

    def told(sentence: str) -> str:
        return sayings.restate(sentence) if sayings is not None and rewrite else sentence

    found: dict[str, str] = {}
    for sentence in taught.nearest(heard, NEAR):
        if told(sentence) != told(heard):
            task = judged_task(tasks, sentence)
            found.setdefault(told(sentence) if task is None else task.id, sentence)
    return list(found.values())[:most]


def choose(words: Sequence[str], tallies: Mapping[str, Tally], rng: np.random.Generator) -> str:
    """Return what to tell: the sentence itself (:data:`OWN`) or one of ``words``.

    What succeeded more often is told more often (Thompson sampling: Thompson 1933, Biometrika 25).
    A success of the sentence itself counts half, as what it does already teaches less.
    """

    def drawn(said: str) -> float:
        tries, good = tallies.get(said, (0, 0))
        return float(rng.beta(1 + good, 1 + tries - good)) * (0.5 if said == OWN else 1.0)

    return max([OWN, *words], key=drawn)
