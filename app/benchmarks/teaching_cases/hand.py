"""A hand on mouse and keyboard: it reacts late, stops and thinks, swerves, and gives up at times.

Every figure of the teaching benchmark is taken with it, as a script that never hesitates teaches
what no person would.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field, replace

from recorder.types import NO_ACTION, Action

REACTION_S = 0.25
"""From what is seen to what the hand does."""
PAUSE_S = (0.2, 2.0)
PAUSE_CHANCE = 0.03
"""Of a pause's beginning, in a tick."""
LATE_S = (0.3, 1.2)
"""Before the first move."""
SWERVE_CHANCE = 0.02
SWERVE_TICKS = (2, 4)
SWERVE_DEG = 7.0
OVERSHOOT = 1.15
"""A turn goes so much further than it should, and is taken back."""
BROKEN_OFF = 0.2
"""So often a try is broken off."""
BREAKS_OFF_S = (0.4, 1.5)
"""After the first move."""


@dataclass(slots=True)
class Hand:
    """One try of a hand; make a new one for each.

    ``breaks_off_at`` is the tick at which it gives up, None if it does not.
    """

    rng: random.Random
    tick_rate_hz: float
    breaks_off_at: int | None = None
    _wanted: deque[Action] = field(default_factory=deque)
    _still: int = 0
    _turning: int = 0
    _swerve: list[float] = field(default_factory=list)
    _ticks: int = 0

    @classmethod
    def begin(cls, rng: random.Random, tick_rate_hz: float) -> Hand:
        """Return a hand before a try: it begins late, and may be about to break off."""
        made = cls(rng, tick_rate_hz)
        made._still = made._ticks_of(LATE_S)
        if rng.random() < BROKEN_OFF:
            made.breaks_off_at = made._still + made._ticks_of(BREAKS_OFF_S)
        return made

    @property
    def gives_up(self) -> bool:
        """Whether the try is broken off now."""
        return self.breaks_off_at is not None and self._ticks >= self.breaks_off_at

    def moves(self, wanted: Action) -> Action:
        """Return what the hand does in a tick whose picture asks for ``wanted``.

        Keys come a reaction late.  So does the beginning of a turn; a turn that goes on is followed
        without a delay, as an eye follows what moves as it should.
        """
        self._ticks += 1
        delay = round(REACTION_S * self.tick_rate_hz)
        self._wanted.append(wanted)
        late = self._wanted.popleft() if len(self._wanted) > delay else NO_ACTION
        pitch, yaw = wanted.camera
        self._turning = self._turning + 1 if pitch or yaw else 0
        if self._still > 0:
            self._still -= 1
            return NO_ACTION
        if self.rng.random() < PAUSE_CHANCE:
            self._still = self._ticks_of(PAUSE_S)
            return NO_ACTION
        if self._turning <= delay:
            pitch = yaw = 0.0
        return replace(late, camera=(pitch, yaw * OVERSHOOT + self._slip()))

    def _slip(self) -> float:
        """Return how far the mouse slips in this tick: away for some ticks, then back."""
        if not self._swerve and self.rng.random() < SWERVE_CHANCE:
            length = self.rng.randint(*SWERVE_TICKS)
            side = self.rng.choice((-SWERVE_DEG, SWERVE_DEG))
            self._swerve = [side] * length + [-side] * length
        return self._swerve.pop(0) if self._swerve else 0.0

    def _ticks_of(self, seconds: tuple[float, float]) -> int:
        return round(self.rng.uniform(*seconds) * self.tick_rate_hz)
