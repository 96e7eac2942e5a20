from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from lora_tasks import lora_task

from model.actions.tokens import encode_ids, legal_next
from recorder.types import Action
from trainer.data.examples import Example
from trainer.practice.account import Account, identity_of, resumed
from trainer.practice.collector import Moment
from trainer.practice.config import PracticeConfig
from trainer.practice.learner import Learner, Scored

RIGHT, LEFT = encode_ids(Action(right=True)), encode_ids(Action(left=True))
CONFIG = PracticeConfig(batch=8, learning_rate=1e-3)


def moments(count: int, answer: tuple[int, ...]) -> list[Moment]:
    rng = np.random.default_rng(1)
    return [
        Moment(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8), "go to the red torch", answer)
        for _ in range(count)
    ]


def likelihood(learner: Learner, some: list[Moment]) -> float:
    examples = [Example(each.image, each.heard, each.answer, "practice") for each in some]
    logs = learner._likelihoods(examples, learner.task.see(examples))
    return float(torch.stack([each.sum() for each in logs]).mean())


def test_what_went_well_becomes_likelier_and_what_did_not_less(small_checkpoint: Path) -> None:
    learner = Learner(lora_task(small_checkpoint), (), CONFIG)
    good, bad = moments(8, RIGHT), moments(8, LEFT)
    before = likelihood(learner, good), likelihood(learner, bad)
    scored = [*(Scored(each, 1.0) for each in good), *(Scored(each, -1.0) for each in bad)]
    first = learner.learn(scored, np.random.default_rng(0))
    assert first.steps == 2
    for _ in range(3):
        later = learner.learn(scored, np.random.default_rng(0))
    assert likelihood(learner, good) > before[0]
    assert likelihood(learner, bad) < before[1]
    assert likelihood(learner, good) - likelihood(learner, bad) > 0.5
    # It is told how far it went from where it began.
    assert 0 <= first.kl < later.kl


def test_probabilities_are_those_of_the_legal_tokens(small_checkpoint: Path) -> None:
    learner = Learner(lora_task(small_checkpoint), (), CONFIG)
    written = RIGHT[:2]
    total = 0.0
    for number in legal_next(written):
        (picture,) = moments(1, (*written, number))
        example = Example(picture.image, picture.heard, picture.answer, "practice")
        (logs,) = learner._likelihoods([example], learner.task.see([example]))
        total += float(logs[-1].exp())
    assert abs(total - 1.0) < 1e-4


def test_nothing_is_learnt_from_nothing(small_checkpoint: Path) -> None:
    learner = Learner(lora_task(small_checkpoint), (), CONFIG)
    before = learner.task.tensors()
    assert learner.learn([], np.random.default_rng(0)).steps == 0
    assert all(torch.equal(before[name], now) for name, now in learner.task.tensors().items())


def test_a_killed_practice_goes_on_with_the_very_weights_and_moments(
    small_checkpoint: Path, tmp_path: Path
) -> None:
    scored = [Scored(each, 1.0) for each in moments(8, RIGHT)]
    identity = identity_of("base", None, "toy", ["reach"], CONFIG)
    whole = Learner(lora_task(small_checkpoint), (), CONFIG)
    account = Account(identity)
    learnt = whole.learn(scored, np.random.default_rng(0))
    account.add([], learnt, 12.0)
    account.save(tmp_path, whole.task, whole)
    whole.learn(scored, np.random.default_rng(1))

    half = Learner(lora_task(small_checkpoint), (), CONFIG)
    found = resumed(tmp_path, identity, half.task, half)
    assert found == account
    half.learn(scored, np.random.default_rng(1))
    for name, now in half.task.tensors().items():
        torch.testing.assert_close(now, whole.task.tensors()[name])

    other = Learner(lora_task(small_checkpoint), (), CONFIG)
    assert resumed(tmp_path, "another", other.task, other).iterations == 0
