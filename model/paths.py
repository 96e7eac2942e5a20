"""Where the files that ship with Playteach lie."""

from __future__ import annotations

from pathlib import Path


def assets_folder() -> Path:
    """Return the folder of shipped files."""
    return Path(__file__).resolve().parent.parent / "assets"


_OWN_CHECKPOINTS = {"luanti": "checkpoint-luanti", "luanti_own": "checkpoint-luanti"}
"""Games that a small model of their own ships for."""


def own_checkpoint(game: str) -> Path:
    """Return the folder in which the small model that ships for ``game`` should be."""
    return assets_folder() / _OWN_CHECKPOINTS.get(game, "checkpoint")


def default_checkpoint(game: str = "doom") -> Path:
    """Return the folder of the small model that plays ``game`` if nobody chose another one.

    A game without a model of its own is played by the practice yard's.
    """
    own = own_checkpoint(game)
    return own if own.is_dir() else own_checkpoint("doom")
