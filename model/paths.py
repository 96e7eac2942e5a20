"""Where the checkpoints that ship with Playteach lie, and which one a game is played with."""

from __future__ import annotations

from pathlib import Path

from recorder.games.registry import DEFAULT_CHECKPOINT, DEFAULT_GAME, GAMES, registered
from recorder.shipped_assets import shipped_assets


def own_checkpoint(game: str) -> Path:
    """Return the folder in which the small model that ships for ``game`` should be."""
    spec = registered(game)
    return shipped_assets() / (DEFAULT_CHECKPOINT if spec is None else spec.checkpoint)


def shipped_checkpoints() -> dict[str, Path]:
    """Return the folder of every small model that ships, by the first game that it plays."""
    found: dict[str, Path] = {}
    for spec in GAMES:
        if (folder := own_checkpoint(spec.name)) not in found.values():
            found[spec.name] = folder
    return found


def default_checkpoint(game: str = DEFAULT_GAME) -> Path:
    """Return the folder of the small model that plays ``game`` if nobody chose another one.

    A game without a model of its own is played by the practice yard's.
    """
    own = own_checkpoint(game)
    return own if own.is_dir() else own_checkpoint(DEFAULT_GAME)
