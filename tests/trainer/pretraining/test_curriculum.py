"""The list of tasks: what is in it, what is held out, and that it is what the rules make."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from recorder.games.doom import goals
from recorder.games.doom.goals import parse_goal
from recorder.games.doom.tasks import ALL_TASKS, SUITES, TASK_BY_ID, TASKS, TRAINED_TASKS
from trainer.pretraining.curriculum import (
    curriculum_folder,
    draw_suites,
    expand,
    render,
    render_suites,
)

ATOMIC = [task for task in ALL_TASKS if task.verb != goals.TWO_STEP]
EVERY_VERB = {
    "go to", "pick up", "shoot", "face", "keep away from", "open", "press", "switch to",
    "turn left", "turn right", "turn around", "walk forward", "walk back", "walk sideways",
    "stand still", "two-step",
}  # fmt: skip


def read(name: str) -> Any:
    return json.loads((curriculum_folder() / name).read_text(encoding="utf-8"))


def test_the_files_are_what_the_rules_make_of_the_templates() -> None:
    rows = expand(read("templates.json"))
    assert (curriculum_folder() / "tasks.json").read_text(encoding="utf-8") == render(rows)
    assert (curriculum_folder() / "suites.json").read_text(encoding="utf-8") == render_suites(
        draw_suites(rows, read("said.json")["free"])
    )


def test_there_are_verbs_tasks_and_phrasings_enough() -> None:
    assert {task.verb for task in ALL_TASKS} == EVERY_VERB
    assert len({task.instruction for task in ATOMIC}) == len(ATOMIC) >= 240
    assert len(TASK_BY_ID) == len(ALL_TASKS)
    for task in ALL_TASKS:
        assert len(set(task.phrasings)) >= 4
        assert task.phrasings[0] == task.instruction
        assert task.heldout_phrasings
        assert parse_goal(task.id) is not None
        assert task.max_ticks > 0


def test_a_sentence_means_one_task() -> None:
    said: dict[str, str] = {}
    for task in ALL_TASKS:
        for text in (*task.phrasings, *task.heldout_phrasings):
            assert said.setdefault(text.lower(), task.id) == task.id, text


def test_fifteen_percent_of_the_combinations_are_held_out_and_none_of_the_twelve() -> None:
    combinations = [t for t in ATOMIC if t.verb not in (*goals.TURNS, *goals.WALKS)]
    heldout = {task.id for task in ATOMIC if task.split == "heldout"}
    assert len(heldout) == round(0.15 * len(combinations))
    assert all(task.split == "train" for task in TASKS)
    # Every thing and every verb is met in training, though not together.
    seen = Counter(step.kind.key for task in TRAINED_TASKS for step in steps(task.id) if step.kind)
    asked = {step.kind.key for task_id in heldout for step in steps(task_id) if step.kind}
    assert all(seen[key] >= 2 for key in asked)
    # Two steps do not train what is held out.
    for task in ALL_TASKS:
        if task.verb == goals.TWO_STEP and task.split == "train":
            assert not heldout & set(task.id.split("+"))


def steps(task_id: str) -> tuple[goals.Step, ...]:
    goal = parse_goal(task_id)
    assert goal is not None
    return goal.steps


def test_a_quarter_of_each_verbs_templates_is_held_out() -> None:
    for verb, split in read("templates.json")["verbs"].items():
        share = len(split["heldout"]) / (len(split["heldout"]) + len(split["train"]))
        assert share == pytest.approx(0.25), verb
        assert not set(split["heldout"]) & set(split["train"])
    for task in ALL_TASKS:
        assert not set(task.phrasings) & set(task.heldout_phrasings)


def test_suites_are_fixed_lists_of_what_their_names_say() -> None:
    assert {name: len(entries) for name, entries in SUITES.items()} == {
        "default": 12,
        "seen": 60,
        "heldout-combinations": 47,
        "two-step": 60,
        "heldout-phrasings": 60,
        "free": 100,
    }
    assert all(e.task.split == "train" and not e.say for e in SUITES["seen"])
    assert all(e.task.split == "heldout" for e in SUITES["heldout-combinations"])
    assert all(e.task.verb == goals.TWO_STEP for e in SUITES["two-step"])
    for entry in SUITES["heldout-phrasings"]:
        assert entry.task.split == "train"
        assert entry.say in entry.task.heldout_phrasings
    assert {e.task.verb for e in SUITES["seen"]} == EVERY_VERB - {"two-step"}
    for name, entries in SUITES.items():
        told_apart = {(entry.task.id, entry.say if name == "free" else "") for entry in entries}
        assert len(told_apart) == len(entries)


def test_what_people_say_is_about_tasks_and_the_rest_is_not() -> None:
    said = read("said.json")
    for name in ("said", "free"):
        assert len({entry["say"] for entry in said[name]}) == len(said[name]) == 100
        assert {TASK_BY_ID[entry["task"]].verb for entry in said[name]} == EVERY_VERB
    known = {
        text.lower() for task in ALL_TASKS for text in (*task.phrasings, *task.heldout_phrasings)
    }
    for name in ("unrelated", "near_misses"):
        assert len(set(said[name])) == 200
        assert not known & {text.lower() for text in said[name]}
