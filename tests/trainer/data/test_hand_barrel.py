"""What a round learns from nine episodes that were driven by hand, with a hand's pauses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from places import ROOT

from recorder.store import Reader, Store
from trainer.data.material import Why, material_of, usable_of

SOURCE = ROOT / "tests" / "data" / "hand-barrel" / "playteach.sqlite3"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(SOURCE, tmp_path)
    with Store.open(tmp_path):
        return tmp_path


def test_the_pauses_of_a_hand_are_not_taught(folder: Path) -> None:
    with Reader.open(folder) as reader:
        rows = reader.episodes()
        found = material_of(reader, rows)
        taught = [
            tick.executed
            for row in rows
            for tick in (reader.ticks(row.id)[each.index] for each in usable_of(reader, row).usable)
        ]
    assert len(rows) == 9
    # Three of four ticks were pauses; most of what is left does something.
    assert found.left_out[Why.STILL] == 336
    assert "19.2 s in which you stood still are left out." in found.sentence
    assert len(taught) == 184
    assert sum(not action.is_noop for action in taught) == 129
