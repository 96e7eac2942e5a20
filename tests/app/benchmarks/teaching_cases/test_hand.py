from __future__ import annotations

import random

from app.benchmarks.teaching_cases.hand import BROKEN_OFF, LATE_S, Hand
from recorder.types import NO_ACTION, Action

RATE = 17.5


def test_a_hand_begins_late_and_pauses_and_some_tries_are_broken_off() -> None:
    broken = pauses = 0
    for seed in range(400):
        hand = Hand.begin(random.Random(seed), RATE)
        done = []
        while len(done) < 120 and not hand.gives_up:
            done.append(hand.moves(Action(forward=True)))
        broken += hand.gives_up
        first = next((at for at, each in enumerate(done) if each.forward), len(done))
        assert first >= int(LATE_S[0] * RATE)
        pauses += NO_ACTION in done[first:]
    assert 0.7 * BROKEN_OFF < broken / 400 < 1.3 * BROKEN_OFF
    assert pauses > 200


class Calm(random.Random):
    """Never pauses, slips or gives up."""

    def random(self) -> float:
        return 0.99


def test_a_key_comes_a_reaction_late() -> None:
    hand = Hand(Calm(), RATE)
    done = [hand.moves(Action(attack=at == 0)) for at in range(12)]
    assert [at for at, each in enumerate(done) if each.attack] == [4]


def test_a_slip_of_the_mouse_is_taken_back() -> None:
    turned = []
    for seed in range(200):
        hand = Hand(random.Random(seed), RATE)
        yaws = [hand.moves(Action(forward=True)).camera[1] for _ in range(40)]
        if any(yaws) and not any(yaws[-8:]):
            turned.append(sum(yaws))
    assert len(turned) > 30
    # A pause may cut a slip short, but seldom.
    assert sum(abs(each) < 1e-9 for each in turned) > 0.7 * len(turned)


def test_the_same_hand_does_the_same() -> None:
    one, other = (Hand.begin(random.Random(7), RATE) for _ in range(2))
    wanted = [Action(forward=at % 9 > 2, camera=(0.0, float(at % 5))) for at in range(100)]
    assert [one.moves(each) for each in wanted] == [other.moves(each) for each in wanted]
