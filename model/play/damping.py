"""Turns to and fro are damped: a model without memory can swing between two views for ever.

It answers equal pictures alike, so where each of two views sends it to the other, the likeliest
action never gets it out.  A turn back is therefore at most half as wide as the turn before it,
so that it comes to the views in between; turning on in the same way makes turns wide again.
"""

from __future__ import annotations

import math
from dataclasses import replace

from recorder.types import Action

LEAST_DEG = 0.6
"""No turn is made smaller than this: it would be none."""
WIDER = 2.0


class Swings:
    """Follows the turns of an episode."""

    def __init__(self) -> None:
        self._last_deg = 0.0
        self._widest_deg = math.inf

    def forget(self) -> None:
        """Begin anew."""
        self._last_deg = 0.0
        self._widest_deg = math.inf

    def damped(self, action: Action) -> Action:
        """Return the action with its turn (yaw) as wide as it may be after those before it."""
        pitch, yaw = action.camera
        way = self._last_deg * yaw
        if way < 0:
            self._widest_deg = max(LEAST_DEG, abs(self._last_deg) / 2)
        elif way > 0:
            self._widest_deg *= WIDER
        else:
            self._widest_deg = math.inf
        if abs(yaw) > self._widest_deg:
            yaw = math.copysign(self._widest_deg, yaw)
            action = replace(action, camera=(pitch, yaw))
        self._last_deg = yaw
        return action
