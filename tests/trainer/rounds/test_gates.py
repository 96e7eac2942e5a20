"""What each gate lets pass, and what it says."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from trainer.rounds.gates import (
    MAX_REPLAY_RISE,
    MIN_GAIN,
    MIN_LEGALITY,
    Offline,
    Rise,
    forgets,
    mean_interval,
    offline_gates,
)
from trainer.rounds.protocol import Gate

GOOD = Offline(
    taught_before=1.0,
    taught_after=0.5,
    replay_before=0.4,
    replay_after=0.41,
    legality=1.0,
    scale=1.0,
    gain_low=0.3,
    gain_high=0.7,
    episodes=5,
    rises=(Rise(0.025, 0.01, 0.04),),
)
LOSSES = st.floats(0.001, 10.0)


def gates(offline: Offline, *kinds: str, served: bool = True) -> dict[str, Gate]:
    found = offline_gates(offline, kinds=kinds or ("correction",), served=served)
    return {gate.name: gate for gate in found}


def test_a_good_round_passes_them_all() -> None:
    assert {gate.passed for gate in gates(GOOD).values()} == {True}
    assert len(gates(GOOD)) == 3


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"taught_after": 1.0, "gain_low": -0.005, "gain_high": 0.005}, "taught"),
        ({"taught_after": 1.2, "gain_low": -0.3, "gain_high": -0.1}, "taught"),
        # Surely closer, but by less than is worth a round.
        ({"taught_after": 0.995, "gain_low": 0.004, "gain_high": 0.006}, "taught"),
        ({"taught_after": math.nan}, "taught"),
        ({"rises": (Rise(0.07, MAX_REPLAY_RISE + 1e-6, 0.1),)}, "old tasks"),
        ({"replay_after": math.nan}, "old tasks"),
        # Not against the parent, but against the base, or an earlier lesson: losses do not add up.
        ({"rises": (Rise(0.0, -0.01, 0.01), Rise(0.07, 0.06, 0.08))}, "old tasks"),
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


@given(LOSSES, st.floats(0, 1), st.floats(0, 0.5))
def test_what_is_surely_more_than_allowed_is_forgetting(
    share: float, down: float, most: float
) -> None:
    rise = Rise(share - 1, share - 1 - down, share)
    assert forgets(rise, most) is (rise.low > most)
    # Of one picture there is no interval.
    assert forgets(Rise(share - 1, math.nan, math.nan), most) is (share - 1 > most)
    assert forgets(Rise(math.nan, math.nan, math.nan), most)


@given(LOSSES, LOSSES, LOSSES, LOSSES, st.floats(0.0, 1.0))
def test_the_gates_are_the_inequalities(
    taught: float, after: float, replay: float, replay_after: float, legality: float
) -> None:
    rise = replay_after / replay - 1
    offline = Offline(
        taught, after, replay, replay_after, legality, 1.0, rises=(Rise(rise, rise, rise),)
    )
    found = gates(offline)
    assert found["old tasks"].passed == (rise <= MAX_REPLAY_RISE)
    assert found["taught"].passed is None
    assert found["legal"].passed == (legality >= MIN_LEGALITY)


@given(LOSSES, st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.integers(2, 9))
def test_taught_passes_only_beyond_its_margin_and_its_error(
    before: float, gain: float, down: float, up: float, episodes: int
) -> None:
    offline = replace(
        GOOD, taught_before=before, taught_after=before - gain, gain_low=gain - down,
        gain_high=gain + up, episodes=episodes,
    )  # fmt: skip
    passed = gates(offline)["taught"].passed
    told = before - offline.taught_after
    if passed:
        assert offline.gain_low > 0
        assert told >= MIN_GAIN * before
    elif passed is False:
        assert offline.gain_high < MIN_GAIN * before
    else:
        assert offline.gain_high >= MIN_GAIN * before


def test_one_attempt_alone_tells_nothing() -> None:
    alone = gates(replace(GOOD, gain_low=math.nan, gain_high=math.nan, episodes=1))["taught"]
    assert alone.passed is None
    assert "not known" in alone.sentence


@given(LOSSES, st.floats(0, 1), st.floats(0, 1))
def test_forgetting_that_is_not_sure_is_left_to_play(share: float, down: float, up: float) -> None:
    rise = Rise(share - 1, share - 1 - down, share - 1 + up)
    gate = gates(replace(GOOD, rises=(rise,)))["old tasks"]
    if gate.passed is None:
        assert rise.low <= MAX_REPLAY_RISE < rise.high
        assert f"{rise.share:+.0%}" in gate.sentence
    else:
        assert gate.passed is (rise.high <= MAX_REPLAY_RISE)


def test_legal_is_asked_only_where_answers_are_not_forced() -> None:
    assert "legal" not in gates(replace(GOOD, legality=0.5), served=False)
    assert gates(replace(GOOD, legality=0.5), served=True)["legal"].passed is False


@pytest.mark.parametrize("values", [[1.0, 2.0, 3.0, 4.5], [0.1, -0.2]])
def test_the_interval_of_a_mean_is_scipys(values: list[float]) -> None:
    expected = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert mean_interval(values) == pytest.approx((expected.low, expected.high))
    assert all(math.isnan(end) for end in mean_interval(values[:1]))


def test_the_words_say_what_was_measured() -> None:
    assert "your corrections that" in gates(GOOD, "correction")["taught"].sentence
    assert "your demonstrations that" in gates(GOOD, "demonstration")["taught"].sentence
    both = gates(GOOD, "demonstration", "correction")["taught"].sentence
    assert "your corrections and your demonstrations" in both
    # Nothing of the person's is on that side.
    own = gates(GOOD, "rollout")["taught"].sentence
    assert "its own successful attempts" in own
    assert "your" not in own
