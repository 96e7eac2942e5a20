"""Which sentences a round teaches with what was done so far, and which acts they are told.

Only an act that is done once and then followed by something else is told, such as the jump of "jump
before you open the red door".  Where an act goes on to the end, as in shooting, or comes again and
again, whether it was done says little and makes of one lesson two halves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from model.actions.tokens import decode_ids
from model.language.action_memory import ACTS
from model.language.familiarity import taught_sentences
from recorder.errors import UsageError
from recorder.games import task_list
from trainer.data.examples import Example
from trainer.data.material import PERSONS

Remembered = Mapping[str, Collection[str]]
"""For sentences, as they are heard, the acts that they are told."""
LEAST_AFTER = 20
"""So many examples come after an act that is told, at least."""
MOST_AGAIN = 0.1
"""In at most this share of them it is done again, or still."""


def acts_to_tell(
    examples: Iterable[Example], data: Path, games: Collection[str]
) -> dict[str, list[str]]:
    """Return the acts to be told, of each sentence that a person shows and that is new to the base.

    A base that was taught a sentence never heard it with what was done so far, so it goes on
    hearing it alone.  ``games`` are those of the examples, ``data`` is the folder with their
    profiles.
    """
    taught: set[str] = set()
    for game in games:
        # One whose profile was deleted has no base that was taught its sentences.
        with contextlib.suppress(UsageError):
            taught.update(taught_sentences(task_list(game, data)))
    shown: dict[str, list[Example]] = {}
    for each in examples:
        if each.kind in PERSONS and each.answer and each.instruction not in taught:
            shown.setdefault(each.instruction, []).append(each)
    found = {said: [act for act in ACTS if _once(act, own)] for said, own in shown.items()}
    return {said: acts for said, acts in found.items() if acts}


def _once(act: str, examples: Iterable[Example]) -> bool:
    """Whether an act is done once and followed by something else."""
    after = [each for each in examples if act in each.acts]
    again = sum(act in decode_ids(each.answer)[0].held for each in after)
    return len(after) >= LEAST_AFTER and again <= MOST_AGAIN * len(after)
