import sys
from pathlib import Path

import pytest

from app.backend.games import catalogue as module
from app.backend.games.catalogue import game_list
from app.backend.games.wizard_screen import DesktopCalibration
from app.command_line import build_parser
from recorder.errors import DataError, GameError
from recorder.games import open_game
from recorder.games.desktop.profile import Profile, profiles_folder
from recorder.games.luanti import launch
from recorder.games.minecraft.game import PYTHON_VARIABLE
from recorder.games.minecraft.names import TITLES

OWN = """
schema = 1
name = "my_game"
title = "My game"
window_title = "^My game"
launch = ["my-game", "a b"]
[keys]
forward = "W"
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = profiles_folder(tmp_path)
    folder.mkdir(parents=True)
    (folder / "my_game.toml").write_text(OWN, encoding="utf-8")
    monkeypatch.setattr(module, "needs_launch", lambda profile: True)
    monkeypatch.setattr(launch, "program", lambda: Path("/usr/games/minetest"))
    return tmp_path


def test_every_game_is_listed_once_and_the_open_one_is_marked(data: Path) -> None:
    games = game_list(data, "luanti")
    assert [each.name for each in games][:2] == ["doom", "luanti"]
    assert {"minecraft", "my_game"} <= {each.name for each in games}
    assert [each.name for each in games if each.in_use] == ["luanti"]
    assert not any(each.problem for each in games if each.name not in TITLES)


def test_minecraft_is_offered_with_what_it_lacks(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    games = {each.name: each for each in game_list(data, "doom")}
    assert "playteach games install minerl" in games["minerl"].problem
    assert "playteach games install minerl" in games["minerl-find-cave"].problem
    assert not games["minestudio"].slowable
    monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)
    games = {each.name: each for each in game_list(data, "minerl", slowed=True)}
    assert (games["minerl"].problem, games["minerl"].slowed) == ("", True)
    assert games["minestudio"].slowable
    assert "judges 6 sentences" in games["minerl"].detail
    assert "of others you are the judge" in games["minerl"].detail
    assert "you judge" in games["minerl-find-cave"].detail


def test_only_a_foreign_command_that_would_run_has_to_be_agreed_to(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = {each.name: each.command for each in game_list(data, "doom")}
    assert commands.pop("my_game") == ("my-game", "a b")
    assert set(commands.values()) == {()}
    monkeypatch.setattr(module, "needs_launch", lambda profile: False)
    assert not any(each.command for each in game_list(data, "doom"))


def test_what_cannot_be_played_here_is_said(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(profile: Profile) -> bool:
        raise GameError("This is a Wayland session.")

    monkeypatch.setattr(module, "needs_launch", refuse)
    monkeypatch.setattr(launch, "program", lambda: None)
    problems = {each.name: each.problem for each in game_list(data, "doom") if each.problem}
    assert problems["my_game"] == "This is a Wayland session."
    assert "not installed" in problems["luanti"]


def test_only_luanti_can_be_slowed_and_what_that_needs_is_said(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "faketime_library", lambda: Path("/usr/lib/libfaketime.so.1"))
    facts = {each.name: each for each in game_list(data, "luanti", slowed=True)}
    assert [each.name for each in facts.values() if each.slowable] == ["luanti"]
    assert facts["luanti"].slowed
    assert facts["luanti"].slow_problem == ""
    monkeypatch.setattr(launch, "faketime_library", lambda: None)
    luanti = {each.name: each for each in game_list(data, "doom")}["luanti"]
    assert not luanti.slowed
    assert "apt-get install faketime" in luanti.slow_problem


def test_a_broken_profile_is_told_of_and_every_other_game_offered(data: Path) -> None:
    for name in ("bad", "luanti"):
        (profiles_folder(data) / f"{name}.toml").write_text("schema = 9", encoding="utf-8")
    games = game_list(data, "doom")
    problems = {each.name: each.problem for each in games if each.name not in TITLES}
    assert "my_game" in problems
    assert {name for name, problem in problems.items() if problem} == {"bad", "luanti"}
    assert games[-1].problem.startswith("The game profile bad.toml cannot be used")
    # Nor is it played by other keys than the person's own.
    for name in ("bad", "luanti"):
        with pytest.raises(DataError, match=rf"{name}\.toml"):
            open_game(name, data=data)
    # A file of that name can be made anew.
    assert "bad" not in DesktopCalibration(data).taken_names()


@pytest.mark.parametrize(
    ("arguments", "game", "launch"),
    [
        ([], "doom", False),
        (["--game", "luanti"], "luanti", False),
        (["--game", "my_game", "--launch"], "my_game", True),
        (["tasks"], "doom", False),
        (["--game", "luanti", "tasks"], "luanti", False),
        (["tasks", "--game", "luanti"], "luanti", False),
        (["play", "--instruction", "go", "--game", "mine", "--launch"], "mine", True),
    ],
)
def test_the_game_may_stand_before_or_behind_the_command(
    arguments: list[str], game: str, launch: bool
) -> None:
    options = build_parser().parse_args(arguments)
    assert (options.game, options.launch) == (game, launch)
