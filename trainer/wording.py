"""Words around a sentence that change nothing of what it asks for.

People say "please open the door now" where a template says "open the door".  Sentences
that are held out are never made.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from recorder.games.doom.tasks import ALL_TASKS

PLAIN_SHARE = 0.6
"""So many sentences stay as they are."""
BEFORE = (
    "please", "now", "now please", "ok,", "can you", "could you", "could you please", "try to",
    "you should", "i want you to", "i would like you to", "go on and", "quickly", "carefully",
    "just", "let's", "your task is to", "next,", "go", "go and", "walk over and",
)  # fmt: skip
AFTER = ("please", "now", "quickly", "for me", "at once", "if you can", "right now", ".", "!")


@cache
def _held_out() -> frozenset[str]:
    return frozenset(said for task in ALL_TASKS for said in task.heldout_phrasings)


def varied(said: str, rng: np.random.Generator) -> str:
    """Return ``said``, sometimes with words around it; never a sentence that is held out."""
    if rng.random() < PLAIN_SHARE:
        return said
    at_front = rng.random() < 0.6
    around = BEFORE if at_front else AFTER
    word = around[int(rng.integers(len(around)))]
    if at_front:
        changed = f"{word} {said}"
    else:
        changed = said + word if word in (".", "!") else f"{said} {word}"
    return said if changed in _held_out() else changed
