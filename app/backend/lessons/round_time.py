"""How long a round will take until its result is there, from what the last one took.  No torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from recorder.store import RoundRow, RoundStatus
from trainer.rounds.times import Took, read_took

FIXED_ROUND_S = 30.0
"""Of a round, reading and replay, on two cores."""
TICK_S = 0.33
"""Of a round, training per tick of the person's, on two cores."""
MAX_TRAINING_S = 107.0
PAIRS = 25
"""So many pairs are played of a sentence, about: 10 in a clear case, at most 80."""
BEFORE = 10
"""So many attempts before the lesson tell whether a sentence is known already."""
ATTEMPT_S = 0.63
"""Of an attempt in a world that waits, on two cores (README: 40 pairs in 50 s)."""


@dataclass(frozen=True, slots=True)
class Coming:
    """The round that is to come.

    ``persons`` are the person's ticks in it, ``sentences`` those that can be judged.
    ``attempt_s`` is what an attempt takes in a game in a window of its own, None in a world that
    waits.  ``plays`` says that it will be measured by play.
    """

    game: str
    base: str
    persons: int
    sentences: int
    attempt_s: float | None = None
    plays: bool = True


def last_of(rows: Iterable[RoundRow], game: str, base: str) -> Took | None:
    """Return what the newest done round of a game and a base took, None without one."""
    done = [row for row in rows if row.status is RoundStatus.DONE]
    for row in sorted(done, key=lambda each: each.id, reverse=True):
        took = read_took(row.metrics)
        if took is not None and (took.game, took.base) == (game, base):
            return took
    return None


def predicted_s(coming: Coming, last: Took | None) -> float:
    """Return the seconds until a round's result is there.

    That is the play before it, training, gates and the play of what was taught; not what is
    checked in the background afterwards.  A round before this one gives the measure of both.
    """
    teaching = _teaching_s(coming.persons)
    if last is not None:
        played = (last.before_s + last.playing_s) / max(1, last.sentences)
        measure = last.teaching_s / _teaching_s(last.persons)
        return measure * teaching + played * coming.sentences * coming.plays
    if not coming.plays:
        return teaching
    # On the person's screen nothing is played before.
    attempts = 2 * PAIRS + (BEFORE if coming.attempt_s is None else 0)
    each = ATTEMPT_S if coming.attempt_s is None else coming.attempt_s
    return teaching + coming.sentences * attempts * each


def _teaching_s(persons: int) -> float:
    return FIXED_ROUND_S + min(MAX_TRAINING_S, TICK_S * persons)
