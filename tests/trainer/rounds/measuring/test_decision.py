"""When a round is put in use by itself, and what is said if it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluation.verdicts.lines import (
    deciding,
    known_sentence,
    knows_already,
    old_tasks_line,
    sentence_line,
    unknown_line,
    verdict_of,
)
from trainer.evaluation.verdicts.sequential import Pairs, Plan, round_alpha
from trainer.evaluation.verdicts.verdict import Choice, Line, Part, VerdictKind
from trainer.rounds.measuring.decision import decide
from trainer.rounds.protocol import Gate

PLAN = Plan(round_alpha(1))
KEEP = Plan(round_alpha(1), taught=False)
BETTER = sentence_line(Part.TAUGHT, "go to the barrel", PLAN, Pairs(gained=10))
SAME = sentence_line(Part.TAUGHT, "turn around", PLAN, Pairs(both=76, neither=4))
UNSURE = sentence_line(Part.TAUGHT, "turn around", PLAN, Pairs(20, 20, 18, 22))
WORSE = sentence_line(Part.TAUGHT, "turn around", PLAN, Pairs(lost=10))
EARLIER = sentence_line(Part.EARLIER, "take the medkit", KEEP, Pairs(both=78, neither=2))
KEPT = old_tasks_line(Pairs(270, 5, 5, 20), "base")
DAMAGED = old_tasks_line(Pairs(230, 1, 40, 29), "base")
OPEN = old_tasks_line(Pairs(236, 20, 28, 16), "base")
CHECKING = unknown_line(Part.OLD_TASKS, "what it could before", "Being checked.", checking=True)
ELSEWHERE = unknown_line(Part.EARLIER, "dig", "It was taught elsewhere.", elsewhere=True)
FINE = Gate("taught", passed=True, sentence="Fine.")
BAD = Gate("taught", passed=False, sentence="No closer to you.")
UNKNOWN = Gate("taught", passed=None, sentence="Not known.")


@pytest.mark.parametrize(
    ("lines", "choice"),
    [
        ((BETTER, EARLIER, KEPT), Choice.USE),
        ((BETTER, SAME, KEPT), Choice.USE),
        ((BETTER, KEPT, replace(KEPT, against="parent")), Choice.USE),
        ((BETTER, CHECKING), Choice.WAIT),
        ((BETTER, ELSEWHERE, CHECKING), Choice.WAIT),
        ((BETTER, ELSEWHERE, KEPT), Choice.TRY),
        ((BETTER, ELSEWHERE, OPEN), Choice.TRY),
        ((BETTER, ELSEWHERE, DAMAGED), Choice.REFUSE),
        ((BETTER, ELSEWHERE, UNSURE, KEPT), Choice.PLAY_MORE),
        ((BETTER,), Choice.TRY),
        ((BETTER, UNSURE, KEPT), Choice.PLAY_MORE),
        ((BETTER, OPEN), Choice.TRY),
        ((BETTER, DAMAGED), Choice.REFUSE),
        ((BETTER, WORSE, KEPT), Choice.REFUSE),
        ((SAME, KEPT), Choice.TRY),
        ((UNSURE, KEPT), Choice.PLAY_MORE),
        ((SAME, CHECKING), Choice.TRY),
        ((SAME, unknown_line(Part.TAUGHT, "hop", "Nobody judges it."), KEPT), Choice.TRY),
        ((WORSE, KEPT), Choice.REFUSE),
        ((), Choice.TRY),
        ((unknown_line(Part.TAUGHT, "hop", "Nobody judges it."), KEPT), Choice.TRY),
        ((BETTER, unknown_line(Part.EARLIER, "hop", "Nobody judges it."), KEPT), Choice.TRY),
        ((BETTER, unknown_line(Part.OLD_TASKS, "old", "Not measured.")), Choice.TRY),
    ],
)
def test_what_becomes_of_a_round(lines: tuple[Line, ...], choice: Choice) -> None:
    decision = decide(lines, (FINE, UNKNOWN))
    assert decision.choice is choice
    assert decision.sentence.endswith(".")
    assert decide(lines, (FINE, BAD)).choice is Choice.REFUSE


def test_what_another_judge_saw_is_told_before_what_only_its_own_eye_did() -> None:
    seen = replace(BETTER, name="hop", sentence="By its own eye hop is better.", by_eye=True)
    decision = decide((seen, BETTER, KEPT))
    assert (decision.choice, decision.sentence) == (Choice.USE, BETTER.sentence)
    verdict = verdict_of((seen, BETTER, KEPT), decision.choice, decision.sentence)
    assert verdict is not None
    assert deciding(verdict.lines) == BETTER


def lines() -> st.SearchStrategy[Line]:
    kinds = st.sampled_from([None, *VerdictKind])
    one = sentence_line(Part.EARLIER, "turn", PLAN, Pairs(5, 2, 2, 1))
    return st.builds(
        lambda part, kind, fine, checking: replace(
            one,
            part=part,
            kind=kind,
            not_worse=kind is VerdictKind.BETTER or (fine and kind is not None),
            checking=kind is None and checking,
            n=one.n if kind else 0,
        ),
        st.sampled_from(Part), kinds, st.booleans(), st.booleans(),
    )  # fmt: skip


@given(st.lists(lines(), max_size=6), st.lists(st.sampled_from([FINE, UNKNOWN, BAD]), max_size=3))
def test_it_is_used_only_if_something_is_better_and_nothing_else_may_be_worse(
    measured: list[Line], gates: list[Gate]
) -> None:
    used = decide(measured, gates).choice is Choice.USE
    better = [
        line for line in measured
        if line.part is Part.TAUGHT and line.kind is VerdictKind.BETTER
    ]  # fmt: skip
    assert used == (
        bool(better)
        and all(line.not_worse for line in measured)
        and any(line.part is Part.OLD_TASKS for line in measured)
        and BAD not in gates
    )


@given(st.lists(lines(), max_size=5), st.integers(0, 4))
def test_a_worse_line_more_never_puts_a_round_in_use(measured: list[Line], at: int) -> None:
    before = decide(measured).choice
    measured.insert(at, DAMAGED)
    assert decide(measured).choice is not Choice.USE
    if before is Choice.REFUSE:
        assert decide(measured).choice is Choice.REFUSE


def test_a_lost_skill_by_a_short_constant_action_is_refused() -> None:
    """As measured once: a constant look upwards was taught, 55 of 60 became 47."""
    look_up = sentence_line(Part.TAUGHT, "look up at the sky", PLAN, Pairs(neither=80))
    old = old_tasks_line(Pairs(235, 0, 40, 25), "base")
    assert old.kind is VerdictKind.WORSE
    assert decide((look_up, old)).choice is Choice.REFUSE
    # Where the lesson itself is learnt, the damage refuses it all the same.
    assert decide((BETTER, old)).choice is Choice.REFUSE
    assert "damaged" in decide((BETTER, old)).sentence


def test_the_sentences_say_what_was_found_and_what_could_have_been() -> None:
    assert BETTER.sentence == '"go to the barrel" got better: 0 of 10 before, 10 of 10 after.'
    assert "80 pairs find a gain of" in UNSURE.sentence
    assert "4 times in 5" in UNSURE.sentence
    assert "about the same" in SAME.sentence
    assert "270" not in KEPT.sentence
    assert "275 of 300 with the base, 275 now" in KEPT.sentence
    assert "the change is +0 points (" in old_tasks_line(Pairs(290, 4, 5, 1), "base").sentence


def test_a_sentence_that_is_known_already_is_told_from_nine_in_ten_on() -> None:
    assert knows_already(9, 10)
    assert not knows_already(17, 20)
    assert not knows_already(0, 0)
    told = known_sentence("turn around", 19, 20, watched=12)
    assert '"turn around"' in told
    assert "19 of 20 attempts" in told
    assert "12 of them you watched" in told
    assert "watched" not in known_sentence("turn around", 9, 10)


def test_the_verdict_shows_the_sentence_that_decides() -> None:
    verdict = verdict_of((SAME, BETTER, KEPT), Choice.USE, "Better.")
    assert verdict is not None
    assert (verdict.kind, verdict.before, verdict.after) == (VerdictKind.BETTER, 0, 10)
    assert verdict_of((KEPT,), Choice.TRY, "") is None
