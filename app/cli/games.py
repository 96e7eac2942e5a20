"""``playteach games``: what can be played, and the sentences that it can judge."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from app.cli.common import emit, say, table
from recorder.errors import ExitCode


def list_(options: argparse.Namespace) -> int:
    """List the games."""
    from recorder.games import GAME_NAMES, task_list

    found = [{"name": name, "tasks": len(task_list(name))} for name in GAME_NAMES]
    emit(options, found, table([list(game.values()) for game in found], ["game", "tasks"]))
    return int(ExitCode.OK)


def install(options: argparse.Namespace) -> int:
    """Prepare a simulator's own environment; raises GameError where something is missing."""
    from app.minecraft_install import install as prepare

    python = prepare(options.name, say, force=options.anyway)
    document = {"game": options.name, "python": str(python)}
    emit(options, document, [f"{options.name} is installed; play it with --game."])
    return int(ExitCode.OK)


def show(options: argparse.Namespace) -> int:
    """Show a game's keys and tasks; raises UsageError for an unknown game."""
    from recorder.games import open_game, task_list

    tasks = task_list(options.name)
    game = open_game(options.name)
    try:
        document = {
            "name": game.name,
            "title": game.title,
            "tick_rate_hz": game.tick_rate_hz,
            "realtime": game.realtime,
            "keys": dict(game.bindings.keys),
            "tasks": [asdict(task) for task in tasks],
        }
        lines = [f"{game.title} ({game.name}), {game.tick_rate_hz:g} ticks a second", ""]
        lines += table([(c, k) for c, k in game.bindings.keys.items()], ["control", "key"])
    finally:
        game.close()
    lines += ["", *table([(t.id, t.instruction, t.max_ticks) for t in tasks],
                         ["task", "instruction", "ticks at most"])]  # fmt: skip
    emit(options, document, lines)
    return int(ExitCode.OK)
