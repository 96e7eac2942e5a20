"""How long it takes from an input until the picture shows it, in this window, now."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from recorder.capture.base import Grabber, Rect
from recorder.types import RGBImage

LIMIT_S = 0.5
"""A picture that has not changed by then did not show the input."""
CHANGED_LEVELS = 12
"""A pixel that differs by more than this much in a colour has changed: skies fade."""
CHANGED_SHARE = 0.002


def changed(before: RGBImage, after: RGBImage) -> bool:
    """Return whether two pictures of a window differ by more than a fading sky."""
    apart = np.abs(before.astype(np.int16) - after.astype(np.int16)).max(axis=2)
    return float((apart > CHANGED_LEVELS).mean()) > CHANGED_SHARE


def first_change_ms(grabber: Grabber, rect: Rect, act: Callable[[], object]) -> float | None:
    """Do ``act`` and return after how many ms the picture changed, None where it did not."""
    # A strip across the middle is enough, and reads ten times as fast as the whole.
    strip = Rect(rect.left, rect.top + rect.height * 2 // 5, rect.width, rect.height // 5)
    before = grabber.grab(strip)
    began_s = time.monotonic()
    act()
    while (gone_s := time.monotonic() - began_s) < LIMIT_S:
        if changed(before, grabber.grab(strip)):
            return gone_s * 1e3
        time.sleep(0.001)
    return None


def median_ms(delays: list[float | None]) -> float | None:
    """Return the median of the delays that were seen, None where most were not."""
    seen = [delay for delay in delays if delay is not None]
    if 2 * len(seen) <= len(delays):
        return None
    return round(statistics.median(seen), 1)
