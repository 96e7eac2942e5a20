"""The sentences that the practice yard can judge, read from assets/tasks/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recorder.errors import UsageError
from recorder.games.base import Asked, Task
from recorder.games.doom import goals
from recorder.games.doom.goals import Goal, parse_goal
from recorder.games.doom.things import DOOR, KEY, MONSTER, SWITCH, WEAPON

SORTS = frozenset({KEY, WEAPON, MONSTER, DOOR, SWITCH})
"""Families whose name is a word that a player uses for any of them."""
KEEP_AWAY_TICKS = 90
"""So long must something be kept away from."""

# 2.5 times the expert's median number of ticks (17.5 a second), measured over 320 starts
# of every verb; `tests/recorder/games/doom/test_doom.py` measures a part of it again.
MAX_TICKS: dict[str, int] = {
    goals.GO_TO: 65,
    goals.PICK_UP: 70,
    goals.SHOOT: 65,
    goals.FACE: 45,
    goals.KEEP_AWAY: 225,
    goals.OPEN: 88,
    goals.PRESS: 90,
    goals.SWITCH_TO: 20,
    goals.TURN_LEFT: 16,
    goals.TURN_RIGHT: 16,
    goals.TURN_AROUND: 40,
    goals.WALK_FORWARD: 32,
    goals.WALK_BACK: 32,
    goals.WALK_SIDEWAYS: 32,
    goals.STAND_STILL: 118,
}


def task_folder() -> Path:
    """Return where the curriculum's lists are."""
    return Path(__file__).resolve().parents[3] / "assets" / "tasks"


def _read(name: str) -> Any:
    return json.loads((task_folder() / name).read_text(encoding="utf-8"))


def time_limit(goal: Goal) -> int:
    """Return how many ticks a goal may take: the sum of its steps'."""
    return sum(MAX_TICKS[step.verb] for step in goal.steps)


def _sort(goal: Goal) -> str:
    """Return what a player calls all the things of the family of a goal's only thing."""
    kind = goal.steps[0].kind if len(goal.steps) == 1 else None
    # Nobody says "go to the landmark".
    return kind.family if kind is not None and kind.family in SORTS else ""


def _tasks() -> tuple[Task, ...]:
    tasks = []
    for row in _read("tasks.json"):
        goal = parse_goal(row["id"])
        if goal is None:
            raise ValueError(f"assets/tasks/tasks.json: {row['id']!r} spells no goal")
        tasks.append(
            Task(
                id=row["id"],
                instruction=row["phrasings"][0],
                verb=row["verb"],
                thing=row["thing"],
                max_ticks=time_limit(goal),
                phrasings=tuple(row["phrasings"]),
                heldout_phrasings=tuple(row["heldout_phrasings"]),
                split=row["split"],
                sort=_sort(goal),
            )
        )
    return tuple(tasks)


def _suites() -> dict[str, tuple[Asked, ...]]:
    return {
        name: tuple(Asked(TASK_BY_ID[entry["task"]], entry["say"]) for entry in entries)
        for name, entries in _read("suites.json").items()
    }


ALL_TASKS: tuple[Task, ...] = _tasks()
"""Every task; the default suite's come first."""
TASK_BY_ID: dict[str, Task] = {task.id: task for task in ALL_TASKS}
SUITES: dict[str, tuple[Asked, ...]] = _suites()
"""Fixed lists that are measured, by name."""
TASKS: tuple[Task, ...] = tuple(asked.task for asked in SUITES["default"])
"""The twelve instructions of the default suite."""
TRAINED_TASKS: tuple[Task, ...] = tuple(task for task in ALL_TASKS if task.split == "train")


def goal_of(task: Task) -> Goal | None:
    """Return what ``task`` wants; None for a free task.

    Raises UsageError for a task of another game.
    """
    if not task.judged:
        return None
    goal = parse_goal(task.id) if task.id in TASK_BY_ID else None
    if goal is None:
        raise UsageError(
            f"The practice yard has no task {task.id!r}, so it cannot judge it; "
            "see `playteach tasks --game doom` for its tasks."
        )
    return goal
