"""The order of a blind comparison reveals nothing, and what was said decides what comes next."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.store.comparisons.rows import ClipMark, Side
from trainer.evaluation.blind.order import (
    APART,
    BLOCK,
    LATER,
    TWICE_EVERY,
    Course,
    Place,
    course_of,
    draw_order,
)
from trainer.evaluation.blind.statistics import MOST, decided, kind_of
from trainer.evaluation.verdicts.verdict import VerdictKind

SEEDS = st.integers(0, 10_000)
SAID = st.lists(st.sampled_from([True, False, None]), max_size=120)


def drawn(seed: int) -> tuple[Place, ...]:
    return draw_order(random.Random(seed))


def said_of(order: tuple[Place, ...], answers: list[bool | None]) -> list[ClipMark]:
    """Return the answers as they are given to the clips that are shown, as far as it goes."""
    said: list[ClipMark] = []
    for answer in answers:
        course = course_of(order, said)
        if course.next is None:
            break
        said.append(ClipMark(course.next, answer))
    return said


@given(SEEDS)
def test_every_start_is_shown_of_both_sides_and_some_clips_twice(seed: int) -> None:
    order = drawn(seed)
    own = [place for place in order if place.repeats is None]
    wanted = {(side, start) for side in Side for start in range(MOST)}
    assert {(place.side, place.start) for place in own} == wanted
    assert len(own) == len(wanted)
    # In twos of one clip each, never the same start in both.
    for one, other in zip(own[::2], own[1::2], strict=True):
        assert {one.side, other.side} == set(Side)
        assert one.start != other.start
        assert one.start // BLOCK == other.start // BLOCK
    twice = [(at, place) for at, place in enumerate(order) if place.repeats is not None]
    assert len(twice) == (2 * MOST - 1) // TWICE_EVERY
    assert len({place.repeats for _, place in twice}) == len(twice)
    for at, place in twice:
        assert place.repeats is not None
        assert at - place.repeats > APART
        first = order[place.repeats]
        assert (first.side, first.start, first.repeats) == (place.side, place.start, None)


def test_the_order_tells_nothing_of_the_sides() -> None:
    """Neither a place, nor whether a clip comes twice, nor what came before says which side."""
    runs = 2_000
    before = Counter[int]()
    twice = Counter[Side]()
    same = 0
    for seed in range(runs):
        order = drawn(seed)
        before.update(at for at, place in enumerate(order) if place.side is Side.BEFORE)
        twice.update(place.side for place in order if place.repeats is not None)
        own = [place for place in order if place.repeats is None]
        # Of the places that could follow each other freely: the last of a two, the first of the
        # next.
        same += sum(one.side is other.side for one, other in list(pairwise(own))[1::2])
    # Five standard errors, for 47 places at once.
    for at in range(len(drawn(0))):
        assert abs(before[at] - runs / 2) < 5 * (runs / 4) ** 0.5, at
    repeats = sum(twice.values())
    assert abs(twice[Side.BEFORE] - repeats / 2) < 5 * (repeats / 4) ** 0.5
    followed = runs * (MOST - 1)
    assert abs(same - followed / 2) < 5 * (followed / 4) ** 0.5


@given(SEEDS, SAID)
def test_what_comes_next_follows_from_what_was_said(seed: int, answers: list[bool | None]) -> None:
    order = drawn(seed)
    said = said_of(order, answers)
    for upto in range(len(said) + 1):
        course = course_of(order, said[:upto])
        # Drawn anew from the same numbers and told the same, it goes on at the same clip.
        assert course == course_of(drawn(seed), list(said[:upto]))
        assert course.marked == sum(each.done is not None for each in said[:upto])
        assert course.over == decided(course.marks)
        if course.over:
            assert upto == len(said)
        else:
            assert course.next not in course.ahead
            marked = {each.place for each in said[:upto] if each.done is not None}
            assert marked.isdisjoint({course.next, *course.ahead})
            assert len(marked) + 1 + len(course.ahead) == len(order)


@given(SEEDS, SAID)
def test_the_sides_are_told_apart_only_by_their_marks(
    seed: int, answers: list[bool | None]
) -> None:
    """With the sides exchanged everything that a person can see stays as it was."""
    order = drawn(seed)
    other = {Side.BEFORE: Side.AFTER, Side.AFTER: Side.BEFORE}
    turned = tuple(Place(other[each.side], each.start, each.repeats) for each in order)
    said = said_of(order, answers)
    one, two = course_of(order, said), course_of(turned, said)
    assert (one.next, one.ahead, one.alike, one.twice) == (
        two.next,
        two.ahead,
        two.alike,
        two.twice,
    )
    assert (one.marks.before, one.marks.after) == (two.marks.after, two.marks.before)


def answered(order: tuple[Place, ...], answer: dict[Side, bool]) -> tuple[Course, int]:
    said: list[ClipMark] = []
    while (place := course_of(order, said).next) is not None:
        said.append(ClipMark(place, answer[order[place].side]))
    return course_of(order, said), len(said)


def test_a_clear_case_ends_after_a_dozen_clips() -> None:
    course, shown = answered(drawn(3), {Side.BEFORE: False, Side.AFTER: True})
    assert kind_of(course.marks) is VerdictKind.BETTER
    assert (course.marks.n, course.marks.before, course.marks.after) == (6, 0, 6)
    assert shown == 12 + 2
    assert (course.alike, course.twice) == (2, 2)


def test_without_a_difference_it_ends_at_forty() -> None:
    order = drawn(4)
    course, shown = answered(order, {Side.BEFORE: True, Side.AFTER: True})
    assert kind_of(course.marks) is VerdictKind.SAME
    assert (course.marks.n, shown) == (MOST, len(order))


@settings(max_examples=30)
@given(SEEDS, st.integers(0, 3))
def test_a_skipped_clip_comes_again_and_counts_once(seed: int, times: int) -> None:
    order = drawn(seed)
    said = [ClipMark(0, None)]
    seen = [course_of(order, said).next]
    while len(seen) <= LATER:
        place = course_of(order, said).next
        assert place is not None
        said.append(ClipMark(place, True))
        seen.append(course_of(order, said).next)
    assert seen == [1, 2, 3, 4, 0]
    said += said_of(order, [])
    for _ in range(times):
        place = course_of(order, said).next
        assert place is not None
        said.append(ClipMark(place, None))
    assert course_of(order, said).marked == LATER


def test_an_inconsistent_person_is_told() -> None:
    order = drawn(5)
    said: list[ClipMark] = []
    while (place := course_of(order, said).next) is not None:
        again = order[place].repeats is not None
        said.append(ClipMark(place, not again))
    course = course_of(order, said)
    assert (course.alike, course.twice) == (0, (2 * MOST - 1) // TWICE_EVERY)


def test_marks_that_cannot_have_been_made_are_refused() -> None:
    order = drawn(6)
    with pytest.raises(ValueError, match="place 1 was not the one"):
        course_of(order, [ClipMark(1, True)])
    said: list[ClipMark] = []
    while (place := course_of(order, said).next) is not None:
        said.append(ClipMark(place, order[place].side is Side.AFTER))
    with pytest.raises(ValueError, match="not the one"):
        course_of(order, [*said, ClipMark(40, True)])
