"""Whether there is a screen to open a window on."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from recorder.errors import NoDisplayError


def has_display(environment: Mapping[str, str] | None = None, platform: str = sys.platform) -> bool:
    """Return whether a window can be shown.

    On Linux that takes DISPLAY or WAYLAND_DISPLAY; QT_QPA_PLATFORM may name a platform
    that needs neither (offscreen, for tests and benchmarks).
    """
    if not platform.startswith("linux"):
        return True
    values = os.environ if environment is None else environment
    if values.get("QT_QPA_PLATFORM", "").split(":")[0] in ("offscreen", "minimal", "vnc"):
        return True
    return bool(values.get("DISPLAY") or values.get("WAYLAND_DISPLAY"))


def require_display() -> None:
    """Raise NoDisplayError where no window can be shown."""
    if not has_display():
        raise NoDisplayError(
            "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no window "
            "can open; add --headless to `playteach play`, or run `playteach demo --quick` to see "
            "the whole loop without one."
        )
