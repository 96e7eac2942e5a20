"""What the Teach card says is to be done next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.backend.lessons.coach import ENOUGH, NextStep, next_step
from app.backend.ports import LessonFacts, TeachFacts, VerdictFacts
from trainer.evaluation.verdicts.verdict import Choice, Line, Part, VerdictKind


def shown(**times: int) -> TeachFacts:
    said = [sentence for sentence, count in times.items() for _ in range(count)]
    return TeachFacts(lessons=tuple(LessonFacts(i, each, 2.0) for i, each in enumerate(said)))


def line(name: str, before: int, after: int, n: int = 20, part: Part = Part.TAUGHT) -> Line:
    return Line(
        part, name, VerdictKind.BETTER, before, after, n, 0.1, 0.0, 0.2, 0.1, True, ""
    )  # fmt: skip


def verdict(
    *lines: Line, in_use: bool = True, choice: Choice = Choice.USE, **changes: object
) -> VerdictFacts:
    facts = VerdictFacts(VerdictKind.BETTER, "", 0, 0, 20, 0.0, 0.0, 0.0, "", "1", in_use=in_use)
    for name, value in {**changes, "lines": lines, "choice": choice}.items():
        object.__setattr__(facts, name, value)
    return facts


def told(facts: TeachFacts, last: VerdictFacts | None = None, plays: bool = True) -> NextStep:
    return next_step(facts, last, lambda _said: plays)


def test_what_was_shown_least_is_to_be_shown_more() -> None:
    step = told(shown(hop=4, swim=1), verdict(line("hop", 1, 9)))
    assert step.sentence.startswith("You have shown “swim” once. Show it 5 more times")
    assert step.fails_at == "swim"
    # Where the agent cannot be tried without the person, no start is offered.
    assert told(shown(swim=1), plays=False).fails_at == ""
    assert told(shown(hop=ENOUGH)) == NextStep("That is enough to teach.")
    # What is left out of the lesson does not count.
    left_out = TeachFacts(lessons=(LessonFacts(1, "hop", 0.0),))
    assert told(left_out) == NextStep()
    blocked = TeachFacts(lessons=shown(hop=1).lessons, blocked="Show it from one more start.")
    assert told(blocked) == NextStep()


def test_after_a_round_its_weakest_sentence_comes_next() -> None:
    nothing = TeachFacts()
    assert told(nothing) == NextStep()
    last = verdict(line("hop", 0, 19), line("swim", 2, 12), line("walk", 20, 1, part=Part.EARLIER))
    assert told(nothing, last) == NextStep(
        "It fails at “swim” 8 of 20 times: correct it there, or let it practise.", "swim"
    )
    alone = told(nothing, last, plays=False)
    assert alone.fails_at == ""
    assert "practise" not in alone.sentence
    mastered = verdict(line("hop", 0, 18))
    assert told(nothing, mastered).sentence == (
        "It does “hop” 18 of 20 times: teach it something else."
    )


def test_of_a_round_that_is_not_used_the_agent_from_before_counts() -> None:
    refused = verdict(line("hop", 3, 19), in_use=False, choice=Choice.REFUSE)
    assert told(TeachFacts(), refused).sentence.startswith("It fails at “hop” 17 of 20 times")
    # The weakest is the weakest of the agent that plays, not of the one that was refused.
    mixed = verdict(line("hop", 20, 4), line("swim", 3, 9), in_use=False, choice=Choice.REFUSE)
    assert told(TeachFacts(), mixed).sentence.startswith("It fails at “swim” 17 of 20 times")


@pytest.mark.parametrize("choice", [Choice.WAIT, Choice.PLAY_MORE, Choice.USE])
def test_a_round_that_may_be_used_yet_is_decided_first(choice: Choice) -> None:
    assert told(TeachFacts(), verdict(line("hop", 3, 9), in_use=False, choice=choice)) == NextStep()


def test_what_nobody_has_judged_is_judged_next() -> None:
    waits = verdict(in_use=False, choice=Choice.TRY, to_judge=("dance",))
    assert told(TeachFacts(), waits).sentence.startswith("Judge “dance” blind: nobody")
    by_eye = replace(line("dance", 1, 9), by_eye=True)
    seen = verdict(by_eye, in_use=False, choice=Choice.TRY, to_judge=("dance",))
    assert told(TeachFacts(), seen).sentence.startswith("Judge “dance” blind: only its own eye")
    # What its eye has seen of another sentence says nothing of this one.
    other = replace(seen, to_judge=("hop",))
    assert told(TeachFacts(), other).sentence.startswith("Judge “hop” blind: nobody")
    assert told(TeachFacts(), verdict(line("hop", 3, 9), checking=True)) == NextStep()
    assert told(TeachFacts(), verdict(in_use=False, choice=Choice.TRY)) == NextStep()
