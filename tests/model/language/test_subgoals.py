"""Sentences with several parts: cut where they say so, and followed part by part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.language.subgoals import (
    ACTED_DEG,
    AROUND_DEG,
    IN_A_ROW,
    ROUND_DEG,
    SHOTS,
    TURN_AROUND,
    Plan,
    plan_of,
    split_instruction,
    turned_first,
)
from recorder.games.doom.tasks import ALL_TASKS, TASK_BY_ID
from recorder.types import NO_ACTION, Action

TURN = Action(camera=(0.0, 10.0))


@pytest.mark.parametrize("held", [False, True])
def test_every_two_step_sentence_of_the_yard_is_cut_into_its_two_tasks(held: bool) -> None:
    for task in ALL_TASKS:
        if "+" not in task.id:
            continue
        wanted = tuple(TASK_BY_ID[part].instruction for part in task.id.split("+"))
        for said in task.heldout_phrasings if held else task.phrasings:
            assert split_instruction(said) == wanted, said


def test_a_sentence_about_one_thing_stays_whole() -> None:
    for task in ALL_TASKS:
        if "+" in task.id:
            continue
        for said in (*task.phrasings, *task.heldout_phrasings):
            assert split_instruction(said) == (said,)


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("Open the door. Then go to the torch. Finally, shoot the imp",
         ("Open the door", "go to the torch", "shoot the imp")),
        ("firstly take the medkit; then leave", ("take the medkit", "leave")),
        ("then go", ("then go",)),
        ("go then", ("go then",)),
        ("first, then turn", ("first", "turn")),
        ("strengthen the door", ("strengthen the door",)),
    ],
)  # fmt: skip
def test_other_sentences(said: str, parts: tuple[str, ...]) -> None:
    assert split_instruction(said) == parts


@given(st.text(max_size=80))
def test_no_part_is_empty_and_nothing_is_made_up(text: str) -> None:
    parts = split_instruction(text)
    assert len(parts) == 1 or all(part.strip() for part in parts)
    assert all(part in text for part in parts)


def test_the_next_part_begins_when_the_model_is_sure_and_was_not_before() -> None:
    plan = Plan(("take it", "leave", "wait"))
    assert (plan.now, plan.place) == ("take it", "1 of 3")
    assert not plan.follow(0.1, NO_ACTION)
    assert not plan.follow(0.6, NO_ACTION)
    assert not plan.follow(0.9, NO_ACTION)
    assert plan.follow(0.9, NO_ACTION)
    assert (plan.now, plan.more) == ("leave", True)
    # What was said of one part says nothing of the next.
    assert not plan.follow(0.9, NO_ACTION)
    assert not plan.follow(0.2, NO_ACTION)
    assert not plan.follow(0.2, NO_ACTION)
    assert not plan.follow(0.8, NO_ACTION)
    assert plan.follow(0.8, NO_ACTION)
    assert (plan.now, plan.more) == ("wait", False)


def test_an_answer_that_was_yes_all_along_is_none() -> None:
    plan = Plan(("take it", "leave"))
    assert not any(plan.follow(0.95, NO_ACTION) for _ in range(50))
    assert not any(plan.follow(0.6 + 0.01 * tick, NO_ACTION) for tick in range(40))


def test_one_yes_alone_is_a_flash() -> None:
    plan = Plan(("take it", "leave"))
    assert not any(plan.follow(0.9 if tick % 5 == 4 else 0.0, NO_ACTION) for tick in range(60))
    assert IN_A_ROW > 1


def test_a_shot_is_no_kill_yet() -> None:
    plan = Plan(("shoot it", "leave"))
    shot = [(0.0, True)] * 3 + [(0.9, False)] * 3
    said = [plan.follow(done, Action(attack=fires)) for done, fires in shot * SHOTS]
    assert said.index(True) == len(shot) * (SHOTS - 1) + 3 + IN_A_ROW - 1


def test_a_look_all_the_way_round_ends_a_part() -> None:
    plan = Plan(("take it", "leave"))
    ticks = int(ROUND_DEG / 10)
    assert not any(plan.follow(0.0, TURN) for _ in range(ticks - 1))
    assert plan.follow(0.0, TURN)


@pytest.mark.parametrize(
    "between", [Action(forward=True), Action(jump=True), Action(camera=(0.0, -3.0))]
)
def test_what_is_done_in_between_is_no_search(between: Action) -> None:
    plan = Plan(("take it", "leave"))
    for _ in range(3):
        for _ in range(int(ROUND_DEG / 10) - 1):
            assert not plan.follow(0.0, TURN)
        assert not plan.follow(0.0, between)


@pytest.mark.parametrize("deed", [Action(attack=True), Action(use=True)])
def test_after_a_deed_a_short_search_ends_a_part(deed: Action) -> None:
    plan = Plan(("shoot it", "leave", "wait"))
    assert not plan.follow(0.0, deed)
    ticks = int(ACTED_DEG / 10)
    assert not any(plan.follow(0.0, TURN) for _ in range(ticks - 1))
    assert plan.follow(0.0, TURN)
    # The next part begins anew.
    assert not any(plan.follow(0.0, TURN) for _ in range(ticks))


def test_the_task_list_has_two_step_tasks() -> None:
    # The tests above would hold for an empty list too.
    assert sum("+" in task.id for task in ALL_TASKS) == 120


def test_what_stands_behind_you_is_turned_around_to_first() -> None:
    for task in ALL_TASKS:
        if "+" in task.id:
            continue
        behind = ":behind:" in task.id
        for said in (*task.phrasings, *task.heldout_phrasings):
            first, *rest = turned_first(said)
            assert (first == TURN_AROUND and len(rest) == 1 and "behind" not in rest[0]) or (
                not behind and first == said and not rest
            ), said
    assert plan_of("take the medkit behind you").parts == (TURN_AROUND, "take the medkit")


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("shoot the imp that's behind me, then open the blue door",
         (TURN_AROUND, "shoot the imp", "open the blue door")),
        ("Pick the medkit at your back up", (TURN_AROUND, "Pick the medkit up")),
        ("look behind you", ("look behind you",)),
        ("see what is behind you", ("see what is behind you",)),
        ("keep away from the demon behind you", ("keep away from the demon behind you",)),
        ("don't go to the tree behind you", ("don't go to the tree behind you",)),
        ("go to the torch behind the pillar", ("go to the torch behind the pillar",)),
        ("take the medkit in your backpack", ("take the medkit in your backpack",)),
    ],
)  # fmt: skip
def test_only_a_thing_behind_you_is_turned_around_to(said: str, parts: tuple[str, ...]) -> None:
    assert plan_of(said).parts == parts


@pytest.mark.parametrize("yaw", [12.0, -12.0])
def test_it_has_turned_around_when_it_turned_that_far(yaw: float) -> None:
    plan = plan_of("pick up the medkit behind you")
    assert (plan.now, plan.more, plan.asks) == (TURN_AROUND, True, False)
    ticks = -int(-AROUND_DEG // abs(yaw))
    # Neither a walk on the way nor a model that is sure of it counts.
    turning = [Action(camera=(0.0, yaw), forward=tick % 3 == 0) for tick in range(ticks)]
    assert not any(
        plan.follow(0.1 if tick % 2 else 1.0, turning[tick]) for tick in range(ticks - 1)
    )
    assert plan.follow(0.0, turning[-1])
    assert (plan.now, plan.more, plan.asks) == ("pick up the medkit", False, False)
