"""Turns to and fro get smaller; all else stays as it is."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from model.play.damping import LEAST_DEG, Swings
from recorder.types import Action

turns = st.lists(st.floats(-10, 10, allow_nan=False).map(lambda deg: round(deg, 2)), max_size=40)


def turned(wanted: list[float]) -> list[float]:
    swings = Swings()
    return [swings.damped(Action(camera=(0.0, yaw))).camera[1] for yaw in wanted]


def test_a_swing_between_two_views_dies_down() -> None:
    assert turned([10, -10, 10, -10, 10, -10]) == [10, -5, 2.5, -1.25, 0.625, -LEAST_DEG]


def test_turning_on_the_same_way_makes_turns_wide_again() -> None:
    assert turned([10, -10, -10, -10]) == [10, -5, -10, -10]


def test_a_tick_without_a_turn_ends_the_swing() -> None:
    assert turned([10, -10, 0, 10]) == [10, -5, 0, 10]


def test_an_episode_begins_undamped() -> None:
    swings = Swings()
    swings.damped(Action(camera=(0.0, 2.0)))
    swings.forget()
    assert swings.damped(Action(camera=(0.0, -10.0))).camera == (0.0, -10.0)


@given(turns)
def test_no_turn_grows_or_changes_its_way(wanted: list[float]) -> None:
    for asked, done in zip(wanted, turned(wanted), strict=True):
        assert abs(done) <= abs(asked)
        assert done * asked >= 0
        assert abs(done) >= min(abs(asked), LEAST_DEG)


@given(turns)
def test_a_turn_back_is_at_most_half_of_the_one_before(wanted: list[float]) -> None:
    done = turned(wanted)
    for before, now in pairwise(done):
        if before * now < 0:
            assert abs(now) <= max(LEAST_DEG, abs(before) / 2)


@given(turns, st.booleans(), st.floats(-10, 10, allow_nan=False))
def test_nothing_but_the_turn_is_touched(wanted: list[float], attack: bool, pitch: float) -> None:
    swings = Swings()
    for yaw in wanted:
        asked = Action(forward=True, attack=attack, hotbar=3, camera=(pitch, yaw))
        done = swings.damped(asked)
        assert (done.held, done.hotbar, done.camera[0]) == (asked.held, asked.hotbar, pitch)
