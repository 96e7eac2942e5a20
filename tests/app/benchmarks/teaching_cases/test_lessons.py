"""Every lesson can be done, and is not done by standing there; the game judges none of them."""

from __future__ import annotations

from collections import Counter

import pytest

from app.benchmarks.teaching_cases.lessons import CHOOSING, JUDGING, LESSONS, TeachingLesson
from app.benchmarks.teaching_cases.person import FeelingSkill
from app.benchmarks.teaching_cases.playing import BY_NAME, free_task
from app.benchmarks.teaching_cases.yard import LessonYard, attempt
from recorder.games import judged_task, task_list
from recorder.games.doom.state import HiddenState
from recorder.games.seeds import SeedRange
from recorder.types import NO_ACTION, Action, Frame

SEED = SeedRange.TRAINING.first + 11


def test_there_are_two_of_each_kind_to_judge_by_and_one_to_choose_by() -> None:
    assert set(Counter(each.kind for each in JUDGING).values()) == {2}
    assert set(Counter(each.kind for each in CHOOSING).values()) == {1}
    assert len(JUDGING) == 12
    assert len(BY_NAME) == len(LESSONS) == 18


def test_the_game_judges_none_of_them() -> None:
    every = task_list("doom")
    assert [each.sentence for each in LESSONS if judged_task(every, each.sentence)] == []


def check(lesson: TeachingLesson) -> None:
    yard = LessonYard(lesson)
    try:
        skill = lesson.skill()

        def choose(state: HiddenState, frame: Frame) -> Action | None:
            action = skill.act(state)
            if action is not None and isinstance(skill, FeelingSkill):
                skill.feel(action)
            return action

        done = attempt(yard, free_task(lesson), SEED, choose)
        assert done.success
        idle = attempt(yard, free_task(lesson), SEED, lambda state, frame: NO_ACTION, most=60)
        assert not idle.success
        # The room holds what the sentence is about.
        there = {thing.key for thing in yard.hidden_state().everything}
        assert there.issuperset(lesson.things)
    finally:
        yard.close()


@pytest.mark.long(8, "six lessons are done in real yards")
@pytest.mark.parametrize("lesson", CHOOSING, ids=lambda each: each.name)
def test_a_lesson_can_be_done(lesson: TeachingLesson) -> None:
    check(lesson)


@pytest.mark.slow
@pytest.mark.parametrize("lesson", JUDGING, ids=lambda each: each.name)
def test_every_lesson_can_be_done(lesson: TeachingLesson) -> None:
    check(lesson)
