"""``playteach tasks``: every sentence that a game can judge."""

from __future__ import annotations

import argparse

from app.cli.common import data_folder, emit, table
from recorder.errors import ExitCode


def run(options: argparse.Namespace) -> int:
    """List a game's tasks; raises UsageError for an unknown game."""
    from recorder.games import task_list

    tasks = task_list(options.game, data_folder(options))
    document = [
        {
            "id": task.id,
            "verb": task.verb,
            "thing": task.thing,
            "instruction": task.instruction,
            "phrasings": list(task.phrasings),
            "heldout_phrasings": list(task.heldout_phrasings),
            "split": task.split,
            "max_ticks": task.max_ticks,
        }
        for task in tasks
    ]
    rows = [(task.id, task.verb, task.thing, task.split, task.instruction) for task in tasks]
    emit(options, document, table(rows, ["task", "verb", "thing", "split", "instruction"]))
    return int(ExitCode.OK)
