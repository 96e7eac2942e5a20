"""One attempt of a session: its loop, its recording, and the figures a viewer wants."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict

from app.session.api import Snapshot
from app.session.own_eye import OwnEye
from app.session.wiring import (
    CHANGED_SENTENCE,
    SEEN_DONE,
    STOPPED_SHOWING,
    UNJUDGED_NOW,
    AnyRunner,
    Judge,
    Recording,
)
from model.play.episode import Decide, EpisodeLoop, episode_seed
from recorder.clock import Clock, Pacer
from recorder.games.base import Game, Task, free_task
from recorder.store import LabelSource
from recorder.types import NO_ACTION, Action, Driver, Frame, Outcome, Tick

RATE_WINDOW_TICKS = 20
"""Ticks over which the measured rate is averaged."""
PERSON_S = 120.0
"""So long may a person drive in an attempt before the game calls it out of time."""


class AttemptFigures(TypedDict, total=False):
    """What a snapshot says of one attempt; see :class:`app.session.api.Snapshot`."""

    tick: int
    executed: Action
    proposed: Action | None
    latency_ms: float | None
    plan_age_ticks: int | None
    measured_rate_hz: float
    missed_ticks: int
    invalid_outputs: int
    dropped_actions: int
    outcome: Outcome | None
    recording: bool
    recorded_s: float
    lost_ticks: int
    drivers: tuple[tuple[Driver, int], ...]
    confidence: float | None
    left_s: float | None
    hand_back_share: float


class SnapshotChanges(AttemptFigures, total=False):
    """Everything of a snapshot that the loop itself changes."""

    missing: str

    driver: Driver
    frame: Frame
    instruction: str
    task: Task
    seed: int
    message: str
    attempts: int
    problem: Exception | None


_STOPPED = Outcome.ABANDONED
NO_ATTEMPT = AttemptFigures(
    tick=0,
    executed=NO_ACTION,
    proposed=None,
    latency_ms=None,
    plan_age_ticks=None,
    measured_rate_hz=0.0,
    missed_ticks=0,
    invalid_outputs=0,
    dropped_actions=0,
    outcome=None,
    recording=False,
    recorded_s=0.0,
    lost_ticks=0,
    drivers=(),
    confidence=None,
    left_s=None,
    hand_back_share=0.0,
)
"""What a snapshot says if no attempt has begun: nothing of the one before, whose outcome would
be taken for this one's.  The newest episode's id stays: its rows may still be on their way."""


def unhurried(task: Task, tick_rate_hz: float) -> Task:
    """Return the task with a person's time on top of its limit, which is an agent's."""
    if not task.max_ticks:
        return task
    return replace(task, max_ticks=task.max_ticks + round(PERSON_S * tick_rate_hz))


class Attempt:
    """From the first tick to the outcome.  Control thread only.

    ``task`` has the agent's time limit, which the ticks count for that are not the person's: who
    looks around first, or takes over at the last moment, has time for it.  The game was
    therefore reset with the :func:`unhurried` task.
    """

    def __init__(
        self,
        loop: EpisodeLoop,
        pacer: Pacer | None,
        task: Task,
        instruction: str,
        *,
        tick_rate_hz: float,
        recording: Recording | None,
        runner: AnyRunner | None,
        judge: Judge | None = None,
    ) -> None:
        """``judge`` is what judges the sentence if the game does not."""
        self._loop = loop
        self._eye = None if judge is None or runner is None else OwnEye(judge, runner)
        self._tick_rate_hz = tick_rate_hz
        self._pacer = pacer
        self._task = task
        self._instruction = instruction
        self._recording = recording
        self._runner = runner
        self._judged = task.judged
        self._outcome: Outcome | None = None
        self._not_the_persons = 0
        # Of these, how many came since the person had a hand in it.
        self._unattended = 0
        self._newest: Tick | None = None
        self._notice = ""
        self._strip: list[tuple[Driver, int]] = []
        self._stamps: deque[int] = deque(maxlen=RATE_WINDOW_TICKS + 1)

    @classmethod
    def begun(
        cls,
        game: Game,
        task: Task,
        seed: int,
        instruction: str,
        *,
        runner: AnyRunner | None,
        policy_name: str,
        recording: Recording | None,
        clock: Clock,
        paced: bool,
        judge: Judge | None = None,
    ) -> Attempt:
        """Reset the game and begin; ``paced`` ticks at the game's rate."""
        pacer = Pacer(clock, game.tick_rate_hz) if paced else None
        loop = EpisodeLoop(
            game,
            runner,
            policy_name=policy_name,
            observers=() if recording is None else (recording,),
            clock=clock,
            pacer=pacer,
        )
        played = unhurried(task, game.tick_rate_hz)
        loop.begin(played, seed, instruction=instruction, policy_seed=episode_seed(task.id, seed))
        return cls(
            loop,
            pacer,
            task,
            instruction,
            tick_rate_hz=game.tick_rate_hz,
            recording=recording,
            runner=runner,
            judge=judge,
        )

    @property
    def instruction(self) -> str:
        """The sentence that is played now."""
        return self._instruction

    def await_answer(self, interrupted: Callable[[], bool]) -> None:
        """Wait for the agent's first answer, or until ``interrupted``, before ticks are due."""
        self._loop.await_answer(interrupted)

    def say(self, text: str, meant: Task) -> str:
        """Change the sentence, which now means ``meant``; return what to tell the person, or "".

        The game judges the task that it was reset with, so its verdict stops counting
        if the sentence means something else.
        """
        if text == self._instruction:
            return ""
        self._unattended = 0
        self._instruction = text
        self._judged = self._task.judged and meant.id == self._task.id
        # It was taught whole attempts at the sentence that it began with.
        self._eye = None
        self._loop.set_instruction(text)
        return UNJUDGED_NOW if self._task.judged and not self._judged else ""

    def tick(self, decide: Decide) -> None:
        """Do one tick."""
        done = self._newest = self._loop.tick(
            decide if self._eye is None else self._eye.looking(decide)
        )
        persons = done.driver is Driver.PERSON
        if self._eye is not None:
            self._eye.follow(done)
        self._not_the_persons += not persons
        self._unattended = 0 if persons else self._unattended + 1
        if self._strip and self._strip[-1][0] is done.driver:
            self._strip[-1] = (done.driver, self._strip[-1][1] + 1)
        else:
            self._strip.append((done.driver, 1))
        self._stamps.append(done.mono_ns)

    def go_on(self) -> None:
        """Go on after a pause; raises what the game raises that has to be looked at anew."""
        self._loop.go_on()
        self._unattended = 0
        self._stamps.clear()

    def take_back(self) -> None:
        """Note that what the person did last was meant for the window, not for the game."""
        driver, ticks = self._strip[-1] if self._strip else (Driver.NOBODY, 0)
        if driver is Driver.PERSON and self._recording is not None:
            self._recording.take_back(self._loop.index - ticks)

    @property
    def unjudged_s(self) -> float:
        """How long the agent has been at a sentence that nobody judges, since the person's hand."""
        return 0.0 if self._judged else self._unattended / self._tick_rate_hz

    def outcome(self) -> tuple[Outcome, LabelSource] | None:
        """Return the verdict that counts and whose it is, None while the attempt goes on."""
        if not self._judged:
            seen = self._eye is not None and self._eye.seen_done
            return (Outcome.SUCCESS, LabelSource.EYE) if seen else None
        left = self._left_ticks
        outcome = self._loop.outcome() or (Outcome.TIMEOUT if left == 0 else None)
        return None if outcome is None else (outcome, LabelSource.GAME)

    @property
    def _left_ticks(self) -> int | None:
        """What the sentence still has of its time, None if it has no limit."""
        limit = self._task.max_ticks if self._judged else 0
        return max(0, limit - self._not_the_persons) if limit else None

    def end(self, outcome: Outcome, source: LabelSource, *, shown: bool = False) -> str:
        """Close the attempt; return what the person has to know of its outcome, "" for nothing.

        What the game says of a sentence that it does not judge is no outcome.  One that was
        ``shown`` and stopped was broken off, whoever judges the sentence.
        """
        told = ""
        if source is LabelSource.GAME and not self._judged and shown and outcome is _STOPPED:
            told = STOPPED_SHOWING
        elif source is LabelSource.GAME and not self._judged:
            told = CHANGED_SENTENCE if self._task.judged else ""
            outcome = Outcome.UNKNOWN
        elif source is LabelSource.EYE and self._eye is not None:
            told = SEEN_DONE.format(account=self._eye.account)
        self._outcome = outcome
        if self._recording is not None:
            self._recording.outcome_from(source)
        self._loop.end(outcome)
        return told

    def describe(self, base: Snapshot) -> Snapshot:
        """Return ``base`` with everything that is this attempt's."""
        tick, runner, recording = self._newest, self._runner, self._recording
        chunk = None if runner is None else runner.last_chunk()
        problem = None if recording is None else recording.problem
        # What the policy said before is no longer true where it says something else.
        others = "" if base.message == self._notice else base.message
        over = self._outcome is not None
        left = self._left_ticks
        # A person who drives needs no word of what the agent would do better with their help.
        person = bool(self._strip) and self._strip[-1][0] is Driver.PERSON
        self._notice = "" if runner is None or over or person else runner.notice
        return replace(
            base,
            frame=self._loop.frame,
            instruction=self._instruction,
            task=self._task if self._judged else free_task(self._instruction),
            tick=self._loop.index,
            executed=base.executed if tick is None else tick.executed,
            proposed=None if tick is None else tick.shadow,
            latency_ms=None if tick is None else tick.latency_ms,
            plan_age_ticks=None if tick is None else tick.plan_age_ticks,
            measured_rate_hz=self._rate_hz(),
            missed_ticks=0 if self._pacer is None else self._pacer.missed,
            dropped_actions=0 if runner is None else runner.dropped_actions,
            invalid_outputs=0 if runner is None else runner.invalid_outputs,
            outcome=self._outcome,
            episode_id=None if recording is None else recording.episode_id,
            recording=recording is not None and problem is None and self._outcome is None,
            recorded_s=0.0 if recording is None else recording.recorded_s,
            lost_ticks=0 if recording is None else recording.lost_ticks,
            message=(others or self._notice) if problem is None else problem.sentence,
            drivers=tuple(self._strip),
            confidence=None if chunk is None else chunk.confidence,
            left_s=None if left is None or over else left / self._tick_rate_hz,
        )

    def _rate_hz(self) -> float:
        stamps = self._stamps
        if len(stamps) < 2 or stamps[-1] <= stamps[0]:
            return 0.0
        return (len(stamps) - 1) * 1e9 / (stamps[-1] - stamps[0])
