"""Rows and news become what the window shows."""

import json
from dataclasses import asdict, replace

import pytest

from app.backend import view_facts
from app.backend.ports import RoundPart, VerdictFacts
from recorder.store.rows import AdapterRow, EpisodeKind, EpisodeRow, LabelSource, Split
from recorder.types import Driver, Outcome
from trainer.data.material import Material, Why
from trainer.evaluation.verdicts.lines import old_tasks_line, sentence_line, verdict_of
from trainer.evaluation.verdicts.sequential import Pairs, Plan, round_alpha
from trainer.evaluation.verdicts.stored_verdicts import read_verdict
from trainer.evaluation.verdicts.verdict import Choice, Part, VerdictKind
from trainer.rounds import protocol
from trainer.rounds.measuring.decision import (
    BY_EYE_ONLY,
    NOT_MEASURED,
    OLD_TASKS_NOT_MEASURED,
    decide,
)
from trainer.rounds.measuring.measurement import old_tasks_pending, waiting_line


def adapter(number: int, parent: int | None, *, active: bool = False) -> AdapterRow:
    return AdapterRow(
        id=number,
        folder=f"r{number}",
        base="b",
        parent_id=parent,
        round_id=number,
        title=f"t{number}",
        sha256="",
        passed_gates=True,
        extra={},
        made_wall_s=float(number),
        active=active,
    )


def material(**ticks: int) -> Material:
    """What a round would learn from, in ticks of the train side by kind."""
    return Material({f"train/{kind}": count for kind, count in ticks.items()}, attempts=7)


def test_episode() -> None:
    row = EpisodeRow(
        id=5,
        session_id=1,
        game="doom",
        tick_rate_hz=17.5,
        width=640,
        height=360,
        instruction="go to the barrel",
        task_id="go_to:barrel",
        seed=9,
        kind=EpisodeKind.ROLLOUT,
        lock_step=False,
        outcome=Outcome.SUCCESS,
        outcome_source=LabelSource.GAME,
        adapter_id=None,
        policy="default",
        began_wall_s=3.0,
        ticks=35,
        missed_ticks=0,
        lost_ticks=0,
        duration_s=2.0,
        takeovers=1,
        corrections_s=0.5,
        driver_strip=((Driver.POLICY, 25), (Driver.PERSON, 10)),
        split=Split.TRAIN,
        deleted=False,
        open=False,
    )
    shown = view_facts.episode_facts(row)
    assert (shown.id, shown.seed, shown.corrections) == (5, 9, 1)
    assert shown.drivers == row.driver_strip
    assert shown.duration_s == 2.0
    assert shown.instruction == "go to the barrel"
    changed = replace(row, later_sentences=("turn around", "stand still"))
    assert view_facts.episode_facts(changed).instruction == (
        "go to the barrel → turn around → stand still"
    )


def test_teach_says_what_the_round_is_made_of_and_what_it_leaves_out() -> None:
    chosen = Material(
        {"train/correction": 100, "gate/correction": 40},
        {Why.FAILED: 60, Why.LEAD_UP: 30},
        {Why.FAILED: 2, Why.LEAD_UP: 1},
        attempts=7,
        takeovers=5,
    )
    shown = view_facts.teach_facts(chosen, {"correction": 0.6, "replay": 0.4, "rollout": 0}, 118)
    assert (shown.blocked, shown.episodes, shown.corrections, shown.person_s) == ("", 7, 5, 7.0)
    assert shown.sentence == (
        "The next round is 60 % your corrections, 40 % what it already knew. "
        "2.0 s of yours are kept to check by and are not learnt from. "
        "Left out: demonstrations that failed (2, 3.0 s)."
    )
    assert shown.mix == (("your corrections", 0.6), ("what it already knew", 0.4))


