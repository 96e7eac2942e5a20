"""From a sentence to a task: one function, and what a shortened sentence may mean."""

from __future__ import annotations

import pytest

from recorder.errors import ExitCode, UsageError
from recorder.games import judged_task, possible_tasks, required_task, task_list
from recorder.games.base import Task
from recorder.games.sentences import MAX_MEANINGS, either, sentences_of


@pytest.mark.parametrize("game", ["doom", "luanti", "minerl"])
def test_every_sentence_of_a_task_is_its_own(game: str) -> None:
    tasks = task_list(game)
    every = list(sentences_of(tasks))[:: 7 if game == "doom" else 1]
    assert [said for task, said in every if judged_task(tasks, said) is not task] == []


@pytest.mark.parametrize(
    ("game", "said", "task_id"),
    [
        ("doom", "use your gun on the barrel", "shoot:barrel"),
        ("doom", "Don\u2019t let the imp reach you!", "keep_away_from:imp"),
        (
            "doom",
            "\U0001f525\U0001f52b go to the red torch \U0001f44d\U0001f3fd",
            "go_to:red_torch",
        ),
        ("doom", "kill that imp", "shoot:imp"),
        ("luanti", "Chop the tree.", "mine:oak_log"),
        ("minerl", "mine an oak log", "mine_block:oak_log"),
        ("doom", "dance", ""),
        ("doom", "go to the torch", ""),
        ("doom", "", ""),
    ],
)
def test_what_a_sentence_asks_for(game: str, said: str, task_id: str) -> None:
    task = judged_task(task_list(game), said)
    assert ("" if task is None else task.id) == task_id


@pytest.mark.parametrize(
    ("game", "said", "meant"),
    [
        ("doom", "go to the torch", {"go_to:red_torch", "go_to:green_torch", "go_to:blue_torch"}),
        ("doom", "open a door", {f"open:{c}_door" for c in ("red", "green", "blue", "yellow")}),
        (
            "doom",
            "pick up the key",
            {f"pick_up:{c}_{k}" for c in ("red", "blue", "yellow") for k in ("keycard", "skull")},
        ),
        (
            "doom",
            "go to the left torch",
            {f"go_to:left:{colour}_torch" for colour in ("red", "green", "blue")},
        ),
        ("doom", "pick up the ball", {"pick_up:green_orb"}),
        ("luanti", "go to post", {f"go_to:{c}_post" for c in ("red", "blue", "yellow", "white")}),
        ("luanti", "place a block", {"place:cobblestone", "place:planks"}),
        # One task's own sentence, another name of one thing, a thing alone, and no task at all.
        ("doom", "go to the red torch", set()),
        ("doom", "go near the candles", set()),
        ("doom", "fetch the pump gun", set()),
        ("doom", "the torch", set()),
        ("doom", "juggle", set()),
        ("doom", "", set()),
    ],
)
def test_what_a_shortened_sentence_may_mean(game: str, said: str, meant: set[str]) -> None:
    assert {task.id for task in possible_tasks(task_list(game), said)} == meant


def test_that_may_stand_for_an_article() -> None:
    meant = possible_tasks(task_list("doom"), "kill that monster")
    assert {task.verb for task in meant} == {"shoot"}
    assert "shoot:imp" in {task.id for task in meant}


def test_a_word_for_a_sort_means_all_of_it() -> None:
    tasks = task_list("doom")
    monsters = {t.id for t in tasks if t.verb == "shoot" and t.sort == "monster" and ":" in t.id}
    found = {task.id for task in possible_tasks(tasks, "shoot the monster")}
    assert found == {each for each in monsters if each.count(":") == 1}
    assert len(found) == 8


def test_a_word_that_begins_half_the_sentences_gives_no_endless_list() -> None:
    assert len(possible_tasks(task_list("doom"), "go")) == MAX_MEANINGS


def test_only_an_article_may_tell_two_tasks_apart() -> None:
    tasks = (Task("1", "go to the sheep"), Task("2", "go to a sheep"))
    assert judged_task(tasks, "go to sheep") is None
    assert [task.id for task in possible_tasks(tasks, "go to sheep")] == ["1", "2"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("dance", "nobody can judge it and nothing was played"),
        ("open the door", "“open the blue door” or “open the yellow door” is meant"),
    ],
)
def test_what_nobody_can_judge_is_refused_with_what_may_be_meant(said: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        required_task("doom", task_list("doom"), said, "nothing was played")
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_choice_is_read_out_and_never_long() -> None:
    assert either(["a"]) == "a"
    assert either(["a", "b", "c"]) == "a, b or c"
    assert either([str(n) for n in range(20)]).endswith("6 or something else of its kind")
