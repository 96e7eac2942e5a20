from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lora_tasks import lora_task

from model.actions.tokens import encode_ids
from recorder.types import Action
from trainer.data.examples import Example
from trainer.practice.account import Account, identity_of, resumed
from trainer.practice.collector import Moment
from trainer.practice.config import PracticeConfig
from trainer.practice.learner import LEAST_RATE, Learner, _divergence

RIGHT, LEFT = encode_ids(Action(right=True)), encode_ids(Action(left=True))
CONFIG = PracticeConfig(batch=8, steps=4, learning_rate=1e-3, kept=8, replay_batch=4)
SENTENCE = "go to the red torch"


def moments(count: int, answer: tuple[int, ...], seed: int = 1) -> list[Moment]:
    rng = np.random.default_rng(seed)
    return [
        Moment(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8), SENTENCE, answer)
        for _ in range(count)
    ]


def examples(some: list[Moment], sentence: str = SENTENCE) -> list[Example]:
    return [Example(each.image, sentence, each.answer, "practice") for each in some]


def held(checkpoint: Path, known: list[Example], config: PracticeConfig) -> Learner:
    """Return a learner that holds its answers to what it could, ``known``."""
    task = lora_task(checkpoint)
    task.config = replace(task.config, keep=1.0)
    return Learner(task, known, config)


def loss(learner: Learner, some: list[Example]) -> float:
    return learner.task.loss(some, learner.task.see(some))


def test_what_led_to_a_success_becomes_likelier(small_checkpoint: Path) -> None:
    learner = Learner(lora_task(small_checkpoint), (), CONFIG)
    good = moments(8, RIGHT)
    before = loss(learner, examples(good))
    assert learner.learn(good, np.random.default_rng(0)).steps == 4
    for _ in range(5):
        learner.learn(good, np.random.default_rng(0))
    assert loss(learner, examples(good)) < before - 0.5


def test_what_it_could_before_is_held_to_what_it_was(small_checkpoint: Path) -> None:
    known = examples(moments(8, LEFT, seed=2), "go to the blue torch")
    apart = {}
    for keep in (0.0, 50.0):
        config = replace(CONFIG, keep=keep, learning_rate=5e-3, others_batch=0)
        learner = held(small_checkpoint, known, config)
        for _ in range(5):
            learnt = learner.learn(moments(8, RIGHT), np.random.default_rng(0))
        apart[keep] = learnt.kl
    assert 0 <= apart[50.0] < apart[0.0] / 2


def test_a_success_is_no_answer_to_other_sentences_at_its_picture(small_checkpoint: Path) -> None:
    """What is replayed shows known sentences at other pictures: that alone holds too little."""
    known = examples(moments(8, LEFT, seed=2), "go to the blue torch")
    good = moments(8, RIGHT)
    asked = examples(good, "go to the blue torch")
    moved = {}
    for others in (0, 12):
        learner = held(small_checkpoint, known, replace(CONFIG, others_batch=others, steps=20))
        views = learner.task.see(asked)
        before = learner._answers(asked, views)
        learner.learn(good, np.random.default_rng(0))
        with torch.no_grad():
            logits, _ = learner.task.logits(asked, views)
        moved[others] = float(_divergence(before, logits))
    assert 0 <= moved[12] < moved[0] / 2


def test_what_is_practised_is_held_at_no_picture(small_checkpoint: Path) -> None:
    """What the agent is to do otherwise must not be held to what it did, of no other sentence."""
    known = [
        *examples(moments(4, LEFT, seed=2), "go to the blue torch"),
        *examples(moments(4, LEFT, seed=3), "hop"),
    ]
    learner = held(small_checkpoint, known, CONFIG)
    hop = [replace(each, heard="hop") for each in moments(4, RIGHT, seed=4)]
    pool = [*examples(moments(4, RIGHT)), *examples(hop, "hop")]
    others = learner._others(pool, learner.task.see(pool), np.random.default_rng(0))
    assert others is not None
    made = list(others)
    assert len(made) == CONFIG.steps * CONFIG.others_batch
    assert {example.instruction for example, _, _ in made} == {"go to the blue torch"}
    alone = held(small_checkpoint, examples(moments(4, LEFT, seed=3), "hop"), CONFIG)
    assert alone._others(pool, alone.task.see(pool), np.random.default_rng(0)) is None


def test_the_newest_successes_are_learnt_from_and_the_rate_falls(small_checkpoint: Path) -> None:
    learner = Learner(lora_task(small_checkpoint), (), CONFIG)
    old, new = moments(8, LEFT), moments(6, RIGHT, seed=2)
    learner.learn(old, np.random.default_rng(0), left=0.5)
    assert learner.optimizer.param_groups[0]["lr"] == pytest.approx(0.5e-3)
    learner.learn(new, np.random.default_rng(0), left=-1.0)
    assert learner.optimizer.param_groups[0]["lr"] == pytest.approx(LEAST_RATE * 1e-3)
    kept = [each.answer for each in learner._pool]
    assert kept == [LEFT] * 2 + [RIGHT] * 6
    # An iteration without a success goes on with those before it.
    assert learner.learn([], np.random.default_rng(0)).steps == 4


def test_nothing_is_learnt_from_nothing(small_checkpoint: Path) -> None:
    learner = Learner(lora_task(small_checkpoint), (), CONFIG)
    before = learner.task.tensors()
    assert learner.learn([], np.random.default_rng(0)).steps == 0
    assert all(torch.equal(before[name], now) for name, now in learner.task.tensors().items())


def test_a_killed_practice_goes_on_with_the_very_weights_and_moments(
    small_checkpoint: Path, tmp_path: Path
) -> None:
    first, later = moments(8, RIGHT), moments(8, RIGHT, seed=2)
    identity = identity_of("base", None, "toy", ["reach"], CONFIG)
    known = examples(moments(8, LEFT, seed=3), "go to the blue torch")
    whole = held(small_checkpoint, known, CONFIG)
    account = Account(identity)
    account.tallies = {"reach": {"": (4, 1), "go": (8, 6)}}
    account.add([], whole.learn(first, np.random.default_rng(0)), 12.0)
    account.save(tmp_path, whole.task, whole)
    whole.learn(later, np.random.default_rng(1))

    half = held(small_checkpoint, known, CONFIG)
    found = resumed(tmp_path, identity, half.task, half)
    assert found == account
    assert (found.attempts, found.successes) == (12, 7)
    half.learn(later, np.random.default_rng(1))
    for name, now in half.task.tensors().items():
        torch.testing.assert_close(now, whole.task.tensors()[name])

    other = Learner(lora_task(small_checkpoint), (), CONFIG)
    assert resumed(tmp_path, "another", other.task, other).iterations == 0


def test_what_was_done_is_told_only_of_sentences_that_are_told_with_it(
    small_checkpoint: Path,
) -> None:
    task = lora_task(small_checkpoint)
    task.remembers = {SENTENCE: ["jump"]}
    prompts = []
    ask = task.prompt_of
    task.prompt_of = lambda example: prompts.append(ask(example)) or prompts[-1]  # type: ignore
    learner = Learner(task, (), CONFIG)
    (one,) = moments(1, RIGHT)
    jumped = replace(one, acts=("jump", "attack"))
    for moment in (jumped, replace(jumped, heard="hop")):
        learner.learn([moment], np.random.default_rng(0))
    told = {f"{SENTENCE}, after jump", "hop"}
    assert set(prompts) == {task.sequences.prompt_ids(each) for each in told}
