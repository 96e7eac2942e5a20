"""Games by name.  A game's module is imported only when the game is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.errors import UsageError
from recorder.games.base import Asked, Bindings, Game, Task, free_task
from recorder.games.sentences import judged_task, possible_tasks, required_task

if TYPE_CHECKING:
    from recorder.games.desktop.profile import Profile

MINECRAFT_GAMES: tuple[str, ...] = (
    "minerl", "minestudio", "minerl-find-cave", "minerl-make-waterfall", "minerl-animal-pen",
    "minerl-village-house",
)  # fmt: skip
GAME_NAMES: tuple[str, ...] = ("doom", "luanti", *MINECRAFT_GAMES)
DEFAULT_SUITE = "default"
REALTIME_GAMES = frozenset({"luanti"})
"""Games whose world does not wait, unless they are opened in slowed time."""

__all__ = [
    "DEFAULT_SUITE",
    "GAME_NAMES",
    "MINECRAFT_GAMES",
    "REALTIME_GAMES",
    "Asked",
    "Bindings",
    "Game",
    "Task",
    "agreed_command",
    "find_task",
    "free_task",
    "game_names",
    "judged_task",
    "open_game",
    "own_window_profiles",
    "possible_tasks",
    "required_task",
    "suites_of",
    "task_list",
]


def own_window_profiles(data: Path | None = None) -> dict[str, Profile]:
    """Return the profiles of games in a window of their own, Luanti's too, by name.

    ``data`` is the data folder, in which a person's own profiles lie.  Raises DataError for
    a profile that cannot be read.
    """
    from recorder.games.desktop.profile import find_profiles, profiles_folder
    from recorder.games.luanti.profile import shipped_assets

    own = None if data is None else profiles_folder(data)
    return find_profiles(shipped_assets() / "games", own)


def game_names(data: Path | None = None) -> tuple[str, ...]:
    """Return every game that can be asked for: the judged ones, then the described ones."""
    described = (name for name in own_window_profiles(data) if name not in GAME_NAMES)
    return (*GAME_NAMES, *sorted(described))


def agreed_command(name: str, data: Path | None, agreed: bool) -> tuple[str, ...] | None:
    """Return the command of a game's profile where the person agreed to it, else None."""
    profile = own_window_profiles(data).get(name) if agreed else None
    return None if profile is None else profile.launch


def _not_slowed(title: str) -> UsageError:
    return UsageError(f"{title} cannot be slowed, so it was not started; leave --slowed out.")


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

    ``slowed`` lets a game of :data:`REALTIME_GAMES` wait for every step.  For games in a
    window of their own: ``data`` is the folder with the person's profiles, ``hotkeys``
    are the person's, and ``confirmed`` is the command that the person agreed to.

    Raises UsageError for a name that is no game, GameError where it cannot start.
    """
    if name == "doom":
        from recorder.games.doom.game import DoomGame

        if slowed:
            raise _not_slowed(DoomGame.title)
        return DoomGame(width=width, height=height)
    if name in MINECRAFT_GAMES:
        from recorder.games.minecraft.game import MinecraftGame

        return MinecraftGame.start(name)
    profile = own_window_profiles(data).get(name)
    if profile is None:
        raise _no_such_game(name, data, "nothing was started")
    from recorder.games.desktop.profile import with_hotkeys

    profile = with_hotkeys(profile, hotkeys or {})
    if name == "luanti":
        from recorder.games.luanti.game import open_luanti
        from recorder.games.luanti.profile import shipped_assets

        return open_luanti(shipped_assets(), profile, slowed=slowed)
    if slowed:
        raise _not_slowed(profile.title)
    from recorder.games.desktop.opening import open_profile

    return open_profile(profile, confirmed=confirmed)


def task_list(name: str, data: Path | None = None) -> tuple[Task, ...]:
    """Return the tasks of the game called ``name`` without starting it.

    A game that nobody described the rules of has none.
    """
    if name == "doom":
        from recorder.games.doom.tasks import ALL_TASKS

        return ALL_TASKS
    if name in MINECRAFT_GAMES:
        from recorder.games.minecraft.game import goals_of

        return tuple(goal.task for goal in goals_of(name))
    if name == "luanti":
        from recorder.games.luanti.tasks import TASKS as LUANTI_TASKS

        return LUANTI_TASKS
    if name in own_window_profiles(data):
        return ()
    raise _no_such_game(name, data, "it has no tasks")


def _no_such_game(name: str, data: Path | None, so: str) -> UsageError:
    return UsageError(
        f"There is no game called {name!r}, so {so}; choose one of: {', '.join(game_names(data))}."
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
    """Return the game's task for a sentence by :func:`judged_task`, else a free task."""
    return judged_task(game.tasks(), instruction) or free_task(instruction.strip())
