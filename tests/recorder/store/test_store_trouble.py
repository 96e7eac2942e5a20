"""Full queues, full disks and mistakes: each visible, none costs what was committed."""

from __future__ import annotations

import contextlib
import gc
import shutil
import sqlite3
import threading
import weakref
from typing import Any

import pytest

from recorder.data_folder import database_path
from recorder.errors import DataError, DiskFullError, KnownError
from recorder.store import LabelSource, Store
from recorder.store.upkeep.verify import verify
from recorder.types import Driver, Frame, Outcome


def hold(store: Store) -> threading.Event:
    """Keep the writer busy until the event is set."""
    release = threading.Event()
    entered = threading.Event()

    def work(_connection: sqlite3.Connection) -> None:
        entered.set()
        release.wait(30)

    store._worker.post(work)
    assert entered.wait(30)
    return release


def limit_pages(store: Store, extra: int) -> None:
    """Let the database grow by ``extra`` pages only: SQLite then says that the disk is full."""

    def work(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + extra}")

    store._worker.post(work)


def test_a_full_queue_is_an_error_and_keeps_what_came_before(kit: Any) -> None:
    kit.store.close()
    store = kit.open(queue_limit=20)
    told: list[KnownError] = []
    recorder = kit.recorder(on_error=told.append)
    recorder.on_start(kit.start)
    release = hold(store)
    for index in range(26):
        recorder.on_tick(kit.tick(index))
    assert [type(error) for error in told] == [DataError]
    assert "could not keep up" in told[0].sentence
    assert recorder.lost_ticks == 6
    release.set()
    recorder.on_end(kit.end)
    store.wait()
    health = store.health()
    assert (health.ok, health.committed_ticks, health.lost_ticks) == (False, 20, 6)
    with kit.reader() as reader:
        (row,) = reader.episodes()
    assert (row.ticks, row.lost_ticks) == (20, 6)
    assert (row.outcome, row.outcome_source) == (Outcome.INTERRUPTED, LabelSource.RECORDER)
    # The next attempt is recorded again, and the trouble is over with its first commit.
    kit.record(3)
    assert store.health().ok
    store.close()
    assert verify(kit.folder).ok


def test_where_ticks_may_wait_none_is_lost(kit: Any) -> None:
    kit.store.close()
    kit.open(queue_limit=2)
    recorder = kit.recorder(when_full="wait")
    recorder.on_start(kit.start)
    for index in range(40):
        recorder.on_tick(kit.tick(index))
    recorder.on_end(kit.end)
    kit.store.wait()
    assert kit.store.health().committed_ticks == 40


def test_a_full_disk_stops_recording_and_loses_nothing_committed(kit: Any) -> None:
    told: list[KnownError] = []
    recorder = kit.recorder(on_error=told.append)
    recorder.on_start(kit.start)
    for index in range(15):
        recorder.on_tick(kit.tick(index))
    kit.store.wait()
    limit_pages(kit.store, 0)
    for index in range(15, 600):
        recorder.on_tick(kit.tick(index))
        if index % 100 == 0:
            kit.store.wait()
    kit.store.wait()
    assert [type(error) for error in told] == [DiskFullError]
    assert "is full, so recording stopped" in told[0].sentence
    assert recorder.problem is told[0]
    health = kit.store.health()
    assert not health.ok
    assert health.sentence == told[0].sentence
    assert health.committed_ticks >= 15
    assert health.committed_ticks + health.lost_ticks == 600
    recorder.on_end(kit.end)
    with pytest.raises(DiskFullError):
        kit.store.add_round(config={"much": "x" * 1_000_000})
    kit.store.close()
    assert verify(kit.folder).ok
    kit.open()
    with kit.reader() as reader:
        (row,) = reader.episodes()
        assert (row.ticks, row.outcome) == (health.committed_ticks, Outcome.INTERRUPTED)
        assert len(list(reader.frames(row.id))) == row.ticks
    # Room again: the next attempt is recorded.
    kit.record(3)
    assert kit.store.health().ok


def test_recording_stops_before_the_disk_is_really_full(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(kit.folder)
    told: list[KnownError] = []
    recorder = kit.recorder(on_error=told.append)
    recorder.on_start(kit.start)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1000))
    for index in range(16):
        recorder.on_tick(kit.tick(index))
    kit.store.wait()
    assert [type(error) for error in told] == [DiskFullError]
    assert kit.store.health().free_bytes == 1000


