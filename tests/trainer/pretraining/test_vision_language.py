"""Captions, questions, points and boxes: what they say must be so."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.games.doom.scene import build_scene
from recorder.games.doom.state import HiddenState, SeenThing
from recorder.games.doom.tasks import ALL_TASKS, TASK_BY_ID, goal_of
from trainer.pretraining.vision_language import (
    LARGEST_COORDINATE,
    Pair,
    caption,
    coordinates,
    paraphrase_pairs,
    questions,
    rule_pairs,
    seen_things,
)

SIZE = (640, 360)


def state_with(*things: tuple[str, tuple[int, int, int, int] | None, float]) -> HiddenState:
    """A state with (key, box, distance) straight east of the player."""
    task = TASK_BY_ID["go_to:barrel"]
    made = tuple(
        SeenThing(key, number, distance, 0.0, box)
        for number, (key, box, distance) in enumerate(things)
    )
    fixtures = tuple(t for t in made if t.key.endswith(("_door", "_switch")))
    scene = build_scene(goal_of(task), task.id, 1)
    others = tuple(thing for thing in made if thing not in fixtures)
    return HiddenState(0.0, 0.0, 0.0, 0.0, 100.0, others, fixtures, 2, scene)


YARD = state_with(
    ("imp", (100, 150, 40, 80), 300.0),
    ("barrel", (300, 170, 40, 40), 150.0),
    ("red_torch", (500, 100, 60, 160), 600.0),
    ("medkit", None, 200.0),
    ("statue", (10, 10, 2, 3), 900.0),
    ("blue_door", (560, 90, 70, 200), 400.0),
)


def asked(
    state: HiddenState, kind: str, rolls: int = 40, size: tuple[int, int] = SIZE
) -> list[Pair]:
    pairs: dict[str, Pair] = {}
    for seed in range(rolls):
        for pair in questions(state, size, np.random.default_rng(seed), 8):
            if pair.kind == kind:
                pairs[pair.question] = pair
    return list(pairs.values())


@given(st.floats(0, 640), st.floats(0, 360))
def test_coordinates_are_thousandths(x: float, y: float) -> None:
    across, down = coordinates(x, y, SIZE)
    assert 0 <= across <= LARGEST_COORDINATE
    assert 0 <= down <= LARGEST_COORDINATE
    assert abs(across - x / 0.64) <= 1 or across == LARGEST_COORDINATE


def test_what_is_too_small_or_unseen_is_not_spoken_of() -> None:
    assert [t.key for t in seen_things(YARD, SIZE)] == ["imp", "barrel", "red_torch", "blue_door"]


def test_points_and_boxes_are_those_of_the_labels() -> None:
    by_question = {
        pair.question: pair for kind in ("point", "box") for pair in asked(YARD, kind, 200)
    }
    # Three ways to ask for the point and one for the box of each of the four that are seen.
    assert len(by_question) == 4 * (3 + 1)
    point = by_question["Point to the imp."]
    assert point.answer == "<|point_start|>(187,527)<|point_end|>"
    box = by_question["Where is the barrel? Give its box."]
    assert box.answer == "<|box_start|>(468,472),(531,583)<|box_end|>"
    assert box.numbers == (468, 472, 531, 583)


def test_two_of_a_kind_are_not_pointed_at() -> None:
    two = state_with(("imp", (100, 150, 40, 80), 300.0), ("imp", None, 200.0))
    assert asked(two, "point") == asked(two, "box") == []


def test_yes_and_no_are_true() -> None:
    pairs = asked(YARD, "presence", 200)
    seen = {"imp", "barrel", "red_torch", "blue_door"}
    assert {pair.answer for pair in pairs} == {"Yes.", "No."}
    for pair in pairs:
        if "open" in pair.question:
            assert pair.answer == "No."
            continue
        assert (pair.answer == "Yes.") == (pair.key in seen)
        # Too small to be sure of, so asked about neither way.
        assert pair.key != "statue"


def test_counts_places_and_orders_are_true() -> None:
    counts = {pair.question: pair.answer for pair in asked(YARD, "count", 100)}
    assert counts["How many things do you see?"] == "Three."
    assert counts["How many monsters do you see?"] == "One."
    places = {pair.key: pair.answer for pair in asked(YARD, "place", 60)}
    assert places["imp"] == "It is on the left."
    assert places["barrel"] == "It is straight ahead."
    assert places["red_torch"] == "It is on the right."
    nearest = {pair.question: pair.answer for pair in asked(YARD, "nearest")}
    assert nearest["What is nearest?"] == "The barrel."
    assert nearest["What is farthest away?"] == "The red torch."
    column = {"imp": 120, "barrel": 320, "red torch": 530, "blue door": 595}
    orders = asked(YARD, "order", 100)
    assert orders
    for pair in orders:
        side, one, other = re.fullmatch(
            r"Which is further (\w+), the (.+) or the (.+)\?", pair.question
        ).groups()  # type: ignore[union-attr]
        pick = min if side == "left" else max
        assert pair.answer == f"The {pick((one, other), key=column.__getitem__)}."


def test_a_caption_names_everything_and_an_empty_picture_is_empty() -> None:
    text = caption(YARD, SIZE, np.random.default_rng(0)).answer
    assert text == (
        "I see an imp on the left; a barrel straight ahead, near; a red torch on the right, "
        "far away; and a blue door on the right."
    )
    nothing = state_with(("imp", None, 300.0))
    assert caption(nothing, SIZE, np.random.default_rng(0)).answer.startswith("I see an empty")
    for pair in questions(nothing, SIZE, np.random.default_rng(1), 8):
        assert pair.kind in ("caption", "presence", "count")
        assert pair.answer != "Yes."


def test_the_same_seed_asks_the_same() -> None:
    one, two = (questions(YARD, SIZE, np.random.default_rng(5), 6) for _ in range(2))
    assert one == two
    assert len({pair.question for pair in one}) == len(one) == 6


def test_text_pairs_hold_nothing_that_is_held_out() -> None:
    rules = rule_pairs()
    assert len(rules) > 120
    assert len({pair.question for pair in rules}) == len(rules)
    pairs = paraphrase_pairs()
    assert len(pairs) > 2000
    held = {said for task in ALL_TASKS for said in task.heldout_phrasings}
    held_tasks = {task.id for task in ALL_TASKS if task.split == "heldout"}
    for pair in pairs:
        assert pair.question.removeprefix("What does this ask for: ") not in held
        assert pair.key not in held_tasks


@pytest.mark.parametrize("width", [320, 640])
def test_a_smaller_picture_has_the_same_thousandths(width: int) -> None:
    scale = width / 640
    box = tuple(int(n * scale) for n in (100, 150, 40, 80))
    state = state_with(("imp", (box[0], box[1], box[2], box[3]), 300.0))
    points = asked(state, "point", size=(width, int(360 * scale)))
    assert {point.answer for point in points} == {"<|point_start|>(187,527)<|point_end|>"}
