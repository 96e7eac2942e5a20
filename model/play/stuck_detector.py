"""Watches a policy for loops: the same action again and again before a picture that rests.

The released model is known to stop so (an endless null action, an endless attack).  Then
the temperature is raised step by step where the policy samples, and the person is asked to
take over; when the picture moves again everything is as before.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.play.policy import ActionChunk, Observation, Policy
from recorder.types import Action, RGBImage

if TYPE_CHECKING:
    from model.play.sampling import Sampling

_THUMB = 16


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """When a policy counts as stuck, and what is done then.

    ``answers`` equal first actions in a row while the picture's mean change (of 255 grey
    levels, on a coarse copy) stays below ``change``; each further such run adds ``step`` to
    the temperature, up to ``hottest``.  ``heat`` False only asks the person.
    """

    answers: int = 30
    change: float = 1.5
    step: float = 0.3
    hottest: float = 1.2
    heat: bool = True


class StuckWatch:
    """Sees pictures and answers; tells how many whole runs of equal ones there were."""

    def __init__(self, settings: WatchSettings) -> None:
        self._settings = settings
        self._recent: deque[tuple[Action, NDArray[np.float32]]] = deque(maxlen=settings.answers)
        self._since = 0

    def forget(self) -> None:
        """Begin anew."""
        self._recent.clear()
        self._since = 0

    def look(self, rgb: RGBImage, action: Action) -> int:
        """Take an answer and the picture that it was given to; return the level of stuckness.

        0 while all is well, else how many runs of ``answers`` equal ones have gone by.
        """
        thumb = _coarse(rgb)
        if self._recent and (
            self._recent[0][0] != action
            or float(np.abs(self._recent[0][1] - thumb).mean()) > self._settings.change
        ):
            self.forget()
        self._recent.append((action, thumb))
        self._since += 1
        return self._since // self._settings.answers


class WatchedPolicy:
    """A policy under watch; everything else is the policy's own.

    Attributes:
        notice: a sentence for the person while the policy is stuck, else the policy's own.
        stuck: how often it got stuck since the newest reset.

    """

    def __init__(self, policy: Policy, settings: WatchSettings | None = None) -> None:
        self.policy = policy
        self.history_frames = policy.history_frames
        self.stuck = 0
        self._settings = settings or WatchSettings()
        self._watch = StuckWatch(self._settings)
        self._level = 0
        self._calm: Sampling | None = None

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.policy.name

    @property
    def notice(self) -> str:
        """What the person should know now, or ""."""
        if not self._level:
            return str(getattr(self.policy, "notice", ""))
        if self._calm is not None:
            return (
                "The agent repeats itself before a picture that does not change, so it now "
                "chooses more at random; take over to help it."
            )
        return (
            "The agent repeats itself before a picture that does not change, so it will not "
            "get on by itself; take over to help it."
        )

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin an episode, calm."""
        self._calm_down()
        self._watch.forget()
        self.stuck = 0
        self.policy.reset(instruction, seed=seed)

    def propose(self, observation: Observation) -> ActionChunk:
        """Return the policy's actions, and look at them."""
        chunk = self.policy.propose(observation)
        level = self._watch.look(observation.frame.rgb, chunk.actions[0])
        if not level:
            self._calm_down()
        elif level > self._level:
            self.stuck += self._level == 0
            self._level = level
            self._heat(level)
        return chunk

    def _heat(self, level: int) -> None:
        policy: Any = self.policy
        sampling = getattr(policy, "sampling", None)
        if sampling is None or not self._settings.heat:
            return
        self._calm = self._calm or sampling
        # A greedy policy would stay greedy for ever; it begins at the first step.
        hot = min(self._settings.hottest, self._calm.temperature + level * self._settings.step)
        policy.sampling = replace(sampling, temperature=max(hot, self._calm.temperature))

    def _calm_down(self) -> None:
        policy: Any = self.policy
        if self._calm is not None:
            policy.sampling = self._calm
        self._calm = None
        self._level = 0


def _coarse(rgb: RGBImage) -> NDArray[np.float32]:
    """Return a picture's grey levels on every sixteenth row and column."""
    grey: NDArray[np.float32] = rgb[::_THUMB, ::_THUMB].mean(axis=2, dtype=np.float32)
    return grey
