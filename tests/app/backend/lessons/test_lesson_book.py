"""What was taught, and how well the agent that plays now does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from types import SimpleNamespace
from typing import cast

import pytest

from app.backend.lessons.lesson_book import lesson_book
from app.backend.ports import LessonState, TaughtSentence
from recorder.store import AdapterRow, EpisodeKind, EpisodeRow, RoundRow
from recorder.types import Driver
from trainer.evaluation.verdicts.verdict import Line, Part, VerdictKind


def episode(
    number: int,
    sentence: str,
    *strip: tuple[Driver, int],
    kind: EpisodeKind = EpisodeKind.DEMONSTRATION,
) -> EpisodeRow:
    takeovers = int(kind is EpisodeKind.ROLLOUT and any(d is Driver.PERSON for d, _ in strip))
    row = SimpleNamespace(
        id=number, instruction=sentence, driver_strip=strip, kind=kind, takeovers=takeovers,
        tick_rate_hz=10.0,
    )  # fmt: skip
    return cast(EpisodeRow, row)


def line(name: str, before: int, after: int, n: int = 20, part: Part = Part.TAUGHT) -> Line:
    return Line(part, name, VerdictKind.BETTER, before, after, n, 0.1, 0.0, 0.2, 0.1, True, "")


def round_(number: int, adapter: int | None, *lines: Line, parent: int | None = None) -> RoundRow:
    told = {"lines": [asdict(each) for each in lines]}
    row = SimpleNamespace(id=number, adapter_id=adapter, verdict=told, parent_adapter_id=parent)
    return cast(RoundRow, row)


def adapters(**parents: int | None) -> dict[int, AdapterRow]:
    return {
        int(name[1:]): cast(AdapterRow, SimpleNamespace(id=int(name[1:]), parent_id=parent))
        for name, parent in parents.items()
    }


def book_of(
    rounds: Sequence[RoundRow], known: dict[int, AdapterRow], active: int | None
) -> tuple[TaughtSentence, ...]:
    return lesson_book(SHOWN, rounds, known, active, lambda said: said == "hop")


SHOWN: Sequence[EpisodeRow] = [
    episode(5, "dance", (Driver.PERSON, 40)),
    episode(4, "hop", (Driver.POLICY, 30), (Driver.PERSON, 20), kind=EpisodeKind.ROLLOUT),
    episode(3, "swim", (Driver.POLICY, 30), kind=EpisodeKind.ROLLOUT),
    episode(2, "hop", (Driver.PERSON, 50)),
]


def test_what_was_only_watched_is_no_lesson() -> None:
    book = book_of([], {}, None)
    assert [(each.sentence, each.shown, each.person_s) for each in book] == [
        ("dance", 1, 4.0),
        ("hop", 2, 7.0),
    ]
    assert {each.state for each in book} == {LessonState.NOT_MEASURED}
    assert [each.judged for each in book] == [False, True]


def test_the_curve_runs_from_before_the_first_round_over_those_that_are_used() -> None:
    rounds = [
        round_(1, 1, line("hop", 1, 8), line("old", 280, 281, 300, Part.OLD_TASKS)),
        # Tried and given up: what it could with the parent is what holds.
        round_(2, 2, line("hop", 9, 1), parent=1),
        round_(3, 3, line("dance", 0, 19), line("hop", 8, 11, part=Part.EARLIER), parent=1),
    ]
    dance, hop = book_of(rounds, adapters(a1=None, a2=1, a3=1), 3)
    assert hop.points == ((0, 0.05), (1, 0.4), (3, 0.55))
    assert (hop.good, hop.tries, hop.state) == (11, 20, LessonState.LEARNING)
    assert (dance.points, dance.state) == (((2, 0.0), (3, 0.95)), LessonState.CAN)
    # Gone back to the first round's agent: the third's gain is not there any more.
    dance, hop = book_of(rounds, adapters(a1=None, a2=1, a3=1), 1)
    assert (hop.good, hop.points) == (8, ((0, 0.05), (1, 0.4)))
    assert (dance.good, dance.state) == (0, LessonState.CANNOT)


@pytest.mark.parametrize(
    ("after", "state"),
    [
        (20, LessonState.CAN),
        (18, LessonState.CAN),
        (17, LessonState.LEARNING),
        (5, LessonState.LEARNING),
        (4, LessonState.CANNOT),
    ],
)
def test_the_state_says_what_it_can_today(after: int, state: LessonState) -> None:
    rounds = [round_(1, 1, line("dance", 0, after))]
    assert book_of(rounds, adapters(a1=None), 1)[0].state is state


def test_adapters_in_a_circle_end() -> None:
    book = book_of([round_(1, 1, line("hop", 1, 8))], adapters(a1=2, a2=1), 1)
    assert book[1].good == 8


def test_what_another_agent_does_is_not_said_of_the_one_that_plays() -> None:
    rounds = [
        round_(1, 1, line("hop", 1, 18)),
        round_(2, 2, line("hop", 18, 5), parent=1),
    ]
    # The person went back to the bare base, which the second round did not go on from.
    _, hop = lesson_book_of(rounds)
    assert (hop.good, hop.state, hop.points) == (1, LessonState.CANNOT, ((0, 0.05),))


def lesson_book_of(rounds: list[RoundRow]) -> tuple[TaughtSentence, ...]:
    return book_of(rounds, adapters(a1=None, a2=1), None)
