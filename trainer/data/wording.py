"""Words around a sentence that change nothing of what it asks for.

People say "please open the door now" where a template says "open the door".  Sentences
that are held out are never made.
"""

from __future__ import annotations

import json
import re
from functools import cache

import numpy as np

from recorder.games.doom.tasks import task_folder

PLAIN_SHARE = 0.6
"""So many sentences stay as they are."""
BEFORE = (
    "please", "now", "now please", "ok,", "can you", "could you", "could you please", "try to",
    "you should", "i want you to", "i would like you to", "go on and", "quickly", "carefully",
    "just", "let's", "your task is to", "next,", "go", "go and", "walk over and",
)  # fmt: skip
AFTER = ("please", "now", "quickly", "for me", "at once", "if you can", "right now", ".", "!")


@cache
def forms() -> dict[str, dict[str, list[str]]]:
    """Return the sentence forms: by verb those of "train" and those of "heldout"."""
    raw = json.loads((task_folder() / "templates.json").read_text(encoding="utf-8"))
    verbs: dict[str, dict[str, list[str]]] = raw["verbs"]
    return verbs


def pattern_of(form: str) -> re.Pattern[str]:
    """Return what a form's sentences match, whatever they are about."""
    parts = re.split(r"\{\w+\}", form)
    return re.compile(".+".join(map(re.escape, parts)), re.IGNORECASE)


@cache
def _held_out() -> re.Pattern[str]:
    patterns = (pattern_of(form).pattern for ways in forms().values() for form in ways["heldout"])
    return re.compile("|".join(patterns), re.IGNORECASE)


def varied(said: str, rng: np.random.Generator) -> str:
    """Return ``said``, sometimes with words around it; never in a form that is held out."""
    if rng.random() < PLAIN_SHARE:
        return said
    at_front = rng.random() < 0.6
    around = BEFORE if at_front else AFTER
    word = around[int(rng.integers(len(around)))]
    if at_front:
        changed = f"{word} {said}"
    else:
        changed = said + word if word in (".", "!") else f"{said} {word}"
    return said if _held_out().fullmatch(changed) else changed
