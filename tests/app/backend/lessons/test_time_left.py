"""What is left of a round: told of all of it, from the first news on."""

from __future__ import annotations

import pytest

from app.backend.lessons.round_time import Expected
from app.backend.lessons.time_left import FASTEST, SLOWEST, TimeLeft
from app.backend.ports import RoundPart, RoundUpdate

EXPECTED = Expected(before_s=10.0, teaching_s=80.0, playing_s=50.0, check_s=10.0)


class Round:
    """A round whose clock the test turns."""

    def __init__(self, expected: Expected = EXPECTED) -> None:
        self.now = 100.0
        self.clock = TimeLeft(expected, lambda: self.now)

    def left(
        self,
        seconds: float,
        part: RoundPart | None,
        step: int | None = None,
        steps: int | None = None,
        left_s: float | None = None,
    ) -> float | None:
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


def test_the_play_after_it_is_stretched_as_the_teaching_was() -> None:
    it = Round()
    it.left(10, RoundPart.PREPARE)
    assert it.left(160, RoundPart.MEASURE) == pytest.approx(2 * 50)
    stalled, quick = Round(), Round()
    for each, seconds in ((stalled, 1000), (quick, 1)):
        each.left(10, RoundPart.PREPARE)
        told = each.left(seconds, RoundPart.MEASURE)
        assert told == pytest.approx(50 * (SLOWEST if each is stalled else FASTEST))


@pytest.mark.parametrize("before_s", [0.0, 60.0])
def test_what_is_known_already_and_not_played_says_nothing_of_the_machine(before_s: float) -> None:
    """Nor do the seconds in which the players' processes start."""
    assert Round().left(before_s, RoundPart.PREPARE) == pytest.approx(80 + 50)


def test_a_check_that_begins_late_takes_its_time() -> None:
    it = Round()
    it.left(10, RoundPart.PREPARE)
    assert it.left(200, RoundPart.CHECK) == pytest.approx(10 + 50)
    assert it.left(4, RoundPart.CHECK) == pytest.approx(6 + 50)


def test_no_time_is_told_of_a_close_case_whose_usual_time_is_over() -> None:
    it = Round()
    it.left(10, RoundPart.PREPARE)
    it.left(80, RoundPart.MEASURE)
    # The sides are played beside each other and counted each by itself.
    assert it.left(20, RoundPart.MEASURE, 11, 80) == pytest.approx(30)
    assert it.left(20, RoundPart.MEASURE, 10, 80) == pytest.approx(10)
    assert it.left(20, RoundPart.MEASURE, 19, 80) is None


def test_news_about_no_part_change_no_part() -> None:
    it = Round()
    it.left(10, RoundPart.PREPARE)
    assert it.left(30, None) == pytest.approx(50 + 50)
    # A part that is over does not come back.
    assert it.left(0, RoundPart.BEFORE) == pytest.approx(50 + 50)


def test_what_was_never_expected_to_be_played_is_told_no_time() -> None:
    it = Round(Expected(0.0, 60.0, 0.0, 6.0))
    assert it.left(1, RoundPart.TRAIN, left_s=12.0) == pytest.approx(18.0)
    assert it.left(1, RoundPart.MEASURE) is None
