"""A policy that plays what a test wrote down."""

from __future__ import annotations

from collections.abc import Sequence

from model.play.policy import ActionChunk, Observation
from recorder.types import NO_ACTION, Action


class ScriptedPolicy:
    """Plays a list of actions, then does nothing."""

    name = "scripted"

    def __init__(self, actions: Sequence[Action]) -> None:
        self._actions = tuple(actions)
        self._next = 0

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin at the first action."""
        del instruction, seed
        self._next = 0

    def propose(self, observation: Observation) -> ActionChunk:
        """Return the next action."""
        action = self._actions[self._next] if self._next < len(self._actions) else NO_ACTION
        self._next += 1
        return ActionChunk((action,), observation.frame.id, 0.0, 1.0)
