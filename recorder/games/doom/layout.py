"""The ground plan of a yard on a grid: a room, halls off it, pillars, ledges, doors, switches.

Cells are 32 map units wide.  Whatever differs between two neighbouring cells becomes a
wall or a step, so a plan cannot have holes in its walls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.games.doom.things import DOOR, KIND_BY_KEY

CELL = 32.0
MARGIN = 11
"""Cells around the main room, for what lies beyond its walls."""
VOID, PILLAR = 255, 254
DOOR_CELLS, SWITCH_CELLS = 4, 2
FRONT_CELLS = 5
"""Cells before a door or switch that stay free."""

WALLS = ("BROWN96", "STONE2", "STARTAN3", "BIGBRIK1", "GRAY7", "BRICK1", "TEKGREN2", "METAL2")
FLOORS = ("FLOOR4_8", "FLOOR0_1", "FLOOR5_2", "FLAT14", "FLOOR7_1", "RROCK09", "FLAT5_4")
CEILINGS = ("CEIL3_5", "CEIL5_1", "FLAT19", "CEIL1_1", "FLOOR6_2")

Rectangle = tuple[float, float, float, float]
"""West, south, east, north in map units."""


@dataclass(frozen=True, slots=True)
class Sector:
    """A part of the plan with one floor and ceiling; ``tag`` 0 is none."""

    floor: int
    ceiling: int
    light: int
    floor_look: str
    ceiling_look: str
    wall: str
    tag: int = 0


@dataclass(frozen=True, slots=True)
class Fixture:
    """A door or switch in a wall: the middle of its face and the way into the room.

    ``sector`` is the one whose heights tell whether it was used.  ``edges`` are its
    pieces of wall: (0 horizontal or 1 vertical, grid line, first cell along it).
    """

    key: str
    x: float
    y: float
    normal: tuple[int, int]
    sector: int
    edges: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Hall:
    """A space beyond a wall of the main room, and a point of the room before its mouth."""

    area: Rectangle
    mouth: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """A ground plan; ``cells`` holds a sector's number, VOID or PILLAR, row by row."""

    columns: int
    rows: int
    cells: bytes
    sectors: tuple[Sector, ...]
    fixtures: tuple[Fixture, ...]
    room: Rectangle
    pillars: tuple[Rectangle, ...]
    ledges: tuple[Rectangle, ...]
    halls: tuple[Hall, ...]
    pillar_wall: str

    def at(self, column: float, row: float) -> tuple[float, float]:
        """Return the map coordinates of a grid corner."""
        return (column - self.columns / 2) * CELL, (row - self.rows / 2) * CELL


