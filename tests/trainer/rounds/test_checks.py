"""An adapter's strength is chosen on one side and measured on another; the base bounds it too."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from model.actions.tokens import encode_ids
from model.language.subgoals import NO, YES, done_question
from model.vla.preprocess import CheckpointSpec
from model.vla.tiny import build_model, build_tokenizer
from recorder.types import Action
from trainer.data.examples import Example
from trainer.rounds.gates import SCALES, Checks, CheckSet, forgets
from trainer.rounds.lora import LoraConfig, LoraTask, shared_loss
from trainer.rounds.parallel import Alone

SPEC = CheckpointSpec(pixels="coordinates", width=64, height=64, patch_size=16, prompt="plain")


@pytest.fixture
def task() -> LoraTask:
    tokenizer = build_tokenizer(["go to the red torch", "Is this done: Yes. No."] * 4, 600)
    model: Any = build_model(tokenizer, SPEC, seed=3).eval()
    return LoraTask(model, tokenizer, SPEC, LoraConfig(rank=2))


def examples(seed: int, action: Action, count: int = 6) -> list[Example]:
    rng = np.random.default_rng(seed)
    return [
        Example(
            rng.integers(0, 255, (64, 64, 3), dtype=np.uint8),
            "go to the red torch", encode_ids(action), "demonstration", seed, number,
        )
        for number in range(count)
    ]  # fmt: skip


def push(task: LoraTask, wanted: list[Example], steps: int) -> None:
    """Teach the adapter some examples, and so forget others."""
    features = task.see(wanted)
    optimizer = torch.optim.SGD(task.trainable.values(), lr=0.5)
    for _ in range(steps):
        loss = shared_loss(task, wanted, features, np.arange(len(wanted)), Alone())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


TURN, WALK = Action(camera=(0.0, 10.0)), Action(forward=True, sprint=True)


def test_the_strength_is_chosen_on_one_side_and_measured_on_the_other(task: LoraTask) -> None:
    select = CheckSet(examples(1, TURN), examples(2, WALK))
    gate = CheckSet(examples(3, TURN), examples(4, WALK), examples(5, TURN))
    checks = Checks(task, select, gate)
    before = [task.loss(side, task.see(side)) for side in (gate.taught, gate.known, gate.earlier)]
    push(task, examples(6, TURN), 30)
    found = checks.choose_scale()
    assert found.scale < 1
    after = [task.loss(side, task.see(side)) for side in (gate.taught, gate.known, gate.earlier)]
    assert (found.taught_before, found.replay_before, found.earlier_before) == tuple(before)
    assert (found.taught_after, found.replay_after, found.earlier_after) == tuple(after)
    # It kept what was chosen by within the bound, and one step stronger would not have.
    known = select.known
    kept = task.loss(known, task.see(known))
    with task.peft.disable_adapter():
        base = task.loss(known, task.see(known))
    assert kept <= base * 1.05 or found.scale == SCALES[-1]


def test_nothing_to_choose_by_leaves_the_full_strength_and_the_gate_still_refuses(
    task: LoraTask,
) -> None:
    checks = Checks(task, CheckSet(), CheckSet(examples(3, TURN), examples(4, WALK)))
    push(task, examples(6, TURN), 30)
    found = checks.choose_scale()
    assert found.scale == 1
    assert forgets(found)


def test_what_the_base_could_is_bound_by_the_base_too(task: LoraTask) -> None:
    """A parent that has forgotten is no measure of what its child may forget."""
    gate = CheckSet(examples(3, TURN), examples(4, WALK))
    fresh = Checks(task, CheckSet(), gate).measure(1.0)
    assert fresh.replay_base == fresh.replay_before
    push(task, examples(6, TURN), 30)
    of_child = Checks(task, CheckSet(), gate).measure(1.0)
    assert of_child.replay_base == pytest.approx(fresh.replay_base)
    assert of_child.replay_after == of_child.replay_before > 1.05 * of_child.replay_base
    assert forgets(of_child)
    assert not forgets(replace(of_child, replay_base=math.nan))


def test_answers_in_words_are_learnt_and_are_no_illegal_actions(task: LoraTask) -> None:
    shown = examples(1, TURN, 2)
    asked = [
        replace(each, instruction=done_question(each.instruction), answer=(), words=words)
        for each, words in zip(shown, (YES, NO), strict=True)
    ]
    features = task.see(asked)
    before = task.loss(asked, features)
    assert math.isfinite(before)
    assert math.isnan(task.legality(asked, features))
    mixed = [shown[0], asked[0], shown[1]]
    assert task.legality(mixed, task.see(mixed)) == task.legality(shown, task.see(shown))
    push(task, asked, 10)
    assert task.loss(asked, features) < before
