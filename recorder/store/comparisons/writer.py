"""Writes blind comparisons: what is to be shown, what it shows, what was said of it."""

from __future__ import annotations

from functools import partial

from recorder.store.comparisons import rows
from recorder.store.comparisons.rows import ClipMark, Film, NewComparison
from recorder.store.worker import Worker


class ComparisonWriter:
    """The part of :class:`recorder.store.store.Store` that writes blind comparisons."""

    _worker: Worker

    def add_comparison(self, new: NewComparison) -> int:
        """Note a blind comparison that begins; return its id.

        Raises DataError if this sentence of the round is compared already.
        """
        return self._worker.call(partial(rows.add_comparison, new=new))

    def add_film(self, clip_id: int, film: Film) -> None:
        """Write what a clip shows, once it was played."""
        self._worker.call(partial(rows.add_film, clip_id=clip_id, film=film))

    def forget_film(self, clip_id: int) -> None:
        """Let a clip be played once more, since what it shows cannot be read."""
        self._worker.call(partial(rows.forget_film, clip_id=clip_id))

    def add_clip_mark(self, comparison_id: int, mark: ClipMark) -> None:
        """Write what the person said of a clip; raises DataError for an unknown place."""
        self._worker.call(partial(rows.add_mark, comparison_id=comparison_id, mark=mark))

    def undo_clip_mark(self, comparison_id: int) -> None:
        """Take the newest mark of a comparison back; nothing without one."""
        self._worker.call(partial(rows.undo_mark, comparison_id=comparison_id))

    def end_comparison(self, comparison_id: int, *, keep_pictures: bool = False) -> None:
        """Note that a comparison's result was written down; its pictures are erased."""
        self._worker.call(
            partial(
                rows.end_comparison,
                comparison_id=comparison_id,
                keep_pictures=keep_pictures,
            )
        )
