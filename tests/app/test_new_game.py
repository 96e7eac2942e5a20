"""One entry is all that a game needs: it is listed, shown, looked at, played, and measured."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from toy_game import TASKS, TOY

from app import command_line
from app.__main__ import main
from app.automation.demo import _candidates
from app.backend.games.catalogue import game_list
from app.setup import doctor
from model.paths import default_checkpoint, own_checkpoint
from recorder.errors import ExitCode
from recorder.games import DEFAULT_GAME, registry
from recorder.games.base import Asked
from recorder.games.registry import GAMES, GameSpec
from recorder.shipped_assets import shipped_assets
from recorder.types import Outcome
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import evaluate
from trainer.evaluation.starts import starts_of


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "GAMES", (*GAMES, TOY))


def test_a_game_of_one_entry_is_listed_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path), "games", "list", "--json"]) == ExitCode.OK
    assert {"name": "toy", "tasks": len(TASKS)} in json.loads(capsys.readouterr().out)
    assert main(["--data", str(tmp_path), "games", "show", "toy", "--json"]) == ExitCode.OK
    shown = json.loads(capsys.readouterr().out)
    assert (shown["title"], shown["keys"]["forward"]) == ("Toy", "W")
    facts = {each.name: each for each in game_list(tmp_path, "toy")}["toy"]
    assert (facts.title, facts.in_use, facts.problem) == ("Toy", True, "")
    assert facts.detail == "A dot; it judges 2 sentences, and of others you are the judge."


def test_a_game_of_one_entry_is_looked_at_by_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "GAMES", (TOY,))
    (line,) = doctor.game_lines()
    assert (line.name, line.status) == ("game toy", doctor.Status.OK)
    assert line.text == "starts, 2 tasks, 64 x 64 pictures"


def test_a_game_of_one_entry_is_measured_by_its_expert() -> None:
    asked = [Asked(task) for task in TASKS]
    played = evaluate(PlayerSpec("expert"), "toy", starts_of(asked, range(2)), workers=1)
    assert [each.outcome for each in played] == [Outcome.SUCCESS] * 4
    idle = evaluate(PlayerSpec("idle"), "toy", starts_of(asked, range(1)), workers=1)
    assert [each.outcome for each in idle] == [Outcome.TIMEOUT] * 2


def test_a_game_of_one_entry_is_measured_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", "--game", "toy", "--policy", "expert", "--seeds", "0-1"]
    code = main([*arguments, "--workers", "1", "--json", "--data", str(tmp_path)])
    assert code == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["n"], told["success"]) == (4, 4)


def test_a_game_of_one_entry_has_a_demo_and_the_yards_model() -> None:
    (lesson,) = _candidates("toy", "", quick=True)
    assert lesson.id == "reach:red"
    assert [task.id for task in _candidates("toy", "", quick=False)] == ["reach:red", "reach:green"]
    assert default_checkpoint("toy") == default_checkpoint()


@pytest.mark.parametrize("spec", GAMES, ids=lambda spec: spec.name)
def test_what_an_entry_names_is_there(spec: GameSpec) -> None:
    assert own_checkpoint(spec.name) == shipped_assets() / spec.checkpoint
    assert (shipped_assets() / spec.checkpoint / "config.json").is_file()
    if spec.expert:
        module, _, name = spec.expert.partition(":")
        assert callable(getattr(importlib.import_module(module), name).propose)


def test_the_command_line_which_imports_nothing_means_the_same_game() -> None:
    assert command_line.DEFAULT_GAME == DEFAULT_GAME == GAMES[0].name
