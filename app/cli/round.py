"""``playteach round``: one LoRA round on what the database holds."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from app.automation.round_log import RoundDiary
from app.cli.common import data_folder, emit, say
from recorder.errors import ExitCode, KnownError, UsageError

if TYPE_CHECKING:
    from trainer.rounds.books import RoundResult
    from trainer.rounds.client import RoundClient

CHECKING = "The lesson is measured; now it is checked that nothing it could before is lost."


def run(options: argparse.Namespace) -> int:
    """Train, gate, measure, and put to use what passed.

    Ctrl-C cancels: the agent and the database stay as they were.  Raises UsageError for a
    policy that cannot be taught and for a game that there is not.
    """
    from recorder.games import game_names
    from recorder.store import parse_query

    parse_query(options.episodes)
    folder = data_folder(options)
    if options.game not in game_names(folder):
        raise UsageError(
            f"There is no game called {options.game!r}, so no round was started; choose one of: "
            f"{', '.join(game_names(folder))}."
        )
    return teach(
        options,
        lambda client, diary: client.run(options.episodes, game=options.game, say=diary.hear),
    )


def teach(
    options: argparse.Namespace, run: Callable[[RoundClient, RoundDiary], RoundResult]
) -> int:
    """Let ``run`` teach and measure a lesson, check the rest, and print what came of it.

    Ctrl-C cancels.  Raises UsageError for a policy that cannot be taught, KnownError for a round
    that did not get to its end.
    """
    from app.cli.model_flags import play_options
    from recorder.store import RoundStatus, Store
    from trainer.rounds.client import RoundClient

    folder, base = data_folder(options), base_of(options)
    diary = RoundDiary(tell=say)
    with Store.open(folder) as store:
        client = RoundClient(folder, store, base, play_options(options))
        try:
            result = run(client, diary)
            if result.waits:
                say(CHECKING)
                result = result.after(
                    client.check_rest(result.round_id, game=options.game, say=diary.hear)
                )
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
    lines = [] if result.verdict is None else [line.sentence for line in result.verdict.lines]
    emit(options, document, [result.sentence, *lines, in_use, times + "."])
    return int(ExitCode.OK)


def base_of(options: argparse.Namespace) -> Path:
    """Return the checkpoint that is taught: named as for `playteach play`."""
    from app.cli.model_flags import checkpoint_folder, is_checkpoint
    from model.paths import default_checkpoint

    if options.policy in ("default", "base"):
        return default_checkpoint(options.game)
    if not is_checkpoint(options.policy):
        raise UsageError(
            f"{options.policy!r} cannot be taught, so no round was started; name a checkpoint's "
            "folder or one of the hub, such as owner/model."
        )
    return checkpoint_folder(options)
