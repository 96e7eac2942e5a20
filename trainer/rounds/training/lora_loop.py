"""The loop of a LoRA round: gradient steps until the select side gets no better."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name every torch program uses
from numpy.typing import NDArray

from recorder.errors import UsageError
from trainer.data.examples import Example
from trainer.data.other_sentences import sentences_shown
from trainer.data.sampling import draw_plan, lesson_samples
from trainer.rounds.training.lora import LoraTask
from trainer.rounds.training.lora_config import LoraConfig, most_visits, plan_steps
from trainer.rounds.training.lora_progress import (
    PROGRESS_FILE,
    Progress,
    assert_resumed,
    identity_of,
    resume,
    save,
    weights_of,
)
from trainer.rounds.training.parallel import Alone, Workers


def train(
    task: LoraTask,
    examples: Sequence[Example],
    select: Sequence[Example],
    folder: Path,
    on_step: Callable[[int, int, float, float | None, float], None],
    workers: Workers | None = None,
) -> dict[int, int]:
    """Train; return how often each example was seen.

    The state that is best on ``select`` is kept, and training ends early if it gets no better
    there.  Without any, all planned steps are done.

    Progress lies in ``folder``; a run that was cut off goes on from there, as long as it
    has the same samples and settings.  ``on_step`` hears (step, steps, loss, loss on
    ``select`` or None, seconds left).  ``workers`` share every batch; UsageError where there are
    more of them than samples in one.
    """
    config = task.config
    workers = workers or Alone()
    run = _Run(task, examples)
    best = _Best(task, select)
    identity = identity_of(task, run.plan, [*examples, *select])
    at, best.tensors = resume(task, run.optimizer, folder / PROGRESS_FILE, identity)
    best.loss, best.bad = at.best, at.bad
    for step in range(at.step):
        run.visit(step)
    started = last_save = time.monotonic()
    for step in range(at.step, run.steps):
        loss = run.learn(step, workers, at.next_loss if step == at.step else None)
        done = step + 1
        checked = best.check() if done % config.check_every == 0 or done == run.steps else None
        left = (time.monotonic() - started) / (done - at.step) * (run.steps - done)
        on_step(done, run.steps, loss, checked, left)
        if best.bad >= config.patience:
            break
        due = workers.first and time.monotonic() - last_save >= config.save_every_s
        if done < run.steps and due:
            now = Progress(identity, done, best.loss, best.bad, run.foretell(done))
            save(task, run.optimizer, best.tensors, now, folder / PROGRESS_FILE)
            last_save = time.monotonic()
    best.restore()
    return run.visits


class _Run:
    """The gradient steps over a plan of examples; ``visits`` is how often each was seen."""

    def __init__(self, task: LoraTask, examples: Sequence[Example]) -> None:
        config = task.config
        self._task = task
        self._examples = examples
        self._features = task.see(examples)
        # A mirror image is one more view of what was shown, not more of it.
        persons = lesson_samples(Counter(each.kind for each in examples if not each.mirror))
        wanted = plan_steps(persons, config)
        rng = np.random.default_rng(config.seed)
        most = most_visits(persons, config)
        self.plan = draw_plan(examples, wanted * config.batch, rng, most)
        self.steps = max(1, len(self.plan) // config.batch)
        self.visits: dict[int, int] = {}
        self._before = self._answers_before() if task.keeps else {}
        self.optimizer = torch.optim.AdamW(
            task.trainable.values(), lr=config.learning_rate, weight_decay=0.0
        )

    def _chosen(self, step: int) -> NDArray[np.int64]:
        batch = self._task.config.batch
        return self.plan[step * batch : (step + 1) * batch]

    @torch.no_grad()
    def _answers_before(self) -> dict[int, torch.Tensor]:
        """Return the log-probabilities of all words, by example that is held: as it begins.

        Held is what is replayed, but for the sentences that a person shows now: they are to change,
        and what was done at them is right.
        """
        task = self._task
        now = sentences_shown(self._examples)
        drawn = [
            int(i)
            for i in np.unique(self.plan)
            if self._examples[i].kind == "replay" and self._examples[i].instruction not in now
        ]
        found: dict[int, torch.Tensor] = {}
        for at in range(0, len(drawn), 32):
            part = drawn[at : at + 32]
            own = [self._examples[i] for i in part]
            logits, _ = task.logits(own, [self._features[i] for i in part])
            counts = [task.answer_tokens(each) for each in own]
            found.update(zip(part, torch.split(logits.log_softmax(-1).half(), counts), strict=True))
        return found

    def visit(self, step: int) -> None:
        """Count a step's examples as seen."""
        for index in self._chosen(step):
            self.visits[int(index)] = self.visits.get(int(index), 0) + 1

    def _loss(self, step: int, workers: Workers) -> torch.Tensor:
        return shared_loss(
            self._task, self._examples, self._features, self._chosen(step), workers, self._before
        )

    def learn(self, step: int, workers: Workers, foretold: float | None) -> float:
        """Do a step; return the loss of its batch (nats a token) before it.

        Raises RuntimeError if that is not what was ``foretold`` (None: nothing was).
        """
        task = self._task
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, self.steps, task.config)
        self.visit(step)
        loss = self._loss(step, workers)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        loss = loss.detach()
        gradients = [p.grad for p in task.trainable.values() if p.grad is not None]
        workers.add_up([loss, *gradients])
        if foretold is not None:
            assert_resumed(float(loss), foretold)
        torch.nn.utils.clip_grad_norm_(task.trainable.values(), 1.0)
        self.optimizer.step()
        return float(loss)

    @torch.no_grad()
    def foretell(self, step: int) -> float:
        """Return the loss that a coming step begins with.

        By this process alone: the others do not know that it saves.
        """
        return float(self._loss(step, Alone()))