class _Builder:
    """A plan in the making."""

    def __init__(self, rng: np.random.Generator, *, plain: bool) -> None:
        self.rng = rng
        if plain:
            self.width, self.depth = (int(n) for n in rng.integers(25, 33, size=2))
        elif rng.random() < 0.8:
            self.width, self.depth = (int(n) for n in rng.integers(18, 30, size=2))
        else:
            sides = [int(rng.integers(12, 15)), int(rng.integers(24, 33))]
            self.width, self.depth = sides if rng.random() < 0.5 else sides[::-1]
        self.columns, self.rows = self.width + 2 * MARGIN, self.depth + 2 * MARGIN
        self.cells: NDArray[np.uint8] = np.full((self.rows, self.columns), VOID, np.uint8)
        self.light = int(rng.integers(176, 256))
        self.ceiling = int(16 * rng.integers(8, 13))
        self.wall = self.pick(WALLS)
        self.floor_look = self.pick(FLOORS)
        self.ceiling_look = self.pick(CEILINGS)
        self.sectors = [self.sector()]
        self.cells[MARGIN : MARGIN + self.depth, MARGIN : MARGIN + self.width] = 0
        self.taken: list[list[tuple[int, int]]] = [[], [], [], []]
        self.fronts = np.zeros(self.cells.shape, bool)
        self.fixtures: list[Fixture] = []
        self.halls: list[Hall] = []
        self.pillars: list[Rectangle] = []
        self.ledges: list[Rectangle] = []

    def pick(self, looks: Sequence[str]) -> str:
        return looks[int(self.rng.integers(len(looks)))]

    def sector(self, **changes: int | str) -> Sector:
        facts: dict[str, int | str] = {
            "floor": 0,
            "ceiling": self.ceiling,
            "light": self.light,
            "floor_look": self.floor_look,
            "ceiling_look": self.ceiling_look,
            "wall": self.wall,
        }
        return Sector(**{**facts, **changes})  # type: ignore[arg-type]  # names as in Sector

    def add(self, sector: Sector) -> int:
        self.sectors.append(sector)
        return len(self.sectors) - 1

    def at(self, column: float, row: float) -> tuple[float, float]:
        return (column - self.columns / 2) * CELL, (row - self.rows / 2) * CELL

    def wall_space(self, cells: int) -> tuple[int, int] | None:
        """Take ``cells`` of a free wall: (side, first cell along it); None if none is found."""
        for _ in range(12):
            side = int(self.rng.integers(4))
            length = self.width if side < 2 else self.depth
            if length < cells + 4:
                continue
            first = int(self.rng.integers(2, length - cells - 1))
            if all(first + cells + 4 <= a or b + 4 <= first for a, b in self.taken[side]):
                self.taken[side].append((first, first + cells))
                return side, first
        return None

    def beyond(self, side: int, first: int, cells: int, near: int, far: int) -> tuple[slice, slice]:
        """Return the cells from ``near`` to ``far`` beyond a side; negative is inside."""
        along = slice(MARGIN + first, MARGIN + first + cells)
        if side in (0, 2):
            across = slice(MARGIN - far, MARGIN - near)
        else:
            end = MARGIN + (self.depth if side == 1 else self.width)
            across = slice(end + near, end + far)
        return (across, along) if side < 2 else (along, across)

    def face(self, side: int, first: float) -> tuple[float, float]:
        """Return the map coordinates of a point of a side."""
        line = (MARGIN, MARGIN + self.depth, MARGIN, MARGIN + self.width)[side]
        return self.at(MARGIN + first, line) if side < 2 else self.at(line, MARGIN + first)

    def fixture(self, key: str) -> bool:
        is_door = KIND_BY_KEY[key].family == DOOR
        cells = DOOR_CELLS if is_door else SWITCH_CELLS
        space = self.wall_space(cells)
        if space is None:
            return False
        side, first = space
        if is_door:
            number = self.add(self.sector(ceiling=0))
            self.cells[self.beyond(side, first, cells, 0, 1)] = number
            closet = self.sector(ceiling=min(128, self.ceiling), light=max(120, self.light - 30))
            deep = int(self.rng.integers(3, 6))
            self.cells[self.beyond(side, first, cells, 1, deep)] = self.add(closet)
            self.hall_at(side, first, cells, deep)
        else:
            # Far from everything: the switch moves this sector's floor, and the judge sees it.
            number = self.add(self.sector(tag=100 + len(self.sectors)))
            self.cells[1 + 2 * len(self.fixtures), 1] = number
        line = (MARGIN, MARGIN + self.depth, MARGIN, MARGIN + self.width)[side]
        edges = tuple((int(side > 1), line, MARGIN + first + n) for n in range(cells))
        x, y = self.face(side, first + cells / 2)
        normal = ((0, 1), (0, -1), (1, 0), (-1, 0))[side]
        self.fixtures.append(Fixture(key, x, y, normal, number, edges))
        self.fronts[self.beyond(side, first - 1, cells + 2, -FRONT_CELLS, 0)] = True
        return True

    def hall(self) -> None:
        """Open a wall: an alcove, or a second room."""
        rng = self.rng
        second_room = rng.random() < 0.3
        cells = int(rng.integers(8, 11)) if second_room else int(rng.integers(3, 7))
        space = self.wall_space(cells)
        if space is None:
            return
        side, first = space
        deep = int(rng.integers(6, MARGIN - 1)) if second_room else int(rng.integers(2, 5))
        sector = self.sector(
            ceiling=int(rng.integers(7, 11)) * 16,
            light=max(110, self.light - int(rng.integers(0, 70))),
            floor_look=self.pick(FLOORS) if second_room else self.floor_look,
            wall=self.pick(WALLS) if second_room else self.wall,
        )
        area = self.beyond(side, first, cells, 0, deep)
        self.cells[area] = self.add(sector)
        self.hall_at(side, first, cells, deep)

    def hall_at(self, side: int, first: int, cells: int, deep: int) -> None:
        """Note the way back from a space beyond a side."""
        area = self.rectangle(self.beyond(side, first, cells, 0, deep))
        mouth = self.face(side, first + cells / 2)
        inward = ((0, 1), (0, -1), (1, 0), (-1, 0))[side]
        self.halls.append(Hall(area, (mouth[0] + 80 * inward[0], mouth[1] + 80 * inward[1])))

    def rectangle(self, area: tuple[slice, slice]) -> Rectangle:
        rows, columns = area
        return (*self.at(columns.start, rows.start), *self.at(columns.stop, rows.stop))

    def inside(self, wide: int, deep: int, inset: int) -> tuple[slice, slice] | None:
        """Return a free rectangle of the room, ``inset`` cells from its walls."""
        if self.width - wide - 2 * inset < 1 or self.depth - deep - 2 * inset < 1:
            return None
        column = MARGIN + inset + int(self.rng.integers(self.width - wide - 2 * inset))
        row = MARGIN + inset + int(self.rng.integers(self.depth - deep - 2 * inset))
        area = slice(row, row + deep), slice(column, column + wide)
        free = not self.fronts[area].any() and not self.cells[area].any()
        return area if free else None

    def ledge(self) -> None:
        wide, deep = (int(n) for n in self.rng.integers(4, 9, size=2))
        area = self.inside(wide, deep, 0)
        if area is not None:
            look = self.sector(
                floor=int(self.rng.choice([12, 16, 24])), floor_look=self.pick(FLOORS)
            )
            self.cells[area] = self.add(look)
            self.ledges.append(self.rectangle(area))

    def pillar(self) -> None:
        size = int(self.rng.integers(1, 3))
        area = self.inside(size, size, 4)
        if area is not None:
            self.cells[area] = PILLAR
            self.pillars.append(self.rectangle(area))


