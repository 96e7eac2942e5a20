import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.errors import GameError, UsageError
from recorder.games.base import Task, free_task
from recorder.games.luanti.game import verdict
from recorder.games.luanti.judge import JudgeClient, state_of
from recorder.games.luanti.layouts import COOKED, RECIPES, build_layout
from recorder.games.luanti.tasks import RIVALS, TASKS, goal_of
from recorder.types import Outcome

STATE = {
    "ev": "state", "pos": [1.0, 8.5, -2.0], "yaw": 90.0, "pitch": 10.0, "hp": 20,
    "vel": [3.0, 0.0, 4.0], "slot": 1, "wield": "", "main": [[3, "default:wood", 2]], "craft": None,
    "near": [["__builtin:item", 1, 2, 3, "default:apple"]], "us": "123456789",
}  # fmt: skip


def test_there_are_enough_tasks_of_every_kind_and_none_twice() -> None:
    assert len(TASKS) >= 20
    assert {task.verb for task in TASKS} == {
        "mine", "craft", "smelt", "cook", "kill", "place", "go_to", "collect"
    }  # fmt: skip
    assert len({task.id for task in TASKS}) == len({t.instruction for t in TASKS}) == len(TASKS)
    for task in TASKS:
        goal = goal_of(task)
        assert goal is not None
        assert goal.verb != "craft" or goal.key in RECIPES
        assert goal.verb not in {"smelt", "cook"} or goal.key in COOKED


def test_a_free_task_has_no_goal_and_a_foreign_one_is_refused() -> None:
    assert goal_of(free_task("dance")) is None
    with pytest.raises(UsageError, match="tasks"):
        goal_of(Task("go_to:red_torch", "go to the red torch"))


@settings(max_examples=60)
@given(st.sampled_from(TASKS), st.integers(0, 10**6))
def test_a_layout_is_the_same_every_time_and_has_room(task: Task, seed: int) -> None:
    layout = build_layout(goal_of(task), task.id, seed)
    assert layout == build_layout(goal_of(task), task.id, seed)
    # The command crosses into Lua as JSON.
    assert json.loads(json.dumps(layout.command)) == layout.command
    for spot in layout.obstacles:
        assert 2.0 <= math.hypot(spot.x, spot.z) <= 10.5
    if task.verb in {"mine", "smelt", "cook", "go_to"} and task.id != "mine:dirt":
        first = layout.targets[0]
        yaw = math.degrees(math.atan2(-first.x, first.z))
        off = (layout.yaw_deg - yaw + 180) % 360 - 180
        # In front of the player, with a little for whole coordinates.
        assert abs(off) < 60


@settings(max_examples=40)
@given(st.sampled_from([task for task in TASKS if task.verb == "craft"]), st.integers(0, 999))
def test_what_a_recipe_needs_is_in_the_hotbar(task: Task, seed: int) -> None:
    goal = goal_of(task)
    assert goal is not None
    have: dict[str, int] = {}
    for slot, stack in build_layout(goal, task.id, seed).command["give"]:
        name, _, count = stack.partition(" ")
        assert 1 <= slot <= 8
        have[name] = int(count or 1)
    for name in {item for _, item in RECIPES[goal.key]}:
        assert have[name] >= sum(item == name for _, item in RECIPES[goal.key])


def test_seeds_differ() -> None:
    task = TASKS[0]
    yaws = {build_layout(goal_of(task), task.id, seed).yaw_deg for seed in range(20)}
    assert len(yaws) == 20


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_the_right_event_is_a_success_and_a_rivals_is_not(task: Task) -> None:
    goal = goal_of(task)
    assert goal is not None

    def happens(name: str) -> Outcome | None:
        event = {
            "mine": {"ev": "dig", "node": name},
            "craft": {"ev": "craft", "item": name},
            "kill": {"ev": "kill", "target": name},
            "place": {"ev": "place", "node": name},
        }.get(goal.verb, {"ev": "inv", "d": {name: 1}})
        return verdict(goal, event)

    if goal.verb != "go_to":
        assert happens(goal.target) is Outcome.SUCCESS
        for rival in RIVALS[goal.verb] - goal.wanted:
            assert happens(rival) is not Outcome.SUCCESS
    assert verdict(goal, {"ev": "inv", "d": {goal.target: -1}}) is None
    assert verdict(goal, {"ev": "died"}) is Outcome.FAILURE
    assert verdict(goal, {"ev": "join"}) is None


def test_a_state_is_read() -> None:
    state = state_of(STATE)
    assert (state.x, state.speed, state.us) == (1.0, 5.0, 123456789)
    assert state.count("default:wood") == 2
    assert state.craft == ()
    assert state.near[0].item == "default:apple"


def test_the_log_is_read_line_by_line_and_a_half_line_waits(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    judge = JudgeClient(tmp_path)
    assert judge.poll() == []
    log.write_text('{"ev":"join"}\n' + json.dumps(STATE) + '\n{"ev":"di', encoding="ascii")
    assert judge.poll() == [{"ev": "join"}]
    assert judge.state == state_of(STATE)
    with log.open("a", encoding="ascii") as more:
        more.write('ed"}\n')
    assert judge.poll() == [{"ev": "died"}]


def test_a_game_that_ended_is_told_of(tmp_path: Path) -> None:
    judge = JudgeClient(tmp_path, alive=lambda: False)
    with pytest.raises(GameError, match="ended"):
        judge.wait_for(lambda event: True, 5.0)


def test_a_layout_that_failed_is_told_of(tmp_path: Path) -> None:
    judge = JudgeClient(tmp_path)
    answer = {"ev": "cmd", "id": "1", "ok": False, "err": "no player"}
    (tmp_path / "events.jsonl").write_text(json.dumps(answer) + "\n", encoding="ascii")
    with pytest.raises(GameError, match="no player"):
        judge.lay_out({"pos": [0, 0, 0]})
    assert json.loads((tmp_path / "cmd.json").read_text())["id"] == "1"
