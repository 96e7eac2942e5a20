"""The guided first lesson: what to do next, from the first failure to the first verdict.  No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from app.backend.lessons.coach import ENOUGH
from app.backend.ports import VerdictFacts
from app.session.api import Phase, Snapshot
from recorder.games.registry import FirstLesson
from recorder.types import Outcome
from trainer.evaluation.verdict import Choice, Part, VerdictKind


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
        over: whether it was taught and helped.

    """

    def __init__(self, lesson: FirstLesson, attempts: int = 0, shown: int = 0) -> None:
        """``attempts`` were begun before it; ``shown`` times it was shown and not yet taught."""
        self.lesson = lesson
        self._before = attempts
        self._shown = shown
        self._shows = False
        self.over = False

    @property
    def all_shown(self) -> bool:
        """Whether it was shown often enough to be taught."""
        return self._shown >= ENOUGH

    def begin(self) -> GuideStep:
        """Return the first step; who has shown some of it before goes on there."""
        if self.all_shown:
            return self._to_teach()
        if self._shown:
            return GuideStep(
                f"Your first lesson: “{self.lesson.sentence}”. You have shown it {self._shown} of "
                f"{ENOUGH} times; press F7 for the next start. {self.lesson.how}",
                (Offered.SHOW, Offered.LEAVE),
            )
        return GuideStep(
            f"Your first lesson: “{self.lesson.sentence}”, words that the agent was not made with. "
            "Watch it try once.",
            (Offered.WATCH, Offered.SHOW, Offered.LEAVE),
        )

    def follow(self, before: Snapshot, after: Snapshot) -> GuideStep | None:
        """Return the next step if an attempt at the lesson has just ended, else None."""
        if after.instruction != self.lesson.sentence or after.attempts <= self._before:
            return None
        if after.in_attempt:
            if after.phase in {Phase.DEMONSTRATING, Phase.PLAYING}:
                self._shows = after.phase is Phase.DEMONSTRATING
            return None
        if self.all_shown or not before.in_attempt or after.outcome is None:
            return None
        return (
            self._after_showing(after.outcome)
            if self._shows
            else self._after_watching(after.outcome)
        )

    def caption(self, now: Snapshot) -> str:
        """Return what to remember while the person shows the lesson, "" while they do not."""
        shows = now.phase is Phase.DEMONSTRATING and now.instruction == self.lesson.sentence
        if not shows or not now.in_attempt or self.all_shown:
            return ""
        return f"{self._shown + 1} of {ENOUGH}. {self.lesson.how}"

    def learnt(self, facts: VerdictFacts) -> GuideStep | None:
        """Return the last step, once a round has ended; None if it was about something else."""
        taught = (one for one in facts.lines if one.part is Part.TAUGHT)
        line = next((one for one in taught if one.name == self.lesson.sentence), None)
        if line is None or not line.n:
            return None
        told = (
            f"Of {line.n} fresh starts it did “{self.lesson.sentence}” {line.before} times before "
            f"your lesson and {line.after} times after it. "
        )
        if line.kind is not VerdictKind.BETTER:
            # What was shown is taught: it begins anew.
            self._shown = 0
            return GuideStep(
                f"{told}That is no clear gain yet: show it {ENOUGH} more times and teach again.",
                (Offered.SHOW, Offered.LEAVE),
            )
        self.over = True
        if facts.choice is Choice.WAIT:
            told += "What it could before is still being checked; until then the old agent plays. "
        elif not facts.in_use:
            told += "It is not in use yet; the card says why and what you can do. "
        return GuideStep(
            f"{told}That was your first lesson: now type a sentence of your own.",
            (Offered.WATCH,) if facts.in_use else (),
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
        if self.all_shown:
            return self._to_teach()
        return GuideStep(
            f"Shown {self._shown} of {ENOUGH} times. Press F7 for the next start.",
            (Offered.SHOW, Offered.LEAVE),
        )

    def _to_teach(self) -> GuideStep:
        return GuideStep(
            "That is enough. Press Teach: it learns from what you showed, then plays fresh starts "
            "before and after, and says whether it helped.",
            (Offered.TEACH,),
        )
