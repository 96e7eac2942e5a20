"""What a round is measured with: the judged tasks of its episodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recorder.store import Reader
from trainer.evaluation.run import Question
from trainer.rounds.inputs import chosen_episodes


def title_of(questions: Sequence[Question]) -> str:
    """Return what a round was about in a few words: the things it was taught with."""
    things = list(dict.fromkeys(question.task.thing for question in questions))
    return ", ".join(things[:2]) + (f" and {len(things) - 2} more" if len(things) > 2 else "")


def questions_of(data: Path, round_id: int, query: str, game: str) -> list[Question]:
    """Return the judged tasks of the queried episodes, as they were said.

    The sentence decides, as everywhere; an episode whose sentence is none of the game's own any
    more keeps the task that it was recorded with.
    """
    from recorder.games import judged_task, task_list

    every = task_list(game, data)
    tasks = {task.id: task for task in every}
    found: dict[tuple[str, str], Question] = {}
    with Reader.open(data) as reader:
        rows = chosen_episodes(reader, query, round_id)
    for row in rows:
        task = judged_task(every, row.instruction) or tasks.get(row.task_id)
        if task is not None:
            question = Question(task, row.instruction)
            found[(task.id, question.heard)] = question
    return list(found.values())
