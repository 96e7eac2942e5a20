"""A database or its log that is taken away while it is open: what comes then is lost visibly."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from recorder.data_folder import database_path
from recorder.errors import DataError, KnownError
from recorder.store import Reader
from recorder.store.upkeep.verify import verify
from recorder.types import Outcome


def log_of(database: Path) -> Path:
    return database.with_name(database.name + "-wal")


def deleted(database: Path) -> None:
    database.unlink()


def replaced(database: Path) -> None:
    """As putting a backup in its place does."""
    copy = database.with_name("copy")
    shutil.copyfile(database, copy)
    copy.replace(database)


def log_deleted(database: Path) -> None:
    log_of(database).unlink()


def log_replaced(database: Path) -> None:
    log_of(database).unlink()
    log_of(database).touch()


def folder_renamed(database: Path) -> None:
    database.parent.rename(database.parent.with_name("elsewhere"))


@pytest.mark.parametrize("how", [deleted, replaced, log_deleted, log_replaced, folder_renamed])
def test_what_would_be_written_to_nowhere_is_lost_visibly(kit: Any, how: Any) -> None:
    told: list[KnownError] = []
    kit.record(10)
    how(database_path(kit.folder))
    recorder = kit.recorder(on_error=told.append)
    recorder.on_start(kit.start)
    for index in range(20):
        recorder.on_tick(kit.tick(index))
    recorder.on_end(kit.end)
    with pytest.raises(DataError, match="was moved, replaced or deleted while"):
        kit.store.set_label(1, Outcome.FAILURE)
    assert ["was moved, replaced or deleted while" in error.sentence for error in told] == [True]
    assert recorder.lost_ticks == 20
    health = kit.store.health()
    assert (health.ok, health.committed_ticks, health.lost_ticks) == (False, 10, 20)


def test_what_was_in_a_log_that_was_taken_away_gets_into_the_database(
    kit: Any, tmp_path: Path
) -> None:
    path = database_path(kit.folder)
    kit.record(10)
    log_of(path).unlink()
    with pytest.raises(DataError, match="-wal was moved, replaced"):
        kit.store.set_label(1, Outcome.FAILURE)
    # As it lies there while the writer still has it open: a killed one leaves no more.
    left = tmp_path / "left"
    left.mkdir()
    shutil.copyfile(path, database_path(left))
    assert verify(left).ok
    with Reader.open(left) as reader:
        assert [row.ticks for row in reader.episodes()] == [10]


def test_a_folder_that_was_renamed_and_put_back_is_recorded_into_again(kit: Any) -> None:
    elsewhere = kit.folder.with_name("elsewhere")
    kit.folder.rename(elsewhere)
    with pytest.raises(DataError, match="was moved"):
        kit.store.add_round()
    elsewhere.rename(kit.folder)
    kit.record(10)
    with Reader.open(kit.folder) as reader:
        assert [row.ticks for row in reader.episodes()] == [10]
