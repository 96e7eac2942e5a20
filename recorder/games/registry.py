"""What is known of every game before it is opened: one entry a game.

A game that Playteach itself judges is a folder beside this file and an entry in :data:`GAMES`.
Any other game in a window of its own needs a profile alone (``desktop/profile.py``).  An entry's
functions import the game's module when they are called, so a game that nobody plays costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.errors import DataError, UsageError
from recorder.games.base import Asked, Game, Missing, Task
from recorder.games.minecraft.names import TITLES as MINECRAFT_TITLES
from recorder.games.minecraft.names import engine_of

if TYPE_CHECKING:
    from recorder.games.desktop.profile import Profile

DEFAULT_GAME = "doom"
DEFAULT_SUITE = "default"
DEFAULT_CHECKPOINT = "checkpoint"
"""The folder, below ``assets``, of the model that plays a game without one of its own."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a game is to be opened; each game reads what concerns it.

    ``width`` and ``height`` are the frames' in pixels.  For games in a window of their own:
    ``data`` is the folder with the person's profiles, ``hotkeys`` are the person's, and
    ``confirmed`` is the command that the person agreed to.
    """

    width: int = 640
    height: int = 360
    slowed: bool = False
    data: Path | None = None
    hotkeys: Mapping[str, str] = field(default_factory=dict)
    confirmed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class FirstLesson:
    """A sentence that the default model fails at and a person shows easily.

    ``how`` says in a sentence of its own how it is done.
    """

    sentence: str
    how: str


@dataclass(frozen=True, slots=True)
class GameSpec:
    """One game, as it is known before it is opened.

    Attributes:
        name: what ``--game`` and the database call it.
        title: its name for a person.
        opens: starts it; raises what :func:`recorder.games.open_game` raises.
        tasks: returns what it can judge, in a fixed order, without starting it.
        realtime: its world does not wait for its player, unless it is opened in slowed time.
        own_window: it is played in a window of its own, on the person's screen.
        described: all that is known of it is a profile; its window is the person's to open.
        can_be_slowed: it can be opened so that it waits for a slow player's every thought.
        detail: the beginning of a sentence on it for the list of games; who judges is added.
        needs: how to install what a pip package cannot bring, "" if it needs nothing more.
        missing: tells what of that is not there, None for nothing.  A game without it, unless it
            is ``described``, can be started at any time.
        slow_missing: tells why it cannot be slowed on this machine, in one sentence or "".
        checkpoint: the folder below ``assets`` of the model that plays it.
        expert: "module:class" of a scripted player that is made with the opened game and may read
            its hidden state, "" if it has none.  The trainer imports it; the recorder never does.
        suites: the names of its fixed lists that are measured.
        read_suites: returns these lists by name, None if the only one is every task.
        lessons: sentences one of which the demo teaches.
        first_lesson: what a person is led to teach first, None for nothing.
        trained: returns every task of its default checkpoint's training, None if only the
            checkpoint's own list of sentences tells.

    """

    name: str
    title: str
    opens: Callable[[Opening], Game]
    tasks: Callable[[], Sequence[Task]]
    realtime: bool = False
    own_window: bool = False
    described: bool = False
    can_be_slowed: bool = False
    detail: str = ""
    needs: str = ""
    missing: Callable[[], Missing | None] | None = None
    slow_missing: Callable[[], str] | None = None
    checkpoint: str = DEFAULT_CHECKPOINT
    expert: str = ""
    suites: tuple[str, ...] = (DEFAULT_SUITE,)
    read_suites: Callable[[], Mapping[str, tuple[Asked, ...]]] | None = None
    lessons: tuple[str, ...] = ()
    first_lesson: FirstLesson | None = None
    trained: Callable[[], Sequence[Task]] | None = None


# The practice yard


def _open_yard(opening: Opening) -> Game:
    from recorder.games.doom.game import DoomGame

    return DoomGame(width=opening.width, height=opening.height)


def _yards_tasks() -> Sequence[Task]:
    from recorder.games.doom.tasks import ALL_TASKS

    return ALL_TASKS


def _yards_training() -> Sequence[Task]:
    from recorder.games.doom.tasks import TRAINED_TASKS

    return TRAINED_TASKS


def _yards_suites() -> Mapping[str, tuple[Asked, ...]]:
    from recorder.games.doom.tasks import SUITES

    return SUITES


# Luanti


def _open_luanti(opening: Opening) -> Game:
    from recorder.games.desktop.profile import with_hotkeys
    from recorder.games.luanti.game import open_luanti
    from recorder.shipped_assets import shipped_assets

    profile = with_hotkeys(_profile("luanti", opening.data), opening.hotkeys)
    return open_luanti(shipped_assets(), profile, slowed=opening.slowed)


def _luantis_tasks() -> Sequence[Task]:
    from recorder.games.luanti.tasks import TASKS

    return TASKS


def _luanti_missing() -> Missing | None:
    from recorder.games.luanti.launch import program

    if program() is not None:
        return None
    return Missing("is not installed, so it cannot be played")


def _luanti_slow_missing() -> str:
    from recorder.games.luanti.launch import SLOW_NEEDS, faketime_library

    return SLOW_NEEDS if faketime_library() is None else ""


# Minecraft


def _open_minecraft(name: str, opening: Opening) -> Game:
    from recorder.games.minecraft.game import MinecraftGame

    del opening
    return MinecraftGame.start(name)


def _minecrafts_tasks(name: str) -> Sequence[Task]:
    from recorder.games.minecraft.game import goals_of

    return tuple(goal.task for goal in goals_of(name))


def _minecraft_missing(name: str) -> Missing | None:
    from recorder.games.minecraft.game import missing_installation

    return missing_installation(name)


def _minecraft(name: str, title: str) -> GameSpec:
    return GameSpec(
        name,
        title,
        partial(_open_minecraft, name),
        partial(_minecrafts_tasks, name),
        can_be_slowed=True,
        detail="Minecraft 1.16.5 in Playteach's own window",
        needs=f"install it with: playteach games install {engine_of(name)}",
        missing=partial(_minecraft_missing, name),
    )


# Games that a profile describes


def _open_described(name: str, opening: Opening) -> Game:
    from recorder.games.desktop.opening import open_profile
    from recorder.games.desktop.profile import with_hotkeys

    profile = with_hotkeys(_profile(name, opening.data), opening.hotkeys)
    return open_profile(profile, confirmed=opening.confirmed)


def _no_tasks() -> Sequence[Task]:
    return ()


def _described(name: str, title: str, *, checkpoint: str = DEFAULT_CHECKPOINT) -> GameSpec:
    return GameSpec(
        name,
        title,
        partial(_open_described, name),
        _no_tasks,
        realtime=True,
        own_window=True,
        described=True,
        detail="In its own window",
        checkpoint=checkpoint,
    )


GAMES: tuple[GameSpec, ...] = (
    GameSpec(
        DEFAULT_GAME,
        "Practice yard",
        _open_yard,
        _yards_tasks,
        detail="Doom's engine inside Playteach",
        expert="trainer.experts.yard:ExpertPolicy",
        suites=(
            DEFAULT_SUITE,
            "seen",
            "heldout-combinations",
            "two-step",
            "heldout-phrasings",
            "free",
        ),
        read_suites=_yards_suites,
        trained=_yards_training,
        # The default model was never trained on the words of the first, nor on the second's verb
        # with its thing.
        lessons=("use your gun on the barrel", "shoot the farthest zombie", "go to the barrel"),
        first_lesson=FirstLesson(
            "use your gun on the barrel",
            "Turn around with the mouse until you see the barrel, bring it to the middle, and hold "
            "the left button until it bursts.",
        ),
    ),
    GameSpec(
        "luanti",
        "Luanti",
        _open_luanti,
        _luantis_tasks,
        realtime=True,
        own_window=True,
        can_be_slowed=True,
        detail="A free game like Minecraft, started in a world of its own",
        needs="on Debian or Ubuntu: sudo apt-get install minetest minetest-data",
        missing=_luanti_missing,
        slow_missing=_luanti_slow_missing,
        checkpoint="checkpoint-luanti",
        expert="trainer.experts.luanti:LuantiExpert",
        lessons=("go to the white post", "collect the diamond"),
    ),
    # Only what its profile cannot say needs an entry: the model that plays it.
    _described("luanti_own", "Luanti, in a world of your own", checkpoint="checkpoint-luanti"),
    *(_minecraft(name, title) for name, title in MINECRAFT_TITLES.items()),
)
"""Every game that has an entry; :func:`all_games` adds those that only a profile describes."""


def registered(name: str) -> GameSpec | None:
    """Return the entry of the game called ``name``, None if it has none."""
    return next((spec for spec in GAMES if spec.name == name), None)


def own_window_profiles(data: Path | None = None) -> dict[str, Profile]:
    """Return the profiles of games in a window of their own, Luanti's too, by name.

    ``data`` is the data folder, in which a person's own profiles lie.  Those of theirs that
    cannot be read are left out (:func:`unreadable_games`).
    """
    from recorder.games.desktop.profile import find_profiles, profiles_folder
    from recorder.shipped_assets import shipped_assets

    own = None if data is None else profiles_folder(data)
    return find_profiles(shipped_assets() / "games", own)


def unreadable_games(data: Path | None) -> dict[str, str]:
    """Return why games of a person's own profiles cannot be played, one sentence each, by name."""
    from recorder.games.desktop.profile import profiles_folder, unreadable_profiles

    return {} if data is None else unreadable_profiles(profiles_folder(data))


