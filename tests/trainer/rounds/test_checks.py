"""An adapter's strength is chosen on one side and measured on another; the base bounds it too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch

from model.actions.tokens import encode_ids
from model.language.subgoals import NO, YES, done_question
from model.vla.preprocess import CheckpointSpec
from model.vla.tiny import build_model, build_tokenizer
from recorder.types import Action
from trainer.data.examples import Example
from trainer.rounds.gates import Checks, CheckSet, forgets, mean_interval, offline_gates
from trainer.rounds.training.lora import LoraConfig, LoraTask
from trainer.rounds.training.lora_loop import shared_loss
from trainer.rounds.training.parallel import Alone

SPEC = CheckpointSpec(pixels="coordinates", width=64, height=64, patch_size=16, prompt="plain")


@pytest.fixture
def task() -> LoraTask:
    tokenizer = build_tokenizer(["go to the red torch", "Is this done: Yes. No."] * 4, 600)
    model: Any = build_model(tokenizer, SPEC, seed=3, layers=2).eval()
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


class Numbers:
    """A model of one number with a LoraTask's face: its loss is how far it is from an example's.

    Every loss is ``4 + (weight of the example - number) ** 2``; the base's number is 0.
    """

    def __init__(self, start: float = 0.0) -> None:
        self.number = torch.nn.Parameter(torch.tensor([start]))
        self.trainable = {"layer.lora_B.weight": self.number}
        self.peft = self
        self._off = False

    def see(self, examples: Sequence[Example]) -> Sequence[torch.Tensor]:
        return [torch.tensor([each.weight]) for each in examples]

    def losses(
        self, examples: Sequence[Example], features: Sequence[torch.Tensor]
    ) -> list[tuple[float, int]]:
        assert len(examples) == len(features)
        number = 0.0 if self._off else float(self.number.detach())
        # Each answer has two tokens.
        return [(2 * (4 + (float(seen) - number) ** 2), 2) for seen in features]

    def legality(self, examples: Sequence[Example], features: Sequence[torch.Tensor]) -> float:
        return 1.0 if examples and features else math.nan

    @contextmanager
    def disable_adapter(self) -> Iterator[None]:
        self._off = True
        yield
        self._off = False

    def learn(self, number: float) -> None:
        with torch.no_grad():
            self.number.fill_(number)


def wanting(*numbers: float) -> list[Example]:
    """Return examples that want the model's number to be these."""
    return [replace(each, weight=n) for n, each in zip(numbers, examples(1, TURN), strict=False)]


def checks_of(task: Numbers, select: CheckSet, gate: CheckSet) -> Checks:
    return Checks(cast("LoraTask", task), select, gate)


TURN = Action(camera=(0.0, 10.0))


def test_the_strength_is_chosen_on_one_side_and_measured_on_the_other() -> None:
    task = Numbers()
    gate = CheckSet(wanting(1.0), wanting(-0.5), wanting(0.1))
    checks = checks_of(task, CheckSet(wanting(1.0), wanting(0.0)), gate)
    task.learn(1.0)
    found = checks.choose_scale()
    # At a half the select side's loss is 4.25, more than 5 % above 4; at a quarter 4.06.
    assert found.scale == pytest.approx(0.25)
    assert float(task.number.detach()) == pytest.approx(0.25)
    assert (found.taught_before, found.taught_after) == pytest.approx((5.0, 4.5625))
    assert (found.replay_before, found.replay_after) == pytest.approx((4.25, 4.5625))
    assert (found.earlier_before, found.earlier_after) == pytest.approx((4.01, 4.0225))
    # The gate says what its own side says: there it forgets.
    assert any(map(forgets, found.rises))


def test_what_is_not_surely_forgotten_holds_no_adapter_back() -> None:
    """A few pictures' losses swing by more than what may be lost; play tells then."""
    for known, scale in ((unlike(-1.0, 0.5, 0.5), 1.0), (unlike(-0.01, 0.01, 0.0), 0.25)):
        task = Numbers()
        checks = checks_of(task, CheckSet(known=known), CheckSet(known=known))
        task.learn(1.0)
        found = checks.choose_scale()
        assert found.scale == pytest.approx(scale)
        assert found.rises[0].share > 0.0


def test_the_gates_examples_have_no_say_in_the_strength() -> None:
    scales = []
    for known in (wanting(0.0), wanting(-3.0), []):
        task = Numbers()
        checks = checks_of(task, CheckSet(known=wanting(0.0)), CheckSet(wanting(1.0), known))
        task.learn(1.0)
        scales.append(checks.choose_scale().scale)
    assert scales == [0.25, 0.25, 0.25]


def test_nothing_to_choose_by_leaves_the_full_strength_and_the_gate_still_refuses() -> None:
    task = Numbers()
    checks = checks_of(task, CheckSet(), CheckSet(wanting(1.0), wanting(0.0)))
    task.learn(1.0)
    found = checks.choose_scale()
    assert found.scale == 1
    assert any(map(forgets, found.rises))


