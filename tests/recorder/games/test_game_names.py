from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from recorder.errors import DataError, UsageError
from recorder.games import (
    GAME_NAMES,
    agreed_command,
    find_task,
    game_names,
    open_game,
    task_list,
)
from recorder.games.base import Game, Task
from recorder.games.desktop.profile import profiles_folder

OWN = """
schema = 1
name = "my_game"
title = "My game"
window_title = "^My game"
launch = ["my-game", "--windowed"]
[keys]
forward = "W"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = profiles_folder(tmp_path)
    folder.mkdir(parents=True)
    (folder / "my_game.toml").write_text(OWN, encoding="utf-8")
    return tmp_path


def test_the_persons_own_games_are_listed_behind_the_judged_ones(data: Path) -> None:
    names = game_names(data)
    assert names[: len(GAME_NAMES)] == GAME_NAMES
    assert {"minecraft", "my_game"} <= set(names)
    assert "my_game" not in game_names()
    assert len(set(names)) == len(names)


def test_a_game_that_nobody_judges_has_no_tasks(data: Path) -> None:
    assert task_list("my_game", data) == ()
    assert len(task_list("luanti", data)) >= 20
    with pytest.raises(UsageError, match=r"choose one of: .*my_game"):
        task_list("chess", data)


def test_only_a_command_that_was_agreed_to_counts(data: Path) -> None:
    assert agreed_command("my_game", data, True) == ("my-game", "--windowed")
    assert agreed_command("my_game", data, False) is None
    assert agreed_command("doom", data, True) is None


def test_an_unknown_game_is_refused_with_all_that_there_are(data: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing was started; choose one of: doom, luanti"):
        open_game("chess", data=data)


def test_a_game_of_the_persons_own_cannot_be_slowed(data: Path) -> None:
    with pytest.raises(UsageError, match="cannot be slowed"):
        open_game("my_game", data=data, slowed=True)


def test_a_broken_profile_is_told_of(data: Path) -> None:
    (profiles_folder(data) / "bad.toml").write_text("schema = 7", encoding="utf-8")
    # It keeps no other game from being played.
    assert "bad" not in game_names(data)
    assert "my_game" in game_names(data)
    with pytest.raises(DataError, match=r"bad\.toml"):
        open_game("bad", data=data)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("chop a tree", "1"),
        ("Chop the tree.", "1"),
        ("chop tree", "1"),
        ("go to the sheep", "2"),
        ("go to a sheep", "3"),
        # Which of the two is not said.
        ("go to sheep", "free"),
        ("chop the trees", "free"),
    ],
)
def test_articles_do_not_matter_where_one_task_is_left(said: str, found: str) -> None:
    tasks = (
        Task("1", "chop a tree"),
        Task("2", "go to the sheep"),
        Task("3", "go to a sheep"),
    )
    game = cast("Game", SimpleNamespace(tasks=lambda: tasks))
    assert find_task(game, said).id == found
