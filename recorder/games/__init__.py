"""Games by name.  A game's module is imported only when the game is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from recorder.errors import UsageError
from recorder.games.base import Asked, Bindings, Game, Task, free_task
from recorder.games.registry import (
    DEFAULT_GAME,
    DEFAULT_SUITE,
    GAMES,
    GameSpec,
    Opening,
    all_games,
    game_spec,
    own_window_profiles,
    registered,
    unreadable_games,
)
from recorder.games.sentences import judged_task, possible_tasks, required_task

GAME_NAMES: tuple[str, ...] = tuple(spec.name for spec in GAMES)
"""Games with an entry of their own; no profile of a person's may take their names."""

__all__ = [
    "DEFAULT_GAME",
    "DEFAULT_SUITE",
    "GAME_NAMES",
    "Asked",
    "Bindings",
    "Game",
    "GameSpec",
    "Task",
    "agreed_command",
    "all_games",
    "find_task",
    "free_task",
    "game_names",
    "game_spec",
    "judged_task",
    "open_game",
    "own_window_profiles",
    "possible_tasks",
    "registered",
    "required_task",
    "suites_of",
    "task_list",
    "unreadable_games",
]


def game_names(data: Path | None = None) -> tuple[str, ...]:
    """Return the names of :func:`all_games`, in their order."""
    return tuple(spec.name for spec in all_games(data))


def agreed_command(name: str, data: Path | None, agreed: bool) -> tuple[str, ...] | None:
    """Return the command of a game's profile where the person agreed to it, else None."""
    profile = own_window_profiles(data).get(name) if agreed else None
    return None if profile is None else profile.launch


def open_game(
    name: str,
    *,
    width: int = 640,
    height: int = 360,
    slowed: bool = False,
    data: Path | None = None,
    hotkeys: Mapping[str, str] | None = None,
    confirmed: tuple[str, ...] | None = None,
) -> Game:
    """Start the game called ``name``; frames are height x width x 3.

    ``slowed`` lets a game that can be slowed wait for every step; the rest is as in
    :class:`~recorder.games.registry.Opening`.

    Raises UsageError for a name that is no game, GameError where it cannot start.
    """
    spec = game_spec(name, data, so="nothing was started")
    if slowed and not spec.can_be_slowed:
        raise UsageError(
            f"{spec.title} cannot be slowed, so it was not started; leave --slowed out."
        )
    return spec.opens(Opening(width, height, slowed, data, dict(hotkeys or {}), confirmed))


def task_list(name: str, data: Path | None = None) -> tuple[Task, ...]:
    """Return the tasks of the game called ``name`` without starting it.

    A game that nobody described the rules of has none.
    """
    return tuple(game_spec(name, data, so="it has no tasks").tasks())


def suites_of(name: str) -> Mapping[str, tuple[Asked, ...]]:
    """Return the fixed lists that are measured in the game called ``name``.

    DEFAULT_SUITE is always among them.  Raises UsageError for a name that is no game.
    """
    spec = game_spec(name, so="it has no tasks")
    if spec.read_suites is not None:
        return spec.read_suites()
    return {DEFAULT_SUITE: tuple(Asked(task) for task in spec.tasks())}


def find_task(game: Game, instruction: str) -> Task:
    """Return the game's task for a sentence by :func:`judged_task`, else a free task."""
    return judged_task(game.tasks(), instruction) or free_task(instruction.strip())
