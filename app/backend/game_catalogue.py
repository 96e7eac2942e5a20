"""What the window offers to play."""

from __future__ import annotations

from pathlib import Path

from app.backend.game_ports import GameFacts
from recorder.errors import KnownError
from recorder.games import own_window_profiles
from recorder.games.desktop.opening import needs_launch
from recorder.games.desktop.profile import Profile
from recorder.games.luanti.launch import HOW_TO, SLOW_NEEDS, faketime_library, program
from recorder.games.minecraft.game import BASALT, ENGINES, goals_of, installation, title_of

YARD = GameFacts(
    "doom", "Practice yard", "Doom's engine inside Playteach; it judges every attempt."
)
LUANTI_DETAIL = "A free game like Minecraft, started in a world of its own; it judges 28 sentences."


def game_list(data: Path, in_use: str, *, slowed: bool = False) -> tuple[GameFacts, ...]:
    """Return every game, the embedded one first; ``slowed`` is how the open one runs.

    Raises DataError where a profile cannot be read.
    """
    games = [GameFacts(YARD.name, YARD.title, YARD.detail, in_use=in_use == YARD.name)]
    profiles = own_window_profiles(data)
    for name in sorted(profiles, key=lambda each: (each != "luanti", each)):
        games.append(_facts(profiles[name], in_use == name, slowed))
    games += [_minecraft(name, in_use == name, slowed) for name in (*ENGINES, *BASALT)]
    return tuple(games)


def _minecraft(name: str, in_use: bool, slowed: bool) -> GameFacts:
    try:
        installation(name)
        problem = ""
    except KnownError as error:
        problem = error.sentence
    detail = "Minecraft 1.16.5 in Playteach's own window; "
    try:
        judged = len(goals_of(name))
        detail += f"its counters judge {judged} sentences." if judged else "you judge the attempts."
    except KnownError as error:
        problem = problem or error.sentence
    return GameFacts(
        name,
        title_of(name),
        detail,
        in_use,
        problem=problem,
        slowable=not problem,
        slowed=in_use and slowed,
    )


def _facts(profile: Profile, in_use: bool, slowed: bool) -> GameFacts:
    if profile.name == "luanti":
        problem = "" if program() is not None else f"Luanti is not installed; {HOW_TO}."
        return GameFacts(
            profile.name,
            profile.title,
            LUANTI_DETAIL,
            in_use,
            problem=problem,
            slowable=not problem,
            slow_problem="" if faketime_library() is not None else SLOW_NEEDS,
            slowed=in_use and slowed,
        )
    command: tuple[str, ...] = ()
    detail = "In its own window, which must be open; you judge the attempts."
    if profile.launch:
        detail = "In its own window; you judge the attempts."
        try:
            unknown = not profile.shipped and needs_launch(profile)
        except KnownError as error:
            return GameFacts(profile.name, profile.title, detail, in_use, problem=error.sentence)
        command = profile.launch if unknown else ()
    return GameFacts(profile.name, profile.title, detail, in_use, command=command)
