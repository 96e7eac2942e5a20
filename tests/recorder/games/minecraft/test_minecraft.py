"""The simulator's process, the game in front of it, and tasks from files."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from places import HELPERS

from recorder.errors import GameEndedError, GameError, UsageError
from recorder.games import open_game, task_list
from recorder.games.base import Game, free_task
from recorder.games.minecraft import game as minecraft
from recorder.games.minecraft import process
from recorder.games.minecraft.game import MinecraftGame, installation
from recorder.games.minecraft.process import SimulatorProcess
from recorder.games.minecraft.tasks import GOALS, TASKS, load_goal
from recorder.types import Action, Outcome

OAK = TASKS[0]
DIG = Action(attack=True, camera=(0.0, 1.5))
Start = Callable[..., SimulatorProcess]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[SimulatorProcess] = []

    def begin(name: str = "MineRL", step_s: float = 60.0) -> SimulatorProcess:
        made = SimulatorProcess(
            Path(sys.executable), f"fake_minecraft:{name}", folders=[HELPERS], step_s=step_s
        )
        running.append(made)
        return made

    yield begin
    for each in running:
        each.close()


def test_a_task_is_played_and_judged_by_the_counters(start: Start) -> None:
    game = MinecraftGame("minerl", start())
    assert isinstance(game, Game)
    frame = game.reset(OAK, 7)
    assert (frame.rgb.shape, frame.rgb[0, 0].tolist()) == ((360, 640, 3), [0, 7, 0])
    frame = game.step(Action(forward=True))
    assert frame.rgb[0, 0, 0] == 1
    assert game.outcome() is None
    game.step(DIG)
    assert game.outcome() is Outcome.SUCCESS
    # What was mined before counts no more.
    game.reset(OAK, 8)
    assert game.outcome() is None
    game.close()
    game.close()


def test_a_simulator_that_ended_is_started_anew_by_the_next_reset(start: Start) -> None:
    game = MinecraftGame("minerl", start(), start_process=start)
    game.reset(OAK, 7)
    game.step(DIG)
    game._process._child.kill()
    with pytest.raises(GameEndedError, match="has ended"):
        game.step(DIG)
    # The seed of before, in a world that nobody has made yet.
    frame = game.reset(OAK, 7)
    assert frame.rgb[0, 0].tolist() == [0, 7, 0]
    assert game.outcome() is None
    game.step(DIG)
    assert game.outcome() is Outcome.SUCCESS
    game.close()


def test_a_world_in_which_nothing_was_done_is_kept(start: Start) -> None:
    game = MinecraftGame("minerl", start())
    asked: list[object] = []
    ask = game._process.ask

    def listen(order: dict[str, object], *rest: float) -> dict[str, object]:
        asked.append(order["do"])
        return ask(order, *rest)

    game._process.ask = listen  # type: ignore[method-assign]
    stone = next(task for task in TASKS if task.id == "mine_block:stone")
    for task, seed in ((OAK, 1), (OAK, 1), (OAK, 2), (stone, 2), (OAK, 2)):
        game.reset(task, seed)
    game.step(DIG)
    assert game.outcome() is Outcome.SUCCESS
    game.reset(OAK, 2)
    assert asked == ["reset", "begin", "reset", "begin", "reset", "step", "reset"]


def test_time_runs_out_and_worlds_end(start: Start) -> None:
    game = MinecraftGame("minerl", start())
    game.reset(free_task("look around"), 1)
    game.step(Action(hotbar=7))
    assert game.outcome() is Outcome.UNKNOWN
    game.reset(OAK, 1)
    game.step(Action(hotbar=7))
    assert game.outcome() is Outcome.FAILURE
    game.reset(OAK, 1)
    game._ticks = OAK.max_ticks - 1
    game.step(Action())
    assert game.outcome() is Outcome.TIMEOUT
    with pytest.raises(GameError, match="no task 'fly'"):
        game.reset(minecraft.Task("fly", "Fly."), 1)


def test_minestudio_s_interface_and_what_it_lacks(start: Start) -> None:
    game = MinecraftGame("minestudio", start("MineStudio"))
    assert "does not know drop" in game.warnings[0]
    frame = game.reset(OAK, 5)
    assert frame.rgb[0, 0, 1] == 5
    game.step(DIG)
    assert game.outcome() is Outcome.SUCCESS
    with pytest.raises(GameError, match="the socket died"):
        game.step(Action(hotbar=6))


def test_a_picture_unlike_the_model_s_is_told_of(start: Start) -> None:
    game = MinecraftGame("minerl", start())
    assert game.warnings == (
        "The picture differs from what the model was trained on (gamma_range [0, 0]), so it will "
        "play worse; use the simulator's own settings.",
    )
    small = MinecraftGame("minerl", start("Small"))
    with pytest.raises(GameError, match=r"\(64, 64, 3\) instead of"):
        small.reset(OAK, 1)


def test_a_simulator_s_mistake_is_one_sentence_and_it_goes_on(start: Start) -> None:
    game = MinecraftGame("minerl", start())
    game.reset(OAK, 1)
    with pytest.raises(GameError, match=r"RuntimeError: no such block\)") as caught:
        game.step(Action(hotbar=8))
    assert "and more" not in caught.value.sentence
    game.reset(OAK, 2)
    game.step(DIG)
    assert game.outcome() is Outcome.SUCCESS


def test_a_simulator_that_hangs_or_dies_is_told_of(start: Start) -> None:
    slow = start(step_s=0.5)
    slow.ask({"do": "reset", "seed": 1}, 60)
    with pytest.raises(GameEndedError, match=r"within 0\.5 s"):
        slow.ask({"do": "step", "action": {"hotbar": 9}})
    # Whoever resets starts a new one.
    assert slow.ended
    dying = start()
    with pytest.raises(GameError, match="has ended"):
        dying.ask({"do": "reset", "seed": 1, "commands": ["/crash"]})


def test_a_simulator_that_hung_is_started_anew_by_the_next_reset(start: Start) -> None:
    game = MinecraftGame("minerl", start(step_s=1.0), start_process=start)
    game.reset(OAK, 1)
    with pytest.raises(GameEndedError, match="was ended"):
        game.step(Action(hotbar=9))
    game.reset(OAK, 2)
    game.step(DIG)
    assert game.outcome() is Outcome.SUCCESS


def test_an_answer_to_another_order_is_not_taken_for_this_ones(start: Start) -> None:
    slow = start()
    slow.ask({"do": "reset", "seed": 1})
    pipe = slow._child.stdin
    assert pipe is not None
    dig = {"attack": True, "camera": (0.0, 1.5)}
    pipe.write(json.dumps({"do": "step", "action": dig, "number": -1}) + "\n")
    assert slow.ask({"do": "reset", "seed": 2})["count"] == 0
    assert slow.picture()[0, 0].tolist() == [0, 2, 0]
    assert slow.ask({"do": "step", "action": {}})["count"] == 0
    assert slow.picture()[0, 0].tolist() == [1, 2, 0]


def test_a_simulator_that_says_nothing_any_more_and_stays_is_killed(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LEAVE_S", 0.3)
    hung = start()
    began_s = time.monotonic()
    with pytest.raises(GameEndedError, match="has ended"):
        hung.ask({"do": "reset", "seed": 1, "commands": ["/hang"]})
    assert hung.ended
    hung.close()
    assert time.monotonic() - began_s < 30


def runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def test_closing_waits_for_nothing_that_outlives_the_simulator(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LEAVE_S", 1.0)
    parent = start()
    parent.ask({"do": "reset", "seed": 1, "commands": ["/java"]})
    family = psutil.Process(parent._child.pid).children()
    assert len(family) == 1
    began_s = time.monotonic()
    parent.close()
    assert time.monotonic() - began_s < 30
    ends_s = time.monotonic() + 30
    while (left := [each for each in family if runs(each)]) and time.monotonic() < ends_s:
        time.sleep(0.02)
    assert not left


def test_a_simulator_that_has_ended_is_told_of_at_every_order(start: Start) -> None:
    dying = start()
    for _ in range(2):
        with pytest.raises(GameError, match="has ended"):
            dying.ask({"do": "reset", "seed": 1, "commands": ["/crash"]})


def test_a_python_without_the_simulator_says_so(tmp_path: Path) -> None:
    with pytest.raises(GameError, match="No module named 'not_there'"):
        SimulatorProcess(Path(sys.executable), "not_there:Env")
    with pytest.raises(GameError, match="cannot be started"):
        SimulatorProcess(tmp_path / "python", "minerl")


def test_a_game_that_is_not_installed_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(minecraft.PYTHON_VARIABLE, raising=False)
    monkeypatch.setattr(minecraft, "engines_folder", lambda: tmp_path)
    with pytest.raises(GameError, match="playteach games install minerl"):
        open_game("minerl")
    (tmp_path / "minerl.json").write_text('{"python": "/a/python"}')
    assert installation("minerl").python == Path("/a/python")
    with pytest.raises(UsageError, match="minestudio"):
        open_game("pong")


TASK = """
task_conf:
- {name: mine_iron, text: "Mine the iron ore."}
reward_conf:
- {event: mine_block, max_reward_times: 2, reward: 1.0, objects: [iron_ore], identity: a}
command: ["/time set day"]
"""


def test_tasks_come_from_yaml_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "iron.yaml"
    path.write_text(TASK)
    goal = load_goal(path)
    assert (goal.event, goal.objects, goal.count) == ("mine_block", ("iron_ore",), 2)
    assert goal.commands == ("/time set day",)
    monkeypatch.setenv(minecraft.TASKS_VARIABLE, str(tmp_path))
    assert [task.instruction for task in task_list("minestudio")] == [
        *(task.instruction for task in TASKS),
        "Mine the iron ore.",
    ]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[", "cannot be read"),
        ("- 1", "no table"),
        ("text: 3", "'text'"),
        ("text: go", "'reward_conf'"),
        ("{text: go, reward_conf: [{event: fly}]}", "reward_conf.event"),
        ("{text: go, reward_conf: [{event: pickup, objects: x}]}", "reward_conf.objects"),
        ("{text: go, reward_conf: [{event: pickup, max_reward_times: 0}]}", "max_reward_times"),
        ("{text: go, reward_conf: [{event: pickup}], command: [1]}", "'command'"),
    ],
)
def test_a_malformed_task_names_its_field(tmp_path: Path, text: str, field: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(GameError, match=field):
        load_goal(path)


def test_goals_have_sentences_in_the_library_s_style() -> None:
    for goal in GOALS:
        assert goal.task.instruction.endswith(".")
        assert goal.task.id == f"{goal.event}:{goal.objects[0]}"
