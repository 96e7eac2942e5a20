"""How many seconds a running round still needs: what was predicted, by how it goes.  No torch."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.backend.lessons.round_time import Expected
from app.backend.ports import RoundPart, RoundUpdate

FASTEST, SLOWEST = 0.7, 4.0
"""The teaching tells how fast the machine is today, beside all else that runs, within these."""
_BEFORE, _TEACHING, _PLAYING = range(3)


class TimeLeft:
    """Follows a round's news in their order.

    While the lesson is taught, what is left of it is known best by the training itself.  The play
    after it takes so much longer than expected as the teaching took.  How long a close case is
    played nobody knows: if play takes longer than expected, no time is told.
    """

    def __init__(self, expected: Expected, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` tells seconds; the round begins as this is made."""
        self._expected = expected
        self._now = now
        self._part = _BEFORE
        self._since = now()
        self._check_since: float | None = None
        self._pace = 1.0

    def left_s(self, update: RoundUpdate) -> float | None:
        """Return the seconds until the result is there, above 0, once ``update`` is known.

        None if nothing is known of it.
        """
        now = self._now()
        part = _part_of(update.part)
        if part is not None and part > self._part:
            self._enter(part, now)
        if update.part is RoundPart.CHECK and self._check_since is None:
            self._check_since = now
        gone = now - self._since
        expected = self._expected
        playing = self._pace * expected.playing_s
        match self._part:
            case 0:
                left = max(0.0, expected.before_s - gone) + expected.teaching_s + playing
            case 1:
                left = self._of_teaching(update, now) + playing
            case _:
                left = playing - gone
        return left if left > 0 else None

    def _enter(self, part: int, now: float) -> None:
        if self._part == _TEACHING and self._expected.teaching_s > 0:
            took = (now - self._since) / self._expected.teaching_s
            self._pace = min(max(took, FASTEST), SLOWEST)
        self._part, self._since = part, now

    def _of_teaching(self, update: RoundUpdate, now: float) -> float:
        check = self._expected.check_s
        if self._check_since is not None:
            return max(0.0, check - (now - self._check_since))
        if update.part is RoundPart.TRAIN and update.left_s is not None:
            return update.left_s + check
        return max(check, self._expected.teaching_s - (now - self._since))


def _part_of(part: RoundPart | None) -> int | None:
    match part:
        case None:
            return None
        case RoundPart.BEFORE:
            return _BEFORE
        case RoundPart.MEASURE:
            return _PLAYING
        case _:
            return _TEACHING
