"""What a round learns from nine episodes that were driven by hand, with a hand's pauses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from places import ROOT

from recorder.errors import DataError
from recorder.store import Reader, Store, Wish
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


def test_each_episode_says_what_is_taken_of_it_and_goes_by_the_persons_wish(folder: Path) -> None:
    with Store.open(folder) as store:
        store.set_wish(7, Wish(use=False))
        store.set_wish(7, Wish(pauses=True))
        store.set_wish(8, Wish(use=False))
        with Reader.open(folder) as reader:
            found = {each.episode_id: each for each in material_of(reader, reader.episodes()).shown}
    # The agent's own attempt is not among what the person showed.
    assert sorted(found) == [4, 7, 8, 9, 10, 11, 12, 13]
    assert (found[7].taken_s, found[7].still_s) == (pytest.approx(91 / 17.5), 0)
    assert (found[8].taken_s, found[8].why) == (0, Why.UNWANTED)
    assert found[9].why is None
    assert found[9].taken_s + found[9].still_s == pytest.approx(38 / 17.5)


def test_a_wish_about_an_episode_that_there_is_not_is_told(folder: Path) -> None:
    with Store.open(folder) as store, pytest.raises(DataError, match="no episode 99"):
        store.set_wish(99, Wish(use=True))
