"""The one episode loop: game + policy runner + clock + observers -> outcome.

Evaluation calls :func:`run_episode` as it is; the play session drives the same
:class:`EpisodeLoop` tick by tick and adds who drives.  No Qt, no torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from model.language.action_memory import ActionMemory
from model.play.policy import ActionChunk
from recorder.clock import Clock, MonotonicClock, Pacer
from recorder.games.base import Game, OwnWindowGame, Task
from recorder.types import NO_ACTION, Action, Driver, Frame, InputEvent, Outcome, Tick


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the policy wants done in this tick."""

    action: Action
    plan_age_ticks: int
    latency_ms: float


class Runner(Protocol):
    """Runs a policy: in lock-step or in the background (:mod:`model.play.runner`)."""

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin a new episode."""
        ...

    def set_instruction(self, instruction: str, acts: tuple[str, ...] = ()) -> None:
        """Change the sentence in mid-episode; ``acts`` were done since it was said."""
        ...

    def offer(self, frame: Frame, tick: int, acts: tuple[str, ...] = ()) -> None:
        """Hand over the newest frame, which is what tick ``tick`` sees, and what was done so far.

        ``acts`` as in :class:`model.play.policy.Observation`.
        """
        ...

    def proposal(self, tick: int) -> Proposal | None:
        """Return the action that belongs to ``tick``, or None without a plan."""
        ...

    def wait_for_plan(self, timeout_s: float = ..., interrupted: Callable[[], bool] = ...) -> bool:
        """Wait until there is a plan, where one is made meanwhile; False without one."""
        ...

    def last_chunk(self) -> ActionChunk | None:
        """Return the newest finished plan."""
        ...

    def close(self) -> None:
        """Stop; may be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class EpisodeStart:
    """Told to observers before the first tick."""

    task: Task
    seed: int
    instruction: str
    game: str
    tick_rate_hz: float
    lock_step: bool
    policy: str


@dataclass(frozen=True, slots=True)
class EpisodeEnd:
    """Told to observers after the last tick."""

    outcome: Outcome
    ticks: int
    missed_ticks: int


class EpisodeObserver(Protocol):
    """Sees an episode go by, on the control thread; must not block."""

    def on_start(self, start: EpisodeStart) -> None:
        """The episode begins."""
        ...

    def on_instruction(self, tick: int, text: str) -> None:
        """The sentence changed before tick ``tick``."""
        ...

    def on_tick(self, tick: Tick) -> None:
        """A tick was done."""
        ...

    def on_end(self, end: EpisodeEnd) -> None:
        """The episode is over."""
        ...


@dataclass(frozen=True, slots=True)
class Decision:
    """Whose action this tick executes, and the person's raw events in it.

    ``heard`` is for a game in a window of its own, which the person's keys reach by themselves:
    asked when the tick's picture was read, it tells what they did from the picture before to
    this one.  ``action`` and ``events`` are empty then for a tick of theirs.
    """

    action: Action
    driver: Driver
    events: tuple[InputEvent, ...] = ()
    heard: Callable[[], tuple[Action, tuple[InputEvent, ...]]] | None = None


Decide = Callable[[Frame, Proposal | None], Decision]


class Watch(Protocol):
    """Judges an attempt that the game cannot judge, tick by tick."""

    def begin(self) -> None:
        """A new attempt begins."""
        ...

    def done(self, frame: Frame, action: Action) -> bool:
        """Return whether it is done, now that ``action`` has led to ``frame``."""
        ...


def policy_drives(frame: Frame, proposal: Proposal | None) -> Decision:
    """Let the policy drive; nobody does while it has no plan."""
    del frame
    if proposal is None:
        return Decision(NO_ACTION, Driver.NOBODY)
    return Decision(proposal.action, Driver.POLICY)


