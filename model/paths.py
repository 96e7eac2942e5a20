"""Where the files that ship with Playteach lie."""

from __future__ import annotations

from pathlib import Path


def assets_folder() -> Path:
    """Return the folder of shipped files."""
    return Path(__file__).resolve().parent.parent / "assets"


def default_checkpoint() -> Path:
    """Return the small default model's folder."""
    return assets_folder() / "checkpoint"
