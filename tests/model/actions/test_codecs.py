"""Both codecs: exact words, round trips, and rubbish that never raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joint_actions import from_joint_index

from model.actions.codecs import CODECS, DEGREES_PER_COUNT, TextCodec, TokenCodec
from model.actions.tokens import decode, encode
from recorder.types import NO_ACTION, Action

JOINT = st.builds(from_joint_index, st.integers(0, 8640), st.integers(0, 440))
COUNTS = st.integers(-1200, 1200)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (NO_ACTION, "Action: no_op"),
        (Action(camera=(0, 19 * 0.15), forward=True), "Action: move(19, 0) and press(w)"),
        (Action(forward=True, sprint=True), "Action: press(w, left.control)"),
        (Action(attack=True), "Action: click(left)"),
        (Action(hotbar=3, use=True), "Action: press(3) and click(right)"),
        (Action(camera=(-1.5, 0)), "Action: move(0, -10)"),
    ],
)
def test_the_words_of_the_text_codec(action: Action, words: str) -> None:
    codec = TextCodec()
    assert codec.encode([action]) == words
    assert codec.decode(words).actions == (action,)


@given(st.lists(st.tuples(JOINT, COUNTS, COUNTS), min_size=1, max_size=3))
def test_text_actions_come_back(parts: list[tuple[Action, int, int]]) -> None:
    chunk = tuple(
        action.with_camera(down * DEGREES_PER_COUNT, right * DEGREES_PER_COUNT)
        for action, down, right in parts
    )
    codec = TextCodec()
    found = codec.decode("I see a tree.\n" + codec.encode(chunk))
    assert (found.actions, found.invalid) == (chunk, 0)


@given(st.lists(JOINT, min_size=1, max_size=3))
def test_token_actions_come_back(chunk: list[Action]) -> None:
    codec = TokenCodec()
    found = codec.decode(codec.encode(chunk))
    assert found.invalid == 0
    assert found.actions == tuple(decode("".join(map(encode, chunk))))


@given(st.sampled_from(sorted(CODECS)), st.text(max_size=80))
def test_any_text_gives_an_action_and_never_an_error(name: str, text: str) -> None:
    found = CODECS[name].decode(text)
    assert found.actions
    assert found.actions != (NO_ACTION,) or found.invalid or "no_op" in text or "Action" in text


@pytest.mark.parametrize(
    "line", ["move(1)", "move(1, x)", "press(f13)", "click(middle)", "dance()", "", "press(w"]
)
def test_words_that_are_none_are_counted(line: str) -> None:
    found = TextCodec().decode(f"Action: {line}")
    assert (found.actions, found.invalid) == ((NO_ACTION,), 1)


def test_an_action_that_was_cut_off_is_counted() -> None:
    whole = encode(Action(jump=True))
    found = TokenCodec().decode(whole + whole[:60])
    assert (found.actions, found.invalid) == ((Action(jump=True),), 1)
