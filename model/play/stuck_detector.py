"""Watches a policy for loops, and asks the person to take over.

The released model is known to repeat one action before a picture that rests (an endless null
action, an endless attack).  Then the temperature is raised step by step if the policy samples;
when the picture moves again everything is as before.

The practice model does not stop so: it swings between a few views.  Each of its actions differs
from the one before, but the pictures come back.
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
STUCK = "The agent repeats itself, so it will hardly get on by itself; take over to help it."


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """When a policy counts as stuck, and what is done then.

    ``answers`` equal first actions in a row while the picture's mean change (of 255 grey
    levels, on a coarse copy) stays below ``change``; each further such run adds ``step`` to
    the temperature, up to ``hottest``.  ``heat`` False only asks the person.

    ``returns`` of the newest ``window`` pictures differ by at most ``return_change`` (of 255
    grey levels) from one of the ``window`` pictures before, the last one not counted: that is
    stuck too.  0 does not look for it.
    """

    answers: int = 30
    change: float = 1.5
    step: float = 0.3
    hottest: float = 1.2
    heat: bool = True
    returns: int = 0
    window: int = 16
    return_change: float = 3.0


PRACTICE_WATCH = WatchSettings(answers=80, heat=False, returns=15)
"""For the practice model, whose play a hotter temperature would change.

80 equal answers are more than the expert needs for the slowest ore of Luanti (72 ticks with the
way there).

Chosen on 200 attempts of the yard (suites, two-step and untaught sentences, seeds from
3,500,000): of 177 successes none is called stuck, of 13 time-outs 8.  On the next 20 attempts:
of 15 successes none, of 3 time-outs 1.  No success has more than 12 returns of 16; a rule on
equal actions alone found 1 of the 13 time-outs.
"""


class StuckWatch:
    """Sees pictures and answers; tells how many whole runs of equal ones there were."""

    def __init__(self, settings: WatchSettings) -> None:
        self._settings = settings
        self._recent: deque[tuple[Action, NDArray[np.float32]]] = deque(maxlen=settings.answers)
        self._since = 0
        self._views: deque[NDArray[np.float32]] = deque(maxlen=settings.window)
        self._returned: deque[bool] = deque(maxlen=settings.window)

    def forget(self) -> None:
        """Begin anew."""
        self._repeats_no_more()
        self._views.clear()
        self._returned.clear()

    def look(self, rgb: RGBImage, action: Action) -> int:
        """Take an answer and the picture that it was given to; return the level of stuckness.

        0 while all is well, else how many runs of ``answers`` equal ones have gone by, at least
        1 while the pictures come back.
        """
        thumb = _coarse(rgb)
        swings = self._comes_back(thumb, action)
        if self._recent and (
            self._recent[0][0] != action
            or float(np.abs(self._recent[0][1] - thumb).mean()) > self._settings.change
        ):
            self._repeats_no_more()
        self._recent.append((action, thumb))
        self._since += 1
        return max(int(swings), self._since // self._settings.answers)

    def _repeats_no_more(self) -> None:
        self._recent.clear()
        self._since = 0

    def _comes_back(self, thumb: NDArray[np.float32], action: Action) -> bool:
        """Return whether nearly all of the newest pictures were seen shortly before.

        What is done to a thing takes its time before a picture that rests: felling a tree does.
        """
        if not self._settings.returns:
            return False
        # The picture just before is always alike.
        earlier = list(self._views)[:-1]
        back = any(
            float(np.abs(view - thumb).mean()) <= self._settings.return_change for view in earlier
        )
        self._views.append(thumb)
        self._returned.append(back and not (action.attack or action.use))
        return sum(self._returned) >= self._settings.returns


class WatchedPolicy:
    """A policy under watch; everything else is the policy's own.

    Attributes:
        notice: a sentence for the person while the policy is stuck, else the policy's own.
        stuck: how often it got stuck since the newest reset.

    """

    def __init__(self, policy: Policy, settings: WatchSettings | None = None) -> None:
        self.policy = policy
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
        return STUCK

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
