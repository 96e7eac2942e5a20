"""Draws the rooms of the house and who imports whom: ``python tests/helpers/rooms.py``.

A room is a folder of one of the four packages (in ``app.gui`` a folder of the window), or a file
that lies beside them.  The picture is made from the imports alone and written to
``docs/pictures/rooms.svg``; a test compares the two.
"""

from __future__ import annotations

import ast
import textwrap
from html import escape
from pathlib import Path

import grimp
from places import ROOT

PICTURE = ROOT / "docs" / "pictures" / "rooms.svg"
PACKAGES = ("app", "trainer", "model", "recorder")
BOX, GAP, LINE, FLOOR = (212, 62), 14, 14, 96
LEFT, TOP = 112, 16


def rooms_of(graph: grimp.ImportGraph) -> dict[str, list[str]]:
    """Return the rooms of every package: folders, and the files beside them that others use."""
    found = {}
    for package in PACKAGES:
        rooms = []
        for child in sorted(graph.find_children(package)):
            if child == "app.gui":
                rooms += [one for one in graph.find_children(child) if graph.find_children(one)]
                rooms += [one for one in graph.find_children(child) if not graph.find_children(one)]
            else:
                rooms.append(child)
        found[package] = sorted(one for one in rooms if not one.endswith("__main__"))
    return found


def arrows_of(graph: grimp.ImportGraph, rooms: list[str]) -> dict[str, set[str]]:
    """Return for every room the rooms that it imports, without what follows from other arrows."""

    def room_of(module: str) -> str | None:
        return next((one for one in rooms if module == one or module.startswith(one + ".")), None)

    uses: dict[str, set[str]] = {room: set() for room in rooms}
    for module in sorted(graph.modules):
        room = room_of(module)
        for other in graph.find_modules_directly_imported_by(module) if room else ():
            used = room_of(other)
            if room and used and used != room:
                uses[room].add(used)

    def reach(room: str) -> set[str]:
        return uses[room].union(*(reach(other) for other in uses[room])) if uses[room] else set()

    return {
        room: {
            other
            for other in used
            if not any(other in reach(third) for third in used if third != other)
        }
        for room, used in uses.items()
    }


def floors_of(uses: dict[str, set[str]]) -> list[list[str]]:
    """Return the rooms by floor, the highest first: a room stands over all that it imports."""
    heights: dict[str, int] = {}

    def height(room: str) -> int:
        if room not in heights:
            heights[room] = 1 + max((height(other) for other in uses[room]), default=-1)
        return heights[room]

    top = max(height(room) for room in uses)
    return [sorted(room for room in uses if heights[room] == level) for level in range(top, -1, -1)]


def purpose(room: str) -> str:
    """Return the first sentence of a room's docstring."""
    folder = ROOT / Path(*room.split("."))
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.split("\n")[0].replace("``", "").split(". ")[0].rstrip(".")


def draw() -> str:
    """Return the picture as SVG; equal trees give equal text."""
    graph = grimp.build_graph(*PACKAGES)
    shapes: list[str] = []
    places: dict[str, tuple[int, int]] = {}
    arrows: list[tuple[str, str]] = []
    bands = []
    y, widest = TOP, 0
    for package, rooms in rooms_of(graph).items():
        uses = arrows_of(graph, rooms)
        arrows += [(room, other) for room in sorted(uses) for other in sorted(uses[room])]
        start = y
        for floor in floors_of(uses):
            for column, room in enumerate(floor):
                places[room] = (LEFT + column * (BOX[0] + GAP), y + LINE)
            widest = max(widest, LEFT + len(floor) * (BOX[0] + GAP))
            y += FLOOR
        bands.append((package, start, y - start))
        y += GAP
    for package, top, height in bands:
        shapes.append(
            f'<rect x="8" y="{top}" width="{widest}" height="{height - 4}" rx="8" class="band"/>'
            f'<text x="20" y="{top + 28}" class="package">{package}/</text>'
        )
    for room, other in arrows:
        (x1, y1), (x2, y2) = places[room], places[other]
        x1, y1, x2 = x1 + BOX[0] // 2, y1 + BOX[1], x2 + BOX[0] // 2
        shapes.append(
            f'<path d="M{x1} {y1} C{x1} {y1 + 26} {x2} {y2 - 26} {x2} {y2 - 2}" class="arrow"/>'
        )
    for room, (x, top) in places.items():
        name = room.split(".", 1)[1].replace(".", "/")
        folder = (ROOT / Path(*room.split("."))).is_dir()
        words = textwrap.wrap(purpose(room), 35, max_lines=3, placeholder=" …")
        shapes.append(
            f'<rect x="{x}" y="{top}" width="{BOX[0]}" height="{BOX[1]}" rx="5" class="room"/>'
            f'<text x="{x + 8}" y="{top + 16}" class="name">{name}{"/" if folder else ".py"}</text>'
        )
        shapes += [
            f'<text x="{x + 8}" y="{top + 30 + 12 * n}" class="what">{escape(line)}</text>'
            for n, line in enumerate(words)
        ]
    style = (
        ".band{fill:#eef1f5}.room{fill:#fff;stroke:#8794a6}.arrow{fill:none;stroke:#3d6fb4;"
        "stroke-width:1.2;marker-end:url(#tip)}text{font-family:sans-serif;fill:#1d2733}"
        ".package{font-size:17px;font-weight:bold}.name{font-size:12.5px;font-weight:bold}"
        ".what{font-size:10px;fill:#47535f}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {widest + 16} {y}" '
        f'width="{widest + 16}" height="{y}"><style>{style}</style><defs><marker id="tip" '
        'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#3d6fb4"/></marker></defs>'
        '<rect width="100%" height="100%" fill="#fff"/>' + "\n".join(shapes) + "</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
