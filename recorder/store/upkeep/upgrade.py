"""Brings a database to this version: refuses a newer one, copies it before every change."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from recorder.data_folder import backups_path
from recorder.errors import DataError, DiskFullError
from recorder.store.connect import full_sentence
from recorder.store.upkeep.migrations import MIGRATIONS, Migration

MIGRATION_SET = "playteach"
_TABLE = "_sqlite_migrations"
_BACKUP = re.compile(
    r"before-\d{4}_\w+-\d{8}-\d{6}(-\d+)?\.(sqlite3|partial)(-journal|-wal|-shm)?", re.ASCII
)


def is_backup(name: str) -> bool:
    """Return whether a file's name is one that :func:`back_up` gives, or SQLite beside it."""
    return _BACKUP.fullmatch(name) is not None


def applied_names(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the migrations that the file has had, in order."""
    found = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (_TABLE,)
    ).fetchone()
    if found is None:
        return ()
    rows = connection.execute(
        f"SELECT name FROM {_TABLE} WHERE migration_set = ? ORDER BY id", (MIGRATION_SET,)
    ).fetchall()
    return tuple(str(name) for (name,) in rows)


def check_version(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS
) -> tuple[str, ...]:
    """Return the names still to apply; raises DataError for a newer or foreign history."""
    known = tuple(migration.name for migration in migrations)
    applied = applied_names(connection)
    if set(applied) - set(known):
        raise DataError(
            f"The database {path} was written by a newer Playteach, so this version left it "
            "untouched; update Playteach or choose another folder with --data."
        )
    return known[len(applied) :]


def check_complete(connection: sqlite3.Connection, path: Path) -> None:
    """Raise DataError where a reader cannot use the file yet or any more."""
    if check_version(connection, path):
        raise DataError(
            f"The database {path} was written by an older Playteach and has not been brought "
            "up to date; open it once with the app or any recording command, then try again."
        )


def migrate(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS
) -> tuple[Path, ...]:
    """Apply what is missing, each step in one transaction with its record.

    A file that held tables before is copied before every step, and the copy checked.
    Returns the copies made.  Raises DataError (newer file) or DiskFullError (no room).
    """
    pending = check_version(connection, path, migrations)
    if not pending:
        return ()
    # Imported here: an up-to-date file does not pay for it at start-up.
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    copies: list[Path] = []
    # A file that is only being made holds nothing to copy, whatever its number of steps.
    holds_something = bool(applied_names(connection))
    steps = {migration.name: migration for migration in migrations}
    for name in pending:
        if holds_something:
            copies.append(back_up(connection, path, name))
        one = Migrations(MIGRATION_SET)
        step = steps[name]

        def run(database: Database, step: Migration = step) -> None:
            step.apply(database.conn)

        one(name=name)(run)
        one.apply(Database(connection, execute_plugins=False))
    return tuple(copies)


def back_up(connection: sqlite3.Connection, path: Path, before: str) -> Path:
    """Copy the database to the backups folder and check the copy; return where it is.

    Raises DiskFullError where there is no room and DataError where the copy differs.
    """
    folder = backups_path(path.parent)
    folder.mkdir(exist_ok=True)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    if shutil.disk_usage(folder).free < pages * page_bytes:
        raise DiskFullError(full_sentence(path))
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    target = folder / f"before-{before}-{stamp}.sqlite3"
    number = 1
    while target.exists():
        number += 1
        target = folder / f"before-{before}-{stamp}-{number}.sqlite3"
    unfinished = target.with_suffix(".partial")
    unfinished.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(unfinished)) as copy:
        connection.backup(copy)
        # The copy stands alone: without this it would want a log beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
        checked = [row[0] for row in copy.execute("PRAGMA integrity_check")]
        same = applied_names(copy) == applied_names(connection)
    if checked != ["ok"] or not same:
        unfinished.unlink()
        raise DataError(
            f"The copy that is made of {path} before it is brought up to date did not come out "
            "right, so the database was left untouched; check the disk, then start again."
        )
    unfinished.rename(target)
    return target
