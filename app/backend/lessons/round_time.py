"""Predicts how many seconds a round will take, from the times of the last one.  No torch."""

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


CHECK_SHARE = 0.12
"""Of a round's teaching, the offline gates after the training."""
PRACTICE_CHECK_S = 30.0
"""Of practice, reading before it and the gates after it, on two cores."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the parts of a round are expected to take, in seconds.

    ``teaching_s`` is everything between the play before and the play after it; the last
    ``check_s`` of it are the offline gates.
    """

    before_s: float
    teaching_s: float
    playing_s: float
    check_s: float

    @property
    def whole_s(self) -> float:
        """The time until the result is there."""
        return self.before_s + self.teaching_s + self.playing_s


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


def expected(coming: Coming, last: Took | None) -> Expected:
    """Return what a round's parts will take until its result is there.

    That is the play before it, training, gates and the play of what was taught; not what is
    checked in the background afterwards.  A round before this one gives the measure of all.
    """
    teaching = _teaching_s(coming.persons)
    if last is not None:
        teaching *= last.teaching_s / _teaching_s(last.persons)
    before, playing = _play_s(coming, last)
    return Expected(before, teaching, playing, CHECK_SHARE * teaching)


def expected_practice(coming: Coming, last: Took | None, minutes: float) -> Expected:
    """Return the same of practice, which plays nothing beforehand; ``persons`` do not count."""
    return Expected(
        0.0, 60 * minutes + PRACTICE_CHECK_S, _play_s(coming, last)[1], PRACTICE_CHECK_S
    )


def _play_s(coming: Coming, last: Took | None) -> tuple[float, float]:
    """Return what the play before and after the training takes."""
    if not coming.plays:
        return 0.0, 0.0
    if last is not None:
        share = coming.sentences / max(1, last.sentences)
        return share * last.before_s, share * last.playing_s
    # On the person's screen nothing is played before.
    each = ATTEMPT_S if coming.attempt_s is None else coming.attempt_s
    before = BEFORE if coming.attempt_s is None else 0
    return coming.sentences * before * each, coming.sentences * 2 * PAIRS * each


def _teaching_s(persons: int) -> float:
    return FIXED_ROUND_S + min(MAX_TRAINING_S, TICK_S * persons)
