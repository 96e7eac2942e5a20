"""The window system of this machine, or one sentence on why there is none to work with."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from recorder.capture.base import WindowSystem
from recorder.errors import GameError, NoDisplayError

WAYLAND = (
    "This is a Wayland session, in which no program may see or play another one's window, so "
    "games in a window of their own cannot be played; log out and choose an X.Org (X11) session, "
    "or play the embedded game."
)
MACOS = (
    "Games in a window of their own are not supported on macOS yet, because finding their "
    "windows is not; play the embedded game."
)
WINDOWS = (
    "Games in a window of their own are not supported on Windows yet, because finding their "
    "windows is not; play the embedded game."
)


def open_windows() -> WindowSystem:
    """Return what looks at windows here.

    Raises GameError or NoDisplayError with the reason and what to do.
    """
    refuse(sys.platform, os.environ)
    from recorder.capture.x11 import X11Windows

    return X11Windows()


def refuse(platform: str, environment: Mapping[str, str]) -> None:
    """Raise where games in a window of their own cannot be played on such a machine."""
    if platform == "darwin":
        raise GameError(MACOS)
    if platform == "win32":
        raise GameError(WINDOWS)
    # An X server of our own beside a Wayland session (Xvfb, Xephyr) is fine: the session's own
    # one is known by its type.
    wayland = bool(environment.get("WAYLAND_DISPLAY")) or (
        environment.get("XDG_SESSION_TYPE") == "wayland"
    )
    own = environment.get("PLAYTEACH_X11") == "1"
    if wayland and not own:
        raise GameError(WAYLAND)
    if not environment.get("DISPLAY"):
        raise NoDisplayError(
            "There is no display, so a game in a window cannot be shown, seen or played; start "
            "Playteach from a desktop, or set DISPLAY."
        )
