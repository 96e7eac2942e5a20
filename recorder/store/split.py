"""Which side of a person's lessons a group of episodes lies on: train, select or gate.

Rounds learn on ``train``, choose when to stop and how strong an adapter is on ``select``, and
are judged on ``gate``.  A group is all episodes of one lesson (a judged task, or a sentence that
nobody judges) in one game that began at one start: near copies must never lie on two sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recorder.games.base import FREE_TASK_ID
from recorder.store.rows import Split

SHARES: Mapping[Split, float] = {Split.TRAIN: 0.6, Split.SELECT: 0.2, Split.GATE: 0.2}
FIRST_TO_TRAIN = 2
"""So many groups of a lesson are there to be learnt from before any is kept aside."""
ENOUGH_TICKS = 60
"""So many ticks of the person's a lesson has to train on before anything new of it is kept aside.

A round wants 50 (:mod:`trainer.data.material`, which leaves out a few more): what a person showed
must not be withheld from a round that cannot begin without it.
"""
_ORDER = (Split.GATE, Split.SELECT, Split.TRAIN)
"""What comes first if two sides lack equally much: a gate is wanted before a finer choice."""


@dataclass(frozen=True, slots=True)
class LessonGroups:
    """The other groups of a lesson that hold something of the person's to learn from.

    ``counts`` are groups by side.  ``new_ticks`` are the person's on the train side that were
    recorded since the game's newest round that is done.
    """

    counts: Mapping[Split, int]
    new_ticks: int


def lesson_of(task_id: str, instruction: str) -> str:
    """Return what an episode is about: its task, or its sentence if nobody judges it.

    Case and spaces make no other sentence of it.
    """
    if task_id != FREE_TASK_ID:
        return task_id
    return f"{FREE_TASK_ID}:{' '.join(instruction.casefold().split())}"


def side_of(group: Split | None, *, teaches: bool, others: LessonGroups) -> Split:
    """Return the side of an episode that has just ended.

    ``group`` is the side on which its group lies already, None for a new group: that side is
    kept, whatever the episode holds.  An episode that holds nothing of the person's to learn
    from (``teaches`` False) is no lesson and goes to train, where it fills up no other side.
    A new group goes to train while the lesson has fewer than FIRST_TO_TRAIN groups there, or
    fewer than ENOUGH_TICKS since the last round; then to the side that lacks most of its share.
    """
    if group is not None:
        return group
    counts = others.counts
    few = counts.get(Split.TRAIN, 0) < FIRST_TO_TRAIN or others.new_ticks < ENOUGH_TICKS
    if few or not teaches:
        return Split.TRAIN
    total = sum(counts.values()) + 1
    return max(_ORDER, key=lambda side: round(SHARES[side] * total - counts.get(side, 0), 9))