def _profile(name: str, data: Path | None) -> Profile:
    """Return a game's profile; raises DataError if the person's own one cannot be read."""
    if (problem := unreadable_games(data).get(name)) is not None:
        # Not the shipped one instead: its keys are not the ones that the person has set.
        raise DataError(problem)
    return own_window_profiles(data)[name]


def all_games(data: Path | None = None) -> tuple[GameSpec, ...]:
    """Return every game that can be asked for: those with an entry, then the described ones.

    ``data`` is the data folder, in which a person's own profiles lie.
    """
    described = (
        _described(name, profile.title)
        for name, profile in sorted(own_window_profiles(data).items())
        if registered(name) is None
    )
    return (*GAMES, *described)


def game_spec(name: str, data: Path | None = None, *, so: str = "nothing was done") -> GameSpec:
    """Return what is known of the game called ``name``.

    ``data`` is the data folder with the person's own profiles.  Raises UsageError for a name that
    is no game, in which ``so`` says what that means, and DataError for a profile that cannot be
    read.
    """
    if (spec := registered(name)) is not None:
        return spec
    every = all_games(data)
    for spec in every:
        if spec.name == name:
            return spec
    if (problem := unreadable_games(data).get(name)) is not None:
        raise DataError(problem)
    raise UsageError(
        f"There is no game called {name!r}, so {so}; choose one of: "
        f"{', '.join(each.name for each in every)}."
    )
