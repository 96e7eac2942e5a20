"""Map files without tools: a scene as UDMF text inside a WAD.

A WAD is a 12-byte header (magic, number of lumps, directory offset), the lumps, and a
directory of 16-byte entries (offset, size, name).  The engine builds the nodes itself.
The map's text has a fixed size, so that the file can be rewritten in place for the next
episode while the engine has it open: it reads the text anew whenever a map starts.
"""

from __future__ import annotations

import struct
from pathlib import Path

from recorder.games.doom.scene import Scene
from recorder.games.doom.things import DECORATE

TEXT_BYTES = 1 << 15
PLAYER_START = 1
MONSTER_HEALTH = 20
"""Health of a monster in points: about two pistol bullets."""


def map_text(scene: Scene) -> str:
    """Return the scene in UDMF (the engine's text map format)."""
    half_w, half_d = scene.width / 2, scene.depth / 2
    corners = ((-half_w, -half_d), (-half_w, half_d), (half_w, half_d), (half_w, -half_d))
    lines = ['namespace = "zdoom";']
    lines += [f"vertex {{ x={x:.1f}; y={y:.1f}; }}" for x, y in corners]
    lines += [f'sidedef {{ sector=0; texturemiddle="{scene.wall}"; }}'] * len(corners)
    lines += [
        f"linedef {{ v1={i}; v2={(i + 1) % len(corners)}; sidefront={i}; blocking=true; }}"
        for i in range(len(corners))
    ]
    lines.append(
        f"sector {{ heightfloor=0; heightceiling={scene.height:.0f}; "
        f'texturefloor="{scene.floor}"; textureceiling="{scene.ceiling}"; '
        f"lightlevel={scene.light}; }}"
    )
    lines.append(_thing(PLAYER_START, scene.start_x, scene.start_y, scene.start_angle))
    for placed in scene.things:
        extra = f"health=-{MONSTER_HEALTH}; ambush=true;" if placed.kind.family == "monster" else ""
        lines.append(_thing(placed.kind.type_number, placed.x, placed.y, placed.angle, extra))
    return "\n".join(lines)


def _thing(number: int, x: float, y: float, angle: int, extra: str = "") -> str:
    skills = " ".join(f"skill{level}=true;" for level in range(1, 6))
    return (
        f"thing {{ x={x:.1f}; y={y:.1f}; angle={angle}; type={number}; {skills} "
        f"single=true; dm=true; coop=true; {extra} }}"
    )


def write_wad(path: Path, scene: Scene) -> None:
    """Write the scene as map MAP01; an existing file is rewritten in place."""
    text = map_text(scene).encode("ascii")
    if len(text) > TEXT_BYTES:
        raise ValueError(f"map text of {len(text)} bytes is over {TEXT_BYTES}")
    decorate = DECORATE.encode("ascii")
    text = text.ljust(TEXT_BYTES, b" ")
    text_at = 12 + len(decorate)
    lumps = (
        (12, len(decorate), b"DECORATE"),
        (0, 0, b"MAP01"),
        (text_at, len(text), b"TEXTMAP"),
        (0, 0, b"ENDMAP"),
    )
    body = struct.pack("<4sii", b"PWAD", len(lumps), text_at + len(text)) + decorate + text
    body += b"".join(struct.pack("<ii8s", *lump) for lump in lumps)
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(body)
