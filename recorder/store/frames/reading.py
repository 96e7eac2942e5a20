"""Reading pictures back: whole episodes in order, single frames, small pictures."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from recorder.errors import DataError
from recorder.store.frames.h264 import CODEC_NAME, decode_segment
from recorder.types import RGBImage

THUMBNAIL_WIDTH = 160


class SegmentFrames:
    """The frames of one segment, decoded as far as they were asked for.

    ``start`` is the tick of the first frame, ``stop`` the one after the last.
    """

    def __init__(self, start: int, frames: int, decoded: Iterator[RGBImage]) -> None:
        self.start = start
        self.stop = start + frames
        self._coming = decoded
        self._here: list[RGBImage] = []

    def frame(self, tick: int) -> RGBImage:
        """Return the frame of a tick in this segment; raises DataError if it is damaged."""
        while len(self._here) <= tick - self.start:
            newest = next(self._coming, None)
            if newest is None:
                raise DataError(
                    f"The pictures of ticks {self.start} to {self.stop - 1} are incomplete, so "
                    "this episode is damaged; delete it or restore a backup of the database."
                )
            self._here.append(newest)
        return self._here[tick - self.start]


def segment_with(connection: sqlite3.Connection, episode_id: int, tick: int) -> SegmentFrames:
    """Return the segment that holds a tick's frame; raises DataError where there is none."""
    row = connection.execute(
        "SELECT start, frames, width, height, codec, crc32, data FROM video_segment "
        "WHERE episode_id = ? AND start <= ? AND start + frames > ? ORDER BY start DESC LIMIT 1",
        (episode_id, tick, tick),
    ).fetchone()
    if row is None:
        raise DataError(
            f"Episode {episode_id} has no picture of tick {tick}, so nothing can be shown; "
            "choose a moment inside the episode."
        )
    start, frames, width, height, codec, crc32, data = row
    check_segment(codec, crc32, data)
    return SegmentFrames(start, frames, decode_segment(data, width, height))


def check_segment(codec: str, crc32: int, data: bytes) -> None:
    """Raise DataError where the bytes are not what was written or of an unknown kind."""
    if codec != CODEC_NAME:
        raise DataError(
            f"Pictures were stored as {codec!r}, which this version cannot read; "
            "update Playteach to see them."
        )
    if zlib.crc32(data) != crc32:
        raise DataError(
            "A stored stretch of pictures is not what was written, so this episode is damaged; "
            "delete it or restore a backup of the database."
        )


def frames_between(
    connection: sqlite3.Connection, episode_id: int, start: int, stop: int
) -> Iterator[RGBImage]:
    """Yield the frames of ticks ``start`` to ``stop`` - 1; each segment is read once."""
    tick = start
    while tick < stop:
        segment = segment_with(connection, episode_id, tick)
        last = min(stop, segment.stop)
        for each in range(tick, last):
            yield segment.frame(each)
        tick = last


def small_picture(rgb: RGBImage) -> RGBImage:
    """Return the picture at most 160 pixels wide, each pixel the mean of a block."""
    block = max(1, -(-rgb.shape[1] // THUMBNAIL_WIDTH))
    height, width = rgb.shape[0] // block, rgb.shape[1] // block
    if height == 0 or width == 0:
        return rgb
    blocks = rgb[: height * block, : width * block].reshape(height, block, width, block, 3)
    means: NDArray[np.float64] = blocks.mean(axis=(1, 3))
    return means.round().astype(np.uint8)
