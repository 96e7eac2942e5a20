"""Pictures of the screen with mss, made to fit the recorder's frame."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recorder.capture.base import Rect
from recorder.errors import GameError
from recorder.types import MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH, RGBImage


class MssGrabber:
    """Reads rectangles of the screen.  Make it on the thread that uses it."""

    def __init__(self) -> None:
        try:
            import mss
        except ImportError as error:
            raise GameError(
                "Pictures of the screen need the mss package, which is not installed; run "
                "`python3 play.py` to install it."
            ) from error
        # mss asserts that a lost server has answered, or reads the answer by a null pointer.
        self._error = (mss.ScreenShotError, AssertionError, ValueError)
        try:
            self._screen: Any = mss.MSS()
        except mss.ScreenShotError as error:
            raise GameError(
                f"The screen cannot be read ({error}), so no game in a window can be played; "
                "check that a desktop is running and that Playteach may record the screen."
            ) from error

    def grab(self, rect: Rect) -> RGBImage:
        """Return what is shown in ``rect``.

        Raises GameError where the screen cannot be read, or has other pixels than the pointer.
        """
        where = {"left": rect.left, "top": rect.top, "width": rect.width, "height": rect.height}
        try:
            shot = self._screen.grab(where)
        except self._error as error:
            why = str(error) or "it did not answer"
            raise GameError(
                f"The screen could not be read ({why}), so the attempt "
                "cannot go on; check that the game's window lies wholly on the screen and that "
                "recording it is allowed."
            ) from error
        if (shot.width, shot.height) != (rect.width, rect.height):
            raise GameError(
                f"The display is scaled: a window of {rect.width} x {rect.height} has "
                f"{shot.width} x {shot.height} pixels, so turns would go astray and nothing is "
                "played; set the display's scale to 100 % and try again."
            )
        return rgb_of(np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4))

    def close(self) -> None:
        """Let the screen go, also one that is lost."""
        screen, self._screen = self._screen, None
        if screen is not None:
            with contextlib.suppress(*self._error):
                screen.close()


def rgb_of(bgrx: NDArray[np.uint8]) -> RGBImage:
    """Return a new picture (uint8 height x width x 3) of what the screen has as B, G, R, unused.

    Channel by channel: one copy with the channels turned round takes several times as long.
    """
    rgb = np.empty((*bgrx.shape[:2], 3), np.uint8)
    for channel in range(3):
        rgb[..., channel] = bgrx[..., 2 - channel]
    return rgb


def fitted_size(width: int, height: int) -> tuple[int, int]:
    """Return the size of the largest frame of that shape that may be recorded."""
    scale = min(1.0, MAX_FRAME_WIDTH / width, MAX_FRAME_HEIGHT / height)
    # H.264 in 4:2:0 wants even sides.
    return max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2)


def fit(rgb: RGBImage) -> RGBImage:
    """Shrink a picture to a recordable size; one that fits is returned as it is."""
    height, width = rgb.shape[:2]
    size = fitted_size(width, height)
    if size == (width, height):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX), dtype=np.uint8)
