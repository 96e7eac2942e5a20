"""Reading a data folder: from any thread or process, while the writer writes."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from recorder.data_folder import database_path
from recorder.errors import DataError
from recorder.store.comparisons.reader import ComparisonReader
from recorder.store.connect import diagnose, open_for_reading, translated
from recorder.store.frames.reading import frames_between, segment_with, small_picture
from recorder.store.query import EVERY_EPISODE, EpisodeQuery
from recorder.store.rounds.reader import RoundReader
from recorder.store.row_queries import (
    next_seed,
    select_labels,
    select_session,
)
from recorder.store.rows import (
    BinFacts,
    EpisodeRow,
    InputEventRow,
    InstructionRow,
    LabelRow,
    SegmentRow,
    SessionRow,
    TickRow,
)
from recorder.store.selection import casefold, select_episodes, select_segments
from recorder.store.stored_ticks import paired, stored_events, stored_ticks, told_anew
from recorder.store.upkeep.upgrade import check_complete
from recorder.types import RGBImage


class Reader(ComparisonReader, RoundReader):
    """Reads a data folder; every method may be called from any thread.

    Each thread gets a connection of its own.  What is read is what was committed when
    the call began; an iterator reads on as it is used.  Make it with :meth:`open`; a
    context manager closes it.
    """

    def __init__(self, folder: Path) -> None:
        # Absolute: the process may change its place while this is open.
        self.folder = folder.absolute()
        self._path = database_path(self.folder)
        self._lock = threading.Lock()
        # By thread identity, which the system gives again once a thread is gone.  A
        # threading.local would lose it after every call of a Qt pool's thread, and clears
        # itself where no Python may run.
        self._connections: dict[int, sqlite3.Connection] = {}
        self._closed = False

    @classmethod
    def open(cls, folder: Path) -> Reader:
        """Open the database of a data folder.

        Raises DataError, with the file left untouched, where there is none, or it is
        damaged, foreign, newer, or older than this version.
        """
        reader = cls(folder)
        diagnose(reader._path, for_writing=False)
        try:
            with reader._reading() as connection:
                check_complete(connection, reader._path)
        except BaseException:
            reader.close()
            raise
        return reader

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every thread's connection; no other call may be under way.  Idempotent."""
        with self._lock:
            self._closed = True
            for connection in self._connections.values():
                connection.close()
            self._connections.clear()

    # Episodes

    def episodes(
        self,
        query: EpisodeQuery = EVERY_EPISODE,
        *,
        include_deleted: bool = False,
        limit: int | None = None,
    ) -> list[EpisodeRow]:
        """Return the episodes of a query, newest first (see :mod:`recorder.store.query`)."""
        with self._reading() as connection:
            return select_episodes(connection, query, include_deleted=include_deleted, limit=limit)

    def episode(self, episode_id: int) -> EpisodeRow:
        """Return one episode, in the bin or not; raises DataError where there is none."""
        one = EpisodeQuery(ids=((episode_id, episode_id),))
        found = self.episodes(one, include_deleted=True)
        if not found:
            raise DataError(
                f"There is no episode {episode_id} in the database, so nothing can be shown; "
                "look up its number in the list of episodes."
            )
        return found[0]

    def next_seed(self, game: str, first: int, last: int) -> int:
        """Return a seed of ``first`` to ``last`` that none of a game's episodes has.

        It is the one after the highest, and where that is the last one the lowest that is free;
        ``first`` where none is.  Episodes in the bin count.
        """
        with self._reading() as connection:
            return next_seed(connection, game, first, last)

    def deleted_episodes(self) -> list[EpisodeRow]:
        """Return what is in the bin; what was put in last comes first."""
        with self._reading() as connection:
            binned = connection.execute(
                "SELECT id FROM episode WHERE deleted_wall_ns IS NOT NULL "
                "ORDER BY deleted_wall_ns DESC, id DESC"
            ).fetchall()
        rows = {row.id: row for row in self.episodes(include_deleted=True)}
        return [rows[number] for (number,) in binned if number in rows]

    def session(self, session_id: int) -> SessionRow:
        """Return one session; raises DataError where there is none."""
        with self._reading() as connection:
            return select_session(connection, session_id)

    def segments(self, episode_id: int) -> list[SegmentRow]:
        """Return the newest segments of an episode, in order; none while it is recorded."""
        with self._reading() as connection:
            return select_segments(connection, episode_id)

    def ticks(self, episode_id: int) -> list[TickRow]:
        """Return the committed ticks of an episode, in order.

        The person's of an earlier version are told anew where they need it, so that each action
        is what followed its picture (:mod:`recorder.store.pairing`).
        """
        with self._reading() as connection:
            if told_anew(connection, episode_id):
                return paired(connection, episode_id).ticks
            return stored_ticks(connection, episode_id)

    def instructions(self, episode_id: int) -> list[InstructionRow]:
        """Return the sentences of an episode, in the order they came."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT id, episode_id, tick, text FROM instruction "
                "WHERE episode_id = ? ORDER BY id",
                (episode_id,),
            ).fetchall()
        return [InstructionRow(*row) for row in rows]

    def input_events(self, episode_id: int) -> list[InputEventRow]:
        """Return the person's raw events of an episode, in the order they came.

        They belong to the ticks that :meth:`ticks` returns.
        """
        with self._reading() as connection:
            if told_anew(connection, episode_id):
                return paired(connection, episode_id).events
            return stored_events(connection, episode_id)

    def labels(self, episode_id: int) -> list[LabelRow]:
        """Return every version of an episode's outcome, oldest first."""
        with self._reading() as connection:
            return select_labels(connection, episode_id)

    # Pictures

    def frames(
        self, episode_id: int, start: int = 0, stop: int | None = None
    ) -> Iterator[RGBImage]:
        """Yield the frames of ticks ``start`` to ``stop`` - 1 (None: all), in order.

        uint8 H x W x 3.  Raises DataError at a damaged or missing segment.
        """
        with self._reading() as connection:
            if stop is None:
                row = connection.execute(
                    "SELECT ticks FROM episode WHERE id = ?", (episode_id,)
                ).fetchone()
                stop = 0 if row is None else int(row[0])
            yield from frames_between(connection, episode_id, start, stop)

    def frame(self, episode_id: int, tick: int) -> RGBImage:
        """Return one frame; raises DataError where there is none or it is damaged."""
        with self._reading() as connection:
            return segment_with(connection, episode_id, tick).frame(tick)

    def thumbnail(self, episode_id: int) -> RGBImage | None:
        """Return a small picture (at most 160 wide) from the end, None without frames.

        There what was to be done is in sight, if it was done; a start is often a bare wall.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT start FROM video_segment WHERE episode_id = ? ORDER BY start DESC LIMIT 1",
                (episode_id,),
            ).fetchone()
            if row is None:
                return None
            # A segment's first frame costs one picture to decode, any other several.
            return small_picture(segment_with(connection, episode_id, row[0]).frame(row[0]))

    # Totals

    def bin_facts(self) -> BinFacts:
        """Return what is in the bin and how many bytes of pictures that is."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT count(DISTINCT episode.id), coalesce(sum(bytes), 0) FROM episode "
                "LEFT JOIN video_segment ON video_segment.episode_id = episode.id "
                "WHERE deleted_wall_ns IS NOT NULL"
            ).fetchone()
        return BinFacts(int(row[0]), int(row[1]))

    def size_bytes(self) -> int:
        """Return the bytes of the database and its log on disk."""
        log = self._path.with_name(self._path.name + "-wal")
        return self._path.stat().st_size + (log.stat().st_size if log.exists() else 0)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with translated(self._path):
            yield self._connection()

    def _connection(self) -> sqlite3.Connection:
        with self._lock:
            found = self._connections.get(threading.get_ident())
            if found is not None:
                return found
            if self._closed:
                raise DataError(
                    "The database was closed already, so nothing can be read; "
                    "start Playteach again."
                )
            connection = open_for_reading(self._path)
            connection.create_function("casefold", 1, casefold, deterministic=True)
            self._connections[threading.get_ident()] = connection
        return connection
