"""Where the files that ship with Playteach lie; profiles of games are in ``assets/games``."""

from __future__ import annotations

from pathlib import Path


def shipped_assets() -> Path:
    """Return the folder of shipped files."""
    return Path(__file__).resolve().parents[1] / "assets"
