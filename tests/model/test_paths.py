"""Which small model plays which game."""

from __future__ import annotations

from pathlib import Path

import pytest

from model import paths
from model.language.paraphrase import Sayings
from recorder.games.luanti.tasks import TASKS


def test_a_game_without_a_model_of_its_own_is_played_by_the_yards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "shipped_assets", lambda: tmp_path)
    assert paths.default_checkpoint() == tmp_path / "checkpoint"
    assert paths.default_checkpoint("luanti") == tmp_path / "checkpoint"
    own = tmp_path / "checkpoint-luanti"
    own.mkdir()
    assert paths.default_checkpoint("luanti") == own
    assert paths.default_checkpoint("minerl") == tmp_path / "checkpoint"
    assert paths.default_checkpoint("../..") == tmp_path / "checkpoint"


def test_luantis_own_model_was_taught_what_its_tasks_say() -> None:
    folder = paths.default_checkpoint("luanti")
    assert folder.name == "checkpoint-luanti"
    sayings = Sayings.load(folder)
    assert sayings is not None
    assert set(sayings.sentences) == {t.instruction for t in TASKS if t.split == "train"}
    for task in TASKS:
        if task.split == "train":
            told = {sayings.restate(said) for said in (task.instruction, *task.phrasings)}
            assert told == {task.instruction}


def test_every_shipped_model_brings_a_list_of_what_it_learnt_and_what_it_is() -> None:
    for game in ("doom", "luanti"):
        folder = paths.default_checkpoint(game)
        for name in ("README.md", "card.json", "curve.csv", "taught.json"):
            assert (folder / name).stat().st_size > 0
        assert all(file.stat().st_size <= 15e6 for file in folder.iterdir())