class EpisodeLoop:
    """One episode, tick by tick, on the caller's thread.

    ``pacer`` None means lock-step: every tick follows at once.
    """

    def __init__(
        self,
        game: Game,
        runner: Runner | None,
        *,
        policy_name: str,
        observers: Sequence[EpisodeObserver] = (),
        clock: Clock | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        self._game = game
        self._own_window = game if isinstance(game, OwnWindowGame) else None
        self._runner = runner
        self._policy_name = policy_name
        self._observers = tuple(observers)
        self._clock: Clock = clock if clock is not None else MonotonicClock()
        self._pacer = pacer
        self._index = 0
        self._frame: Frame | None = None
        self._instruction = ""
        self._memory = ActionMemory()
        self._ended = False

    @property
    def frame(self) -> Frame:
        """The newest frame; :meth:`begin` first."""
        if self._frame is None:
            raise RuntimeError("begin() was not called")
        return self._frame

    @property
    def index(self) -> int:
        """Number of ticks done."""
        return self._index

    def begin(
        self,
        task: Task,
        seed: int,
        *,
        instruction: str | None = None,
        policy_seed: int | None = None,
    ) -> Frame:
        """Reset game and policy; return the first frame."""
        text = task.instruction if instruction is None else instruction
        self._index = 0
        self._ended = False
        self._instruction, self._memory = text, ActionMemory()
        self._frame = None
        self._frame = self._game.reset(task, seed)
        if self._runner is not None:
            self._runner.reset(text, seed=seed if policy_seed is None else policy_seed)
            self._runner.offer(self._frame, 0)
        start = EpisodeStart(
            task=task,
            seed=seed,
            instruction=text,
            game=self._game.name,
            tick_rate_hz=self._game.tick_rate_hz,
            lock_step=self._pacer is None,
            policy=self._policy_name,
        )
        for observer in self._observers:
            observer.on_start(start)
        if self._pacer is not None:
            self._pacer.restart()
        return self._frame

    def await_answer(self, interrupted: Callable[[], bool] = lambda: False) -> None:
        """Wait for the policy's answer to the first picture; the deadlines count from then on.

        Nobody acts meanwhile, so the answer is still about what is seen.  Begun without it, a
        game in real time would be played by an answer that is late by all of what a first
        thought takes.
        """
        if self._runner is not None and self._pacer is not None:
            self._runner.wait_for_plan(interrupted=interrupted)
            self._pacer.rebase()

    def set_instruction(self, text: str) -> None:
        """Change the sentence before the next tick."""
        self._instruction, self._memory = text, ActionMemory()
        if self._runner is not None:
            self._runner.set_instruction(text)
        for observer in self._observers:
            observer.on_instruction(self._index, text)

    def go_on(self) -> None:
        """Go on after a pause, in which no deadline was missed.

        A game in a window of its own has gone on meanwhile, so it is looked at anew, and what
        was thought about the picture before is forgotten.  Raises what the game raises.
        """
        if self._own_window is not None:
            self._frame = self._own_window.see()
            if self._runner is not None:
                self._runner.set_instruction(self._instruction, self._memory.acts)
                self._runner.offer(self._frame, self._index, self._memory.acts)
        if self._pacer is not None:
            self._pacer.rebase()

    def _thought(self) -> Proposal | None:
        """Return what the policy wants done in this tick."""
        if self._runner is None:
            return None
        began_ns = self._clock.now_ns()
        proposal = self._runner.proposal(self._index)
        if self._pacer is not None and not self._game.realtime:
            # The world stood still while it was waited for.
            self._pacer.stand_still(self._clock.now_ns() - began_ns)
        return proposal

    def tick(self, decide: Decide = policy_drives) -> Tick:
        """Wait for the deadline, decide, act, tell the observers."""
        if self._pacer is not None:
            self._pacer.wait()
        frame = self.frame
        proposal = self._thought()
        # Stamped before: all that came until then is in the decision.
        now_ns = self._clock.now_ns()
        decision = decide(frame, proposal)
        after, executed, driver, events = self._act(decision)
        done = Tick(
            index=self._index,
            mono_ns=now_ns,
            frame=frame,
            executed=executed,
            driver=driver,
            shadow=None if proposal is None else proposal.action,
            plan_age_ticks=None if proposal is None else proposal.plan_age_ticks,
            latency_ms=None if proposal is None else proposal.latency_ms,
            events=events,
        )
        self._frame = after
        self._index += 1
        self._memory.see(executed)
        if self._runner is not None:
            self._runner.offer(after, self._index, self._memory.acts)
        for observer in self._observers:
            observer.on_tick(done)
        return done

    def _act(self, decision: Decision) -> tuple[Frame, Action, Driver, tuple[InputEvent, ...]]:
        """Do a tick; return the next picture, and what was done until then by whom."""
        window, heard = self._own_window, decision.heard
        if window is not None and heard is not None and decision.driver is Driver.PERSON:
            # Their keys go to the game by themselves.  What they did before the tick's picture
            # was read is in that picture; what they do until the next one is this tick's.
            after = window.watch()
            action, events = heard()
            return after, action, Driver.PERSON, events
        after = self._game.step(decision.action)
        if window is None:
            return after, decision.action, decision.driver, decision.events
        sent = window.sent()
        if decision.driver is Driver.PERSON or not window.cut_short():
            return after, sent, decision.driver, decision.events
        # The agent was silenced in mid-tick: it is nobody's, and teaches nothing.
        events = decision.events if heard is None else heard()[1]
        return after, sent, Driver.NOBODY, events

    def outcome(self) -> Outcome | None:
        """Return the game's verdict, or None while it goes on."""
        return self._game.outcome()

    def end(self, outcome: Outcome) -> EpisodeEnd:
        """Close the episode; a second call changes nothing."""
        ended = EpisodeEnd(
            outcome=outcome,
            ticks=self._index,
            missed_ticks=self._pacer.missed if self._pacer is not None else 0,
        )
        if not self._ended:
            self._ended = True
            for observer in self._observers:
                observer.on_end(ended)
        return ended


def episode_seed(task_id: str, seed: int) -> int:
    """Return the sampler's seed for a start, equal on every machine (0 to 2^63 - 1)."""
    digest = hashlib.sha256(f"{task_id}/{seed}/sampler".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def run_episode(
    loop: EpisodeLoop,
    task: Task,
    seed: int,
    *,
    instruction: str | None = None,
    max_ticks: int | None = None,
    decide: Decide = policy_drives,
    watch: Watch | None = None,
    policy_seed: int | None = None,
) -> EpisodeEnd:
    """Play one episode to its end; an unjudged task ends after ``max_ticks`` as unknown.

    ``watch`` judges one that the game does not: it ends as a success as soon as that says so, is a
    timeout after ``max_ticks``, and a failure if the game ends it before, as when the player dies.
    ``policy_seed`` None is that of :func:`episode_seed`.
    """
    judged = task.judged or watch is not None
    if watch is not None:
        watch.begin()
    sampler = episode_seed(task.id, seed) if policy_seed is None else policy_seed
    loop.begin(task, seed, instruction=instruction, policy_seed=sampler)
    loop.await_answer()
    while True:
        outcome = loop.outcome()
        if outcome is not None:
            # Left out as judged by nobody, deaths would be missing among the failures.
            died = watch is not None and outcome is Outcome.UNKNOWN
            return loop.end(Outcome.FAILURE if died else outcome)
        if max_ticks is not None and loop.index >= max_ticks:
            return loop.end(Outcome.TIMEOUT if judged else Outcome.UNKNOWN)
        tick = loop.tick(decide)
        if watch is not None and watch.done(loop.frame, tick.executed):
            return loop.end(Outcome.SUCCESS)
