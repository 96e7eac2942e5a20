"""Games by name.  A game's module is imported only when the game is opened."""

from __future__ import annotations

from recorder.errors import UsageError
from recorder.games.base import Bindings, Game, Task, free_task

GAME_NAMES: tuple[str, ...] = ("doom", "luanti")
REALTIME_GAMES = frozenset({"luanti"})
"""Games whose world does not wait, unless they are opened in slowed time."""

__all__ = [
    "GAME_NAMES",
    "REALTIME_GAMES",
    "Bindings",
    "Game",
    "Task",
    "find_task",
    "free_task",
    "open_game",
    "task_list",
]


def open_game(name: str, *, width: int = 640, height: int = 360, slowed: bool = False) -> Game:
    """Start the game called ``name``; frames are height x width x 3.

    ``slowed`` lets a game of :data:`REALTIME_GAMES` wait for every step.

    Raises UsageError for a name that is no game, GameError where it cannot start.
    """
    if name == "doom":
        from recorder.games.doom.game import DoomGame

        return DoomGame(width=width, height=height)
    if name == "luanti":
        from recorder.games.luanti.game import open_luanti
        from recorder.games.luanti.profile import shipped_assets, shipped_profile

        return open_luanti(shipped_assets(), shipped_profile(), slowed=slowed)
    raise UsageError(
        f"There is no game called {name!r}, so nothing was started; "
        f"choose one of: {', '.join(GAME_NAMES)}."
    )


def task_list(name: str) -> tuple[Task, ...]:
    """Return the tasks of the game called ``name`` without starting it."""
    if name == "doom":
        from recorder.games.doom.tasks import TASKS

        return TASKS
    if name == "luanti":
        from recorder.games.luanti.tasks import TASKS as LUANTI_TASKS

        return LUANTI_TASKS
    raise UsageError(
        f"There is no game called {name!r}, so it has no tasks; "
        f"choose one of: {', '.join(GAME_NAMES)}."
    )


def find_task(game: Game, instruction: str) -> Task:
    """Return the game's task for a sentence, or a free task where it has none.

    Case, surrounding space and a final full stop do not matter.
    """
    wanted = normalise_instruction(instruction)
    for task in game.tasks():
        if normalise_instruction(task.instruction) == wanted:
            return task
    return free_task(instruction.strip())


def normalise_instruction(text: str) -> str:
    """Fold case, white space, a leading article and a final full stop."""
    return " ".join(text.lower().strip().rstrip(".!").split())
