"""The sentences that the practice yard can judge."""

from __future__ import annotations

from dataclasses import dataclass

from recorder.errors import UsageError
from recorder.games.base import Task
from recorder.games.doom.things import KIND_BY_KEY, Kind

# 2.5 times the teacher's median number of ticks (17.5 a second), measured over 50 seeds
# of every task of a verb; `tests/recorder/test_doom.py` measures a part of it again.
MAX_TICKS = {"go to": 82, "pick up": 92, "shoot": 75}

_PLAN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("go to", ("red_torch", "green_torch", "blue_torch", "barrel")),
    ("pick up", ("medkit", "shotgun", "green_armor", "blue_keycard")),
    ("shoot", ("imp", "zombie", "demon", "barrel")),
)


@dataclass(frozen=True, slots=True)
class Goal:
    """What a task wants in the engine's terms: a verb and the kind of its target."""

    verb: str
    kind: Kind


def _tasks() -> tuple[Task, ...]:
    tasks = []
    for verb, keys in _PLAN:
        for key in keys:
            phrase = KIND_BY_KEY[key].phrase
            tasks.append(
                Task(
                    id=f"{verb.replace(' ', '_')}:{key}",
                    instruction=f"{verb} the {phrase}",
                    verb=verb,
                    thing=phrase,
                    max_ticks=MAX_TICKS[verb],
                )
            )
    return tuple(tasks)


TASKS: tuple[Task, ...] = _tasks()
TASK_BY_ID: dict[str, Task] = {task.id: task for task in TASKS}


def goal_of(task: Task) -> Goal | None:
    """Return what ``task`` wants; None for a free task.

    Raises UsageError for a task of another game.
    """
    if not task.judged:
        return None
    verb, _, key = task.id.partition(":")
    kind = KIND_BY_KEY.get(key)
    if kind is None or task.id not in TASK_BY_ID:
        raise UsageError(
            f"The practice yard has no task {task.id!r}, so it cannot judge it; "
            "see `playteach games show doom` for its tasks."
        )
    return Goal(verb.replace("_", " "), kind)
