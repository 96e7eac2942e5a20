"""What is left of a round: told of all of it, from the first news to the last."""

from __future__ import annotations

import pytest

from app.backend.lessons.round_time import Expected
from app.backend.lessons.time_left import SLOWEST, TimeLeft
from app.backend.ports import RoundPart, RoundUpdate

EXPECTED = Expected(before_s=10.0, teaching_s=80.0, playing_s=50.0, check_s=10.0)


class Round:
    """A round whose clock the test turns."""

    def __init__(self) -> None:
        self.now = 100.0
        self.clock = TimeLeft(EXPECTED, lambda: self.now)

    def left(
        self,
        seconds: float,
        part: RoundPart | None,
        step: int | None = None,
        steps: int | None = None,
        left_s: float | None = None,
    ) -> float:
        """Return what is left after so many more seconds and these news."""
        self.now += seconds
        return self.clock.left_s(RoundUpdate(part=part, step=step, steps=steps, left_s=left_s))


def test_what_is_left_is_of_the_whole_round_and_not_of_its_part() -> None:
    it = Round()
    assert it.left(0, None) == pytest.approx(140)
    assert it.left(5, RoundPart.BEFORE, 5, 10) == pytest.approx(5 + 80 + 50)
    assert it.left(5, RoundPart.PREPARE) == pytest.approx(80 + 50)
    assert it.left(20, RoundPart.PREPARE) == pytest.approx(60 + 50)
    # While it trains it knows better than what was expected.
    assert it.left(5, RoundPart.TRAIN, 10, 80, 30.0) == pytest.approx(30 + 10 + 50)
    assert it.left(40, RoundPart.CHECK) == pytest.approx(10 + 50)
    assert it.left(15, RoundPart.MEASURE) == pytest.approx(50)
    assert it.left(10, RoundPart.MEASURE, 10, 80) == pytest.approx(40)


def test_a_machine_that_is_busy_stretches_what_is_to_come() -> None:
    it = Round()
    assert it.left(20, RoundPart.PREPARE) == pytest.approx(2 * (80 + 50))
    assert it.left(160, RoundPart.MEASURE) == pytest.approx(2 * 50)
    stalled = Round()
    assert stalled.left(1000, RoundPart.PREPARE) == pytest.approx(SLOWEST * (80 + 50))


def test_a_close_case_says_what_is_left_to_its_end() -> None:
    it = Round()
    it.left(10, RoundPart.PREPARE)
    it.left(80, RoundPart.MEASURE)
    assert it.left(20, RoundPart.MEASURE, 10, 80) == pytest.approx(30)
    assert it.left(20, RoundPart.MEASURE, 10, 80) == pytest.approx(10)
    # Both sides have played 20 of 80 in the 60 s, so as much as 180 are left.
    it.left(10, RoundPart.MEASURE, 20, 80)
    assert it.left(10, RoundPart.MEASURE, 20, 80) == pytest.approx(180)
    # Another sentence is counted anew, from when the one before ended.
    assert it.left(20, RoundPart.MEASURE, 10, 80) == pytest.approx(20 / 10 * 70)


def test_news_about_no_part_change_no_part() -> None:
    it = Round()
    it.left(10, RoundPart.PREPARE)
    assert it.left(30, None) == pytest.approx(50 + 50)
    # A part that is over does not come back.
    assert it.left(0, RoundPart.BEFORE) == pytest.approx(50 + 50)


def test_without_play_nothing_of_it_is_waited_for() -> None:
    clock = TimeLeft(Expected(0.0, 60.0, 0.0, 6.0), lambda: 0.0)
    assert clock.left_s(RoundUpdate(part=RoundPart.TRAIN, left_s=12.0)) == pytest.approx(18.0)
    assert clock.left_s(RoundUpdate(part=RoundPart.MEASURE)) == 0.0
