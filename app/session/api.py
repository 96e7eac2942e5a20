"""What the window and the command line may ask of a play session, and what they see.

The session runs a control thread (the tick loop).  Commands are requests: they return
at once and the loop consumes them at the next tick.  :meth:`PlaySession.snapshot` is
safe from any thread and cheap; the window pulls it on a timer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from recorder.games.base import Task
from recorder.types import NO_ACTION, Action, Driver, Frame, Outcome


class Phase(StrEnum):
    """Who has the hands (design: one enum, one transition table)."""

    WATCHING = "watching"
    DEMONSTRATING = "demonstrating"
    PLAYING = "playing"
    CORRECTING = "correcting"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything a viewer may show, as of one tick.

    ``phase`` and ``driver`` say who has the hands; ``executed`` is the newest executed
    action, ``proposed`` what the policy wants.  ``latency_ms`` and ``plan_age_ticks``
    are None without a plan.  ``message`` is a sentence for the person or "";
    ``policy_problem`` says why there is no policy, "" while there is one or it is being loaded.
    ``drivers`` is the strip of this attempt: (driver, ticks) runs in order.
    ``attempts`` counts those that have begun: ``outcome`` and all else about an attempt is of
    the newest that did.  ``left_s`` is what the sentence still has of its time, which stands still
    while the person drives; None if it has no limit.  ``hand_back_share`` falls from 1 to 0 while
    the person who took over does nothing, and at 0 the hands go back; 0 if that does not apply.
    ``asks`` says that the agent was paused for the person to say whether it is done: nobody else
    can.  ``missing`` is what the sentence names and the room does not hold ("monster"), "" for
    nothing.  ``waits`` says that a sentence is played as soon as there is a policy.
    ``problem`` is what ended it, or kept the next one from beginning,
    None while all is well.
    """

    phase: Phase
    driver: Driver
    frame: Frame | None
    instruction: str
    task: Task | None
    seed: int
    tick: int
    executed: Action = NO_ACTION
    proposed: Action | None = None
    latency_ms: float | None = None
    plan_age_ticks: int | None = None
    tick_rate_hz: float = 0.0
    measured_rate_hz: float = 0.0
    missed_ticks: int = 0
    invalid_outputs: int = 0
    dropped_actions: int = 0
    outcome: Outcome | None = None
    episode_id: int | None = None
    recording: bool = False
    recorded_s: float = 0.0
    lost_ticks: int = 0
    policy: str = ""
    policy_ready: bool = False
    policy_problem: str = ""
    message: str = ""
    drivers: tuple[tuple[Driver, int], ...] = ()
    confidence: float | None = None
    attempts: int = 0
    left_s: float | None = None
    hand_back_share: float = 0.0
    asks: bool = False
    missing: str = ""
    waits: bool = False
    problem: Exception | None = None

    @property
    def who_plays(self) -> tuple[str, bool, str]:
        """What changes when another policy plays, or when there is a reason why none does."""
        return self.policy, self.policy_ready, self.policy_problem

    @property
    def in_attempt(self) -> bool:
        """Whether there is an attempt to pause, to stop or to judge."""
        begun = self.phase is not Phase.WATCHING and bool(self.instruction) and not self.waits
        return begun and self.outcome is None


class PlaySession(Protocol):
    """A running session over one game.  All methods are safe from any thread."""

    def tasks(self) -> Sequence[Task]:
        """Return the tasks that the current game can judge."""
        ...

    def snapshot(self) -> Snapshot:
        """Return the newest state; never blocks."""
        ...

    def play(self, instruction: str) -> None:
        """Let the policy play; between episodes this begins one, in one it changes the sentence.

        Raises UsageError for an empty instruction.
        """
        ...

    def demonstrate(self, instruction: str) -> None:
        """Begin an episode that the person drives from its first tick."""
        ...

    def pause(self) -> None:
        """Release everything and freeze the loop; from any phase, in one step."""
        ...

    def resume(self) -> None:
        """Go on after a pause, with the driver that had the hands before."""
        ...

    def stop(self, outcome: Outcome = Outcome.ABANDONED) -> None:
        """End the episode."""
        ...

    def mark(self, outcome: Outcome) -> None:
        """End the episode with the person's own verdict (success or failure).

        After its end only :meth:`snapshot` follows; the caller stores the label.
        """
        ...

    def reset(self, seed: int | None = None) -> None:
        """Abandon the episode and show a new start of the current task."""
        ...

    def hand_back(self) -> None:
        """Give the hands back to the policy."""
        ...

    def take_back(self) -> None:
        """Undo a takeover that only the keys of a shortcut made: it teaches nothing."""
        ...

    def key(self, name: str, down: bool, mono_ns: int) -> None:
        """Tell of a key or button of the person's, by its binding name ("W", "LeftButton").

        Only call it while the game view has the focus; unbound names are ignored.
        """
        ...

    def mouse_move(self, dx_counts: float, dy_counts: float, mono_ns: int) -> None:
        """Tell of a mouse move of the person's over the captured view."""
        ...

    def focus_lost(self) -> None:
        """The view lost the focus: the person's keys are released."""
        ...

    def set_idle_handback_s(self, seconds: float | None) -> None:
        """Hand back after so long without input; None is never."""
        ...

    def close(self) -> None:
        """Stop the loop, end the episode as interrupted, flush; idempotent."""
        ...
