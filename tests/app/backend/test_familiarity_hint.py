"""What play without a window says of a sentence before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.backend.familiarity_hint import advice_for
from app.cli.play import _advise
from model.paths import default_checkpoint
from recorder.games.doom.tasks import ALL_TASKS
from trainer.evaluation.players import PlayerSpec

BASE = PlayerSpec("base", default_checkpoint())


def test_a_strange_sentence_is_told_with_the_closest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _advise(BASE, None, tmp_path, ALL_TASKS, "juggle near the barrel")
    said = capsys.readouterr().err
    assert "was not taught this sentence" in said
    assert "barrel”." in said
    _advise(BASE, None, tmp_path, ALL_TASKS, "pick up the red torch")
    assert "was not taught this sentence" in capsys.readouterr().err
    for known in ("go to the barrel", "could you please get rid of that imp"):
        _advise(BASE, None, tmp_path, ALL_TASKS, known)
    _advise(None, None, tmp_path, ALL_TASKS, "juggle")
    assert capsys.readouterr().err == ""


def test_who_was_never_taught_a_sentence_is_told_nothing(tmp_path: Path) -> None:
    assert advice_for(PlayerSpec("random"), None, tmp_path, ALL_TASKS, "juggle") == ""
    assert list(tmp_path.iterdir()) == [], "looking makes no database"
