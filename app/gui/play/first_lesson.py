"""The guided first lesson: what to do next, from the first failure to the Teach button.  No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from app.backend.coach import ENOUGH
from app.session.api import Phase, Snapshot
from recorder.games.registry import FirstLesson
from recorder.types import Outcome


class Offered(Enum):
    """What a step offers to do."""

    WATCH = auto()
    SHOW = auto()
    TEACH = auto()
    LEAVE = auto()


@dataclass(frozen=True, slots=True)
class GuideStep:
    """One step: a sentence for the person, and what they can do about it."""

    sentence: str
    offers: tuple[Offered, ...]


class FirstLessonGuide:
    """Follows a person through ``lesson``; what they do with other sentences is none of its.

    Attributes:
        over: whether everything was shown.

    """

    def __init__(self, lesson: FirstLesson, attempts: int = 0) -> None:
        """``attempts`` were begun before the lesson: their end is no step of it."""
        self.lesson = lesson
        self._before = attempts
        self.over = False
        self._shown = 0
        self._shows = False

    def begin(self) -> GuideStep:
        """Return the first step."""
        return GuideStep(
            f"Your first lesson: “{self.lesson.sentence}”, words that the agent was not made with. "
            "Watch it try once.",
            (Offered.WATCH, Offered.SHOW, Offered.LEAVE),
        )

    def follow(self, before: Snapshot, after: Snapshot) -> GuideStep | None:
        """Return the next step if an attempt at the lesson has just ended, else None."""
        if self.over or after.instruction != self.lesson.sentence:
            return None
        if after.attempts <= self._before:
            return None
        if after.in_attempt:
            if after.phase in {Phase.DEMONSTRATING, Phase.PLAYING}:
                self._shows = after.phase is Phase.DEMONSTRATING
            return None
        if not before.in_attempt or after.outcome is None:
            return None
        return (
            self._after_showing(after.outcome)
            if self._shows
            else self._after_watching(after.outcome)
        )

    def _after_watching(self, outcome: Outcome) -> GuideStep:
        done = "It did it this time. " if outcome is Outcome.SUCCESS else ""
        left = ENOUGH - self._shown
        times = "once more" if left == 1 else f"{left} times"
        return GuideStep(
            f"{done}Now show it {times}. Press F7: you drive. {self.lesson.how} The game says "
            "when it is done, and the next F7 is another start.",
            (Offered.SHOW, Offered.LEAVE),
        )

    def _after_showing(self, outcome: Outcome) -> GuideStep:
        if outcome is not Outcome.SUCCESS:
            return GuideStep(
                f"That one is not taught: it ended before it was done. {self._shown} of {ENOUGH} "
                f"are shown; press F7 and try again. {self.lesson.how}",
                (Offered.SHOW, Offered.LEAVE),
            )
        self._shown += 1
        if self._shown < ENOUGH:
            return GuideStep(
                f"Shown {self._shown} of {ENOUGH} times. Press F7 for the next start.",
                (Offered.SHOW, Offered.LEAVE),
            )
        self.over = True
        return GuideStep(
            "That is enough. Press Teach: it learns from what you showed, then plays fresh starts "
            "before and after, and says whether it helped.",
            (Offered.TEACH,),
        )