def test_an_earlier_lesson_holds_an_adapter_back_too() -> None:
    task = Numbers(start=1.0)
    checks = checks_of(task, CheckSet(earlier=wanting(1.0)), CheckSet(earlier=wanting(1.0)))
    task.learn(2.0)
    found = checks.choose_scale()
    assert found.scale == pytest.approx(0.25)
    assert not any(map(forgets, found.rises))


def test_what_the_base_could_is_bound_by_the_base_too() -> None:
    """A parent that has forgotten is no measure of what its child may forget."""
    for start in (0.0, 0.44, 0.8):
        task = Numbers(start)
        checks = checks_of(task, CheckSet(), CheckSet(known=wanting(0.0)))
        task.learn(start + 0.1)
        found = checks.measure(1.0)
        assert found.replay_base == pytest.approx(4.0)
        by_parent, by_base = map(forgets, found.rises)
        assert not by_parent
        # Five per cent more than the base's is 4.2: 0.447 away from it.
        assert by_base is (start + 0.1 > 0.447)


@pytest.mark.parametrize(
    ("wanted", "passed"),
    [
        # Every picture's loss rises from 4 to 5, or to 4.01.
        ((0.0, 0.0, 0.0), False),
        ((0.95, 0.95, 0.95), True),
        # They rise by a fifth on average, but how much they do so differs too much to be sure.
        ((-1.0, 0.5, 0.5), None),
        ((0.0,), None),
    ],
)
def test_forgetting_is_told_with_the_error_of_its_measurement(
    wanted: tuple[float, ...], *, passed: bool | None
) -> None:
    task = Numbers()
    checks = checks_of(task, CheckSet(), CheckSet(wanting(0.0, 1.0), unlike(*wanted)))
    task.learn(1.0)
    found = checks.measure(1.0)
    gate = {each.name: each for each in offline_gates(found, kinds=("demonstration",))}["old tasks"]
    assert gate.passed is passed
    assert (f"{found.rises[0].share:+.0%}" in gate.sentence) is (passed is None and len(wanted) > 1)


def unlike(*numbers: float) -> list[Example]:
    """Return examples made anew: each its own picture, and no episode's."""
    return [replace(each, episode_id=None) for each in wanting(*numbers)]


def test_sentences_of_one_picture_are_one_measurement() -> None:
    task = Numbers()
    one, other = unlike(0.0, 0.1)
    known = [one, replace(one, weight=0.2), other]
    checks = checks_of(task, CheckSet(), CheckSet(known=known))
    task.learn(1.0)
    rise = checks.measure(1.0).rises[0]
    before = (4 + 4.04 + 4.01) / 3
    by_picture = [((5 - 4) + (4.64 - 4.04)) * 2 / 3, (4.81 - 4.01) * 2 / 3]
    assert rise.share == pytest.approx(sum(by_picture) / 2 / before)
    assert (rise.low, rise.high) == pytest.approx(
        tuple(end / before for end in mean_interval(by_picture))
    )


def test_answers_in_words_are_learnt_and_are_no_illegal_actions(task: LoraTask) -> None:
    shown = examples(1, TURN, 2)
    asked = [
        replace(each, instruction=done_question(each.instruction), answer=(), words=words)
        for each, words in zip(shown, (YES, NO), strict=True)
    ]
    features = task.see(asked)
    before = task.loss(asked, features)
    assert math.isfinite(before)
    each = task.losses(asked, features)
    assert [tokens for _, tokens in each] == [task.answer_tokens(one) for one in asked]
    alone = [task.loss([one], [seen]) for one, seen in zip(asked, features, strict=True)]
    assert [nats / tokens for nats, tokens in each] == pytest.approx(alone, rel=1e-4)
    assert math.isnan(task.legality(asked, features))
    mixed = [shown[0], asked[0], shown[1]]
    assert task.legality(mixed, task.see(mixed)) == task.legality(shown, task.see(shown))
    optimizer = torch.optim.Adam(task.trainable.values(), lr=0.01)
    for _ in range(8):
        optimizer.zero_grad()
        shared_loss(task, asked, features, np.arange(len(asked)), Alone()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert task.loss(asked, features) < before


class Hearing(Numbers):
    """What was done moves the number that an example wants."""

    def see(self, examples: Sequence[Example]) -> Sequence[torch.Tensor]:
        return [torch.tensor([each.weight + len(each.acts)]) for each in examples]


def test_what_the_parent_heard_is_what_before_is_measured_on() -> None:
    """A round may begin to tell a sentence what was done; its parent never heard that."""
    kept = [replace(each, acts=("jump",)) for each in wanting(0.0)]
    sentence = kept[0].instruction
    for remembers, before in (({}, 4.0), ({sentence: ["jump"]}, 5.0), ({"other": ["jump"]}, 4.0)):
        sides = CheckSet(kept)
        task = cast("LoraTask", Hearing())
        found = Checks(task, sides, sides, remembers=remembers).choose_scale()
        assert found.taught_before == pytest.approx(before)
