"""What each gate lets pass, and what it says."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluation.verdict import judge
from trainer.rounds.gates import MAX_REPLAY_RISE, MIN_LEGALITY, Offline, forgets, offline_gates
from trainer.rounds.process import play_gate
from trainer.rounds.protocol import Gate

GOOD = Offline(
    taught_before=1.0,
    taught_after=0.5,
    replay_before=0.4,
    replay_after=0.41,
    legality=1.0,
    scale=1.0,
)
LOSSES = st.floats(0.001, 10.0)


def gates(offline: Offline, *, corrections: bool = True) -> dict[str, Gate]:
    return {gate.name: gate for gate in offline_gates(offline, corrections=corrections)}


def test_a_good_round_passes_them_all() -> None:
    assert {gate.passed for gate in gates(GOOD).values()} == {True}
    assert len(gates(GOOD)) == 3


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"taught_after": 1.0}, "taught"),
        ({"taught_after": 1.2}, "taught"),
        ({"taught_after": math.nan}, "taught"),
        ({"replay_after": 0.4 * (1 + MAX_REPLAY_RISE) + 1e-6}, "old tasks"),
        ({"replay_after": math.nan}, "old tasks"),
        # Five per cent of the parent's, but more of what the base could: losses do not add up.
        ({"replay_base": 0.38}, "old tasks"),
        ({"earlier_before": 0.4, "earlier_after": 0.43}, "old tasks"),
        ({"earlier_before": 0.4, "earlier_after": math.nan}, "old tasks"),
        ({"legality": MIN_LEGALITY - 1e-6}, "legal"),
    ],
)
def test_what_a_gate_refuses(change: dict[str, float], refused: str) -> None:
    found = gates(replace(GOOD, **change))
    assert [name for name, gate in found.items() if not gate.passed] == [refused]
    sentence = found[refused].sentence
    assert sentence.endswith(".")
    assert sentence != gates(GOOD)[refused].sentence


def test_nothing_to_know_it_from_is_no_pass_and_no_failure() -> None:
    nothing = {"taught_before": math.nan, "taught_after": math.nan, "legality": math.nan}
    found = gates(replace(GOOD, **nothing))
    assert [found[name].passed for name in ("taught", "legal", "old tasks")] == [None, None, True]
    assert "not known" in found["taught"].sentence


def test_a_gain_on_the_base_alone_or_the_parent_alone_is_no_forgetting() -> None:
    assert not forgets(replace(GOOD, replay_base=0.5, earlier_before=0.4, earlier_after=0.41))
    lost = {"replay_before": math.nan, "replay_after": math.nan}
    assert not forgets(replace(GOOD, **lost))
    assert forgets(replace(GOOD, **lost, earlier_before=0.4, earlier_after=0.5))


@given(LOSSES, LOSSES, LOSSES, LOSSES, st.floats(0.0, 1.0))
def test_the_gates_are_the_inequalities(
    taught: float, after: float, replay: float, replay_after: float, legality: float
) -> None:
    offline = Offline(taught, after, replay, replay_after, legality, 1.0)
    found = gates(offline)
    assert found["taught"].passed == (after < taught)
    assert found["old tasks"].passed == (not forgets(offline))
    assert found["legal"].passed == (legality >= MIN_LEGALITY)


def test_the_words_say_what_was_taught() -> None:
    assert "corrections" in gates(GOOD, corrections=True)["taught"].sentence
    assert "demonstrations" in gates(GOOD, corrections=False)["taught"].sentence


def test_fewer_successes_on_the_same_starts_are_refused() -> None:
    before = [True] * 10 + [False] * 10
    assert play_gate(judge(before, before)).passed
    assert play_gate(judge(before, [True] * 11 + [False] * 9)).passed
    # One fewer is no proof of being worse, but it is no reason to change either.
    assert not play_gate(judge(before, [True] * 9 + [False] * 11)).passed
    assert not play_gate(judge(before, [False] * 20)).passed
