"""What the agent may practise, as the window offers it, and why it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from app.backend.models.catalogue import options_of
from app.backend.models.loader import ModelLoader
from app.backend.ports import TeachFacts
from recorder.errors import KnownError
from recorder.games import judged_task
from recorder.games.base import Task
from recorder.store import RoundRow
from trainer.evaluation.verdicts.stored_verdicts import read_lines
from trainer.evaluation.verdicts.verdict import Part
from trainer.practice.fit import unfit


def practice_blocked(loader: ModelLoader, game: str, data: Path) -> str:
    """Return why what plays cannot practise in a game, one sentence, "" if it can."""
    if loader.not_taught:
        return loader.not_taught
    try:
        return unfit(game, data, loader.base, options_of(loader.choice))
    except KnownError as error:
        return error.sentence


def to_practise(
    tasks: Sequence[Task],
    rounds: Iterable[RoundRow],
    facts: TeachFacts,
    by_eye: Callable[[str], bool],
) -> tuple[str, ...]:
    """Return the judged sentences that were shown since the last round, and those of that round.

    ``rounds`` are in the order in which they began; the newest that made an adapter counts.
    ``by_eye`` says whether the agent's own eye may judge a sentence that the game does not.
    """
    newest = next((row for row in reversed(list(rounds)) if row.adapter_id), None)
    lines = () if newest is None else read_lines(newest.verdict)
    said = [each.sentence for each in facts.lessons]
    said += [each.name for each in lines if each.part is Part.TAUGHT]
    return tuple(
        each for each in dict.fromkeys(said) if judged_task(tasks, each) is not None or by_eye(each)
    )
