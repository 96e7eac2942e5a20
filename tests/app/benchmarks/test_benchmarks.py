"""The form of a benchmark's result."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.benchmarks import expert, sentences, swap
from app.benchmarks.common import Target, median, percentile, report
from app.benchmarks.headless_child import run_headless_child
from app.benchmarks.play import MANY_PARTS, SENTENCE
from app.benchmarks.window import run_window_child
from model.language.prompts import clean_instruction
from model.language.subgoals import plan_of
from recorder.games.doom.scene import build_scene
from recorder.games.doom.tasks import ALL_TASKS, goal_of
from recorder.games.doom.things import KIND_BY_KEY
from recorder.games.seeds import SeedRange
from recorder.store.rows import Stepping
from recorder.types import Outcome
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.starts import Attempt, AttemptKey, Start


def test_medians_stand_beside_their_targets() -> None:
    each = [
        {"rate": 20.0, "share": 0.5},
        {"rate": 16.0, "share": None},
        {"rate": 18.0, "share": 0.1},
    ]
    made = report("play", each, {"rate": Target(17.5, at_least=True), "share": Target(0.2)})
    assert made["median"] == {"rate": 18.0, "share": 0.3}
    assert made["targets"]["rate"] == {"target": "at least 17.5", "met": True}
    assert made["targets"]["share"] == {"target": "at most 0.2", "met": False}
    assert made["runs"] == 3


def test_what_is_missing_is_not_met() -> None:
    assert not Target(1.0).met_by(None)
    assert median([None, math.inf]) is None
    with pytest.raises(ValueError, match="at least one run"):
        report("play", [], {})


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.001, 1))
def test_a_percentile_covers_its_share(values: list[float], share: float) -> None:
    bound = percentile(values, share)
    assert bound is not None
    assert bound in values
    assert sum(value <= bound for value in values) >= share * len(values) - 1e-6


@pytest.mark.long(15, "Qt, torch and the default model are loaded anew, as at a start")
def test_the_real_window_comes_to_play_in_a_process_of_its_own() -> None:
    run = run_window_child(0.3)
    assert 0 < run.visible_s < run.playing_s
    assert run.gaps_ms


def test_what_a_question_costs_is_measured_where_questions_are_asked() -> None:
    asked, unasked = (plan_of(clean_instruction(said)) for said in (MANY_PARTS, SENTENCE))
    assert all(plan_of(f"{part}, then go on").asks for part in asked.parts)
    assert len(asked.parts) > 10
    assert asked.asks
    assert not unasked.asks


def test_sentences_are_told_apart() -> None:
    document = sentences.measure(1, lambda _line: None)
    median = document["median"]
    assert all(target["met"] for target in document["targets"].values())
    assert median["called_unfamiliar_unrelated"] > 0.95
    assert median["called_unfamiliar_held_out"] < 0.15
    assert median["called_unfamiliar_other_sorts"] > 0.98
    assert median["called_unfamiliar_denied"] > 0.95
    # What is no better than a coin's toss would give a half.
    assert sentences.area_under_curve(np.array([1.0, 0.0]), np.array([0.5])) == 0.5
    assert sentences.area_under_curve(np.array([0.5]), np.array([0.5, 0.0])) == 0.75


def attempt(player: PlayerSpec, start: Start, outcome: Outcome) -> Attempt:
    key = AttemptKey(player.name, "doom", start.key, Stepping.LOCK_STEP, "play")
    return Attempt(key, outcome, 1, 0.1)


def test_a_swapped_sentence_names_another_thing_that_stands_there() -> None:
    starts = swap.swapped_starts(SeedRange.TEST.seeds(0, 2))
    assert len(starts) >= 40
    assert {"open", "press"} <= {each.own.task.verb for each in starts}
    for each in starts:
        task, said, seed = each.own.task, each.swapped.heard, each.swapped.seed
        assert replace(each.swapped, heard=each.own.heard) == each.own
        goal = goal_of(task)
        assert goal is not None
        scene = build_scene(goal, task.id, seed)
        there = {placed.kind.phrase for placed in scene.things}
        there |= {KIND_BY_KEY[fixture.key].phrase for fixture in scene.plan.fixtures}
        other = next(t for t in ALL_TASKS if t.instruction == said)
        assert other.split == "train"
        assert other.verb == task.verb
        assert other.thing != task.thing
        assert other.thing in there


def test_a_model_that_only_looks_is_told_from_one_that_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def play(player: PlayerSpec, _game: str, starts: Any, **_more: Any) -> list[Attempt]:
        """The model succeeds with every sentence; random play never does."""
        good = Outcome.SUCCESS if player.name == "base" else Outcome.TIMEOUT
        return [attempt(player, start, good) for start in starts]

    monkeypatch.setattr(swap, "evaluate", play)
    looks = swap.measure(1, lambda _line: None)
    assert looks["median"]["swapped_over_random"] == 1.0
    assert not any(target["met"] for target in looks["targets"].values())

    def reads(player: PlayerSpec, _game: str, starts: Any, **_more: Any) -> list[Attempt]:
        return [
            attempt(
                player,
                start,
                Outcome.SUCCESS
                if player.name == "base" and start.heard == start.task.instruction
                else Outcome.FAILURE,
            )
            for start in starts
        ]

    monkeypatch.setattr(swap, "evaluate", reads)
    read = swap.measure(1, lambda _line: None)
    assert read["median"]["own_success"] == 1.0
    assert read["median"]["swapped_done_wrong"] == 1.0
    assert all(target["met"] for target in read["targets"].values())
    assert sum(row["n"] for row in read["by_verb"].values()) == read["starts"]


def test_every_verb_of_the_expert_has_its_hundred_starts() -> None:
    starts = expert.verb_starts(ALL_TASKS, 100)
    counts = Counter(start.task.verb for start in starts)
    assert set(counts) == {task.verb for task in ALL_TASKS}
    assert set(counts.values()) == {100}
    assert len({start.key for start in starts}) == len(starts)
    assert min(start.seed for start in starts) == SeedRange.TEST.first
    # Spread evenly: no task of a verb has two starts more than another.
    each = Counter(start.task.id for start in starts if start.task.verb == "go to")
    assert max(each.values()) - min(each.values()) <= 1


def test_a_verb_that_the_expert_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def play(player: PlayerSpec, _game: str, starts: Any, **more: Any) -> list[Attempt]:
        played = [
            attempt(
                player,
                start,
                Outcome.FAILURE
                if start.task.verb == "shoot" and number % 10 == 0
                else Outcome.SUCCESS,
            )
            for number, start in enumerate(starts)
        ]
        for one in played:
            more["on_played"](one)
        return played

    monkeypatch.setattr(expert, "evaluate", play)
    document = expert.measure(1, lambda _line: None)
    assert document["median"]["verbs_significantly_below"] == 1
    assert document["median"]["success shoot"] == 0.9
    assert len(document["failed"]) == document["by_verb"]["shoot"]["wrong"] == 10
    assert document["targets"]["success"]["met"]
    assert not document["targets"]["verbs_significantly_below"]["met"]


@pytest.mark.slow
def test_the_headless_player_tells_its_load_time_and_memory() -> None:
    figures = run_headless_child()
    assert figures["model_load_s"] > 0
    assert figures["model_load_cpu_s"] > 0
    assert figures["libraries_load_cpu_s"] > 0
    # Less is not torch with a model, and a leak of pictures would be far more.
    assert 0.1 < figures["resident_gb"] < 1.2
    assert figures["engine_resident_gb"] > 0
