"""Minecraft's simulators and MineRL's worlds by our names; imports nothing."""

from __future__ import annotations

ENGINES = ("minerl", "minestudio")
BASALT = {
    "minerl-find-cave": ("MineRLBasaltFindCave-v0", "find a cave"),
    "minerl-make-waterfall": ("MineRLBasaltMakeWaterfall-v0", "make a waterfall"),
    "minerl-animal-pen": ("MineRLBasaltCreateVillageAnimalPen-v0", "an animal pen"),
    "minerl-village-house": ("MineRLBasaltBuildVillageHouse-v0", "a village house"),
}
"""MineRL's BASALT worlds by our names: its id, and a title.  They show the picture only."""
TITLES = {
    "minerl": "Minecraft (MineRL)",
    "minestudio": "Minecraft (MineStudio)",
    **{name: f"Minecraft (BASALT, {title})" for name, (_, title) in BASALT.items()},
}


def engine_of(name: str) -> str:
    """Return the simulator that runs the game called ``name``."""
    return "minerl" if name in BASALT else name


def title_of(name: str) -> str:
    """Return a game's title for a person."""
    return TITLES.get(name, "Minecraft")