def test_teach_is_blocked_without_lessons_and_for_a_given_reason() -> None:
    assert view_facts.teach_facts(material(), {}, None).blocked == view_facts.NOTHING_COLLECTED
    assert view_facts.teach_facts(material(demonstration=50), {}, None).blocked == ""
    little = material(demonstration=49)
    assert view_facts.teach_facts(little, {}, None).blocked == little.lack
    # What is left out is told once.
    idle = Material({"train/demonstration": 10}, {Why.STILL: 40}, attempts=1)
    told = view_facts.teach_facts(idle, {"demonstration": 1.0}, None)
    assert "stood still" in told.blocked
    assert "stood still" not in told.sentence
    assert view_facts.teach_facts(material(correction=99), {}, None, "Busy.").blocked == "Busy."


def test_lineage_runs_from_the_base_to_what_is_in_use() -> None:
    rows = [adapter(1, None), adapter(2, 1), adapter(3, 1, active=True)]
    shown = view_facts.agent_facts("practice", rows, {2: VerdictKind.WORSE}, device="On the CPU.")
    assert shown.chain == ("practice", "#1 t1", "#3 t3")
    assert shown.active == "3"
    assert [a.id for a in shown.adapters] == ["3", "2", "1"]
    assert shown.adapters[1].verdict is VerdictKind.WORSE
    assert view_facts.agent_facts("practice", rows[:2], {}, device="").chain == ("practice",)


def test_lineage_survives_a_circle() -> None:
    rows = [adapter(1, 2), adapter(2, 1, active=True)]
    assert len(view_facts.chain_of(rows, rows[1])) == 2


def test_verdict_becomes_points_and_survives_storing() -> None:
    kept = old_tasks_line(Pairs(270, 5, 5, 20), "base")
    lesson = sentence_line(Part.TAUGHT, "go", Plan(round_alpha(1)), Pairs(both=5, gained=15))
    verdict = verdict_of((kept, lesson), Choice.USE, "It got better.")
    assert verdict is not None
    assert read_verdict(json.loads(json.dumps(asdict(verdict)))) == verdict
    assert read_verdict({}) is None
    shown = view_facts.verdict_facts(verdict, adapter(4, None), in_use=True)
    assert (shown.before, shown.after, shown.tries) == (5, 20, 20)
    assert shown.points == pytest.approx(75)
    assert shown.low < shown.points < shown.high
    assert (shown.kind, shown.choice) == (VerdictKind.BETTER, Choice.USE)
    # What was taught comes first, whatever was measured first.
    assert shown.lines == (lesson, kept)


def test_a_verdict_of_an_earlier_version_is_read_and_only_offered() -> None:
    old = {
        "kind": "better", "before": 1, "after": 9, "n": 10, "difference": 0.8, "low": 0.4,
        "high": 0.9, "sentence": "Better: 1 of 10 before, 9 of 10 after.",
    }  # fmt: skip
    verdict = read_verdict(old)
    assert verdict is not None
    assert (verdict.choice, verdict.lines) == (Choice.TRY, ())


def test_every_message_of_a_round_has_its_update() -> None:
    update = view_facts.round_update(protocol.Step(3, 10, 0.5, 0.7, 12.0))
    assert (update.step, update.steps, update.loss, update.held_out) == (3, 10, 0.5, 0.7)
    assert view_facts.round_update(protocol.Stage("training", "Learning. A.")).stage == "Learning"
    parts = [
        view_facts.round_update(each).part
        for each in (
            protocol.Stage(protocol.KNOWN, "It can do it."),
            protocol.Played(1, 10, 1, protocol.BEFORE),
            protocol.Stage("seeing", "Looking"),
            protocol.Step(3, 10, 0.5),
            protocol.Gate("legal", True, "Yes."),
            protocol.Done("x", True),
            protocol.Played(1, 9, 1, "after"),
        )
    ]
    assert parts == [None, *RoundPart, RoundPart.MEASURE]
    known = view_facts.round_update(protocol.Stage(protocol.KNOWN, "It can do it already."))
    assert (known.aside, known.stage) == ("It can do it already.", "")
    beforehand = view_facts.round_update(protocol.Played(1, 10, 1, protocol.BEFORE))
    assert beforehand.stage == view_facts.PLAYING_BEFORE
    assert view_facts.round_update(protocol.Played(1, 9, 1, "after")).stage != beforehand.stage
    [gate] = view_facts.round_update(protocol.Gate("legal", False, "No.")).gates
    assert (gate.name, gate.passed, gate.detail) == ("legal", False, "No.")
    assert view_facts.round_update(protocol.Played(2, 9, 1)).steps == 9
    failed = view_facts.round_update(protocol.Failed("The disk is full."))
    assert failed.finished
    assert failed.problem == "The disk is full."
    assert not view_facts.round_update(protocol.Done("x", True)).finished


