"""What the agent hears of a person's own words, where that is another sentence it was taught."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

from model.language.paraphrase import Sayings
from model.language.prompts import clean_instruction
from model.language.subgoals import split_instruction

Heard = Callable[[str], str]
"""Returns what is told to the model for a sentence."""


def heard_by(base: Path, *, rewrite: bool) -> Heard:
    """Return what a checkpoint hears of a sentence; the sentence itself without ``rewrite``.

    Raises ModelError for a checkpoint whose list of sentences cannot be read.
    """
    sayings = _sayings(base) if rewrite else None
    if sayings is None:
        return clean_instruction
    return lambda said: sayings.restate(clean_instruction(said))


def changed_note(sentences: Iterable[str], heard: Heard, judged: Callable[[str], bool]) -> str:
    """Return that a lesson in own words changes another sentence, "" if none does.

    What the game judges is another way to say just that, and no lesson of its own: ``judged`` says
    which sentences those are.
    """
    parts = [part for said in sentences if not judged(said) for part in split_instruction(said)]
    told = [
        f"For the agent “{part}” means the same as “{heard(part)}”, so this lesson changes that "
        "too. To keep both, say it in very different words."
        for part in dict.fromkeys(parts)
        if not judged(part) and heard(part).lower() != clean_instruction(part).lower()
    ]
    return " ".join(told)


@lru_cache(maxsize=4)
def _sayings(base: Path) -> Sayings | None:
    return Sayings.load(base)
