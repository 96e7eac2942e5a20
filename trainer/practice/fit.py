"""What can be practised: in which game, by which model, which sentences.  No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model.vla.memory import is_small
from model.vla.play_options import PlayOptions
from model.vla.preprocess import load_spec
from recorder.data_folder import database_path
from recorder.errors import ModelError, UsageError
from recorder.games import game_spec, judged_task
from recorder.games.base import Asked, Task, free_task
from recorder.store import Reader
from trainer.evaluation.eye.marks import enough_marks
from trainer.evaluation.eye.teaching import LEAST_OWN
from trainer.rounds.measuring.eyes import missing_marks


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


def practicable(
    data: Path, game: str, base: Path, tasks: Sequence[Task], sentences: Sequence[str]
) -> list[Asked]:
    """Return each sentence with what judges it: one of ``tasks``, or a free one for the own eye.

    Raises UsageError for a sentence that neither the game nor the agent's own eye can judge.
    """
    found = []
    for each in sentences:
        if not each.strip():
            raise UsageError(
                "A sentence to practise is empty, so nothing was begun; say what is to be "
                "practised, such as \u201cgo to the red torch\u201d."
            )
        task = judged_task(tasks, each)
        if task is None and not _marked(data, game, base, each):
            raise UsageError(nobody_judges(each, missing_marks(data, base, game, each)))
        found.append(Asked(free_task(each) if task is None else task, each))
    return found


def eye_may_judge(reader: Reader, game: str, base: Path, sentence: str) -> bool:
    """Whether so much of a sentence is marked that the agent's own eye may judge it.

    Without weights in ``base`` there is no eye.
    """
    from model.adapters.folders import fingerprint

    try:
        return enough_marks(reader, game, sentence, fingerprint(base))
    except ModelError:
        return False


def _marked(data: Path, game: str, base: Path, sentence: str) -> bool:
    if not database_path(data).is_file():
        return False
    with Reader.open(data) as reader:
        return eye_may_judge(reader, game, base, sentence)


def nobody_judges(sentence: str, more: str = "") -> str:
    """Return the sentence about one that cannot be practised; ``more`` is what helps."""
    more = more or (
        f"Mark {LEAST_OWN} of its attempts as done and {LEAST_OWN} as failed, or choose a sentence "
        "of `playteach tasks`."
    )
    return (
        f"Nobody can judge \u201c{sentence}\u201d while the agent practises alone, so nothing was "
        f"begun. {more}"
    )
