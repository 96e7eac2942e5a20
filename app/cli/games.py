"""``playteach games``: what can be played, and the sentences that it can judge."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypedDict

from app.cli.common import data_folder, emit, say, table
from recorder.errors import ExitCode
from recorder.games.base import Bindings


def list_(options: argparse.Namespace) -> int:
    """List the games."""
    from recorder.games import game_names, task_list, unreadable_games

    data = data_folder(options)
    for problem in unreadable_games(data).values():
        say(problem)
    found = [{"name": name, "tasks": len(task_list(name, data))} for name in game_names(data)]
    emit(options, found, table([list(game.values()) for game in found], ["game", "tasks"]))
    return int(ExitCode.OK)


def install(options: argparse.Namespace) -> int:
    """Prepare a simulator's own environment; raises GameError where something is missing."""
    from app.setup.minecraft_install import install as prepare

    python = prepare(options.name, say, force=options.anyway)
    document = {"game": options.name, "python": str(python)}
    emit(options, document, [f"{options.name} is installed; play it with --game."])
    return int(ExitCode.OK)


class _Facts(TypedDict):
    name: str
    title: str
    tick_rate_hz: float
    realtime: bool
    keys: dict[str, str]
    key_names: str
    launch: list[str]
    shipped: bool


def show(options: argparse.Namespace) -> int:
    """Show a game's keys and tasks; raises UsageError for an unknown game."""
    from recorder.games import task_list

    data = data_folder(options)
    found = task_list(options.name, data)
    facts = _facts(options.name, data)
    document = {**facts, "tasks": [asdict(task) for task in found]}
    lines = [f"{facts['title']} ({facts['name']}), {facts['tick_rate_hz']:g} ticks a second", ""]
    lines += table(list(facts["keys"].items()), ["control", "key"])
    if facts["launch"]:
        # As a list: it is run as such, and no shell reads it.
        lines += ["", f"its own command: {facts['launch']!r}"]
    lines += [
        "",
        *table(
            [(t.id, t.instruction, t.max_ticks) for t in found],
            ["task", "instruction", "ticks at most"],
        ),
    ]
    emit(options, document, lines)
    return int(ExitCode.OK)


def _facts(name: str, data: Path) -> _Facts:
    from recorder.games import open_game, own_window_profiles

    profile = own_window_profiles(data).get(name)
    if profile is not None:
        # Its profile says it all: no window is opened to show a list of keys.
        return _table(
            profile.name,
            profile.title,
            profile.tick_rate_hz,
            True,
            profile.bindings,
            launch=profile.launch,
            shipped=profile.shipped,
        )
    game = open_game(name)
    try:
        return _table(
            game.name,
            game.title,
            game.tick_rate_hz,
            game.realtime,
            game.bindings,
            launch=(),
            shipped=True,
        )
    finally:
        game.close()


def _table(
    name: str,
    title: str,
    tick_rate_hz: float,
    realtime: bool,
    bindings: Bindings,
    *,
    launch: Sequence[str],
    shipped: bool,
) -> _Facts:
    return {
        "name": name,
        "title": title,
        "tick_rate_hz": tick_rate_hz,
        "realtime": realtime,
        "keys": dict(bindings.keys),
        "key_names": "letters" if bindings.letters else "places",
        "launch": list(launch),
        "shipped": shipped,
    }
