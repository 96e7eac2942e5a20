"""What is held out from the default model's training, taken strictly.

The task list holds out combinations of verb and thing with the relation that tells two of a
kind apart, and whole forms of sentences.  Two things soften that for the weights that ship:
a held-out "shoot the spider" is trained as "shoot the nearest spider", and words put in front
of a trained form could make a held-out one about a thing's second name ("go and" + "pick up
the first aid kit").  Words in front make none any more (:mod:`trainer.data.wording`); this module
says which entries of the suites are untouched by both.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from recorder.games.base import Task
from recorder.games.doom.goals import parse_goal
from recorder.games.doom.tasks import TASK_BY_ID, TRAINED_TASKS
from trainer.data.wording import BEFORE, forms, pattern_of


@cache
def _softened_forms() -> tuple[re.Pattern[str], ...]:
    return tuple(
        pattern_of(form)
        for ways in forms().values()
        for form in ways["heldout"]
        if any(form == f"{word} {own}" for own in ways["train"] for word in BEFORE)
    )


def _pairs(task: Task) -> set[Any]:
    goal = parse_goal(task.id)
    steps = () if goal is None else goal.steps
    return {(step.verb, step.kind.key) for step in steps if step.kind is not None}


@cache
def _trained_pairs() -> frozenset[Any]:
    return frozenset(pair for task in TRAINED_TASKS for pair in _pairs(task))


def is_untouched(task_id: str, said: str) -> bool:
    """Return whether nothing of what a suite's entry holds out was ever trained on.

    A held-out task's verb was asked for with that kind of thing in no relation, and no
    words in front of a trained form could make the sentence's form.
    """
    task = TASK_BY_ID[task_id]
    if task.split == "heldout" and _pairs(task) <= _trained_pairs():
        return False
    return not any(form.fullmatch(said) for form in _softened_forms())
