"""A data folder can be named relatively, moved and copied; what lies inside moves with it."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from recorder.clock import ManualClock
from recorder.data_folder import database_path
from recorder.store import NewAdapter, Reader, Store
from recorder.store.connect import open_for_writing
from recorder.store.upkeep.migrations import MIGRATIONS
from recorder.store.upkeep.upgrade import migrate

WEIGHTS = b"weights"
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


def adapter(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(WEIGHTS)
    return folder


def listed(data: Path) -> list[Path]:
    with Reader.open(data) as reader:
        return [Path(row.folder) for row in reader.adapters()]


def test_a_relative_data_folder_is_the_same_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = Path("rel")
    inside = adapter(data / "adapters" / "round-001")
    with Store.open(data, clock=ManualClock()) as store, Reader.open(data) as reader:
        store.add_adapter(NewAdapter(str(inside), "base"))
        # As an engine does in this very process.
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        store.add_round()
        assert store.health().free_bytes > 0
        assert [Path(row.folder) for row in reader.adapters()] == [tmp_path / inside]
    assert listed(tmp_path / "rel") == [tmp_path / inside]


def test_a_moved_and_a_copied_folder_hold_their_own_adapters(kit: Any, tmp_path: Path) -> None:
    kit.store.add_adapter(NewAdapter(str(adapter(kit.folder / "adapters" / "a")), "base"))
    outside = adapter(tmp_path / "outside" / "adapters" / "b")
    kit.store.add_adapter(NewAdapter(str(outside), "base"))
    kit.store.close()
    copy = Path(shutil.copytree(kit.folder, tmp_path / "copy"))
    assert listed(copy) == [copy / "adapters" / "a", outside]
    moved = kit.folder.rename(tmp_path / "moved")
    assert listed(moved) == [moved / "adapters" / "a", outside]


def test_a_link_inside_the_folder_belongs_to_it(kit: Any, tmp_path: Path) -> None:
    (kit.folder / "adapters").symlink_to(tmp_path / "large disk", target_is_directory=True)
    adapter(tmp_path / "large disk" / "a")
    kit.store.add_adapter(NewAdapter(str(kit.folder / "adapters" / "a"), "base"))
    with closing(sqlite3.connect(database_path(kit.folder))) as connection:
        assert connection.execute("SELECT folder FROM adapter").fetchall() == [("adapters/a",)]


BY_WINDOW = '{"max_steps": 160, "paired_seeds": 40, "seed": 0}'


def earlier(data: Path, rows: list[tuple[str, str, str]]) -> None:
    """Make a database of the first version with adapters: folder, digest, round's settings."""
    data.mkdir(parents=True, exist_ok=True)
    path = database_path(data)
    with closing(open_for_writing(path)) as connection:
        migrate(connection, path, MIGRATIONS[:1])
        for number, (folder, digest, config) in enumerate(rows, start=1):
            connection.execute(
                "INSERT INTO round (id, status, query, config, manifest, metrics, verdict, "
                "through_episode_id, began_wall_ns) "
                "VALUES (?, 'done', '', ?, '{}', '{}', '{}', 0, 0)",
                (number, config),
            )
            connection.execute(
                "INSERT INTO adapter (folder, base, round_id, title, sha256, passed_gates, extra, "
                "made_wall_ns) VALUES (?, 'base', ?, '', ?, 1, '{}', 0)",
                (folder, number, digest),
            )


def test_an_earlier_versions_names_are_brought_into_the_folder(tmp_path: Path) -> None:
    data = tmp_path / "now" / "data"
    elsewhere = adapter(tmp_path / "other" / "adapters" / "by-hand")
    adapter(data / "adapters" / "moved-by-hand")
    same_name = adapter(tmp_path / "other" / "adapters" / "another")
    (adapter(data / "adapters" / "another") / "adapter_model.safetensors").write_bytes(b"not it")
    earlier(
        data,
        [
            # Relative to wherever the process stood then.
            ("rel/adapters/round-001", SHA256, BY_WINDOW),
            # Before the folder was moved here without its adapters: lost, not another folder's.
            (str(tmp_path / "before" / "adapters" / "round-002"), SHA256, BY_WINDOW),
            # Taught by hand in the folder, which was moved; and outside of it.
            (str(tmp_path / "before" / "adapters" / "moved-by-hand"), SHA256, "{}"),
            (str(elsewhere), SHA256, "{}"),
            # Of the same name as one in the folder, but not the same.
            (str(same_name), SHA256, "{}"),
            # The first again, as it was listed by hand from its full path.
            (str(tmp_path / "rel" / "adapters" / "round-001"), SHA256, BY_WINDOW),
            ("C:\\Users\\me\\data\\adapters\\round-007", SHA256, BY_WINDOW),
        ],
    )
    Store.open(data, clock=ManualClock()).close()
    inside = data / "adapters"
    assert listed(data) == [
        inside / "round-001",
        inside / "round-002",
        inside / "moved-by-hand",
        elsewhere,
        same_name,
        tmp_path / "rel" / "adapters" / "round-001",
        inside / "round-007",
    ]
