"""What can be practised: in which game, by which model, which sentences.  No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model.vla.memory import is_small
from model.vla.play_options import PlayOptions
from model.vla.preprocess import load_spec
from recorder.errors import ModelError, UsageError
from recorder.games import game_spec, judged_task
from recorder.games.base import Task


def unfit(game: str, data: Path, base: Path, options: PlayOptions) -> str:
    """Return why the agent cannot practise here, one sentence, "" if it can.

    Raises ModelError for a folder that is no checkpoint, UsageError for a game that is not there.
    """
    if game_spec(game, data).own_window:
        return (
            "Practice needs a game that waits for every answer and can run several times at once, "
            f"which {game} cannot, so nothing was begun; practise in the practice yard."
        )
    if not (base / "config.json").is_file():
        raise ModelError(
            f"There is no checkpoint in {base.name!r}, so nothing can be practised; choose a model."
        )
    spec = options.applied_to(load_spec(base))
    if not is_small(base) or spec.history or options.precision:
        return (
            f"{base.name!r} is too large to practise here, or looks back at earlier pictures, "
            "so nothing was begun; let a small model practise, and teach this one by rounds."
        )
    return ""


def judged(tasks: Sequence[Task], sentences: Sequence[str]) -> list[tuple[Task, str]]:
    """Return each sentence with the one of ``tasks`` that judges it; raises UsageError if none."""
    found = [(judged_task(tasks, each), each) for each in sentences]
    for task, sentence in found:
        if task is None:
            raise UsageError(
                f"Nobody can judge “{sentence}” while the agent practises alone, so nothing was "
                "begun; choose a sentence of `playteach tasks`."
            )
    return [(task, sentence) for task, sentence in found if task is not None]
