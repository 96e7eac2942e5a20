"""``playteach games``: what can be played, and the sentences that it can judge."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from app.cli.common import emit, table
from recorder.errors import ExitCode


def list_(options: argparse.Namespace) -> int:
    """List the games."""
    from recorder.games import GAME_NAMES, task_list

    found = [{"name": name, "tasks": len(task_list(name))} for name in GAME_NAMES]
    emit(options, found, table([list(game.values()) for game in found], ["game", "tasks"]))
    return int(ExitCode.OK)


def tasks(options: argparse.Namespace) -> int:
    """List a game's tasks without starting it; raises UsageError for an unknown game."""
    from recorder.games import task_list

    found = task_list(options.game)
    rows = [(task.id, task.instruction, task.max_ticks) for task in found]
    emit(options, [asdict(task) for task in found],
         table(rows, ["task", "instruction", "ticks at most"]))  # fmt: skip
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
