"""Films an attempt as the recorder stores pictures: short H.264 stretches, encoded as they come."""

from __future__ import annotations

from model.play.episode import EpisodeEnd, EpisodeStart
from recorder.store.comparisons.rows import Film, Stretch
from recorder.store.frames.h264 import SegmentEncoder, frames_per_segment
from recorder.types import Frame, RGBImage, Tick

CRF = 29.0
"""Clips are for a person's eye and are erased soon: in the yard a third of the bytes of what a
model learns from, 3.8 dB coarser."""


class ClipCamera:
    """An observer that keeps one attempt's pictures, encoded; the newest attempt's only.

    ``blocky`` suits games that show large texels with hard edges.
    """

    def __init__(self, blocky: bool) -> None:
        self._blocky = blocky
        self._rate_hz = 0.0
        self._stretches: list[Stretch] = []
        self._encoder: SegmentEncoder | None = None
        self._size = (0, 0)

    def on_start(self, start: EpisodeStart) -> None:
        """Forget the attempt before."""
        self._rate_hz = start.tick_rate_hz
        self._stretches = []
        self._encoder = None

    def on_instruction(self, tick: int, text: str) -> None:
        """Nothing to see."""

    def on_tick(self, tick: Tick) -> None:
        """Keep the picture."""
        self._add(tick.frame.rgb)

    def on_end(self, end: EpisodeEnd) -> None:
        """Nothing to do: the last picture comes with :meth:`film`."""

    def film(self, last: Frame) -> Film:
        """Return the attempt's film, which ends with the picture ``last``."""
        self._add(last.rgb)
        self._close()
        return Film(self._rate_hz, tuple(self._stretches))

    def _add(self, rgb: RGBImage) -> None:
        height, width = rgb.shape[:2]
        if self._encoder is not None and (
            (width, height) != self._size
            or self._encoder.frames >= frames_per_segment(self._rate_hz)
        ):
            self._close()
        if self._encoder is None:
            self._size = (width, height)
            self._encoder = SegmentEncoder(
                width, height, self._rate_hz, blocky=self._blocky, crf=CRF
            )
        self._encoder.add(rgb)

    def _close(self) -> None:
        if self._encoder is None:
            return
        start = sum(each.frames for each in self._stretches)
        frames, data = self._encoder.frames, self._encoder.finish()
        self._stretches.append(Stretch(start, frames, *self._size, data))
        self._encoder = None
