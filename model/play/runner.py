"""Runs a policy for the episode loop: in lock-step, or in the background.

Newest frame in, action chunk out.  The action that belongs to tick t of a plan made
from the frame of tick s is ``actions[t - s]``; if the plan is shorter than that, its
last action is held for a while.  However late a plan comes, it is played: no answer is
lost.  Keys and buttons are held; a turn is made once, for it was meant for what the
picture showed, and turned twice it goes past it.

Plans, errors and notices belong to the attempt and the sentence that they were thought
for; none of them comes out in another.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from model.play.episode import Proposal
from model.play.policy import ActionChunk, Observation, Policy
from recorder.threads import BackgroundThread
from recorder.types import Frame

log = logging.getLogger(__name__)

HOLD_TICKS = 9
"""About half a second: so long a plan's last action is held after its tick, or after it came."""
SLOW_MS = 250.0
"""Five ticks of Minecraft: the person is told of answers that take longer."""
FIRST_PLAN_S = 5.0
"""So long a world that does not wait is not begun without an answer to its first picture."""
INTERRUPTED_S = 0.02
"""So often it is asked whether a wait for a thought is still wanted."""


_TOO_LATE = "an error of an attempt or a sentence that is over: %r"
_Epoch = tuple[int, int]
"""Numbers of the attempt and of the sentence in it."""


def late_notice(latency_ms: float, *, world_waits: bool) -> str:
    """Return the sentence for answers that take ``latency_ms``: what that does to the game."""
    seconds = f"{max(latency_ms, SLOW_MS) / 1e3:.1f} s"
    if world_waits:
        return (
            f"The model needs {seconds} for an answer, so the game waits for every answer and "
            "runs slower; a nearer or faster model plays at full speed."
        )
    return (
        f"The model needs {seconds} for an answer, so the agent acts on pictures that are that "
        "old; use a nearer or faster model."
    )


class _Voice:
    """What a policy wants the person to know, with the lateness of its answers before it."""

    def __init__(self, policy: Policy, *, world_waits: bool) -> None:
        self._policy = policy
        self._world_waits = world_waits
        self._slow = 0

    def forget(self) -> None:
        """Begin to count slow answers anew."""
        self._slow = 0

    def after(self, chunk: ActionChunk) -> str:
        """Return the notice that an answer leaves; one slow answer alone is no news."""
        self._slow = self._slow + 1 if chunk.latency_ms > SLOW_MS else 0
        if self._slow > 1:
            return late_notice(chunk.latency_ms, world_waits=self._world_waits)
        return self.own()

    def own(self) -> str:
        """Return what the policy itself says, or ""."""
        return str(getattr(self._policy, "notice", ""))


class LockStepRunner:
    """Thinks when asked: the world waits.  Deterministic for a seeded policy.

    Attributes:
        dropped_actions: none here; see :class:`BackgroundRunner`.
        invalid_outputs: outputs of this attempt that were no action.

    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._voice = _Voice(policy, world_waits=True)
        self._instruction = ""
        self._frame: Frame | None = None
        self._acts: tuple[str, ...] = ()
        self._tick = 0
        self._made_at = 0
        self._chunk: ActionChunk | None = None
        self._notice = ""
        self.dropped_actions = 0
        self.invalid_outputs = 0

    @property
    def notice(self) -> str:
        """What the policy wants the person to know now, or ""."""
        return self._notice

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin an episode; plan and picture of the one before are forgotten."""
        self._frame = None
        self.dropped_actions = self.invalid_outputs = 0
        self._voice.forget()
        self.set_instruction(instruction)
        self._policy.reset(instruction, seed=seed)
        self._notice = self._voice.own()

    def set_instruction(self, instruction: str, acts: tuple[str, ...] = ()) -> None:
        """Change the sentence; the rest of the plan is dropped."""
        self._instruction, self._acts = instruction, acts
        self._chunk = None
        self._notice = ""

    def offer(self, frame: Frame, tick: int, acts: tuple[str, ...] = ()) -> None:
        """Take the newest frame, and what was done so far."""
        self._frame, self._tick, self._acts = frame, tick, acts

    def proposal(self, tick: int) -> Proposal | None:
        """Return the action of ``tick``, thinking where the last plan is used up."""
        if self._chunk is None or tick - self._made_at >= len(self._chunk.actions):
            if self._frame is None:
                return None
            seen = Observation(self._frame, self._instruction, self._acts)
            self._chunk = self._policy.propose(seen)
            self._made_at = self._tick
            self._notice = self._voice.after(self._chunk)
            self.invalid_outputs += self._chunk.invalid
        age = tick - self._made_at
        if not 0 <= age < len(self._chunk.actions):
            return None
        return Proposal(self._chunk.actions[age], age, self._chunk.latency_ms)

    def wait_for_plan(
        self, timeout_s: float = FIRST_PLAN_S, interrupted: Callable[[], bool] = lambda: False
    ) -> bool:
        """Return True: it thinks when asked."""
        del timeout_s, interrupted
        return True

    def last_chunk(self) -> ActionChunk | None:
        """Return the newest plan."""
        return self._chunk

    def close(self) -> None:
        """Nothing to stop."""


