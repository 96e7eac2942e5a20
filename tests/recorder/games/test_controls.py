"""The person's raw events become one action per tick; nothing they did is lost."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.games.base import Bindings
from recorder.games.controls import HeldControls, is_games
from recorder.games.doom.game import DOOM_BINDINGS
from recorder.input.keys import CODES
from recorder.types import MAX_CAMERA_DEG, NO_ACTION

BINDINGS = Bindings(
    keys={
        "forward": "W",
        "left": "A",
        "attack": "LeftButton",
        "jump": "Space",
        "sprint": "Space",
        "hotbar.1": "1",
        "hotbar.9": "9",
        "use": "",
    },
    degrees_per_count=0.25,
)
KEYS = ("W", "A", "LeftButton", "Space", "1", "9", "X", "")
events = st.lists(st.tuples(st.sampled_from(KEYS), st.booleans()), max_size=40)
moves = st.lists(
    st.tuples(st.integers(-4000, 4000), st.integers(-4000, 4000)), min_size=1, max_size=20
)


def hands() -> HeldControls:
    return HeldControls(BINDINGS)


@given(events)
def test_what_is_down_or_was_tapped_counts_and_then_only_what_is_down(
    sequence: list[tuple[str, bool]],
) -> None:
    controls = hands()
    down: set[str] = set()
    touched: set[str] = set()
    for name, is_down in sequence:
        changed = controls.key(name, is_down, 0)
        bound = name in set(BINDINGS.keys.values()) - {""}
        assert changed == (bound and is_down != (name in down))
        if changed and is_down:
            down.add(name)
            touched.add(name)
        elif changed:
            down.discard(name)
    assert controls.keys_held == down
    first, heard = controls.take()
    second, later = controls.take()
    for action, names in ((first, down | touched), (second, down)):
        assert action.forward == ("W" in names)
        assert action.attack == ("LeftButton" in names)
        assert (action.jump, action.sprint) == ("Space" in names, "Space" in names)
        assert (action.hotbar in {1, 9}) == bool({"1", "9"} & names)
    assert later == ()
    assert all(event.code not in {"X", ""} for event in heard)
    controls.release_all()
    assert controls.take() == (NO_ACTION, ())
    assert not controls.keys_held


def test_the_newest_hotbar_key_wins() -> None:
    controls = hands()
    controls.key("9", True, 0)
    controls.key("1", True, 1)
    assert controls.take()[0].hotbar == 1
    controls.key("1", False, 2)
    assert controls.take()[0].hotbar == 9


@given(moves)
def test_no_motion_is_lost_and_no_tick_turns_too_far(sequence: list[tuple[int, int]]) -> None:
    controls = hands()
    for dx, dy in sequence:
        controls.motion(dx, dy, 0)
    pitch = yaw = 0.0
    ticks = 0
    while controls.turned_deg > 0 and ticks < 1000:
        action, _ = controls.take()
        assert max(abs(turn) for turn in action.camera) <= MAX_CAMERA_DEG
        pitch += action.camera[0]
        yaw += action.camera[1]
        ticks += 1
    assert math.isclose(yaw, 0.25 * sum(dx for dx, _ in sequence), abs_tol=1e-6)
    assert math.isclose(pitch, 0.25 * sum(dy for _, dy in sequence), abs_tol=1e-6)


def test_motion_is_one_event_an_axis_between_key_events() -> None:
    controls = hands()
    for stamp in range(50):
        controls.motion(4, 0, stamp)
    controls.key("W", True, 60)
    controls.motion(4, -8, 70)
    _, heard = controls.take()
    assert [(e.device, e.code, e.value, e.mono_ns) for e in heard] == [
        ("motion", "yaw", 50.0, 49),
        ("key", "forward", 1.0, 60),
        ("motion", "yaw", 1.0, 70),
        ("motion", "pitch", -2.0, 70),
    ]


def test_a_held_key_stays_held_from_tick_to_tick() -> None:
    controls = hands()
    controls.key("A", True, 0)
    assert [controls.take()[0].left for _ in range(3)] == [True, True, True]
    controls.key("A", False, 0)
    assert not controls.take()[0].left


def test_other_bindings_release_what_was_held() -> None:
    controls = hands()
    controls.key("W", True, 0)
    controls.use_bindings(Bindings(keys={"forward": "Up"}))
    assert controls.take()[0] == NO_ACTION
    assert not controls.key("W", True, 0)
    assert controls.key("Up", True, 0)


@pytest.mark.parametrize(("counts", "first"), [(1000, 180.0), (-1000, -180.0), (4, 1.0)])
def test_a_turn_beyond_half_a_circle_goes_on_in_the_next_tick(counts: int, first: float) -> None:
    controls = hands()
    controls.motion(counts, 0, 0)
    assert controls.take()[0].camera[1] == first
    assert controls.take()[0].camera[1] == counts * 0.25 - first


def test_a_turn_that_the_next_picture_shows_already_is_in_no_later_tick() -> None:
    """In a game's own window the game has turned by itself, all of it."""
    controls = hands()
    controls.motion(1000, 0, 0)
    controls.picture_read()
    action, events = controls.take_shown()
    assert action.camera == (0.0, 180.0)
    assert [event.value for event in events] == [250.0]
    assert not controls.untaken
    controls.motion(4, 0, 0)
    controls.picture_read()
    assert controls.take_shown()[0].camera == (0.0, 1.0)


@pytest.mark.parametrize("bound", ["Ctrl", "Control"])
@pytest.mark.parametrize("heard", ["Ctrl", "Control"])
def test_a_key_with_two_names_is_one_key(bound: str, heard: str) -> None:
    controls = HeldControls(Bindings(keys={"sneak": bound}))
    assert controls.key(heard, True, 0)
    assert controls.take()[0].sneak
    assert controls.keys_held == {"Ctrl"}


def test_a_chord_is_the_games_only_where_all_of_it_is_bound() -> None:
    bindings = Bindings(keys={"sneak": "Ctrl", "drop": "Q", "sprint": "Shift", "use": ""})
    assert is_games(bindings, "Q", [])
    assert is_games(bindings, "Q", ["Control"])
    assert is_games(bindings, "Q", ["Control", "Shift"])
    assert is_games(bindings, "Control", ["Control"])
    assert not is_games(bindings, "R", ["Control"])
    assert not is_games(bindings, "Q", ["Alt"])
    assert not is_games(bindings, "", [])


def test_every_key_of_the_yard_has_a_place() -> None:
    assert set(DOOM_BINDINGS.keys.values()) <= set(CODES)


def test_either_shift_is_shift_until_both_are_up() -> None:
    controls = HeldControls(Bindings({"sprint": "Shift"}))
    assert controls.key("Shift", True, 0)
    assert controls.key("RightShift", True, 0)
    assert controls.key("Shift", False, 0)
    controls.take()
    assert controls.take()[0].sprint
    assert controls.key("RightShift", False, 0)
    controls.take()
    assert not controls.take()[0].sprint
    # Unless the right one does something else.
    apart = HeldControls(Bindings({"sprint": "Shift", "jump": "RightShift"}))
    apart.key("RightShift", True, 0)
    assert apart.take()[0].held == {"jump"}
