"""Map files without tools: a scene as UDMF text inside a WAD.

A WAD is a 12-byte header (magic, number of lumps, directory offset), the lumps, and a
directory of 16-byte entries (offset, size, name).  The engine builds the nodes itself.
The map's text has a fixed size, so that the file can be rewritten in place for the next
episode while the engine has it open: it reads the text anew whenever a map starts.
"""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

import numpy as np

from recorder.games.doom.layout import PILLAR, Fixture, Plan, Sector
from recorder.games.doom.scene import Scene
from recorder.games.doom.textures import (
    animation_text,
    door_texture,
    switch_texture,
    texture_lumps,
)
from recorder.games.doom.things import DECORATE, DOOR, KIND_BY_KEY, STALKER_OFFSET, WEAPON_TYPES

TEXT_BYTES = 1 << 16
PADDING = b" " * (1 << 14)
"""The engine reads in blocks: one that it keeps must not hold an old map's first lines."""
PLAYER_START = 1
DOOR_RAISE, FLOOR_RAISE = 12, 23
"""The engine's numbers for what a used wall does."""
PRESSED_RISE = 8
"""Map units by which a switch lifts its own far-off floor."""
DOOR_SPEED, DOOR_DELAY = 64, 10_000


class _Text:
    """UDMF text in the making: vertices are shared, walls come as whole runs of cells."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._vertices: dict[tuple[int, int], int] = {}
        self._sides = 0
        self.lines: list[str] = []

    def _vertex(self, column: int, row: int) -> int:
        corner = column, row
        if corner not in self._vertices:
            self._vertices[corner] = len(self._vertices)
            x, y = self._plan.at(column, row)
            self.lines.append(f"vertex{{x={x:g};y={y:g};}}")
        return self._vertices[corner]

    def _side(self, sector: int, looks: str) -> int:
        self.lines.append(f"sidedef{{sector={sector};{looks}}}")
        self._sides += 1
        return self._sides - 1

    def wall(
        self,
        start: tuple[int, int],
        end: tuple[int, int],
        right: int,
        left: int,
        fixture: Fixture | None,
    ) -> None:
        """Add a wall from grid corner to grid corner with the cells on its two sides."""
        sectors = self._plan.sectors
        if right >= PILLAR or (left < PILLAR and _is_door(sectors[right])):
            # The engine wants a room in front, and a door behind.
            start, end, right, left = end, start, left, right
        ends = f"v1={self._vertex(*start)};v2={self._vertex(*end)};"
        if left >= PILLAR:
            look = self._plan.pillar_wall if left == PILLAR else sectors[right].wall
            more = ""
            if fixture is not None:
                look = switch_texture(fixture.key.partition("_")[0])
                tag = sectors[fixture.sector].tag
                more = (
                    f"special={FLOOR_RAISE};arg0={tag};arg1=255;arg2={PRESSED_RISE};"
                    "playeruse=true;dontpegbottom=true;"
                )
            side = self._side(right, f'texturemiddle="{look}";')
            self.lines.append(f"linedef{{{ends}sidefront={side};blocking=true;{more}}}")
            return
        front, back = (
            f'texturetop="{sectors[n].wall}";texturebottom="{sectors[n].wall}";'
            for n in (right, left)
        )
        more = ""
        if _is_door(sectors[left]):
            key = next(f.key for f in self._plan.fixtures if f.sector == left)
            front = f'texturetop="{door_texture(key.partition("_")[0])}";'
            more = f"special={DOOR_RAISE};arg1={DOOR_SPEED};arg2={DOOR_DELAY};playeruse=true;"
        sides = f"sidefront={self._side(right, front)};sideback={self._side(left, back)};"
        self.lines.append(f"linedef{{{ends}{sides}twosided=true;{more}}}")


def _is_door(sector: Sector) -> bool:
    return sector.ceiling == sector.floor


def map_text(scene: Scene) -> str:
    """Return the scene in UDMF (the engine's text map format)."""
    plan = scene.plan
    text = _Text(plan)
    text.lines.append('namespace="zdoom";')
    by_edge = {
        edge: fixture
        for fixture in plan.fixtures
        if KIND_BY_KEY[fixture.key].family != DOOR
        for edge in fixture.edges
    }
    grid = np.frombuffer(plan.cells, np.uint8).reshape(plan.rows, plan.columns)
    for axis, cells in ((0, grid), (1, grid.T)):
        before, after = cells[:-1].astype(int), cells[1:].astype(int)
        differs = (before != after) & ((before < PILLAR) | (after < PILLAR))
        for index in np.flatnonzero(differs.any(axis=1)):
            line = int(index) + 1
            begin = 0
            # What a piece of wall looks like; a run of equal pieces is one wall.
            row = [
                (int(a), int(b), by_edge.get((axis, line, at))) if different else None
                for at, (a, b, different) in enumerate(
                    zip(before[index], after[index], differs[index], strict=True)
                )
            ]
            while begin < len(row):
                piece, stop = row[begin], begin + 1
                while stop < len(row) and row[stop] == piece:
                    stop += 1
                if piece is not None:
                    low, high, fixture = piece
                    if axis == 0:
                        # Drawn eastwards, what lies south is on the right.
                        text.wall((begin, line), (stop, line), low, high, fixture)
                    else:
                        text.wall((line, begin), (line, stop), high, low, fixture)
                begin = stop
    for sector in plan.sectors:
        text.lines.append(
            f"sector{{heightfloor={sector.floor};heightceiling={sector.ceiling};"
            f'texturefloor="{sector.floor_look}";textureceiling="{sector.ceiling_look}";'
            f"lightlevel={sector.light};" + (f"id={sector.tag};" if sector.tag else "") + "}"
        )
    text.lines.append(_thing(PLAYER_START, scene.start_x, scene.start_y, scene.start_angle))
    for slot in scene.armed:
        if slot in WEAPON_TYPES:
            text.lines.append(_thing(WEAPON_TYPES[slot], scene.start_x, scene.start_y, 0))
    for placed in scene.things:
        number = placed.kind.type_number + (STALKER_OFFSET if placed.stalks else 0)
        text.lines.append(_thing(number, placed.x, placed.y, placed.angle))
    return "\n".join(text.lines)


def _thing(number: int, x: float, y: float, angle: int) -> str:
    skills = "".join(f"skill{level}=true;" for level in range(1, 6))
    return f"thing{{x={x:.1f};y={y:.1f};angle={angle};type={number};{skills}single=true;}}"


@cache
def _fixed_lumps() -> tuple[tuple[str, bytes], ...]:
    """Return the lumps that are the same in every map."""
    return (
        ("DECORATE", DECORATE.encode("ascii")),
        ("ANIMDEFS", animation_text().encode("ascii")),
        ("TX_START", b""),
        *texture_lumps(),
        ("TX_END", b""),
    )


def write_wad(path: Path, scene: Scene) -> None:
    """Write the scene as map MAP01; an existing file is rewritten in place."""
    text = map_text(scene).encode("ascii")
    if len(text) > TEXT_BYTES:
        raise ValueError(f"map text of {len(text)} bytes is over {TEXT_BYTES}")
    text = text.ljust(TEXT_BYTES, b" ")
    lumps = (
        *_fixed_lumps(),
        ("PADDING", PADDING),
        ("MAP01", b""),
        ("TEXTMAP", text + PADDING),
        ("ENDMAP", b""),
    )
    directory, offset = b"", 12
    for name, content in lumps:
        directory += struct.pack("<ii8s", offset, len(content), name.encode("ascii"))
        offset += len(content)
    body = b"".join(content for _, content in lumps)
    header = struct.pack("<4sii", b"PWAD", len(lumps), offset)
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(header + body + directory)
