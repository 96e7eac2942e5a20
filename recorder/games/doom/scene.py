"""A seeded scene: a room with its look, the things in it, and where the player starts.

Pure and deterministic: the same task and seed give the same scene on every machine.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from recorder.games.doom.tasks import Goal
from recorder.games.doom.things import KINDS, Kind

HALF_VIEW_DEG = 45.0
"""Half of the horizontal field of view."""
SHARE_OUT_OF_VIEW = 0.4
"""Part of all seeds whose target is not in the first picture."""
WALL_MARGIN = 64.0
START_CLEARANCE = 170.0
THING_CLEARANCE = 150.0
PATH_CLEARANCE = 80.0

WALLS = ("BROWN96", "STONE2", "STARTAN3", "BIGBRIK1", "GRAY7", "BRICK1", "TEKGREN2", "METAL2")
FLOORS = ("FLOOR4_8", "FLOOR0_1", "FLOOR5_2", "FLAT14", "FLOOR7_1", "RROCK09", "FLAT5_4")
CEILINGS = ("CEIL3_5", "CEIL5_1", "FLAT19", "CEIL1_1", "FLOOR6_2")


@dataclass(frozen=True, slots=True)
class Placed:
    """A thing at a place; ``angle`` in degrees, 0 is east, counter-clockwise."""

    kind: Kind
    x: float
    y: float
    angle: int


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a map is made from, in map units."""

    width: float
    depth: float
    height: float
    wall: str
    floor: str
    ceiling: str
    light: int
    start_x: float
    start_y: float
    start_angle: int
    things: tuple[Placed, ...]


def scene_seed(task_id: str, seed: int) -> int:
    """Mix task and seed into one 64-bit number, stable across versions of Python."""
    digest = hashlib.sha256(f"{task_id}/{seed}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def bearing_deg(x: float, y: float, angle_deg: float, to_x: float, to_y: float) -> float:
    """Return how far right of ``angle_deg`` the point lies, in (-180, 180]."""
    direction = math.degrees(math.atan2(to_y - y, to_x - x))
    return -((direction - angle_deg + 180.0) % 360.0 - 180.0)


def _distance_to_line(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Distance of a point from the segment a-b."""
    dx, dy = bx - ax, by - ay
    along = max(0.0, min(1.0, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy + 1e-9)))
    return math.hypot(px - ax - along * dx, py - ay - along * dy)


def build_scene(goal: Goal | None, task_id: str, seed: int) -> Scene:
    """Return the scene of (task, seed): the target and two to four other things.

    At least one of the others is of the target's family.  No kind stands twice.
    """
    rng = np.random.default_rng(scene_seed(task_id, seed))
    target = goal.kind if goal is not None else KINDS[int(rng.integers(len(KINDS)))]
    family = [kind for kind in KINDS if kind.family == target.family and kind is not target]
    chosen = [target, family[int(rng.integers(len(family)))]]
    rest = [kind for kind in KINDS if kind not in chosen]
    for index in rng.permutation(len(rest))[: int(rng.integers(1, 4))]:
        chosen.append(rest[int(index)])

    while True:
        width, depth = (float(32 * rng.integers(20, 33)) for _ in range(2))
        layout = _lay_out(rng, chosen, width, depth)
        if layout is not None:
            break
    start_x, start_y, spots = layout
    out_of_view = rng.random() < SHARE_OUT_OF_VIEW
    while True:
        angle = int(rng.integers(360))
        off = abs(bearing_deg(start_x, start_y, angle, *spots[0]))
        if (off > HALF_VIEW_DEG + 5) if out_of_view else (off < HALF_VIEW_DEG - 5):
            break
    return Scene(
        width=width,
        depth=depth,
        height=float(16 * rng.integers(8, 13)),
        wall=WALLS[int(rng.integers(len(WALLS)))],
        floor=FLOORS[int(rng.integers(len(FLOORS)))],
        ceiling=CEILINGS[int(rng.integers(len(CEILINGS)))],
        light=int(rng.integers(160, 256)),
        start_x=start_x,
        start_y=start_y,
        start_angle=angle,
        things=tuple(
            Placed(kind, x, y, int(rng.integers(8)) * 45)
            for kind, (x, y) in zip(chosen, spots, strict=True)
        ),
    )


def _lay_out(
    rng: np.random.Generator, chosen: list[Kind], width: float, depth: float
) -> tuple[float, float, list[tuple[float, float]]] | None:
    """Try to place start and things with room between them; None where it does not fit."""

    def spot() -> tuple[float, float]:
        x = (rng.random() - 0.5) * (width - 2 * WALL_MARGIN)
        y = (rng.random() - 0.5) * (depth - 2 * WALL_MARGIN)
        return round(float(x), 1), round(float(y), 1)

    start = spot()
    spots: list[tuple[float, float]] = []
    for _ in chosen:
        for _attempt in range(60):
            place = spot()
            free = math.dist(place, start) >= START_CLEARANCE and all(
                math.dist(place, other) >= THING_CLEARANCE for other in spots
            )
            if free and spots:
                free = _distance_to_line(*place, *start, *spots[0]) >= PATH_CLEARANCE
            if free:
                spots.append(place)
                break
        else:
            return None
    return start[0], start[1], spots
