"""Playing an episode back: any moment, forwards and backwards."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from pathlib import Path

from recorder.data_folder import database_path
from recorder.errors import DataError
from recorder.store.connect import open_for_reading, translated
from recorder.store.frames.reading import SegmentFrames, segment_with
from recorder.store.reader import Reader
from recorder.store.rows import DriverStrip, EpisodeRow, SegmentRow, TickRow
from recorder.types import RGBImage

_KEPT_SEGMENTS = 4
"""Enough to step back and forth over a border; 41 MB at 640 x 360 and 15 frames each."""


class EpisodePlayback:
    """A recorded episode, frame by frame.  Calls come from one thread at a time.

    ``frames`` counts them, ``drivers`` is who drove, ``ticks`` and ``segments`` are the
    rows beside them, ``instructions`` the (tick, sentence) pairs in order.  Going
    forward decodes each picture once; a jump decodes from its segment's start.
    """

    def __init__(self, folder: Path, episode_id: int) -> None:
        """Open an episode; raises DataError where there is none."""
        with Reader.open(folder) as reader:
            self.episode: EpisodeRow = reader.episode(episode_id)
            self.ticks: list[TickRow] = reader.ticks(episode_id)
            self.segments: list[SegmentRow] = reader.segments(episode_id)
            self.instructions = tuple(
                (row.tick, row.text) for row in reader.instructions(episode_id)
            )
        self.frames: int = len(self.ticks)
        self.tick_rate_hz: float = self.episode.tick_rate_hz
        self.drivers: DriverStrip = self.episode.driver_strip
        self._path = database_path(folder)
        self._connection: sqlite3.Connection | None = None
        self._kept: OrderedDict[int, SegmentFrames] = OrderedDict()

    def frame(self, index: int) -> RGBImage:
        """Return frame ``index`` (0 to ``frames`` - 1), uint8 H x W x 3.

        Raises DataError where it is damaged or was erased meanwhile, IndexError beyond
        the end.
        """
        return self._segment(self._inside(index)).frame(index)

    def tick(self, index: int) -> TickRow:
        """Return the row of tick ``index``; IndexError beyond the end."""
        return self.ticks[self._inside(index)]

    def instruction(self, index: int) -> str:
        """Return the sentence that was active in tick ``index``."""
        return next(
            (text for tick, text in reversed(self.instructions) if tick <= index),
            self.episode.instruction,
        )

    def segment(self, index: int) -> SegmentRow | None:
        """Return what tick ``index`` is good for, None while it is being recorded."""
        return next((row for row in self.segments if row.start <= index < row.stop), None)

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._kept.clear()

    def _inside(self, index: int) -> int:
        if not 0 <= index < self.frames:
            raise IndexError(f"frame {index} of {self.frames}")
        return index

    def _segment(self, index: int) -> SegmentFrames:
        for start, segment in self._kept.items():
            if segment.start <= index < segment.stop:
                self._kept.move_to_end(start)
                return segment
        if not self._path.exists():
            raise DataError(
                f"The database {self._path} is gone, so the recording cannot be shown; "
                "put it back or choose another folder with --data."
            )
        with translated(self._path):
            if self._connection is None:
                self._connection = open_for_reading(self._path)
            found = segment_with(self._connection, self.episode.id, index)
        self._kept[found.start] = found
        while len(self._kept) > _KEPT_SEGMENTS:
            self._kept.popitem(last=False)
        return found
