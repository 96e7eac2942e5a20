"""The sample of what a base could: all of it, fresh starts, the same for some rounds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from model.paths import default_checkpoint
from recorder.errors import DataError
from recorder.games.doom.tasks import TRAINED_TASKS
from recorder.games.seeds import SeedRange, range_of
from trainer.evaluation.old_tasks import LESSON_SEEDS, old_task_starts, taught_tasks


def test_every_verb_and_the_two_steps_are_in_the_sample() -> None:
    starts = old_task_starts("doom", TRAINED_TASKS, 0)
    assert len(starts) == 300
    verbs = Counter(start.task.verb for start in starts)
    assert set(verbs) == {task.verb for task in TRAINED_TASKS}
    # A verb of few tasks is not lost among those of many.
    assert min(verbs.values()) >= 3
    assert len({start.key for start in starts}) == 300
    assert len({start.task.id for start in starts}) >= 150


def test_its_starts_judge_and_are_no_lessons() -> None:
    blocks = [old_task_starts("doom", TRAINED_TASKS, block) for block in (0, 1)]
    seeds = [{start.seed for start in each} for each in blocks]
    assert not seeds[0] & seeds[1]
    for each in seeds[0] | seeds[1]:
        assert range_of(each) is SeedRange.VERDICT
        assert each >= SeedRange.VERDICT.first + LESSON_SEEDS
    assert blocks[0] == old_task_starts("doom", TRAINED_TASKS, 0)
    assert [start.task.id for start in blocks[0]] != [start.task.id for start in blocks[1]]


def test_past_the_last_start_there_is_a_sentence() -> None:
    last = (SeedRange.VERDICT.last - SeedRange.VERDICT.first + 1 - LESSON_SEEDS) // 300 - 1
    assert range_of(old_task_starts("doom", TRAINED_TASKS, last)[-1].seed) is SeedRange.VERDICT
    with pytest.raises(DataError, match="used up"):
        old_task_starts("doom", TRAINED_TASKS, last + 1)


def test_what_a_base_was_taught_is_its_own_list(tmp_path: Path) -> None:
    assert taught_tasks("doom", default_checkpoint("doom")) == TRAINED_TASKS
    luanti = taught_tasks("luanti", default_checkpoint("luanti"))
    assert "chop a tree" in {task.instruction for task in luanti}
    assert len(old_task_starts("luanti", luanti, 0)) == 300
    # A model from elsewhere: nobody knows here what it could.
    assert taught_tasks("doom", tmp_path) == ()
    assert old_task_starts("doom", (), 0) == []
    with pytest.raises(ValueError, match="from 0"):
        old_task_starts("doom", TRAINED_TASKS, -1)
