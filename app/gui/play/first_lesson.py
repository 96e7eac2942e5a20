"""The guided first lesson: what to do next, from the first failure to the first verdict.  No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from app.backend.lessons.coach import ENOUGH, times
from app.backend.ports import VerdictFacts
from app.session.api import Phase, Snapshot
from recorder.games.registry import FirstLesson
from recorder.types import Outcome
from trainer.evaluation.verdicts.lines import knows_already
from trainer.evaluation.verdicts.verdict import Choice, Part, VerdictKind


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
        taught: whether a round on it has begun; what came of that is its last step.
        over: whether nothing is left to do.

    """

    def __init__(self, lesson: FirstLesson, attempts: int = 0, shown: int = 0) -> None:
        """``attempts`` were begun before it; ``shown`` times it was shown and not yet taught."""
        self.lesson = lesson
        self._before = attempts
        self._shown = shown
        self._shows = False
        self.taught = False
        self.over = False

    @property
    def all_shown(self) -> bool:
        """Whether it was shown often enough to be taught."""
        return self._shown >= ENOUGH

    def begin(self) -> GuideStep:
        """Return the first step; who has shown some of it before goes on there."""
        if self.all_shown:
            return self.to_teach()
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

    def learnt(self, facts: VerdictFacts) -> GuideStep:
        """Return what came of the round that it was taught in, as far as that is known."""
        taught = (one for one in facts.lines if one.part is Part.TAUGHT)
        line = next((one for one in taught if one.name == self.lesson.sentence), None)
        if line is None or not line.n:
            return self._again("It was not measured; the card at the right says why. ")
        told = (
            f"Of {line.n} fresh starts it did “{self.lesson.sentence}” {times(line.before)} before "
            f"your lesson and {times(line.after)} after it. "
        )
        if line.kind is not VerdictKind.BETTER:
            if line.kind is not VerdictKind.WORSE and knows_already(line.before, line.n):
                self.over = True
                return GuideStep(f"{told}It can do that: teach it a sentence of your own.", ())
            worse = line.kind is VerdictKind.WORSE
            told += "That is worse: " if worse else "That is no clear gain yet: "
            return self._again(told)
        if facts.choice is Choice.WAIT:
            return GuideStep(
                f"{told}Now it is checked that nothing was lost that it could before; until then "
                "the old agent plays.",
                (),
            )
        self.over = True
        if not facts.in_use:
            told += "It is not in use; the card at the right says why, and what you can do. "
        return GuideStep(
            f"{told}That was your first lesson: now type a sentence of your own.",
            (Offered.WATCH,) if facts.in_use else (),
        )

    def being_taught(self) -> GuideStep:
        """Return what to tell while the round runs."""
        return GuideStep("It is being taught now; what came of it is told here.", (Offered.LEAVE,))

    def not_taught(self) -> GuideStep:
        """Return the step after a round that was cancelled or failed: what was shown is kept."""
        self.taught = False
        return self.to_teach()

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
            return self.to_teach()
        return GuideStep(
            f"Shown {self._shown} of {ENOUGH} times. Press F7 for the next start.",
            (Offered.SHOW, Offered.LEAVE),
        )

    def to_teach(self) -> GuideStep:
        """Return the step after everything was shown."""
        return GuideStep(
            "That is enough. Press Teach: it learns from what you showed, then plays fresh starts "
            "before and after, and says whether it helped.",
            (Offered.TEACH, Offered.LEAVE),
        )

    def _again(self, told: str) -> GuideStep:
        """Begin anew: what was shown is taught."""
        self._shown, self.taught = 0, False
        return GuideStep(
            f"{told}Show it {ENOUGH} more times and teach again.", (Offered.SHOW, Offered.LEAVE)
        )
