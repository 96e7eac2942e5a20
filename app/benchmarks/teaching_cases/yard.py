"""Attempts at a lesson in the practice yard, watched by its hidden judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.benchmarks.teaching_cases.judges import Rule, Trace
from app.benchmarks.teaching_cases.lessons import MAX_TICKS, TeachingLesson
from recorder.games.base import Task
from recorder.games.doom.game import DoomGame
from recorder.games.doom.state import HiddenState
from recorder.games.doom.things import KIND_BY_KEY
from recorder.types import Action, Frame


class LessonYard(DoomGame):
    """The practice yard, with the things of a lesson in each room and its judge beside it.

    The app plays it as any yard in which a free sentence is tried: it is told nothing of the
    judge's :attr:`verdict`.
    """

    def __init__(self, lesson: TeachingLesson) -> None:
        super().__init__()
        self._lesson = lesson
        self._trace: Trace | None = None
        self._rule: Rule = lambda trace: None
        self.verdict: bool | None = None

    def reset(self, task: Task, seed: int) -> Frame:
        """Build a room with the lesson's things in it."""
        self.furnish(tuple(KIND_BY_KEY[key] for key in self._lesson.things))
        frame = super().reset(task, seed)
        self._trace, self.verdict = Trace.begin(self.hidden_state()), None
        self._rule = self._lesson.judge()
        return frame

    def step(self, action: Action) -> Frame:
        """Do a tick and let the judge see it; once it is decided nothing changes that."""
        frame = super().step(action)
        if self._trace is not None and self.verdict is None:
            self._trace.see(action, self.hidden_state())
            self.verdict = self._rule(self._trace)
        return frame


@dataclass(frozen=True, slots=True)
class Watched:
    """How an attempt went: the judge's verdict (time over is none), and its length."""

    success: bool
    ticks: int


Chooses = Callable[[HiddenState, Frame], Action | None]


def attempt(
    yard: LessonYard, task: Task, seed: int, choose: Chooses, most: int = MAX_TICKS
) -> Watched:
    """Play one attempt until it is decided, ``choose`` returns None, or the time is over.

    Who has done what they meant to do is watched for a moment longer.
    """
    frame = yard.reset(task, seed)
    ticks = 0
    while ticks < most and yard.verdict is None:
        action = choose(yard.hidden_state(), frame)
        if action is None:
            break
        frame = yard.step(action)
        ticks += 1
    return Watched(yard.verdict is True, ticks)
