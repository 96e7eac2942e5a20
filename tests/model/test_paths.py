"""Which small model plays which game."""

from __future__ import annotations

from pathlib import Path

import pytest

from model import paths


def test_a_game_without_a_model_of_its_own_is_played_by_the_yards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "assets_folder", lambda: tmp_path)
    assert paths.default_checkpoint() == tmp_path / "checkpoint"
    assert paths.default_checkpoint("luanti") == tmp_path / "checkpoint"
    own = tmp_path / "checkpoint-luanti"
    own.mkdir()
    assert paths.default_checkpoint("luanti") == own
    assert paths.default_checkpoint("minerl") == tmp_path / "checkpoint"
    assert paths.default_checkpoint("../..") == tmp_path / "checkpoint"