def test_speed_says_whether_it_keeps_up() -> None:
    assert view_facts.speed_sentence(None, 17.5) == ""
    assert "fast enough" in view_facts.speed_sentence(34.0, 17.5)
    # Nobody plays 1250 actions a second: an answer that was guessed took no time.
    assert "1250" not in view_facts.speed_sentence(0.8, 17.5)
    assert "longer than a tick" in view_facts.speed_sentence(400.0, 17.5)
    assert "2 s" in view_facts.speed_sentence(2000.0, 17.5)


def test_what_is_left_aside_does_not_fill_the_line_of_the_stage() -> None:
    """It is in the card's own sentence, where there is room."""
    told = protocol.Stage("training", "Learning. 9.4 s of yours are kept to check by.")
    assert view_facts.round_update(told).stage == "Learning"
    assert view_facts.round_update(protocol.Stage("gates", "Checking.")).stage == "Checking."


def test_what_is_not_being_checked_is_not_said_to_be() -> None:
    better = sentence_line(Part.TAUGHT, "hop", Plan(round_alpha(1)), Pairs(gained=10))
    waits = [waiting_line("bow"), old_tasks_pending()]
    decision = decide([better, *waits])
    verdict = verdict_of([better, *waits], decision.choice, decision.sentence)
    assert verdict is not None
    facts = view_facts.verdict_facts(verdict, adapter(1, None), in_use=False)
    assert "Not in use yet" in facts.sentence
    assert "still being checked" in facts.sentence
    assert view_facts.as_it_is_now(facts, checking=True).sentence == facts.sentence
    idle = view_facts.as_it_is_now(facts, checking=False)
    told = [idle.sentence, *(line.sentence for line in idle.lines)]
    assert not any("still being checked" in each for each in told)
    assert not any(line.checking for line in idle.lines)
    assert sum("was not checked to its end" in each for each in told) == 3
    for checking in (True, False):
        used = view_facts.as_it_is_now(replace(facts, in_use=True), checking=checking)
        assert "Not in use" not in used.sentence


@pytest.mark.parametrize(
    ("ended", "used"),
    [
        ("Better. Not in use yet: the old tasks wait.", "Better. The old tasks wait."),
        (
            "Not in use: no gain was found. Play more starts, or try it.",
            "No gain was found.",
        ),
        (
            "Not in use, as nothing got better: 2 of 2. You may try it.",
            "Nothing got better: 2 of 2.",
        ),
        (
            NOT_MEASURED,
            "Nothing here can judge how it plays but you, so it is not measured yet. Judge it "
            "blind in the window, or go back if it plays worse.",
        ),
        (
            f"Better. {OLD_TASKS_NOT_MEASURED}",
            "Better. It was not measured whether it still can what it could before; go back if it "
            "lost something.",
        ),
        (
            f"Better. {BY_EYE_ONLY}",
            "Better. What it could before is kept. Only its own eye saw the gain, and it may err "
            "otherwise about the new agent, so you decide: judge it blind.",
        ),
        ("Not in use, the agent plays as before: it forgot.", "It forgot."),
        ("Not in use by itself, and for this only: it is of Luanti.", "It is of Luanti."),
        ("It is better.", "It is better."),
    ],
)
def test_what_is_tried_all_the_same_is_not_said_to_be_out_of_use(ended: str, used: str) -> None:
    facts = VerdictFacts(None, ended, 0, 0, 0, 0.0, 0.0, 0.0, "", "1")
    for in_use, wanted in ((False, ended), (True, used)):
        shown = view_facts.as_it_is_now(replace(facts, in_use=in_use), checking=False)
        assert shown.sentence == wanted
