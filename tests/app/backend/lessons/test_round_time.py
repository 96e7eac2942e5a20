"""The time that the Teach card tells: of all that is waited for, by what the last round took."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from app.backend.lessons.round_time import Coming, expected, expected_practice, last_of
from recorder.store import RoundRow, RoundStatus
from trainer.rounds.times import TOOK, Took, read_took

COMING = Coming("doom", "yard", persons=300, sentences=1)
LAST = Took("doom", "yard", persons=300, sentences=1, before_s=6.0, teaching_s=71.0, playing_s=44.0)


def predicted_s(coming: Coming, last: Took | None) -> float:
    return expected(coming, last).whole_s


def row(number: int, took: object, status: RoundStatus = RoundStatus.DONE) -> RoundRow:
    return RoundRow(number, status, None, None, "", {}, {}, {TOOK: took}, {}, 0.0, 1.0, 0)


def test_the_same_round_again_takes_as_long_as_the_last_one() -> None:
    assert predicted_s(COMING, LAST) == pytest.approx(6.0 + 71.0 + 44.0)


def test_a_slower_machine_is_slower_and_more_sentences_take_more_play() -> None:
    slow = replace(LAST, teaching_s=142.0, before_s=12.0, playing_s=88.0)
    assert predicted_s(COMING, slow) == pytest.approx(2 * predicted_s(COMING, LAST))
    more = replace(COMING, sentences=3)
    assert predicted_s(more, LAST) == pytest.approx(71.0 + 3 * 50.0)
    longer = predicted_s(replace(COMING, persons=600), LAST)
    assert predicted_s(COMING, LAST) < longer < predicted_s(COMING, LAST) + 71.0


def test_before_any_round_play_is_in_it_too() -> None:
    teaching = predicted_s(replace(COMING, plays=False), None)
    assert teaching == pytest.approx(129.0)
    assert teaching + 25 < predicted_s(COMING, None) < teaching + 60
    # What nobody judges is not played.
    assert predicted_s(replace(COMING, sentences=0), None) == teaching
    # In a game's own window an attempt takes as long as it takes.
    assert predicted_s(replace(COMING, attempt_s=20.0), None) == pytest.approx(129 + 50 * 20.0)
    # Packed weights are taught and not played.
    assert predicted_s(replace(COMING, plays=False), LAST) == pytest.approx(71.0)


def test_practice_takes_as_long_as_is_said_and_the_play_after_it() -> None:
    told = expected_practice(COMING, LAST, 10.0)
    assert (told.before_s, told.playing_s) == (0.0, 44.0)
    assert 600 < told.teaching_s < 660
    assert told.whole_s == pytest.approx(told.teaching_s + 44.0)


@pytest.mark.parametrize(
    ("persons", "took"),
    [(129, 69.9), (201, 91.2), (238, 125.6), (263, 123.5), (371, 131.6), (398, 135.8)],
)
def test_the_first_rounds_time_is_told_within_a_quarter(persons: int, took: float) -> None:
    """What rounds took in the yard, on two cores, with nothing to play."""
    told = predicted_s(Coming("doom", "yard", persons, sentences=0), None)
    assert told == pytest.approx(took, rel=0.25)


def test_the_last_round_is_the_newest_done_one_of_this_game_and_base() -> None:
    rows = [
        row(1, asdict(replace(LAST, teaching_s=1.0))),
        row(2, asdict(LAST)),
        row(3, asdict(replace(LAST, game="luanti"))),
        row(4, asdict(replace(LAST, base="other"))),
        row(5, asdict(LAST), RoundStatus.CANCELLED),
        row(6, None),
    ]
    assert last_of(rows, "doom", "yard") == LAST
    assert last_of(rows, "minerl", "yard") is None
    assert last_of([], "doom", "yard") is None


@pytest.mark.parametrize(
    "stored", [None, {}, 3, {**asdict(LAST), "before_s": "long"}, {**asdict(LAST), "persons": None}]
)
def test_a_round_that_does_not_say_what_it_took_is_none(stored: object) -> None:
    assert read_took({TOOK: stored}) is None
    assert read_took({}) is None
    assert read_took({TOOK: asdict(LAST)}) == LAST