@dataclass(slots=True, eq=False)
class _Plan:
    """A finished thought: its actions, the tick of its picture, and what was given out of it.

    ``first_tick`` is the tick in which anything of it was first given out, ``turned_tick``
    the one in which its action ``index`` was; -1 before.
    """

    chunk: ActionChunk
    made_at: int
    first_tick: int = -1
    index: int = -1
    turned_tick: int = -1

    def proposal(self, tick: int, hold_ticks: int) -> Proposal | None:
        """Return what it says of ``tick``; None before its time, and once it was held enough."""
        last, age = len(self.chunk.actions) - 1, tick - self.made_at
        if age < 0:
            return None
        if self.first_tick < 0:
            self.first_tick = tick
        if tick > max(self.first_tick, self.made_at + last) + hold_ticks:
            return None
        index = min(age, last)
        if index != self.index:
            self.index, self.turned_tick = index, tick
        action = self.chunk.actions[index]
        if self.turned_tick != tick:
            action = action.with_camera(0.0, 0.0)
        return Proposal(action, age, self.chunk.latency_ms)


class BackgroundRunner:
    """Thinks on a thread of its own: the world does not wait.

    The newest frame wins; frames that came while it thought are dropped.  An exception
    in the policy is raised again on the control thread, by the next call; one of an attempt
    or a sentence that is over goes to the log.

    Attributes:
        dropped_actions: actions of this attempt's plans whose ticks were over when they came.
        invalid_outputs: outputs of this attempt that were no action.

    """

    world_waits = False

    def __init__(self, policy: Policy, *, hold_ticks: int = HOLD_TICKS) -> None:
        self._policy = policy
        self._voice = _Voice(policy, world_waits=self.world_waits)
        self._hold_ticks = hold_ticks
        self._wake = threading.Condition()
        self._pending: tuple[Frame, int] | None = None
        self._instruction = ""
        self._acts: tuple[str, ...] = ()
        self._begin: tuple[str, int | None] | None = None
        self._epoch: _Epoch = (0, 0)
        self._plan: _Plan | None = None
        self._notice = ""
        self._error: BaseException | None = None
        self._stopping = False
        self.dropped_actions = 0
        self.invalid_outputs = 0
        self._thread = BackgroundThread("inference", self._run, stop=self._stop).start()

    @property
    def notice(self) -> str:
        """What the policy wants the person to know now, or ""."""
        with self._wake:
            return self._notice

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin an episode; all that was thought in the one before is forgotten."""
        with self._wake:
            self._begin = (instruction, seed)
            self._pending = None
            self.dropped_actions = self.invalid_outputs = 0
            self._turn_to(instruction, (self._epoch[0] + 1, 0))
            self._wake.notify()

    def set_instruction(self, instruction: str, acts: tuple[str, ...] = ()) -> None:
        """Change the sentence; plans for the one before are not followed any further.

        Nobody acts until there is an answer to the new one.
        """
        with self._wake:
            self._turn_to(instruction, (self._epoch[0], self._epoch[1] + 1), acts)

    def _turn_to(self, instruction: str, epoch: _Epoch, acts: tuple[str, ...] = ()) -> None:
        """Forget what was thought for another attempt or sentence; with the lock held."""
        if self._error is not None:
            log.warning(_TOO_LATE, self._error)
        self._instruction, self._acts = instruction, acts
        self._epoch = epoch
        self._plan = self._error = None
        self._notice = ""

    def offer(self, frame: Frame, tick: int, acts: tuple[str, ...] = ()) -> None:
        """Put the newest frame into the one-slot mailbox, with what was done so far."""
        with self._wake:
            self._raise_error()
            self._pending, self._acts = (frame, tick), acts
            self._wake.notify()

    def proposal(self, tick: int) -> Proposal | None:
        """Return what the newest plan says of ``tick``; never waits."""
        with self._wake:
            self._raise_error()
            plan = self._plan
            if plan is None:
                return None
            fresh = plan.first_tick < 0
            proposal = plan.proposal(tick, self._hold_ticks)
            if fresh and proposal is not None:
                # Actions of a new plan whose ticks are over already never happen.
                self.dropped_actions += plan.index
            return proposal

    def last_chunk(self) -> ActionChunk | None:
        """Return the newest finished plan."""
        with self._wake:
            return self._plan.chunk if self._plan else None

    def wait_for_plan(
        self, timeout_s: float = FIRST_PLAN_S, interrupted: Callable[[], bool] = lambda: False
    ) -> bool:
        """Wait until there is a plan; False where it was ``interrupted`` or took too long.

        The error of a thought that failed comes out on the next call.
        """
        ends_s = time.monotonic() + timeout_s
        with self._wake:
            while self._plan is None and self._error is None:
                left_s = ends_s - time.monotonic()
                if left_s <= 0 or interrupted():
                    return False
                self._wake.wait(min(left_s, INTERRUPTED_S))
            return True

    def close(self) -> None:
        """Stop the thread after the thought it is in."""
        self._thread.stop()

    def _stop(self) -> None:
        with self._wake:
            self._stopping = True
            self._wake.notify()

    def _raise_error(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(
                    lambda: self._stopping or self._pending is not None or self._begin is not None
                )
                if self._stopping:
                    return
                begin, self._begin = self._begin, None
                work, self._pending = self._pending, None
                said, epoch = (self._instruction, self._acts), self._epoch
            try:
                if begin is not None:
                    self._voice.forget()
                    self._policy.reset(begin[0], seed=begin[1])
                    self._say(self._voice.own(), epoch)
            except BaseException as error:  # noqa: BLE001  # raised again on the control thread
                # Without it no sentence of this attempt can be played.
                self._fail(error, epoch, in_attempt=True)
                continue
            if work is None:
                continue
            try:
                self._think(*work, said, epoch)
            except BaseException as error:  # noqa: BLE001  # raised again on the control thread
                self._fail(error, epoch)

    def _think(
        self, frame: Frame, tick: int, said: tuple[str, tuple[str, ...]], epoch: _Epoch
    ) -> None:
        """Think about a frame, and lay the plan down if it is still wanted.

        ``said`` is the sentence, and what was done since it was said.
        """
        chunk = self._policy.propose(Observation(frame, *said))
        notice = self._voice.after(chunk)
        with self._wake:
            if epoch == self._epoch:
                self._plan = _Plan(chunk, tick)
                self.invalid_outputs += chunk.invalid
                self._wake.notify_all()
        self._say(notice, epoch)

    def _fail(self, error: BaseException, epoch: _Epoch, *, in_attempt: bool = False) -> None:
        """Keep an error for the control thread where it is about what is played now."""
        with self._wake:
            if epoch == self._epoch or (in_attempt and epoch[0] == self._epoch[0]):
                self._error = error
                self._wake.notify_all()
            else:
                log.warning(_TOO_LATE, error)

    def _say(self, notice: str, epoch: _Epoch) -> None:
        with self._wake:
            if epoch == self._epoch:
                self._notice = notice


class WaitingRunner(BackgroundRunner):
    """Thinks on a thread of its own while the world stands still and waits for the thought.

    Where ``interrupted`` says that the thought is waited for in vain (the person has the hands,
    or asked for something), the plan before it counts, as if the world had not waited.
    """

    world_waits = True

    def __init__(self, policy: Policy, *, interrupted: Callable[[], bool]) -> None:
        self._interrupted = interrupted
        self._newest: tuple[Frame, int] | None = None
        super().__init__(policy)

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin an episode; all that was thought or seen in the one before is forgotten."""
        with self._wake:
            self._newest = None
            super().reset(instruction, seed=seed)

    def offer(self, frame: Frame, tick: int, acts: tuple[str, ...] = ()) -> None:
        """Put the newest frame into the one-slot mailbox, with what was done so far."""
        with self._wake:
            self._newest = (frame, tick)
            super().offer(frame, tick, acts)

    def set_instruction(self, instruction: str, acts: tuple[str, ...] = ()) -> None:
        """Change the sentence, and think of the newest frame anew."""
        with self._wake:
            super().set_instruction(instruction, acts)
            self._pending = self._newest
            self._wake.notify()

    def proposal(self, tick: int) -> Proposal | None:
        """Return what a plan says that reaches as far as ``tick``; waits for one."""
        with self._wake:
            while not self._ready(tick) and not self._interrupted():
                self._wake.wait(INTERRUPTED_S)
            return super().proposal(tick)

    def _ready(self, tick: int) -> bool:
        if self._error is not None:
            return True
        if self._plan is None:
            return False
        return tick - self._plan.made_at < len(self._plan.chunk.actions)
