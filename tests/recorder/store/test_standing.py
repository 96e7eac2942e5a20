"""Which moments of a person's driving are pauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.store.standing import PAUSE_S, asks_to_stand_still, pauses


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
    assert asks_to_stand_still(sentence) is asked


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
