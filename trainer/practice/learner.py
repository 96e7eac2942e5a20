"""Learns from moments of practice: what led to a success is likelier then, what it could stays."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name every torch program uses

from model.language.action_memory import told_acts
from trainer.data.examples import Example
from trainer.data.other_sentences import sentences_of, with_other_sentences
from trainer.practice.collector import Moment
from trainer.practice.config import PracticeConfig
from trainer.rounds.training.lora import LoraTask

KIND = "practice"
Held = tuple[Example, torch.Tensor, torch.Tensor]
"""An example, its vision tokens, and the log-probabilities that were answered before."""
LEAST_RATE = 0.1
"""Of the learning rate, what is left of it when the time is over."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What an iteration's steps came to: their number, mean divergence from the start (nats)."""

    steps: int
    kl: float


class Learner:
    """A LoRA that practises; its answers to what is replayed are held to those of now."""

    def __init__(self, task: LoraTask, replay: Sequence[Example], config: PracticeConfig) -> None:
        """``replay`` is what it could before; none is repeated if it is empty."""
        self.task, self._config = task, config
        self._replay = list(replay)
        self._replay_features = task.see(self._replay)
        self._sentences = sentences_of(self._replay)
        self._start = {name: each.detach().clone() for name, each in task.trainable.items()}
        self._before = self._answers(self._replay, self._replay_features) if task.keeps else []
        self._pool: deque[Example] = deque()
        self.optimizer = torch.optim.AdamW(
            task.trainable.values(), lr=config.learning_rate, weight_decay=0.0
        )

    def learn(
        self, moments: Sequence[Moment], rng: np.random.Generator, *, left: float = 1.0
    ) -> Learnt:
        """Do the steps of one iteration on its ``moments`` and those before them.

        ``rng`` draws them and what is replayed; ``left`` is the share of the time that is left.
        """
        task, config = self.task, self._config
        for each in moments:
            acts = told_acts(task.remembers, each.heard, each.acts)
            self._pool.append(Example(each.image, each.heard, each.answer, KIND, acts=acts))
        while len(self._pool) > config.kept:
            task.forget([self._pool.popleft()])
        if not self._pool:
            return Learnt(0, 0.0)
        pool = list(self._pool)
        features = task.see(pool)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * max(LEAST_RATE, left)
        others = self._others(pool, features, rng)
        divergences = []
        for _ in range(config.steps):
            some = rng.integers(len(pool), size=config.batch).tolist()
            logits, labels = task.logits([pool[i] for i in some], [features[i] for i in some])
            lesson = F.cross_entropy(logits, labels)
            known, kl = self._known_loss(rng)
            parts = [config.batch * lesson, config.replay_batch * (known + config.keep * kl)]
            if held := [next(others) for _ in range(config.others_batch)] if others else []:
                parts.append(len(held) * config.keep * self._away(held))
            self._step(sum(parts, torch.zeros(())) / (config.batch + config.replay_batch))
            divergences.append(float(kl.detach()))
        return Learnt(len(divergences), float(np.mean(divergences)))

    def _others(
        self, pool: Sequence[Example], features: Sequence[torch.Tensor], rng: np.random.Generator
    ) -> Iterator[Held] | None:
        """Return the pictures of an iteration's successes with other sentences, for all its steps.

        None if nothing is held.
        """
        heard = {each.instruction for each in pool}
        said = [each for each in self._sentences if each not in heard]
        count = self._config.steps * self._config.others_batch
        if not (self._before and said and count):
            return None
        seen = {id(each.image): feature for each, feature in zip(pool, features, strict=True)}
        made = with_other_sentences(pool, said, count, rng)
        views = [seen[id(each.image)] for each in made]
        with self._as_it_began():
            return iter(zip(made, views, self._answers(made, views), strict=True))

    def _step(self, loss: torch.Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.task.trainable.values(), 1.0)
        self.optimizer.step()

    def _known_loss(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (loss, divergence from before the practice) on some of what it could, a token."""
        if not self._replay:
            return torch.zeros(()), torch.zeros(())
        some = rng.integers(len(self._replay), size=self._config.replay_batch).tolist()
        logits, labels = self.task.logits(
            [self._replay[i] for i in some], [self._replay_features[i] for i in some]
        )
        loss = F.cross_entropy(logits, labels)
        if not self._before:
            return loss, torch.zeros(())
        return loss, _divergence([self._before[i] for i in some], logits)

    def _away(self, held: Sequence[Held]) -> torch.Tensor:
        """Return the divergence from before the practice (nats a token)."""
        examples, views, before = zip(*held, strict=True)
        logits, _ = self.task.logits(examples, views)
        return _divergence(before, logits)

    @contextlib.contextmanager
    def _as_it_began(self) -> Iterator[None]:
        """Answer as before the practice, for as long as the context lasts."""
        trainable = self.task.trainable
        now = {name: each.detach().clone() for name, each in trainable.items()}
        try:
            _set(trainable, self._start)
            yield
        finally:
            _set(trainable, now)

    @torch.no_grad()
    def _answers(
        self, examples: Sequence[Example], features: Sequence[torch.Tensor]
    ) -> list[torch.Tensor]:
        """Return of each example the log-probabilities of all tokens, at each place."""
        found: list[torch.Tensor] = []
        for at in range(0, len(examples), 64):
            part = examples[at : at + 64]
            logits, _ = self.task.logits(part, features[at : at + 64])
            counts = [self.task.answer_tokens(each) for each in part]
            found += torch.split(logits.log_softmax(-1), counts)
        return found


def _divergence(before: Sequence[torch.Tensor], logits: torch.Tensor) -> torch.Tensor:
    now = logits.log_softmax(-1)
    return F.kl_div(now, torch.cat(list(before)), reduction="batchmean", log_target=True)


def _set(trainable: Mapping[str, torch.nn.Parameter], to: Mapping[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in trainable.items():
            parameter.copy_(to[name])
