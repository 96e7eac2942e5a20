"""What the window offers to play."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.backend.games.ports import GameFacts
from recorder.errors import KnownError
from recorder.games import GameSpec, all_games, own_window_profiles, unreadable_games
from recorder.games.desktop.opening import needs_launch
from recorder.games.desktop.profile import Profile


def game_list(data: Path, in_use: str, *, slowed: bool = False) -> tuple[GameFacts, ...]:
    """Return every game, the embedded one first; ``slowed`` is how the open one runs.

    A profile of a person's that cannot be read is a game with a problem, at the end.
    """
    profiles = own_window_profiles(data)
    unreadable = unreadable_games(data)
    games = [
        _described(spec, profiles[spec.name], spec.name == in_use)
        if spec.described
        else _facts(spec, spec.name == in_use, slowed)
        for spec in all_games(data)
    ]
    known = {game.name for game in games}
    return (
        *(
            replace(game, problem=unreadable[game.name]) if game.name in unreadable else game
            for game in games
        ),
        *(
            GameFacts(name, name, problem=problem)
            for name, problem in unreadable.items()
            if name not in known
        ),
    )


def _facts(spec: GameSpec, in_use: bool, slowed: bool) -> GameFacts:
    missing = None if spec.missing is None else spec.missing()
    problem = "" if missing is None else f"{spec.title} {missing.problem}; {spec.needs}."
    detail = spec.detail
    try:
        judged = len(spec.tasks())
        detail += (
            f"; it judges {judged} sentences, and of others you are the judge."
            if judged
            else "; you judge the attempts."
        )
    except KnownError as error:
        detail += "."
        problem = problem or error.sentence
    return GameFacts(
        spec.name,
        spec.title,
        detail,
        in_use,
        problem=problem,
        slowable=spec.can_be_slowed and not problem,
        slow_problem="" if spec.slow_missing is None else spec.slow_missing(),
        slowed=spec.can_be_slowed and in_use and slowed,
    )


def _described(spec: GameSpec, profile: Profile, in_use: bool) -> GameFacts:
    if not profile.launch:
        detail = f"{spec.detail}, which must be open; you judge the attempts."
        return GameFacts(spec.name, spec.title, detail, in_use)
    detail = f"{spec.detail}; you judge the attempts."
    try:
        unknown = not profile.shipped and needs_launch(profile)
    except KnownError as error:
        return GameFacts(spec.name, spec.title, detail, in_use, problem=error.sentence)
    return GameFacts(
        spec.name, spec.title, detail, in_use, command=profile.launch if unknown else ()
    )
