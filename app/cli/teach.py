"""``playteach round``: one LoRA round on what the database holds."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from app.cli.common import data_folder, emit, say
from app.rounds import RoundDiary
from recorder.errors import ExitCode, KnownError


def run(options: argparse.Namespace) -> int:
    """Train, gate, measure, and put to use what passed.

    Ctrl-C cancels: the agent and the database stay as they were.
    """
    from model.paths import default_checkpoint
    from recorder.store import RoundStatus, Store, parse_query
    from trainer.round_client import RoundClient

    parse_query(options.episodes)
    folder = data_folder(options)
    diary = RoundDiary(tell=say)
    with Store.open(folder) as store:
        client = RoundClient(folder, store, default_checkpoint(options.game))
        try:
            result = client.run(options.episodes, game=options.game, say=diary.hear)
        except KeyboardInterrupt:
            client.cancel()
            raise
    if result.status is not RoundStatus.DONE:
        problem = KnownError(result.sentence)
        problem.exit_code = result.exit_code
        raise problem
    document = {
        "round": result.round_id,
        "status": result.status.value,
        "sentence": result.sentence,
        "adapter": result.adapter_id,
        "activated": result.activated,
        "verdict": None if result.verdict is None else asdict(result.verdict),
        **diary.document(),
    }
    in_use = (
        f"Adapter {result.adapter_id} plays from now on; `playteach adapters rollback` goes back."
        if result.activated
        else f"Adapter {result.adapter_id} is listed but not in use; the agent plays as before."
    )
    times = f"Training and offline gates took {diary.training_s or 0:.0f} s"
    if diary.evaluation_s is not None:
        times += f", the paired evaluation {diary.evaluation_s:.0f} s"
    emit(options, document, [result.sentence, in_use, times + "."])
    return int(ExitCode.OK)
