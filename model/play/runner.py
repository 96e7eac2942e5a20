"""Runs a policy for the episode loop: in lock-step, or in the background.

Newest frame in, action chunk out.  The action that belongs to tick t of a plan made
from the frame of tick s is ``actions[t - s]``; where the plan is shorter than that, its
last action is held until the plan is too old.  Keys and buttons are held; a turn is made
once, for it was meant for what the picture showed, and turned twice it goes past it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from model.play.episode import Proposal
from model.play.policy import ActionChunk, Observation, Policy
from recorder.types import Frame

MAX_PLAN_AGE_TICKS = 9
"""About half a second: an older plan is no plan."""
FIRST_PLAN_S = 5.0
"""So long a world that does not wait is not begun without an answer to its first picture."""
INTERRUPTED_S = 0.02
"""So often it is asked whether a wait for a thought is still wanted."""


def action_for(chunk: ActionChunk, made_at: int, tick: int, max_age: int) -> Proposal | None:
    """Return what ``chunk`` (made from tick ``made_at``'s frame) says of ``tick``."""
    age = tick - made_at
    if age < 0 or age > max_age + len(chunk.actions) - 1:
        return None
    action = chunk.actions[min(age, len(chunk.actions) - 1)]
    return Proposal(action, age, chunk.latency_ms)


class LockStepRunner:
    """Thinks when asked: the world waits.  Deterministic for a seeded policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._instruction = ""
        self._frame: Frame | None = None
        self._tick = 0
        self._made_at = 0
        self._chunk: ActionChunk | None = None
        self.dropped_actions = 0
        self.invalid_outputs = 0

    @property
    def notice(self) -> str:
        """What the policy wants the person to know now, or ""."""
        return str(getattr(self._policy, "notice", ""))

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin an episode."""
        self._policy.reset(instruction, seed=seed)
        self._instruction = instruction
        self._chunk = None

    def set_instruction(self, instruction: str) -> None:
        """Change the sentence; the rest of the plan is dropped."""
        self._instruction = instruction
        self._chunk = None

    def offer(self, frame: Frame, tick: int) -> None:
        """Take the newest frame."""
        self._frame, self._tick = frame, tick

    def proposal(self, tick: int) -> Proposal | None:
        """Return the action of ``tick``, thinking where the last plan is used up."""
        if self._chunk is None or tick - self._made_at >= len(self._chunk.actions):
            if self._frame is None:
                return None
            self._chunk = self._policy.propose(Observation(self._frame, self._instruction))
            self._made_at = self._tick
            self.invalid_outputs += self._chunk.invalid
        return action_for(self._chunk, self._made_at, tick, 0)

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


class BackgroundRunner:
    """Thinks on a thread of its own: the world does not wait.

    The newest frame wins; frames that came while it thought are dropped.  An exception
    in the policy is raised again on the control thread, by the next call.
    """

    def __init__(self, policy: Policy, *, max_plan_age_ticks: int = MAX_PLAN_AGE_TICKS) -> None:
        self._policy = policy
        self._max_age = max_plan_age_ticks
        self._wake = threading.Condition()
        self._pending: tuple[Frame, int] | None = None
        self._instruction = ""
        self._begin: tuple[str, int | None] | None = None
        self._epoch = 0
        self._plan: tuple[ActionChunk, int] | None = None
        self._error: BaseException | None = None
        self._stopping = False
        self._last_used = -1
        # Of the newest action of a plan: (made at, index, tick in which it was first given out).
        self._given = (-1, -1, -1)
        self.dropped_actions = 0
        self.invalid_outputs = 0
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)
        self._thread.start()

    @property
    def notice(self) -> str:
        """What the policy wants the person to know now, or ""."""
        return str(getattr(self._policy, "notice", ""))

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin an episode; plans of the one before are forgotten."""
        with self._wake:
            self._raise_error()
            self._instruction = instruction
            self._begin = (instruction, seed)
            self._pending = None
            self._plan = None
            self._last_used = -1
            self._given = (-1, -1, -1)
            self._epoch += 1
            self._wake.notify()

    def set_instruction(self, instruction: str) -> None:
        """Change the sentence for the frames that follow."""
        with self._wake:
            self._instruction = instruction
            # A thought that is under way was for the old sentence: it is not used.
            self._epoch += 1

    def offer(self, frame: Frame, tick: int) -> None:
        """Put the newest frame into the one-slot mailbox."""
        with self._wake:
            self._raise_error()
            self._pending = (frame, tick)
            self._wake.notify()

    def proposal(self, tick: int) -> Proposal | None:
        """Return what the newest plan says of ``tick``; never waits."""
        with self._wake:
            self._raise_error()
            if self._plan is None:
                return None
            chunk, made_at = self._plan
            proposal = action_for(chunk, made_at, tick, self._max_age)
            if made_at != self._last_used and proposal is not None:
                # Actions of a new plan whose ticks are over already never happen.
                self.dropped_actions += min(proposal.plan_age_ticks, len(chunk.actions) - 1)
                self._last_used = made_at
            return None if proposal is None else self._turned_once(proposal, made_at, tick)

    def _turned_once(self, proposal: Proposal, made_at: int, tick: int) -> Proposal:
        """Return the proposal without its turn where an earlier tick has made it."""
        length = 1 if self._plan is None else len(self._plan[0].actions)
        index = min(proposal.plan_age_ticks, length - 1)
        if self._given[:2] != (made_at, index):
            self._given = (made_at, index, tick)
        if self._given[2] == tick:
            return proposal
        return replace(proposal, action=proposal.action.with_camera(0.0, 0.0))

    def last_chunk(self) -> ActionChunk | None:
        """Return the newest finished plan."""
        with self._wake:
            return self._plan[0] if self._plan else None

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
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

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
                instruction, epoch = self._instruction, self._epoch
            try:
                if begin is not None:
                    self._policy.reset(begin[0], seed=begin[1])
                if work is None:
                    continue
                chunk = self._policy.propose(Observation(work[0], instruction))
            except BaseException as error:  # noqa: BLE001  # raised again on the control thread
                with self._wake:
                    self._error = error
                    self._wake.notify_all()
                continue
            with self._wake:
                if epoch == self._epoch:
                    self._plan = (chunk, work[1])
                    self.invalid_outputs += chunk.invalid
                    self._wake.notify_all()


class WaitingRunner(BackgroundRunner):
    """Thinks on a thread of its own while the world stands still and waits for the thought.

    Where ``interrupted`` says that the thought is waited for in vain (the person has the hands,
    or asked for something), the plan before it counts, as if the world had not waited.
    """

    def __init__(self, policy: Policy, *, interrupted: Callable[[], bool]) -> None:
        self._interrupted = interrupted
        self._newest: tuple[Frame, int] | None = None
        super().__init__(policy)

    def offer(self, frame: Frame, tick: int) -> None:
        """Put the newest frame into the one-slot mailbox."""
        with self._wake:
            self._newest = (frame, tick)
        super().offer(frame, tick)

    def set_instruction(self, instruction: str) -> None:
        """Change the sentence, and think of the newest frame anew."""
        with self._wake:
            super().set_instruction(instruction)
            self._plan = None
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
        chunk, made_at = self._plan
        return tick - made_at < len(chunk.actions)
