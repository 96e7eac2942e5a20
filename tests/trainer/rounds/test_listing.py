"""Adapters of rounds that were started by hand are listed like any other."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from lessons import record_lessons

from app.__main__ import main
from model.adapters.folders import META_FILE, WEIGHTS_FILE, AdapterMeta
from recorder.errors import DataError, ModelError
from recorder.store import Reader, RoundStatus, Store, adapters_path
from trainer.rounds.listing import ACCOUNT_FILE, adopt, list_adapter, list_by_hand, write_account
from trainer.rounds.protocol import Gate

PASSED = Gate("taught", True, "It is closer to you.")
UNCHECKED = Gate("old tasks", None, "It was not checked.")
FAILED = Gate("legal", False, "It writes rubbish.")


def metrics() -> dict[str, object]:
    return {"samples": [[1, 2, 1.0, 3]], "manifest": {"counts": {}}, "config": {"rank": 16},
            "offline": {"legality": float("nan")}}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    record_lessons(tmp_path / "data", episodes=1, ticks=6)
    return tmp_path / "data"


def written(folder: Path, *gates: Gate, parent: str | None = None, of: Path | None = None) -> Path:
    folder.mkdir(parents=True)
    meta = AdapterMeta(name=folder.name, base="0" * 64, parent=of.name if of else parent)
    (folder / META_FILE).write_text(json.dumps(asdict(meta)), encoding="utf-8")
    (folder / WEIGHTS_FILE).write_bytes(str(folder).encode())
    write_account(folder, "JarvisVLA", "task:*", gates, metrics(), of)
    return folder


def test_a_round_by_hand_is_listed_whole_and_can_be_chosen_and_undone(
    data: Path, tmp_path: Path
) -> None:
    first = written(tmp_path / "first", PASSED, UNCHECKED)
    assert "Listed as adapter 1" in list_by_hand(data, first)
    second = written(tmp_path / "second", PASSED, FAILED, parent="first")
    with Store.open(data) as store, Reader.open(data) as reader:
        number = list_adapter(store, reader, second)
        rows = {row.id: row for row in reader.adapters()}
        assert [row.passed_gates for row in rows.values()] == [True, False]
        assert (rows[number].parent_id, rows[number].base) == (1, "JarvisVLA")
        done = reader.rounds()[-1]
        assert (done.status, done.query, done.adapter_id) == (RoundStatus.DONE, "task:*", number)
        assert done.metrics["gates"][1]["sentence"] == FAILED.sentence
        assert reader.taught_games((done.id,)) == reader.taught_games((1,)) != {}
        assert reader.active_adapter() is None
        store.set_active_adapter(number)
        active = reader.active_adapter()
        assert active is not None
        assert active.id == number
        assert store.undo_activation() is None
        with pytest.raises(DataError, match="listed already"):
            list_adapter(store, reader, second)
        assert len(reader.rounds()) == 2


def test_of_two_adapters_of_one_name_the_parent_is_the_one_with_its_weights(
    data: Path, tmp_path: Path
) -> None:
    here, there = (written(tmp_path / place / "round-001", PASSED) for place in ("here", "there"))
    child = written(tmp_path / "child", PASSED, of=here)
    unknown = written(tmp_path / "unknown", PASSED, of=written(tmp_path / "x" / "round-001"))
    old = written(tmp_path / "old", PASSED, parent="round-001")
    with Store.open(data) as store, Reader.open(data) as reader:
        numbers = [list_adapter(store, reader, each) for each in (here, there, child, unknown, old)]
        parents = {row.id: row.parent_id for row in reader.adapters()}
    assert [parents[number] for number in numbers] == [None, None, numbers[0], None, None]


def test_an_open_window_lists_what_a_round_beside_it_leaves(data: Path, tmp_path: Path) -> None:
    with Store.open(data) as store, Reader.open(data) as reader:
        inside = written(adapters_path(data) / "by-hand", PASSED)
        assert "The window that is open lists it" in list_by_hand(data, inside)
        outside = written(tmp_path / "outside", PASSED)
        assert "playteach adapters add" in list_by_hand(data, outside)
        # What the window's own round is still measuring has no account.
        running = adapters_path(data) / "round-001"
        written(running, PASSED)
        (running / ACCOUNT_FILE).unlink()
        assert adopt(store, reader, data) == [1]
        assert adopt(store, reader, data) == []
        assert [row.title for row in reader.adapters()] == ["by-hand"]


@pytest.mark.parametrize("wrong", ["[]", "{", '{"metrics": {}}', '{"metrics": 1, "gates": []}'])
def test_a_damaged_account_is_a_sentence_and_lists_nothing(
    data: Path, tmp_path: Path, wrong: str
) -> None:
    folder = written(adapters_path(data) / "damaged", PASSED)
    (folder / ACCOUNT_FILE).write_text(wrong, encoding="utf-8")
    with Store.open(data) as store, Reader.open(data) as reader:
        with pytest.raises(DataError, match=ACCOUNT_FILE):
            list_adapter(store, reader, folder)
        with pytest.raises(ModelError, match="no adapter"):
            list_adapter(store, reader, tmp_path)
        assert adopt(store, reader, data) == []
        assert reader.rounds() == []


def test_the_command_lists_a_folder(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(tmp_path / "other", PASSED, UNCHECKED)
    assert main(["adapters", "add", str(folder), "--data", str(data), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["id"], row["passed_gates"], row["active"]) == (1, True, False)
