"""Which sentences a round is measured with: the judged tasks of what it learns from.

What was only watched since the last round is no lesson.  To play it would take time, would make the
test of the lessons stricter, and if nobody can judge it, no round could be put in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recorder.games.base import Asked, Task
from recorder.store import EpisodeRow, Reader, Split
from trainer.data.material import PERSONS, taught_rows, usable_of
from trainer.rounds.inputs import chosen_episodes


def title_of(questions: Sequence[Asked]) -> str:
    """Return what a round was about in a few words: the things it was taught with.

    A sentence about no thing ("turn left") stands for itself.
    """
    things = list(dict.fromkeys(question.task.thing or question.heard for question in questions))
    return ", ".join(things[:2]) + (f" and {len(things) - 2} more" if len(things) > 2 else "")


def questions_of(data: Path, round_id: int, query: str, game: str) -> list[Asked]:
    """Return the judged tasks of what a round learns from, as they were said.

    The sentence decides, as everywhere; an episode whose sentence is none of the game's own any
    more keeps the task that it was recorded with.
    """
    return [Asked(task, said) for said, task in _lessons(data, round_id, query, game) if task]


def free_sentences_of(data: Path, round_id: int, query: str, game: str) -> list[str]:
    """Return the sentences of what a round learns from whose play nobody can judge."""
    return [said for said, task in _lessons(data, round_id, query, game) if task is None]


def _lessons(data: Path, round_id: int, query: str, game: str) -> list[tuple[str, Task | None]]:
    """Return each sentence that the person taught, with its task if one can be judged.

    If they taught none, those that the agent learns of from its own successes.
    """
    from recorder.games import judged_task, task_list

    every = task_list(game, data)
    recorded = {task.id: task for task in every}
    shown: dict[tuple[str, str], Task | None] = {}
    watched: dict[tuple[str, str], Task | None] = {}
    with Reader.open(data) as reader:
        for row in taught_rows(chosen_episodes(reader, query, round_id)):
            for said, by_person in _learnt_of(reader, row):
                task = judged_task(every, said)
                if task is None and said == row.instruction:
                    task = recorded.get(row.task_id)
                found = shown if by_person else watched
                found["" if task is None else task.id, said] = task
    return [(said, task) for (_, said), task in (shown or watched).items()]


def _learnt_of(reader: Reader, row: EpisodeRow) -> list[tuple[str, bool]]:
    """Return the sentences of the ticks of an episode that are learnt from: it may be none.

    Each with whether a person drove in such a tick.
    """
    if row.split is not Split.TRAIN:
        return []
    usable = {each.index: each.kind in PERSONS for each in usable_of(reader, row).usable}
    texts = {each.id: each.text for each in reader.instructions(row.id)}
    said = [
        (texts[each.instruction_id], usable[each.index])
        for each in reader.ticks(row.id)
        if each.index in usable
    ]
    return list(dict.fromkeys(said))
