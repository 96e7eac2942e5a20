"""Rows and news become what the window shows."""

from dataclasses import asdict

import pytest

from app.backend import view_facts
from recorder.store.rows import AdapterRow, Collected, EpisodeKind, EpisodeRow, LabelSource, Split
from recorder.types import Driver, Outcome
from trainer.evaluation.verdict import VerdictKind, judge
from trainer.rounds import protocol


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


def collected(*, corrections: int = 0, demonstrations: int = 0) -> Collected:
    return Collected(7, demonstrations, corrections, 700, 40.0, 12.0, (1, 2))


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


def test_teach_says_what_the_round_is_made_of() -> None:
    shown = view_facts.teach_facts(
        collected(corrections=5), {"your corrections": 2, "what it knew": 1, "shown": 0}, 118
    )
    assert shown.blocked == ""
    assert shown.sentence == "The next round is 67 % your corrections, 33 % what it knew."
    assert sum(share for _, share in shown.mix) == pytest.approx(1)


def test_teach_is_blocked_without_lessons_and_for_a_given_reason() -> None:
    assert view_facts.teach_facts(collected(), {}, None).blocked == view_facts.NOTHING_COLLECTED
    assert view_facts.teach_facts(collected(demonstrations=1), {"shown": 1}, None).blocked == ""
    assert view_facts.teach_facts(collected(corrections=1), {}, None, "Busy.").blocked == "Busy."


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
    verdict = judge([False] * 15 + [True] * 5, [True] * 20)
    assert view_facts.parse_verdict(asdict(verdict)) == verdict
    assert view_facts.parse_verdict({}) is None
    shown = view_facts.verdict_facts(verdict, adapter(4, None), in_use=True)
    assert (shown.before, shown.after, shown.tries) == (5, 20, 20)
    assert shown.points == pytest.approx(75)
    assert shown.low < shown.points < shown.high
    assert shown.kind is VerdictKind.BETTER


def test_every_message_of_a_round_has_its_update() -> None:
    update = view_facts.round_update(protocol.Step(3, 10, 0.5, 0.7, 12.0))
    assert (update.step, update.steps, update.loss, update.held_out) == (3, 10, 0.5, 0.7)
    assert view_facts.round_update(protocol.Stage("training", "Training")).stage == "Training"
    [gate] = view_facts.round_update(protocol.Gate("legal", False, "No.")).gates
    assert (gate.name, gate.passed, gate.detail) == ("legal", False, "No.")
    assert view_facts.round_update(protocol.Played(2, 9, 1)).steps == 9
    failed = view_facts.round_update(protocol.Failed("The disk is full."))
    assert failed.finished
    assert failed.problem == "The disk is full."
    assert not view_facts.round_update(protocol.Done("x", True)).finished


def test_speed_says_whether_it_keeps_up() -> None:
    assert view_facts.speed_sentence(None, 17.5) == ""
    assert "29 actions a second" in view_facts.speed_sentence(34.0, 17.5)
    assert "longer than a tick" in view_facts.speed_sentence(400.0, 17.5)
    assert "2 s" in view_facts.speed_sentence(2000.0, 17.5)
