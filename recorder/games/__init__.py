"""Games by name.  A game's module is imported only when the game is opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.errors import UsageError
from recorder.games.base import Asked, Bindings, Game, Task, free_task

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
    "open_game",
    "own_window_profiles",
    "suites_of",
    "task_list",
    "task_of",
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
    """Return the game's task for a sentence, or a free task where it has none.

    Any phrasing of a task is its sentence.  Case, surrounding space and a final full stop
    do not matter, and nor does "a" or "the" where only one task is left by that.
    """
    return task_of(tuple(game.tasks()), instruction)


def task_of(tasks: tuple[Task, ...], instruction: str) -> Task:
    """Return the one of ``tasks`` that a sentence asks for, or a free task; as :func:`find_task`.

    Every command and the window find a sentence's task by this function and no other.
    """
    exact, bare = _by_sentence(tasks)
    said = normalise_instruction(instruction)
    if said in exact:
        return exact[said]
    meant = bare.get(without_articles(said), ())
    return meant[0] if len(meant) == 1 else free_task(instruction.strip())


@lru_cache(maxsize=8)
def _by_sentence(
    tasks: tuple[Task, ...],
) -> tuple[Mapping[str, Task], Mapping[str, tuple[Task, ...]]]:
    """Return the first task of each sentence, and every task of each without articles."""
    exact: dict[str, Task] = {}
    bare: dict[str, dict[str, Task]] = {}
    for task, sentence in sentences_of(tasks):
        text = normalise_instruction(sentence)
        exact.setdefault(text, task)
        bare.setdefault(without_articles(text), {})[task.id] = task
    return exact, {text: tuple(found.values()) for text, found in bare.items()}


def sentences_of(tasks: Iterable[Task]) -> Iterator[tuple[Task, str]]:
    """Yield every task with each of its sentences, its own one first."""
    for task in tasks:
        for each in (task.instruction, *task.phrasings, *task.heldout_phrasings):
            yield task, each


def normalise_instruction(text: str) -> str:
    """Fold case, white space and a final full stop."""
    return " ".join(text.lower().strip().rstrip(".!").split())


def without_articles(text: str) -> str:
    """Return a normalised sentence without its articles."""
    return " ".join(word for word in text.split() if word not in {"a", "an", "the"})
