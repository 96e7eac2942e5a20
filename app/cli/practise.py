"""``playteach practise``: the agent plays by itself and learns from what came of it."""

from __future__ import annotations

import argparse

from app.automation.round_log import RoundDiary
from app.cli.common import data_folder, say
from app.cli.round import taught, taught_base, told


def run(options: argparse.Namespace) -> int:
    """Practise, gate, measure, and put to use what passed.

    Ctrl-C cancels: the agent and the database stay as they were.  Raises UsageError for a sentence
    that nobody can judge, and for a game that cannot be practised.
    """
    from app.cli.model_flags import play_options
    from recorder.games import required_task, task_list
    from recorder.games.base import Asked
    from recorder.store import Store
    from trainer.rounds.client import RoundClient

    folder = data_folder(options)
    every = task_list(options.game, folder)
    asked = [
        Asked(required_task(options.game, every, each, "nothing was practised"), each)
        for each in options.sentence
    ]
    base = taught_base(options)
    diary = RoundDiary(tell=say)
    with Store.open(folder) as store:
        client = RoundClient(folder, store, base, play_options(options))
        result = taught(
            client,
            options,
            diary,
            lambda: client.run(
                questions=asked,
                game=options.game,
                say=diary.hear,
                practice_min=options.minutes,
            ),
        )
    return told(options, result, diary)
