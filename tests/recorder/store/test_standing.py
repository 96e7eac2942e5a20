"""Which moments of a person's driving are pauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.store.standing import PAUSE_S, Standing, pauses, standing_of


@pytest.mark.parametrize(
    ("sentence", "asked"),
    [
        ("stand still at the barrel", True),
        ("Wait at the door", True),
        ("go to the statue and don't move", True),
        ("walk to the torch without moving the view", True),
        ("stay where you are", True),
        ("keep away from the imp", True),
        ("avoid the demon", True),
        ("go to the red torch", False),
        ("use your gun on the barrel", False),
        ("find the understanding", False),
    ],
)
def test_which_sentences_ask_for_it(sentence: str, *, asked: bool) -> None:
    assert standing_of(sentence).any is asked


@pytest.mark.parametrize(
    ("sentence", "meant"),
    [
        ("stop halfway to the barrel", Standing(last=True)),
        ("walk to the door and stop", Standing(last=True)),
        ("stop at the door and stand still", Standing(between=True, last=True)),
        ("wait, then go to the door", Standing(first=True, between=True, last=True)),
        ("go to the door and wait", Standing(between=True, last=True)),
        ("go to the door", Standing()),
    ],
)
def test_which_of_it_they_ask_for(sentence: str, meant: Standing) -> None:
    assert standing_of(sentence) == meant


def test_who_is_to_stop_hesitates_all_the_same_before_and_on_the_way() -> None:
    """A hand's late start and its pauses, taught, were an agent that never set out."""
    still = [True] * 9 + [False] * 20 + [True] * 12 + [False] * 9 + [True] * 16
    assert pauses(still, 17.5, Standing(last=True)) == {*range(9), *range(29, 41)}
    assert pauses(still, 17.5, Standing(between=True, last=True)) == set(range(9))
    assert pauses([True] * 40, 17.5, Standing(last=True)) == frozenset()


@given(st.lists(st.booleans(), max_size=60), st.sampled_from([10.0, 17.5, 20.0, 60.0]))
def test_a_pause_is_a_whole_run_of_nothing_that_lasts(still: list[bool], rate: float) -> None:
    found = pauses(still, rate)
    for index, nothing in enumerate(still):
        before = index
        while before and still[before - 1]:
            before -= 1
        after = index
        while after < len(still) and still[after]:
            after += 1
        assert (index in found) == (nothing and (after - before) / rate > PAUSE_S)
