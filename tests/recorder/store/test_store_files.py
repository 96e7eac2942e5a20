"""Files that are not what they should be: one sentence each, and left untouched."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from recorder.clock import ManualClock
from recorder.data_folder import database_path
from recorder.errors import DataError, DiskFullError
from recorder.store import Reader, RoundStatus, Store
from recorder.store.connect import APPLICATION_ID, open_for_writing
from recorder.store.upkeep.migrations import MIGRATIONS, Migration
from recorder.store.upkeep.upgrade import applied_names, migrate
from recorder.store.upkeep.verify import verify
from recorder.types import Outcome


@pytest.fixture
def database(kit: Any) -> Path:
    """A closed database with two episodes."""
    kit.record(40)
    kit.record(10)
    kit.store.close()
    return database_path(kit.folder)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refuse_both(path: Path, sentence: str) -> None:
    """Opening for writing and for reading is refused, and nothing changes."""
    before = digest(path)
    opens: list[Callable[[], object]] = [
        lambda: Store.open(path.parent, clock=ManualClock()),
        lambda: Reader.open(path.parent),
        lambda: verify(path.parent),
    ]
    for attempt in opens:
        with pytest.raises(DataError, match=sentence) as caught:
            attempt()
        assert caught.value.sentence.endswith(".")
        assert str(path) in caught.value.sentence
    assert digest(path) == before


def test_a_truncated_database(database: Path) -> None:
    whole = database.read_bytes()
    for size in (len(whole) // 2, 8192, 5000, 200):
        database.write_bytes(whole[:size])
        refuse_both(database, "damaged or cut short")
    # A log that stays beside a copy that was put back is replayed into it.
    refuse_both(database, "move it away with its log")


def test_a_file_of_another_kind(database: Path) -> None:
    database.write_bytes(b"These are my holiday notes. " * 400)
    refuse_both(database, "not a Playteach database")


def test_another_programs_database(tmp_path: Path) -> None:
    path = database_path(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmark (url TEXT)")
    refuse_both(path, "not a Playteach database")


def test_a_newer_database(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('playteach', '9999_from_the_future', '')"
        )
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    refuse_both(database, "newer Playteach")


def test_a_corrupt_page_is_found_by_verify(database: Path) -> None:
    # The first page of a table: the middle of the file may be where nothing is written yet.
    with closing(sqlite3.connect(database)) as connection:
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'tick'"
        ).fetchone()
    data = bytearray(database.read_bytes())
    at = (page - 1) * page_bytes
    data[at : at + 2000] = os.urandom(2000)
    database.write_bytes(data)
    before = digest(database)
    try:
        report = verify(database.parent)
    except DataError as error:
        said = error.sentence
    else:
        assert not report.ok
        said = report.problems[0]
    assert "damaged" in said or "SQLite says" in said
    assert digest(database) == before


def test_verify_passes_a_sound_database_and_counts(database: Path) -> None:
    calls: list[tuple[int, int]] = []
    report = verify(database.parent, progress=lambda done, total: calls.append((done, total)))
    assert report.ok
    assert report.problems == ()
    assert (report.episodes, report.ticks, report.frames, report.segments) == (2, 50, 50, 4)
    assert calls == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("DELETE FROM tick WHERE tick = 7 AND episode_id = 1", "some are missing"),
        ("DELETE FROM tick WHERE tick >= 30 AND episode_id = 1", "pictures up to tick 40"),
        ("DELETE FROM video_segment WHERE start = 15", "should begin at tick 15"),
        ("UPDATE video_segment SET data = zeroblob(bytes) WHERE start = 15", "not what was"),
        ("UPDATE video_segment SET frames = frames + 1 WHERE start = 30", "decode to 10 frames"),
        ("UPDATE tick SET mono_ns = 0 WHERE tick = 9", "runs backwards"),
        ("DELETE FROM label WHERE episode_id = 2", "no outcome"),
        ("UPDATE segment SET stop = stop - 1 WHERE episode_id = 1", "segments up to 39"),
        ("UPDATE tick SET instruction_id = 2 WHERE episode_id = 1", "another episode's"),
        ("INSERT INTO label VALUES (77, 1, 'success', 'game', 0)", "not there"),
    ],
)
def test_verify_finds_each_kind_of_damage(database: Path, damage: str, sentence: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(damage)
    report = verify(database.parent)
    assert any(sentence in problem for problem in report.problems), report.problems


def test_a_database_that_may_only_be_read(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tests may run as root, whom no permission bit stops: ask the system's answer instead.
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    before = digest(database)
    with pytest.raises(DataError, match="may only be read by you"):
        Store.open(database.parent, clock=ManualClock())
    assert digest(database) == before
    with Reader.open(database.parent) as reader:
        assert len(reader.episodes()) == 2


def test_a_copy_with_a_log_that_may_only_be_read(
    kit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.record(10)
    copy = tmp_path / "copy"
    shutil.copytree(kit.folder, copy)
    # SQLite cannot make the index of the log: so it is where nothing may be written.
    index = copy / "playteach.sqlite3-shm"
    index.unlink()
    index.symlink_to(tmp_path / "missing" / "file")
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda _path, _mode: False)
        with pytest.raises(DataError, match="in the log beside it"):
            Reader.open(copy)
        with pytest.raises(DataError, match="in the log beside it"):
            verify(copy)
    index.unlink()
    with Reader.open(copy) as reader:
        assert len(reader.episodes()) == 1


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(DataError, match="cannot be used"):
        Store.open(tmp_path / "data", clock=ManualClock())


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    database_path(tmp_path).touch()
    Store.open(tmp_path, clock=ManualClock()).close()
    assert not (tmp_path / "backups").exists(), "there was nothing to copy"
    with Reader.open(tmp_path) as reader:
        assert reader.episodes() == []


def _add_note(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE episode ADD COLUMN note TEXT NOT NULL DEFAULT ''")


def _break_down(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM tick")
    raise ZeroDivisionError


def test_a_migration_copies_first_and_happens_whole_or_not_at_all(database: Path) -> None:
    longer = (*MIGRATIONS, Migration("8001_note", _add_note), Migration("8002_bad", _break_down))
    known = tuple(migration.name for migration in MIGRATIONS)
    with closing(open_for_writing(database)) as connection:
        with pytest.raises(ZeroDivisionError):
            migrate(connection, database, longer)
        assert applied_names(connection) == (*known, "8001_note")
        assert connection.execute("SELECT count(*) FROM tick").fetchone() == (50,)
        assert connection.execute("SELECT note FROM episode").fetchall() == [("",), ("",)]
    copies = sorted((database.parent / "backups").iterdir())
    assert [copy.name.split("-")[1] for copy in copies] == ["8001_note", "8002_bad"]
    # The first copy is the database as it was, in one file that opens by itself.
    restored = database.parent.parent / "restored"
    restored.mkdir()
    copies[0].rename(database_path(restored))
    assert verify(restored).ok


def test_no_migration_without_room_for_the_copy(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    usage = shutil.disk_usage(database.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=100))
    with closing(open_for_writing(database)) as connection:
        with pytest.raises(DiskFullError, match="is full"):
            migrate(connection, database, (*MIGRATIONS, Migration("8001_note", _add_note)))
        assert applied_names(connection) == tuple(migration.name for migration in MIGRATIONS)


def test_a_reader_asks_for_the_update_first(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM _sqlite_migrations")
    with pytest.raises(DataError, match="older Playteach"):
        Reader.open(database.parent)


def test_names_are_stable() -> None:
    # What was released must keep its name and its bytes on disk.
    assert [migration.name for migration in MIGRATIONS] == [
        "0001_foundation",
        "0002_adapters_relative_to_the_data_folder",
        "0003_three_sides",
        "0004_wishes_about_teaching",
        "0005_blind_comparisons",
        "0006_what_was_seen_of_clips",
    ]
    assert APPLICATION_ID == 0x506C5479


def test_what_a_crash_left_open_is_closed_at_the_next_start(kit: Any) -> None:
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    for index in range(20):
        recorder.on_tick(kit.tick(index))
    kit.store.add_round()
    # As a killed process leaves it: the committed part, nothing closed, the lock dropped.
    kit.store._lock.release()
    kit.clock.advance_ns(1)
    again = Store.open(kit.folder, clock=ManualClock())
    try:
        with Reader.open(kit.folder) as reader:
            (row,) = reader.episodes()
            assert (row.ticks, row.outcome, row.open) == (15, Outcome.INTERRUPTED, False)
            assert row.driver_strip == (("policy", 15),)
            assert reader.session(row.session_id).ended
            (interrupted,) = reader.rounds()
            assert interrupted.status is RoundStatus.FAILED
            assert interrupted.ended_wall_s is not None
            assert "was interrupted" in interrupted.metrics["why"]
        assert verify(kit.folder).ok
    finally:
        again.close()


LOOK = """
import contextlib, sqlite3, sys
with contextlib.closing(sqlite3.connect(sys.argv[1])) as database:
    print(database.execute("SELECT count(*) FROM episode").fetchone()[0])
"""


def counted_by_another_program(path: Path) -> int:
    """Look into a database as a browser of databases does, which may write to it too."""
    seen = subprocess.run(
        [sys.executable, "-c", LOOK, str(path)], capture_output=True, text=True, check=True
    )
    return int(seen.stdout)


def test_another_programs_look_takes_nothing_of_what_is_being_recorded(kit: Any) -> None:
    path = database_path(kit.folder)
    kit.record(10)
    kit.store.wait()
    # Whoever reads looks at the file first, in the process that records.
    with Reader.open(kit.folder) as reader:
        assert counted_by_another_program(path) == 1
        log = path.with_name(path.name + "-wal")
        assert log.exists(), "the other program has taken away the log that is being written"
        kit.record(10)
        kit.store.wait()
        assert len(reader.episodes()) == 2
        assert counted_by_another_program(path) == 2
    assert log.exists()
