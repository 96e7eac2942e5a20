"""Demonstrations of the expert: recorded as a person's, and never lost in silence."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from app.automation.demonstrations import record_demonstrations
from app.automation.headless import Attempted
from recorder.errors import DataError, UsageError
from recorder.store import Store
from recorder.store.upkeep.verify import verify


def fill_the_disk(store: Store) -> None:
    """Let the database grow no further: SQLite then says that the disk is full."""

    def work(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    store._worker.call(work)


def test_a_full_disk_ends_them_with_a_sentence(tmp_path: Path) -> None:
    done: list[Attempted] = []

    def told(one: Attempted) -> None:
        done.append(one)
        fill_the_disk(store)

    with Store.open(tmp_path) as store, pytest.raises(DataError, match="full"):
        record_demonstrations(store, "doom", "go to the barrel", range(9), told)
    # The first one was stored whole; the next did not fit, and nobody played seven more.
    assert [one.seed for one in done] == [0]
    report = verify(tmp_path)
    assert report.ok
    assert report.ticks >= done[0].ticks


def test_what_nobody_can_show_is_refused(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, pytest.raises(UsageError, match="fly away"):
        record_demonstrations(store, "doom", "fly away", range(2))
