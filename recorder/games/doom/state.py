"""What only an expert and a judge may look at: the engine's own view of a scene."""

from __future__ import annotations

import math
from dataclasses import dataclass

from recorder.games.doom.layout import bearing_deg, crosses
from recorder.games.doom.scene import Scene


@dataclass(frozen=True, slots=True)
class SeenThing:
    """A thing as the engine knows it; ``box`` is (x, y, w, h) in pixels or None if unseen.

    ``used``: a door that is open, a switch that was pressed.  ``stalks``: it comes nearer.
    """

    key: str
    id: int
    x: float
    y: float
    box: tuple[int, int, int, int] | None
    used: bool = False
    stalks: bool = False


@dataclass(frozen=True, slots=True)
class HiddenState:
    """Pose in map units and degrees, what lives, the doors and switches, the weapon's slot.

    ``pitch_deg`` is the engine's, positive downwards.  ``things`` holds what stands in the yard and
    is alive; ``fixtures`` what is part of its walls, with ids below zero.
    """

    x: float
    y: float
    angle_deg: float
    pitch_deg: float
    health: float
    things: tuple[SeenThing, ...]
    fixtures: tuple[SeenThing, ...]
    weapon: int
    scene: Scene

    @property
    def everything(self) -> tuple[SeenThing, ...]:
        """Things and fixtures."""
        return self.things + self.fixtures

    def distance(self, thing: SeenThing) -> float:
        """Return how far a thing's centre is, in map units."""
        return math.hypot(thing.x - self.x, thing.y - self.y)

    def bearing(self, thing: SeenThing) -> float:
        """Return how far right of straight ahead a thing is, in degrees (-180, 180]."""
        return bearing_deg(self.x, self.y, self.angle_deg, thing.x, thing.y)

    def hidden_by_pillar(self, thing: SeenThing) -> bool:
        """Say whether a pillar stands between the player and a thing's centre."""
        return any(
            crosses(area, self.x, self.y, thing.x, thing.y, 0.0) for area in self.scene.plan.pillars
        )
