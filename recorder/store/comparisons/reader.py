"""Reads blind comparisons: their clips, what was said of them, what they show."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager

from recorder.errors import DataError
from recorder.store.comparisons.rows import (
    ClipMark,
    ClipRow,
    ComparisonRow,
    SeenClip,
    count_seen,
    select_clips,
    select_comparisons,
    select_marks,
    select_seen,
)
from recorder.store.frames.h264 import decode_segment
from recorder.store.frames.reading import SegmentFrames, check_segment

LOST_PICTURES = (
    "The pictures of this clip are damaged or gone, so it cannot be shown; it is played once more."
)


class ComparisonReader:
    """The part of :class:`recorder.store.reader.Reader` that reads blind comparisons."""

    def _reading(self) -> AbstractContextManager[sqlite3.Connection]:
        raise NotImplementedError

    def comparisons(self, round_id: int | None = None) -> list[ComparisonRow]:
        """Return the blind comparisons of a round (None: of all), oldest first."""
        with self._reading() as connection:
            return select_comparisons(connection, round_id)

    def clips(self, comparison_id: int) -> list[ClipRow]:
        """Return the clips of a comparison in the order in which they are shown."""
        with self._reading() as connection:
            return select_clips(connection, comparison_id)

    def clip_marks(self, comparison_id: int) -> list[ClipMark]:
        """Return what the person said of clips and did not take back, in order."""
        with self._reading() as connection:
            return select_marks(connection, comparison_id)

    def seen_clips(self, game: str, sentence: str, seen_by: str) -> list[SeenClip]:
        """Return what the model with fingerprint ``seen_by`` saw of a sentence's judged clips."""
        with self._reading() as connection:
            return select_seen(connection, game, sentence, seen_by)

    def seen_clip_counts(self, game: str, sentence: str, seen_by: str) -> tuple[int, int]:
        """Return how many of :meth:`seen_clips` are (done, failed), without reading them."""
        with self._reading() as connection:
            return count_seen(connection, game, sentence, seen_by)

    def clip_pictures(self, clip_id: int, index: int) -> SegmentFrames:
        """Return the stretch of a clip that holds picture ``index``.

        Raises DataError if there is none or it is damaged.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT start, frames, width, height, codec, crc32, data FROM clip_pictures "
                "WHERE clip_id = ? AND start <= ? ORDER BY start DESC LIMIT 1",
                (clip_id, index),
            ).fetchone()
        if row is None or index >= row[0] + row[1]:
            raise DataError(LOST_PICTURES)
        start, frames, width, height, codec, crc32, data = row
        try:
            check_segment(codec, crc32, data)
        except DataError as error:
            raise DataError(LOST_PICTURES) from error
        return SegmentFrames(start, frames, decode_segment(data, width, height))
