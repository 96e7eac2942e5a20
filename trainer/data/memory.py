"""Which sentences a round teaches with what was done so far, and which acts they are told.

Only an act that is done once and then followed by something else is told, such as the jump of "jump
before you open the red door".  Where an act goes on to the end, as in shooting, or comes again and
again, whether it was done says little and makes of one lesson two halves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable
from pathlib import Path

from model.actions.tokens import decode_ids
from model.language.action_memory import ACTS, plain
from model.language.familiarity import taught_sentences
from recorder.errors import KnownError
from recorder.games import task_list
from trainer.data.examples import Example
from trainer.data.material import PERSONS

LEAST_AFTER = 20
"""So many examples come after an act that is told, at least: from where its key was let go of."""
MOST_AGAIN = 0.1
"""In at most this share of them it is done again."""


def acts_to_tell(
    examples: Iterable[Example], data: Path, games: Collection[str]
) -> dict[str, list[str]]:
    """Return the acts to be told, of each sentence that a person shows and that is new to the base.

    A base that was taught a sentence never heard it with what was done so far, so it goes on
    hearing it alone.  ``examples`` of an episode are in the order of their ticks.  ``games`` are
    those of the examples, ``data`` is the folder with their profiles.
    """
    taught: set[str] = set()
    for game in games:
        # One whose profile is gone or damaged has no base that was taught its sentences.
        with contextlib.suppress(KnownError):
            taught.update(map(plain, taught_sentences(task_list(game, data))))
    shown: dict[str, list[Example]] = {}
    for each in examples:
        said = plain(each.instruction)
        if each.kind in PERSONS and each.answer and said not in taught:
            shown.setdefault(said, []).append(each)
    found = {said: [act for act in ACTS if _once(act, own)] for said, own in shown.items()}
    return {said: acts for said, acts in found.items() if acts}


def _once(act: str, examples: Iterable[Example]) -> bool:
    """Whether an act is done once and followed by something else."""
    let_go: set[tuple[int | None, int]] = set()
    after = again = 0
    for each in (each for each in examples if act in each.acts):
        pressed = act in decode_ids(each.answer)[0].held
        attempt = (each.episode_id, each.sentence)
        if pressed and attempt not in let_go:
            # Still the first time.
            continue
        let_go.add(attempt)
        after += 1
        again += pressed
    return after >= LEAST_AFTER and again <= MOST_AGAIN * after
