"""A scene in the making: what may stand where."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from recorder.games.doom.layout import Plan, bearing_deg, crosses, distance_to_line, within
from recorder.games.doom.things import Kind

WALL_MARGIN = 64.0
START_CLEARANCE = 170.0
THING_CLEARANCE = 140.0
PATH_CLEARANCE = 58.0
"""Beside a thing's own radius."""
FIXTURE_CLEARANCE = 150.0
PILLAR_CLEARANCE = 48.0
LEDGE_SHADOW = 40.0
TRIES = 60

Spot = tuple[float, float]


@dataclass(slots=True)
class Draft:
    """A scene in the making; a failed placement raises NoRoomError and all begins anew."""

    rng: np.random.Generator
    plan: Plan
    hide: bool
    """Whether the target is to be out of the first picture."""
    start: Spot = (0.0, 0.0)
    angle: float = 0.0
    kinds: list[Kind] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    paths: list[tuple[Spot, Spot]] = field(default_factory=list)
    path_clearance: float = PATH_CLEARANCE

    def bearing(self, spot: Spot) -> float:
        """Return how far right of the first look a place lies, in degrees."""
        return bearing_deg(*self.start, self.angle, *spot)

    def open_path(self, a: Spot, b: Spot, margin: float) -> bool:
        """Say whether no pillar comes within ``margin`` of the way from a to b."""
        return not any(crosses(area, *a, *b, margin) for area in self.plan.pillars)

    def stands_free(self, spot: Spot, kind: Kind | None) -> bool:
        """Whether a thing (None: the player) can stand there."""
        plan = self.plan
        if not within(plan.room, *spot, WALL_MARGIN):
            return False
        if any(crosses(area, *spot, *spot, PILLAR_CLEARANCE) for area in plan.pillars):
            return False
        if kind is None:
            return True
        # Who stands on a ledge cannot take what lies just below its edge.
        if any(
            within(area, *spot, -LEDGE_SHADOW) and not within(area, *spot, 0.0)
            for area in plan.ledges
        ):
            return False
        apart = 200.0 if kind.key == "barrel" else THING_CLEARANCE
        return (
            math.dist(spot, self.start) >= START_CLEARANCE
            and all(math.dist(spot, (f.x, f.y)) >= FIXTURE_CLEARANCE for f in plan.fixtures)
            and all(math.dist(spot, other) >= apart for other in self.spots)
            and all(
                distance_to_line(*spot, *a, *b) >= self.path_clearance + kind.radius
                for a, b in self.paths
            )
        )

    def any_spot(self, kind: Kind | None) -> Spot:
        """Return a free place anywhere in the room; raises NoRoomError."""
        west, south, east, north = self.plan.room
        for _ in range(TRIES):
            spot = (
                round(float(self.rng.uniform(west + WALL_MARGIN, east - WALL_MARGIN)), 1),
                round(float(self.rng.uniform(south + WALL_MARGIN, north - WALL_MARGIN)), 1),
            )
            if self.stands_free(spot, kind):
                return spot
        raise NoRoomError

    def spot_at(self, off_deg: tuple[float, float], far: tuple[float, float], kind: Kind) -> Spot:
        """Find a place seen from the start at a bearing and distance in the given ranges."""
        for _ in range(TRIES):
            direction = math.radians(self.angle - self.rng.uniform(*off_deg))
            distance = self.rng.uniform(*far)
            spot = (
                round(float(self.start[0] + distance * math.cos(direction)), 1),
                round(float(self.start[1] + distance * math.sin(direction)), 1),
            )
            if self.stands_free(spot, kind) and self.open_path(self.start, spot, 24):
                return spot
        raise NoRoomError

    def put(self, kind: Kind, spot: Spot) -> None:
        """Take a place for a thing."""
        self.kinds.append(kind)
        self.spots.append(spot)


class NoRoomError(Exception):
    """It does not fit; draw another plan."""
