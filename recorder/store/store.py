"""The store: the only writer of a data folder.

Every method blocks until its change is committed and returns the result; a problem of
the world raises KnownError with nothing changed.  Call them from any thread except the
control thread, which has :class:`recorder.store.episode_recorder.EpisodeRecorder` for what may not
block.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from recorder.clock import Clock, MonotonicClock
from recorder.data_folder import backups_path, database_path, lock_path
from recorder.errors import DataError, KnownError
from recorder.store.comparisons.writer import ComparisonWriter
from recorder.store.connect import diagnose, open_for_reading, open_for_writing, translated
from recorder.store.episode_writer import Counters
from recorder.store.labelling import add_label, add_wish
from recorder.store.lock import FolderLock
from recorder.store.rounds.writer import RoundWriter
from recorder.store.rows import (
    EpisodeKind,
    LabelSource,
    PurgeCounts,
    StoreHealth,
    Wish,
)
from recorder.store.selection import casefold
from recorder.store.upkeep import recovery
from recorder.store.upkeep.upgrade import check_version, is_backup, migrate
from recorder.store.worker import Worker, transaction
from recorder.types import Outcome

if TYPE_CHECKING:
    from recorder.store.episode_recorder import EpisodeRecorder

QUEUE_TICKS = 200
"""Ticks that may wait for the writer: 10 s at 20 Hz, 138 MB of pictures at most."""
MIN_FREE_BYTES = 64 << 20
"""Recording stops while this much is left, so that the log can still be folded in."""
_VACUUM_PAGES = 1024


class Store(RoundWriter, ComparisonWriter):
    """The one writer.  Make it with :meth:`open`; a context manager closes it."""

    def __init__(
        self, folder: Path, lock: FolderLock, worker: Worker, next_episode_id: int, min_free: int
    ) -> None:
        self.folder = folder
        self._lock = lock
        self._worker = worker
        self._counters = Counters()
        self._min_free_bytes = min_free
        self._id_lock = threading.Lock()
        self._next_episode_id = next_episode_id
        self._open_recorders: set[EpisodeRecorder] = set()
        self._closed = False

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        clock: Clock | None = None,
        queue_limit: int = QUEUE_TICKS,
        min_free_bytes: int = MIN_FREE_BYTES,
    ) -> Store:
        """Open or make the database of a data folder, and close what a crash left open.

        Raises DataBusyError where another Playteach has it; DataError, with the file
        left untouched, where it is damaged, foreign, newer or may not be written.
        """
        # Absolute: the process may change its place while this is open.
        folder = folder.absolute()
        path = database_path(folder)
        with translated(path):
            folder.mkdir(parents=True, exist_ok=True)
            lock = FolderLock(lock_path(folder))
        try:
            connection, next_id = _open_connection(path)
        except BaseException:
            lock.release()
            raise
        worker = Worker(
            connection,
            path,
            clock=clock if clock is not None else MonotonicClock(),
            queue_limit=queue_limit,
        )
        return cls(folder, lock, worker, next_id, min_free_bytes)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what is queued, end open episodes as interrupted, let go; idempotent."""
        if self._closed:
            return
        self._closed = True
        for recorder in list(self._open_recorders):
            recorder.close()
        try:
            self._worker.close(_fold_log_in)
        finally:
            self._lock.release()

    def health(self) -> StoreHealth:
        """Return how the store is doing; cheap, from any thread."""
        committed, lost, sentence = self._counters.read()
        path = database_path(self.folder)
        return StoreHealth(
            ok=not sentence,
            sentence=sentence,
            queued=self._worker.queued_ticks,
            committed_ticks=committed,
            lost_ticks=lost,
            bytes=_size(path) + _size(path.with_name(path.name + "-wal")),
            free_bytes=_free(self.folder),
            commit_delay_ms=self._counters.worst_delay_ms(),
        )

    def wait(self) -> None:
        """Return when everything handed over before is written or counted as lost."""
        self._worker.call(lambda _connection: None)

    # Recording

    def begin_session(
        self,
        game: str,
        *,
        tick_rate_hz: float,
        width: int,
        height: int,
        realtime: bool,
        bindings: Mapping[str, object],
        extra: Mapping[str, object] | None = None,
    ) -> int:
        """Note that a game runs, with the wall-clock anchor of its time stamps; return its id.

        ``bindings`` and ``extra`` must be plain JSON values.
        """
        values = (
            game,
            tick_rate_hz,
            width,
            height,
            realtime,
            time.time_ns(),
            self._worker.clock.now_ns(),
            json.dumps(dict(bindings), sort_keys=True),
            json.dumps(dict(extra or {}), sort_keys=True),
        )
        return self._worker.call(partial(_add_session, values=values))

    def end_session(self, session_id: int) -> None:
        """Note that a game was closed."""
        self._worker.call(partial(_end_session, session_id=session_id, clock=self._worker.clock))

    def episode_recorder(
        self,
        session_id: int,
        *,
        kind: EpisodeKind | Literal["demonstration", "rollout"],
        adapter_id: int | None = None,
        policy: str = "",
        when_full: Literal["stop", "wait"] = "stop",
        on_error: Callable[[KnownError], None] | None = None,
        blocky: bool = False,
    ) -> EpisodeRecorder:
        """Return an observer that records every episode it is shown.

        ``policy`` "" takes the name that the episode's start tells.  ``when_full``
        "stop" is for play: a full queue ends the recording with an error.  "wait" is
        for lock-step runs faster than the encoder: there a tick waits for room.  ``blocky``
        is for games that show large texels with hard edges.
        """
        # Late: recorder.store.episode_recorder builds on this package.
        from recorder.store.episode_recorder import EpisodeRecorder

        self._worker.check_open()
        return EpisodeRecorder(
            self._worker,
            self._counters,
            self._take_episode_id,
            session_id,
            kind=EpisodeKind(kind),
            adapter_id=adapter_id,
            policy=policy,
            min_free_bytes=self._min_free_bytes,
            wait_when_full=when_full == "wait",
            on_error=on_error,
            open_recorders=self._open_recorders,
            blocky=blocky,
        )

    # Episodes

    def set_label(
        self,
        episode_id: int,
        outcome: Outcome,
        source: LabelSource | Literal["game", "person"] = LabelSource.PERSON,
    ) -> int:
        """Write a new version of an episode's outcome; return the version's number.

        Said by the person while the episode is recorded, it stays the newest when it ends, unless
        they end it with a verdict of their own.
        """
        return self._worker.call(
            partial(_label, episode_id=episode_id, outcome=outcome, source=LabelSource(source))
        )

    def set_wish(self, episode_id: int, wish: Wish) -> None:
        """Write what the person wants of an episode when it may be learnt from."""
        self._worker.call(partial(_wish, episode_id=episode_id, wish=wish))

    def delete_episode(self, episode_id: int) -> None:
        """Put an episode into the bin; it stays there until :meth:`purge`."""
        self._set_deleted(episode_id, time.time_ns())

    def undelete_episode(self, episode_id: int) -> None:
        """Take an episode out of the bin."""
        self._set_deleted(episode_id, None)

    def purge(self) -> PurgeCounts:
        """Erase what is in the bin for good, and every copy of it.

        Rows and pictures are overwritten with zeros, the file shrinks, the log is
        emptied, and the backups made before migrations go too, since they hold the same
        pictures; other files in their folder stay.  Recording goes on meanwhile.
        ``log_cleared`` is False where a reader kept the log in use: purge again later.
        """
        return self._worker.call_steps(partial(_purge, folder=self.folder))

    def _take_episode_id(self) -> int:
        with self._id_lock:
            taken = self._next_episode_id
            self._next_episode_id += 1
            return taken

    def _set_deleted(self, episode_id: int, wall_ns: int | None) -> None:
        self._worker.call(partial(_mark_deleted, episode_id=episode_id, wall_ns=wall_ns))