def draw_plan(
    rng: np.random.Generator, fixtures: Sequence[str] = (), *, plain: bool = False
) -> Plan:
    """Draw a plan with the given doors and switches; ``plain`` is one wide, empty room."""
    while True:
        made = _Builder(rng, plain=plain)
        if not all(made.fixture(key) for key in fixtures):
            continue
        if not plain:
            for _ in range(int(rng.choice([0, 1, 2], p=[0.55, 0.3, 0.15]))):
                made.hall()
            if rng.random() < 0.25:
                made.ledge()
            for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.5, 0.25, 0.15, 0.1]))):
                made.pillar()
        return Plan(
            columns=made.columns,
            rows=made.rows,
            cells=made.cells.tobytes(),
            sectors=tuple(made.sectors),
            fixtures=tuple(made.fixtures),
            room=(*made.at(MARGIN, MARGIN), *made.at(MARGIN + made.width, MARGIN + made.depth)),
            pillars=tuple(made.pillars),
            ledges=tuple(made.ledges),
            halls=tuple(made.halls),
            pillar_wall=made.pick(WALLS),
        )


def crosses(area: Rectangle, ax: float, ay: float, bx: float, by: float, margin: float) -> bool:
    """Say whether the segment a-b comes within ``margin`` of a rectangle's square outline."""
    west, south, east, north = area
    west, south, east, north = west - margin, south - margin, east + margin, north + margin
    first, last = 0.0, 1.0
    for start, delta, low, high in ((ax, bx - ax, west, east), (ay, by - ay, south, north)):
        if abs(delta) < 1e-9:
            if not low < start < high:
                return False
            continue
        one, two = (low - start) / delta, (high - start) / delta
        first, last = max(first, min(one, two)), min(last, max(one, two))
    return first < last


def within(area: Rectangle, x: float, y: float, margin: float) -> bool:
    """Say whether a point lies in a rectangle, ``margin`` from its edges."""
    west, south, east, north = area
    return west + margin <= x <= east - margin and south + margin <= y <= north - margin


def bearing_deg(x: float, y: float, angle_deg: float, to_x: float, to_y: float) -> float:
    """Return how far right of ``angle_deg`` the point lies, in (-180, 180]."""
    direction = math.degrees(math.atan2(to_y - y, to_x - x))
    return -((direction - angle_deg + 180.0) % 360.0 - 180.0)


def distance_to_line(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Return the distance of a point from the segment a-b."""
    dx, dy = bx - ax, by - ay
    along = max(0.0, min(1.0, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy + 1e-9)))
    return math.hypot(px - ax - along * dx, py - ay - along * dy)
