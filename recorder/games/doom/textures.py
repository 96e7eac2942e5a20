"""Pictures of doors and switches in colours that can be told apart, drawn here.

Each is a PNG lump between TX_START and TX_END; ANIMDEFS says what a pressed switch
looks like.
"""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray

from recorder.games.doom.things import COLOURS

_RGB = {
    "red": (200, 30, 25),
    "green": (30, 160, 40),
    "blue": (40, 60, 215),
    "yellow": (225, 190, 30),
}
_FRAME = (70, 70, 74)
_PANEL = (112, 112, 118)
_DARK = (28, 28, 30)
_LIGHT = (235, 235, 235)


def door_texture(colour: str) -> str:
    """Return the lump name of a door's picture."""
    return f"YDOOR{colour[:3].upper()}"


def switch_texture(colour: str, *, pressed: bool = False) -> str:
    """Return the lump name of a switch's picture."""
    return f"YSW{'1' if pressed else '0'}{colour[:3].upper()}"


def _door(colour: str) -> NDArray[np.uint8]:
    """A framed leaf with grooves and a handle; 128 x 128."""
    picture = np.empty((128, 128, 3), np.uint8)
    picture[:] = _FRAME
    picture[6:122, 8:120] = _RGB[colour]
    for row in range(20, 122, 24):
        picture[row : row + 3, 8:120] = np.array(_RGB[colour]) * 0.55
    picture[6:122, 62:66] = _DARK
    for column in (50, 72):
        picture[58:76, column : column + 6] = _LIGHT
    return picture


def _switch(colour: str, pressed: bool) -> NDArray[np.uint8]:
    """A big round button on a metal panel at the height of the eyes; 128 x 64."""
    picture = np.empty((128, 64, 3), np.uint8)
    picture[:] = _PANEL
    picture[:, :3] = picture[:, -3:] = _DARK
    rows, columns = np.mgrid[:128, :64]
    from_centre = np.hypot(rows - 76, columns - 31.5)
    picture[from_centre < 29] = _DARK
    picture[from_centre < 26] = _RGB[colour]
    if pressed:
        picture[from_centre < 17] = _LIGHT
        picture[from_centre < 10] = _DARK
    return picture


@cache
def texture_lumps() -> tuple[tuple[str, bytes], ...]:
    """Return (name, PNG) of every picture."""
    from PIL import Image

    pictures = {door_texture(colour): _door(colour) for colour in COLOURS}
    for pressed in (False, True):
        for colour in COLOURS:
            pictures[switch_texture(colour, pressed=pressed)] = _switch(colour, pressed)
    lumps = []
    for name, picture in pictures.items():
        out = io.BytesIO()
        Image.fromarray(picture).save(out, "PNG")
        lumps.append((name, out.getvalue()))
    return tuple(lumps)


def animation_text() -> str:
    """Return the ANIMDEFS lump: what each switch looks like when pressed."""
    return "".join(
        f"switch {switch_texture(colour)} on pic {switch_texture(colour, pressed=True)} tics 0\n"
        for colour in COLOURS
    )
