"""JARVIS-VLA's action codec: exact strings, every joint action, the grammar."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joint_actions import BUTTONS, from_joint_index, joint_index

from model.actions.tokens import (
    ACTION_BEGIN,
    ACTION_END,
    CAMERA_BINS,
    CENTRE_BIN,
    GROUPS,
    INVENTORY,
    PITCH_0,
    YAW_0,
    action_from_groups,
    camera_bin,
    camera_degrees,
    decode,
    decode_ids,
    encode,
    encode_ids,
    legal_next,
    token_string,
)
from recorder.types import BUTTON_CONTROLS, NO_ACTION, Action

degrees = st.floats(-180, 180, allow_nan=False)
actions = st.builds(
    Action,
    hotbar=st.integers(0, 9),
    camera=st.tuples(degrees, degrees),
    **{name: st.booleans() for name in BUTTON_CONTROLS},
)


def numbers_text(*numbers: int) -> str:
    return "".join(f"<|reserved_special_token_{n}|>" for n in numbers)


def is_legal(numbers: tuple[int, ...]) -> bool:
    return all(number in legal_next(numbers[:i]) for i, number in enumerate(numbers))


def canonical(action: Action) -> Action:
    """What is left of an action after one trip through its tokens."""
    return decode(encode(action))[0]


def test_the_published_strings() -> None:
    assert encode(NO_ACTION) == numbers_text(178, 219, 240, 179)
    assert encode(Action(forward=True, attack=True)) == numbers_text(178, 191, 204, 219, 240, 179)
    everything = Action(
        hotbar=9, back=True, right=True, sneak=True, use=True, drop=True, attack=True, jump=True,
        camera=(-10.0, 10.0),
    )  # fmt: skip
    assert encode(everything) == numbers_text(
        178, 189, 192, 195, 198, 200, 202, 204, 206, 209, 250, 179
    )
    assert encode(Action(inventory=True)) == numbers_text(178, 177, 219, 240, 179)


def test_every_button_combination_survives_as_tokens_and_as_a_joint_class() -> None:
    cameras = ((CENTRE_BIN, CENTRE_BIN), (0, 20), (13, 4))
    seen: set[tuple[int, ...]] = set()
    for values in itertools.product(*(range(len(options)) for _, options in GROUPS)):
        pitch, yaw = cameras[sum(values) % len(cameras)]
        action = action_from_groups(values, pitch, yaw)
        numbers = encode_ids(action)
        assert decode_ids(numbers) == [action]
        assert from_joint_index(*joint_index(action)) == action
        seen.add(numbers[:-3])
    assert len(seen) == (BUTTONS - 1) // 2


def test_every_joint_class_of_the_buttons_is_an_action() -> None:
    for buttons in range(BUTTONS):
        # A camera that moves belongs to the odd classes, one that rests to the even ones.
        moves = buttons % 2 == 1 and buttons != BUTTONS - 1
        camera = 3 * CAMERA_BINS + 17 if moves else CENTRE_BIN * CAMERA_BINS + CENTRE_BIN
        assert joint_index(from_joint_index(buttons, camera)) == (buttons, camera)


def test_every_camera_pair_survives() -> None:
    for pitch, yaw in itertools.product(range(CAMERA_BINS), repeat=2):
        action = Action(camera=(camera_degrees(pitch), camera_degrees(yaw)))
        assert decode(encode(action)) == [action]
        assert from_joint_index(*joint_index(action)) == action


@pytest.mark.parametrize("wrong", [(-1, 0), (BUTTONS, 0), (0, -1), (0, CAMERA_BINS**2)])
def test_a_joint_class_out_of_range_is_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        from_joint_index(*wrong)


@given(actions)
def test_what_is_encoded_is_legal_and_decodes_to_one_action_that_stays(action: Action) -> None:
    numbers = encode_ids(action)
    assert 4 <= len(numbers) <= 12
    assert is_legal(numbers)
    assert legal_next(numbers) == ()
    once = canonical(action)
    assert canonical(once) == once
    assert from_joint_index(*joint_index(action)) == once


@given(actions)
def test_opposites_cancel_and_sneak_wins(action: Action) -> None:
    once = canonical(action)
    if action.inventory:
        assert once == Action(inventory=True)
        return
    assert (once.forward, once.back) == (
        action.forward and not action.back,
        action.back and not action.forward,
    )
    assert (once.left, once.right) == (
        action.left and not action.right,
        action.right and not action.left,
    )
    assert (once.sprint, once.sneak) == (action.sprint and not action.sneak, action.sneak)
    for name in ("hotbar", "use", "drop", "attack", "jump"):
        assert getattr(once, name) == getattr(action, name)


@given(degrees)
def test_a_camera_bin_is_symmetric_and_its_degrees_are_a_fixed_point(value: float) -> None:
    assert camera_bin(value) + camera_bin(-value) == 2 * CENTRE_BIN
    quantised = camera_degrees(camera_bin(value))
    assert camera_bin(quantised) == camera_bin(value)
    clipped = max(-10.0, min(10.0, value))
    # Half of the widest bin, the outermost one: 10 - 10 * (21 ** 0.9 - 1) / 20.
    assert abs(quantised - clipped) < 1.5


@given(degrees, degrees)
def test_a_larger_turn_never_has_a_smaller_bin(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert camera_bin(low) <= camera_bin(high)


def test_camera_bins_follow_the_mu_law() -> None:
    for index in range(CAMERA_BINS):
        assert camera_bin(camera_degrees(index)) == index
    assert camera_degrees(CENTRE_BIN) == 0.0
    assert camera_degrees(0) == pytest.approx(-10.0)
    assert camera_degrees(20) == pytest.approx(10.0)
    # (21 ** 0.1 - 1) / 2 degrees is the finest turn.
    assert camera_degrees(CENTRE_BIN + 1) == pytest.approx((21**0.1 - 1) / 2)
    assert camera_bin(math.nan) == CENTRE_BIN
    assert (camera_bin(math.inf), camera_bin(-math.inf)) == (20, 0)


@given(st.data())
def test_a_walk_through_the_grammar_is_one_action_and_ends(data: st.DataObject) -> None:
    numbers: tuple[int, ...] = ()
    while allowed := legal_next(numbers):
        numbers += (data.draw(st.sampled_from(allowed)),)
        assert len(numbers) <= 12
    assert numbers[-1] == ACTION_END
    (action,) = decode_ids(numbers)
    # The grammar holds nothing that says the same twice: what it allows is what is written.
    assert encode_ids(action) == numbers


def test_the_grammar_starts_with_begin_and_asks_for_both_camera_axes() -> None:
    assert legal_next(()) == (ACTION_BEGIN,)
    after_begin = legal_next((ACTION_BEGIN,))
    assert INVENTORY in after_begin
    assert ACTION_END not in after_begin
    assert set(range(PITCH_0, PITCH_0 + CAMERA_BINS)) <= set(after_begin)
    assert legal_next((ACTION_BEGIN, PITCH_0)) == tuple(range(YAW_0, YAW_0 + CAMERA_BINS))
    assert legal_next((ACTION_BEGIN, INVENTORY)) == (PITCH_0 + CENTRE_BIN,)
    assert all(number > 192 for number in legal_next((ACTION_BEGIN, 192)))


@given(
    st.lists(
        st.one_of(
            st.text(max_size=8),
            st.integers(170, 255).map(token_string),
            actions.map(encode),
        ),
        max_size=12,
    )
)
def test_any_text_decodes_to_one_action_for_each_begin_that_ends(parts: list[str]) -> None:
    found = decode("".join(parts))
    text = "".join(parts)
    assert len(found) <= min(text.count(token_string(178)), text.count(token_string(179)))
    assert all(canonical(action) == action for action in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (numbers_text(179, 179), []),
        (numbers_text(178, 191), []),
        (numbers_text(178, 179), [NO_ACTION]),
        (numbers_text(178, 191, 192, 179), [Action(back=True)]),
        ("I go " + numbers_text(178, 191) + " on" + numbers_text(179), [Action(forward=True)]),
        (numbers_text(178, 178, 191, 179), [Action(forward=True)]),
        (numbers_text(178, 177, 204, 179), [Action(inventory=True)]),
        (numbers_text(178, 177, 176, 204, 179), [Action(attack=True)]),
        (f"<|reserved_special_token_{'9' * 5000}|>", []),
        (numbers_text(178, 9999, 179), [NO_ACTION]),
    ],
)
def test_odd_text_is_read_as_written_down(text: str, expected: list[Action]) -> None:
    assert decode(text) == expected
