"""Opening the database file: pragmas, diagnosis, and errors turned into sentences."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from recorder.errors import DataBusyError, DataError, DiskFullError, KnownError

APPLICATION_ID = 0x506C5479
"""Marks the file as Playteach's (the letters PlTy)."""
PAGE_BYTES = 8192
"""Larger than the default: most of the file is pictures in long overflow chains."""
BUSY_MS = 5000
LEAST_BYTES = 512
"""The smallest page, so the smallest database, that SQLite knows."""
_MAGIC = b"SQLite format 3\x00"


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the database for the writer thread, in autocommit, with its pragmas.

    synchronous=NORMAL in WAL: a killed process loses nothing that was committed, since
    the log is in the system's hands; a power cut may lose the newest commits but never
    damages the file.  A new file gets ``auto_vacuum`` before its first table, because
    it cannot be had later without rewriting the file.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        if _table_names(connection) == frozenset():
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the database read-only; usable from any one thread at a time.

    Where the log beside the file cannot be opened (a read-only medium) and there is no
    log, the file is read as it stands.  Raises DataError where there is a log: without it the
    newest recordings would be missing.
    """
    uri = path.absolute().as_uri()
    for query in ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(
            f"{uri}?{query}", uri=True, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            blocked = error.sqlite_errorcode & 0xFF in (
                sqlite3.SQLITE_CANTOPEN,
                sqlite3.SQLITE_READONLY,
            )
            if not blocked or query != "mode=ro":
                raise
            if not _has_log(path):
                continue
            if not os.access(path.parent, os.W_OK):
                raise DataError(read_only_log_sentence(path)) from error
            raise
        except sqlite3.Error:
            connection.close()
            raise
        return connection
    raise AssertionError("the last way of opening either returned or raised")


class Whereabouts:
    """Tells whether the files that a connection writes still lie where they were opened.

    A file that was deleted or replaced takes everything that is written to it, without an
    error, and is gone with the process that has it open.
    """

    def __init__(self, path: Path) -> None:
        """Remember the database ``path`` and its log as they are now, both open."""
        self._path = path
        self._log = path.with_name(path.name + "-wal")
        self._identity = _identity(path)
        self._log_identity = _identity(self._log)

    def check(self, connection: sqlite3.Connection) -> None:
        """Raise DataError where the database or its log is not there any more.

        Where only the log is gone, what ``connection`` has in it is put into the database.
        """
        if _identity(self._path) != self._identity:
            raise DataError(gone_sentence(self._path))
        # None: this file system lets SQLite keep no log.
        if self._log_identity is None or _identity(self._log) == self._log_identity:
            return
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        raise DataError(gone_sentence(self._log))


def diagnose(path: Path, *, for_writing: bool) -> None:
    """Raise DataError with one sentence where ``path`` cannot be used; leave it untouched.

    A missing or empty file is fine for writing.  Only cheap checks: the header, the
    size against the header, the table of contents, and whose file it is.

    A file that may be a database is never opened here but by SQLite: closing any file gives up
    all locks that this process has on it, those of its open connections too, and then the next
    program to look into the database would take away the log that is being written.
    """
    if not path.exists():
        if for_writing:
            return
        raise DataError(
            f"There is no Playteach database in {path.parent}, so nothing has been recorded "
            "there yet; record an episode first or choose another folder with --data."
        )
    with translated(path):
        size = path.stat().st_size
        if size == 0 and for_writing:
            return
        if size < LEAST_BYTES:
            # Too small for a database that somebody could have open.
            magic = path.read_bytes()[: len(_MAGIC)]
            cut = size > 0 and magic == _MAGIC[: len(magic)]
            raise DataError(damaged_sentence(path) if cut else foreign_sentence(path))
    if for_writing and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        raise DataError(read_only_sentence(path))
    with translated(path):
        connection = open_for_reading(path)
        try:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            tables = _table_names(connection)
        finally:
            connection.close()
    if application != APPLICATION_ID and (application != 0 or tables):
        raise DataError(foreign_sentence(path))


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's and the system's errors inside the block into known sentences."""
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        known = as_known(error, path)
        if known is None:
            raise
        raise known from error


def as_known(error: BaseException, path: Path) -> KnownError | None:
    """Return the sentence for an error of the world, None where it is a bug of ours."""
    if isinstance(error, KnownError):
        return error
    if isinstance(error, OSError):
        return _known_os_error(error, path)
    if not isinstance(error, sqlite3.DatabaseError):
        return None
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(full_sentence(path))
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return DataBusyError(
            f"The database {path} is in use by another program, so it could not be changed; "
            "close that program and try again."
        )
    say = _SENTENCES.get(code)
    return None if say is None else DataError(say(path))


def full_sentence(path: Path) -> str:
    """Return what to say when the disk is full."""
    return (
        f"The disk that holds {path.parent} is full, so recording stopped; everything stored "
        "until then is safe; free some space or empty the bin, then go on."
    )


def damaged_sentence(path: Path) -> str:
    """Return what to say of a truncated or corrupt file."""
    return (
        f"The database {path} is damaged or cut short, so it was left untouched and not opened; "
        "move it away with its log (all files that begin with its name: the log would damage the "
        f"next one too), then put a copy in its place (see {path.parent / 'backups'}), or choose "
        "another folder with --data."
    )


def foreign_sentence(path: Path) -> str:
    """Return what to say of a file that is no database of ours."""
    return (
        f"The file {path} is not a Playteach database, so it was left untouched; move it away "
        "or choose another folder with --data."
    )


def read_only_sentence(path: Path) -> str:
    """Return what to say of a file or folder that may not be written to."""
    return (
        f"The database {path} may only be read by you, so nothing can be recorded in it; "
        "give yourself the right to write to its folder or choose another one with --data."
    )


def read_only_log_sentence(path: Path) -> str:
    """Return what to say of a copy that may only be read, made while it was recorded into."""
    return (
        f"The newest recordings of {path} are in the log beside it, which cannot be read where "
        "nothing may be written, so nothing was opened; copy the whole folder to where you may "
        "write and open that with --data."
    )


def gone_sentence(path: Path) -> str:
    """Return what to say where the database or its log was taken away while it was open."""
    return (
        f"The file {path} was moved, replaced or deleted while Playteach had it open, so nothing "
        "more was recorded; start Playteach again, and change its data folder only while it is "
        "closed."
    )


def broken_disk_sentence(path: Path) -> str:
    """Return what to say when the disk does not do what it should."""
    return (
        f"The disk could not read or write {path}, so nothing more was stored there; "
        "check the disk, then start Playteach again."
    )


_SENTENCES: dict[int, Callable[[Path], str]] = {
    sqlite3.SQLITE_NOTADB: foreign_sentence,
    sqlite3.SQLITE_CORRUPT: damaged_sentence,
    sqlite3.SQLITE_READONLY: read_only_sentence,
    sqlite3.SQLITE_PERM: read_only_sentence,
    sqlite3.SQLITE_AUTH: read_only_sentence,
    sqlite3.SQLITE_IOERR: broken_disk_sentence,
    sqlite3.SQLITE_CANTOPEN: broken_disk_sentence,
}


def _known_os_error(error: OSError, path: Path) -> KnownError | None:
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(full_sentence(path))
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DataError(read_only_sentence(path))
    if error.errno in (errno.EIO, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOENT):
        return DataError(
            f"The data folder {path.parent} cannot be used ({error.strerror}), so nothing was "
            "opened; choose another folder with --data."
        )
    return None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def _has_log(path: Path) -> bool:
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def _table_names(connection: sqlite3.Connection) -> frozenset[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return frozenset(str(name) for (name,) in rows)
