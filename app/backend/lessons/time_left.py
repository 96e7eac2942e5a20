"""What is left of a round until its result is there, by what it has come to so far.  No torch."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.backend.lessons.round_time import Expected
from app.backend.ports import RoundPart, RoundUpdate

FASTEST, SLOWEST = 0.5, 4.0
"""A machine on which the agent plays on beside the round is slower than it was, within these."""
TOLD_FROM_S = 5.0
"""What was expected to take less says nothing about how fast the machine is now."""


class TimeLeft:
    """Follows a round's news in their order.

    What was expected of the parts to come is stretched by how much longer the parts that are over
    took than expected.
    """

    def __init__(self, expected: Expected, now: Callable[[], float] = time.monotonic) -> None:
        """``now`` tells seconds; the round begins as this is made."""
        self._expected = (expected.before_s, expected.teaching_s, expected.playing_s)
        self._check_s = expected.check_s
        self._now = now
        self._part = 0
        self._began = self._since = now()
        # Since when the sentence is played that is played now, and the newest news of it.
        self._sentence_since = self._heard = self._began
        self._step = 0

    def left_s(self, update: RoundUpdate) -> float:
        """Return the seconds until the result is there, 0 or more, once ``update`` is known."""
        part = _part_of(update.part)
        if part is not None and part > self._part:
            self._part, self._since = part, self._now()
            self._sentence_since, self._step = self._since, 0
        left = self._of_this_part(update)
        return left + self._pace * sum(self._expected[self._part + 1 :])

    @property
    def _pace(self) -> float:
        """How much longer everything takes than expected, by the parts that are over."""
        over = sum(self._expected[: self._part])
        if over < TOLD_FROM_S:
            return 1.0
        return min(max((self._since - self._began) / over, FASTEST), SLOWEST)

    def _of_this_part(self, update: RoundUpdate) -> float:
        gone = self._now() - self._since
        left = max(0.0, self._pace * self._expected[self._part] - gone)
        if update.part is RoundPart.TRAIN and update.left_s is not None:
            return update.left_s + self._pace * self._check_s
        if update.part is RoundPart.CHECK:
            return min(left, self._pace * self._check_s)
        if update.part in {RoundPart.BEFORE, RoundPart.MEASURE} and update.steps and update.step:
            if update.step < self._step:
                self._sentence_since = self._heard
            self._step, self._heard = update.step, self._now()
            rest = (self._heard - self._sentence_since) / update.step * (update.steps - update.step)
            # A close case is played to its end.
            return rest if update.part is RoundPart.BEFORE else left or rest
        return left


def _part_of(part: RoundPart | None) -> int | None:
    match part:
        case None:
            return None
        case RoundPart.BEFORE:
            return 0
        case RoundPart.MEASURE:
            return 2
        case _:
            return 1