def test_a_mistake_of_ours_is_visible_too(
    kit: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[KnownError] = []
    recorder = kit.recorder(on_error=told.append)
    recorder.on_start(kit.start)
    for index in range(15):
        recorder.on_tick(kit.tick(index))
    kit.store.wait()

    def broken(*_values: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("recorder.store.episode_writer.tick_values", broken)
    for index in range(15, 30):
        recorder.on_tick(kit.tick(index))
    kit.store.wait()
    monkeypatch.undo()
    assert "mistake inside Playteach" in told[0].sentence
    assert "ZeroDivisionError" in caplog.text
    recorder.on_end(kit.end)
    kit.store.wait()
    with kit.reader() as reader:
        (row,) = reader.episodes()
    assert (row.ticks, row.lost_ticks, row.outcome) == (15, 15, Outcome.INTERRUPTED)
    assert row.driver_strip == ((Driver.POLICY, 15),)


def test_a_failed_change_leaves_no_half(kit: Any) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE session SET game = 'changed'")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kit.store._worker.call(half)
    with kit.reader() as reader:
        assert reader.session(kit.session_id).game == "doom"


def test_a_closed_store_says_so(kit: Any) -> None:
    kit.store.close()
    with pytest.raises(DataError, match="closed already"):
        kit.recorder()


def test_a_forgotten_recorder_is_ended_with_the_store(kit: Any) -> None:
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    recorder.on_tick(kit.tick(0))
    del recorder
    gc.collect()
    kit.store.close()
    with kit.reader() as reader:
        (row,) = reader.episodes()
    assert (row.outcome, row.ticks) == (Outcome.INTERRUPTED, 1)


def frames() -> list[Frame]:
    """Return every picture's frame in the process; other tests may keep some."""
    return [each for each in gc.get_objects() if type(each) is Frame]


def test_pictures_are_let_go_once_they_are_encoded(kit: Any) -> None:
    gc.collect()
    before = frames()
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    rgb = kit.tick(0).frame.rgb
    games_own = weakref.ref(rgb)
    recorder.on_tick(kit.tick(0, rgb=rgb))
    kit.store.wait()
    del rgb
    assert games_own() is None
    gc.collect()
    old = set(map(id, before))
    assert not any(frame.rgb.size for frame in frames() if id(frame) not in old)
    recorder.close()


def test_recorders_without_an_episode_are_not_kept(kit: Any) -> None:
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    recorder.on_tick(kit.tick(0))
    recorder.on_end(kit.end)
    kit.store.wait()
    gone = weakref.ref(recorder)
    del recorder
    gc.collect()
    assert gone() is None


def test_the_health_of_a_folder_that_vanished_is_no_room(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_path: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("recorder.store.store.shutil.disk_usage", gone)
    assert kit.store.health().free_bytes == 0


def test_threads_that_come_and_go_leave_few_connections(kit: Any) -> None:
    kit.record(3)
    with kit.reader() as reader:
        for _ in range(50):
            thread = threading.Thread(target=reader.episodes)
            thread.start()
            thread.join()
        assert len(reader._connections) < 10
        assert len(reader.episodes()) == 1


def test_an_attempt_that_another_program_kept_from_being_closed_is_closed_at_its_end(
    kit: Any,
) -> None:
    told: list[KnownError] = []
    recorder = kit.recorder(on_error=told.append)
    # Nobody's patience is part of this test.
    kit.store._worker.post(lambda connection: connection.execute("PRAGMA busy_timeout = 0"))
    recorder.on_start(kit.start)
    for index in range(15):
        recorder.on_tick(kit.tick(index))
    kit.store.wait()
    with contextlib.closing(sqlite3.connect(database_path(kit.folder))) as other:
        other.execute("BEGIN IMMEDIATE")
        for index in range(15, 30):
            recorder.on_tick(kit.tick(index))
        entered = threading.Event()
        kit.store._worker.post(lambda _connection: entered.set())
        assert entered.wait(30)
        other.rollback()
    recorder.on_end(kit.end)
    kit.store.wait()
    assert ["in use by another program" in error.sentence for error in told] == [True]
    with kit.reader() as reader:
        (row,) = reader.episodes()
        # Open until the next start, it would be passed over by the rounds until then.
        assert (row.open, row.ticks, row.outcome) == (False, 15, Outcome.INTERRUPTED)
        assert row.lost_ticks == 15
        assert len(reader.labels(row.id)) == 1
    assert verify(kit.folder).ok