def _open_connection(path: Path) -> tuple[sqlite3.Connection, int]:
    """Return the writer's connection, of this version, and the next episode's id."""
    diagnose(path, for_writing=True)
    with translated(path):
        if path.exists() and path.stat().st_size > 0:
            with contextlib.closing(open_for_reading(path)) as reading:
                check_version(reading, path)
        connection = open_for_writing(path)
        try:
            connection.create_function("casefold", 1, casefold, deterministic=True)
            migrate(connection, path)
            return connection, recovery.recover(connection)
        except BaseException:
            connection.close()
            raise


def _add_session(connection: sqlite3.Connection, values: tuple[object, ...]) -> int:
    cursor = connection.execute(
        "INSERT INTO session (game, tick_rate_hz, width, height, realtime, "
        "wall_anchor_ns, mono_anchor_ns, bindings, extra) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    return int(cursor.lastrowid or 0)


def _end_session(connection: sqlite3.Connection, session_id: int, clock: Clock) -> None:
    connection.execute(
        "UPDATE session SET ended_mono_ns = ? WHERE id = ?", (clock.now_ns(), session_id)
    )


def _label(
    connection: sqlite3.Connection, episode_id: int, outcome: Outcome, source: LabelSource
) -> int:
    _require_episode(connection, episode_id)
    return add_label(connection, episode_id, outcome, source)


def _wish(connection: sqlite3.Connection, episode_id: int, wish: Wish) -> None:
    _require_episode(connection, episode_id)
    add_wish(connection, episode_id, wish)


def _mark_deleted(connection: sqlite3.Connection, episode_id: int, wall_ns: int | None) -> None:
    if not _require_episode(connection, episode_id):
        raise DataError(
            f"Episode {episode_id} is still being recorded, so it was left as it is; "
            "stop the attempt first."
        )
    connection.execute("UPDATE episode SET deleted_wall_ns = ? WHERE id = ?", (wall_ns, episode_id))


def _require_episode(connection: sqlite3.Connection, episode_id: int) -> bool:
    """Return whether the episode has ended; raises DataError where there is none."""
    row = connection.execute(
        "SELECT ended_mono_ns IS NOT NULL FROM episode WHERE id = ?", (episode_id,)
    ).fetchone()
    if row is None:
        raise DataError(
            f"There is no episode {episode_id} in the database, so nothing was changed; "
            "look up its number in the list of episodes."
        )
    return bool(row[0])


def _purge(connection: sqlite3.Connection, folder: Path) -> Iterator[PurgeCounts]:
    path = database_path(folder)
    before = _size(path) + _size(path.with_name(path.name + "-wal"))
    ids = [
        int(episode_id)
        for (episode_id,) in connection.execute(
            "SELECT id FROM episode WHERE deleted_wall_ns IS NOT NULL"
        )
    ]
    # First: if this is cut short, the bin may be empty already and nobody looks for copies again.
    # It also makes room, which erasing needs.
    copies = [path for path in sorted(backups_path(folder).glob("*")) if not path.is_dir()]
    # What the person put there is the person's.
    own = [path for path in copies if is_backup(path.name)]
    for backup in own if ids else ():
        backup.unlink()
    episodes = ticks = 0
    counts = PurgeCounts(0, 0, 0, log_cleared=True)
    for episode_id in ids:
        with transaction(connection):
            row = connection.execute(
                "SELECT ticks FROM episode WHERE id = ? AND deleted_wall_ns IS NOT NULL",
                (episode_id,),
            ).fetchone()
            # Taken out of the bin while the others were being erased.
            if row is not None:
                connection.execute("DELETE FROM episode WHERE id = ?", (episode_id,))
                episodes += 1
                ticks += row[0]
        yield counts
    free, free_before = _free_pages(connection), -1
    # It stops shrinking where the file was not made for it.
    while free > 0 and free != free_before:
        # execute() would stop after the first page: each is a row to SQLite, without columns.
        connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
        free, free_before = _free_pages(connection), free
        yield counts
    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    after = _size(path) + _size(path.with_name(path.name + "-wal"))
    yield PurgeCounts(
        episodes,
        ticks,
        max(0, before - after),
        log_cleared=not busy,
        kept_files=len(copies) - len(own),
    )


def _free_pages(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


def _fold_log_in(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA optimize")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        # The folder or its disk is gone; the writer says so with the next episode.
        return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
