"""``playteach practise``: the agent plays by itself and learns from what succeeded."""

from __future__ import annotations

import argparse

from app.cli.common import data_folder
from app.cli.round import base_of, teach


def run(options: argparse.Namespace) -> int:
    """Practise, gate, measure, and put to use what passed.

    Ctrl-C cancels: the agent and the database stay as they were.  Raises UsageError for a sentence
    that nobody can judge, and for a game that cannot be practised.
    """
    from recorder.games import task_list
    from trainer.practice.fit import practicable

    data = data_folder(options)
    every = task_list(options.game, data)
    asked = practicable(data, options.game, base_of(options), every, options.sentence)
    return teach(
        options,
        lambda client, diary: client.run(
            questions=asked, game=options.game, say=diary.hear, practice_min=options.minutes
        ),
    )