class _Best:
    """The state that is best on the select side; nothing is kept without any."""

    def __init__(self, task: LoraTask, select: Sequence[Example]) -> None:
        self._task = task
        self._select = select
        self._features = task.see(select)
        self.loss = math.inf
        self.bad = 0
        """Checks in a row that were no better."""
        self.tensors: dict[str, torch.Tensor] = {}

    def check(self) -> float | None:
        """Return the loss on the select side as the model is now, None without any."""
        if not self._select:
            return None
        checked = self._task.loss(self._select, self._features)
        self.bad = 0 if checked < self.loss else self.bad + 1
        if checked < self.loss:
            self.loss, self.tensors = checked, weights_of(self._task)
        return checked

    @torch.no_grad()
    def restore(self) -> None:
        """Put the best state back into the model."""
        if self._select:
            for name, parameter in self._task.trainable.items():
                parameter.copy_(self.tensors[name])


def shared_loss(
    task: LoraTask,
    examples: Sequence[Example],
    features: Sequence[torch.Tensor],
    chosen: NDArray[np.int64],
    workers: Workers,
    before: Mapping[int, torch.Tensor] | None = None,
) -> torch.Tensor:
    """Return this process's part of the mean loss per token of the ``chosen`` examples.

    Of those whose answers ``before`` are known it is, ``keep`` times, how far they are from them.
    The parts add up to the loss of one process, and so do their gradients.  Raises
    UsageError where there are more processes than examples.
    """
    if workers.world > len(chosen):
        raise UsageError(
            f"{workers.world} processes cannot share a batch of {len(chosen)}, so no round was "
            "started; launch fewer."
        )
    # Each answer ends with the end of the turn.
    tokens = sum(task.answer_tokens(examples[i]) for i in chosen)
    own = workers.share(chosen.tolist())
    logits, labels = task.logits([examples[i] for i in own], [features[i] for i in own])
    losses = F.cross_entropy(logits, labels, reduction="none")
    if not before:
        return losses.sum() / tokens
    parts = []
    at = 0
    for index in own:
        rows = slice(at, at := at + task.answer_tokens(examples[index]))
        then = before.get(index)
        if then is None:
            parts.append(losses[rows].sum())
        else:
            parts.append(task.config.keep * _away(then.float(), logits[rows]))
    return torch.stack(parts).sum() / tokens


def _away(then: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Return the divergence from log-probabilities of before, summed over tokens (nats)."""
    return (then.exp() * (then - logits.log_softmax(-1))).sum()


def learning_rate(step: int, steps: int, config: LoraConfig) -> float:
    """Warm up linearly, then fall by a cosine to a twentieth."""
    warm = min(1.0, (step + 1) / config.warmup_steps)
    return config.learning_rate * warm * (0.475 * (1 + math.cos(math.pi * step / steps)) + 0.05)
