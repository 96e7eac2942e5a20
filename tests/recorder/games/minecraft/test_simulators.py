"""The worker against MineRL's and MineStudio's own code, with MineRL's fake environment.

``PLAYTEACH_TEST_MINERL`` names the Python of an environment in which MineStudio is installed
(``pip install minestudio==1.1.6``); neither Java nor its engine is needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from places import HELPERS
from simulator_python import NO_SIMULATOR, set_up_minerl

from recorder.errors import GameError
from recorder.games import open_game
from recorder.games.base import free_task
from recorder.games.minecraft.game import MinecraftGame
from recorder.games.minecraft.process import SimulatorProcess
from recorder.games.minecraft.tasks import GOALS, TASKS
from recorder.types import Action, Outcome

DIG = Action(attack=True)
Said = Callable[[], list[str]]

pytestmark = [NO_SIMULATOR, pytest.mark.timeout(900)]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    """What would have gone to Java since the last question."""
    file = tmp_path / "commands"
    file.touch()
    monkeypatch.setenv("PLAYTEACH_TEST_COMMANDS", str(file))
    set_up_minerl(tmp_path, monkeypatch)

    def read() -> list[str]:
        lines = file.read_text().splitlines()
        file.write_text("")
        return lines

    return read


@pytest.fixture
def game(said: Said, request: pytest.FixtureRequest) -> Iterator[MinecraftGame]:
    opened = open_game(request.param)
    assert isinstance(opened, MinecraftGame)
    yield opened
    opened.close()


@pytest.mark.parametrize("game", ["minerl"], indirect=True)
def test_minerl_is_seeded_commanded_played_and_judged(game: MinecraftGame, said: Said) -> None:
    assert [warning.partition(",")[0] for warning in game.warnings] == [
        "This simulator does not know drop"
    ]
    zombie = next(task for task in TASKS if task.id == "kill_entity:zombie")
    frame = game.reset(zombie, 41)
    assert frame.rgb.shape == (360, 640, 3)
    seeded, *commands = said()
    assert seeded == "seed 41"
    goal = next(goal for goal in GOALS if goal.task is zombie)
    assert commands == [f"chat {command}" for command in goal.commands]
    game.step(Action(forward=True, sprint=True, jump=True, hotbar=3, camera=(1.5, -3.0)))
    (line,) = said()
    assert set(line.split(" | ")) == {
        "forward 1", "sprint 1", "jump 1", "hotbar.3 1", "camera 1.5 -3.0",
    }  # fmt: skip
    game.step(Action(drop=True, inventory=True, use=True, sneak=True))
    (line,) = said()
    assert {"inventory 1", "use 1", "sneak 1"} <= set(line.split(" | "))
    game.reset(TASKS[0], 7)
    for _ in range(2):
        game.step(DIG)
    assert game.outcome() is None
    game.step(DIG)
    assert game.outcome() is Outcome.SUCCESS
    # The next attempt begins at nothing, whatever the counter says.
    game.reset(TASKS[0], 8)
    game.step(Action())
    assert game.outcome() is None


@pytest.mark.parametrize("game", ["minerl-find-cave"], indirect=True)
def test_basalt_s_worlds_show_the_picture_and_judge_nothing(
    game: MinecraftGame, said: Said
) -> None:
    assert game.title == "Minecraft (BASALT, find a cave)"
    assert game.tasks() == ()
    for seed in (1, 2):
        assert game.reset(free_task("find a cave"), seed).rgb.any()
        assert said()[0] == f"seed {seed}"
        game.step(Action(forward=True))
        assert said() == ["forward 1"]
    assert game.outcome() is None


def test_minestudio_s_own_simulator_lacks_drop_and_takes_commands(said: Said) -> None:
    process = SimulatorProcess(
        Path(os.environ["PLAYTEACH_TEST_MINERL"]), "simulators:make_minestudio", folders=[HELPERS]
    )
    try:
        game = MinecraftGame("minestudio", process)
        (warning,) = game.warnings
        assert warning.startswith("This simulator does not know drop,")
        stone = next(task for task in TASKS if task.id == "mine_block:stone")
        game.reset(stone, 12)
        lines = said()
        assert lines[0] == "seed 12"
        # Its own twenty empty ticks come first.
        assert lines[-1] == "chat /replaceitem entity @s weapon.mainhand minecraft:stone_pickaxe"
        game.step(Action(drop=True, attack=True, camera=(0.15, 0.0)))
        (line,) = said()
        assert line.startswith("attack 1 | camera 0.15")
        game.reset(TASKS[0], 13)
        for _ in range(3):
            game.step(DIG)
        assert game.outcome() is Outcome.SUCCESS
    finally:
        process.close()


def test_a_simulator_of_another_minecraft_is_told_of(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "minerl" / "__init__.py"
    older.write_text(
        older.read_text()
        + "\nimport minerl.herobraine.hero.mc as tables\n"
        + "tables.mc_constants_file = 'mc_constants.json'\n"
    )
    game = MinecraftGame.start("minerl")
    try:
        assert "version 1.11.2" in game.warnings[-1]
    finally:
        game.close()
    monkeypatch.setenv("PYTHONPATH", "")
    with pytest.raises(GameError, match="No module named 'minerl'"):
        MinecraftGame.start("minerl")
