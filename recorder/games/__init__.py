"""Games by name.  A game's module is imported only when the game is opened."""

from __future__ import annotations

from collections.abc import Mapping

from recorder.errors import UsageError
from recorder.games.base import Asked, Bindings, Game, Task, free_task

GAME_NAMES: tuple[str, ...] = ("doom",)
DEFAULT_SUITE = "default"

__all__ = [
    "DEFAULT_SUITE",
    "GAME_NAMES",
    "Asked",
    "Bindings",
    "Game",
    "Task",
    "find_task",
    "free_task",
    "open_game",
    "suites_of",
    "task_list",
]


def open_game(name: str, *, width: int = 640, height: int = 360) -> Game:
    """Start the game called ``name``; frames are height x width x 3.

    Raises UsageError for a name that is no game, GameError where it cannot start.
    """
    if name == "doom":
        from recorder.games.doom.game import DoomGame

        return DoomGame(width=width, height=height)
    raise UsageError(
        f"There is no game called {name!r}, so nothing was started; "
        f"choose one of: {', '.join(GAME_NAMES)}."
    )


def task_list(name: str) -> tuple[Task, ...]:
    """Return the tasks of the game called ``name`` without starting it."""
    if name == "doom":
        from recorder.games.doom.tasks import ALL_TASKS

        return ALL_TASKS
    raise UsageError(
        f"There is no game called {name!r}, so it has no tasks; "
        f"choose one of: {', '.join(GAME_NAMES)}."
    )


def suites_of(name: str) -> Mapping[str, tuple[Asked, ...]]:
    """Return the fixed lists that are measured in the game called ``name``.

    DEFAULT_SUITE is always among them.  Raises UsageError for a name that is no game.
    """
    if name == "doom":
        from recorder.games.doom.tasks import SUITES

        return SUITES
    return {DEFAULT_SUITE: tuple(Asked(task) for task in task_list(name))}


def find_task(game: Game, instruction: str) -> Task:
    """Return the game's task for a sentence, or a free task where it has none.

    Any phrasing of a task is its sentence.  Case, surrounding space and a final full stop
    do not matter.
    """
    wanted = normalise_instruction(instruction)
    for task in game.tasks():
        said = (task.instruction, *task.phrasings, *task.heldout_phrasings)
        if any(normalise_instruction(each) == wanted for each in said):
            return task
    return free_task(instruction.strip())


def normalise_instruction(text: str) -> str:
    """Fold case, white space, a leading article and a final full stop."""
    return " ".join(text.lower().strip().rstrip(".!").split())
