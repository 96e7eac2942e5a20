"""What play without a window says of a sentence before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.backend.sentences.familiarity_hint import hint_for
from app.cli.play import _say_hint
from model.paths import default_checkpoint
from recorder.games.doom.tasks import ALL_TASKS
from recorder.games.luanti.tasks import TASKS as LUANTI_TASKS
from trainer.evaluation.players import PlayerSpec

BASE = PlayerSpec("base", default_checkpoint())


def test_a_strange_sentence_is_told_with_the_closest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _say_hint(BASE, None, tmp_path, ALL_TASKS, "juggle near the barrel")
    said = capsys.readouterr().err
    assert "was not taught this sentence" in said
    assert "barrel”." in said
    _say_hint(BASE, None, tmp_path, ALL_TASKS, "pick up the red torch")
    assert "was not taught this sentence" in capsys.readouterr().err
    for known in ("go to the barrel", "could you please get rid of that imp"):
        _say_hint(BASE, None, tmp_path, ALL_TASKS, known)
    _say_hint(None, None, tmp_path, ALL_TASKS, "juggle")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("asked", ["gehe zur roten Fackel", "va hacia la antorcha roja"])
def test_another_language_is_told_as_such(tmp_path: Path, asked: str) -> None:
    assert "short English ones" in hint_for(BASE, None, tmp_path, ALL_TASKS, asked)


def test_who_was_never_taught_a_sentence_is_told_nothing(tmp_path: Path) -> None:
    assert hint_for(PlayerSpec("random"), None, tmp_path, ALL_TASKS, "juggle") == ""
    assert list(tmp_path.iterdir()) == [], "looking makes no database"


@pytest.mark.parametrize(("asked", "named"), [
    ("go to the torch", "the red torch, the green torch or the blue torch?"),
    ("pick up the armor", "the green armor or the red armor?"),
    ("use the red", "“open the red door”, “press the red switch” or “switch to the"),
])  # fmt: skip
def test_a_sentence_with_several_meanings_is_asked_about(
    tmp_path: Path, asked: str, named: str
) -> None:
    said = hint_for(BASE, None, tmp_path, ALL_TASKS, asked)
    assert said.startswith("Which one do you mean: ")
    assert named in said


def test_luanti_asks_which_post(tmp_path: Path) -> None:
    base = PlayerSpec("base", default_checkpoint("luanti"))
    said = hint_for(base, None, tmp_path, LUANTI_TASKS, "go to the post")
    assert "the red post, the blue post, the yellow post or the white post?" in said
