"""Policies without a model: idle, chance, and a script."""

from __future__ import annotations

import numpy as np

from model.play.policy import ActionChunk, Observation
from recorder.types import NO_ACTION, Action


class IdlePolicy:
    """Does nothing, ever."""

    name = "idle"

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Nothing to begin."""
        del instruction, seed

    def propose(self, observation: Observation) -> ActionChunk:
        """Return the action that does nothing."""
        return ActionChunk((NO_ACTION,), observation.frame.id, 0.0, 1.0)


class RandomPolicy:
    """Chance: a random key, button and turn, each held for a random stretch of ticks.

    Holding makes it wander like a player, which is a fairer baseline than a tremble.
    """

    name = "random"
    _MOVES = ("forward", "forward", "back", "left", "right", "")

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)
        self._left = 0
        self._action = NO_ACTION

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin; the seed fixes everything that follows."""
        del instruction
        self._rng = np.random.default_rng(seed)
        self._left = 0

    def propose(self, observation: Observation) -> ActionChunk:
        """Return the held action, or a new one when its stretch is over."""
        if self._left <= 0:
            rng = self._rng
            self._left = int(rng.integers(2, 14))
            yaw = float(np.clip(rng.normal(0, 4), -10, 10)) if rng.random() < 0.7 else 0.0
            action = Action(attack=bool(rng.random() < 0.2), camera=(0.0, yaw))
            move = self._MOVES[int(rng.integers(len(self._MOVES)))]
            self._action = action.pressing(move) if move else action
        self._left -= 1
        return ActionChunk((self._action,), observation.frame.id, 0.0, None)
