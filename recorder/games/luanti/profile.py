"""The shipped profile of Luanti and the files that go into its world."""

from __future__ import annotations

from pathlib import Path

from recorder.games.desktop.profile import Profile, load_profile


def shipped_assets() -> Path:
    """Return the folder of shipped files."""
    return Path(__file__).resolve().parents[3] / "assets"


def shipped_profile() -> Profile:
    """Return Luanti's keys and mouse."""
    return load_profile(shipped_assets() / "games" / "luanti.toml", shipped=True)
