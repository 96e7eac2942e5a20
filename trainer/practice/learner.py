"""Learns from moments of practice: what led to a success is likelier then, what it could stays."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name every torch program uses

from model.language.action_memory import told_acts
from trainer.data.examples import Example
from trainer.practice.collector import Moment
from trainer.practice.config import PracticeConfig
from trainer.rounds.training.lora import LoraTask

KIND = "practice"
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
        self._before = self._answers() if task.keeps else []
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
        divergences = []
        for _ in range(config.steps):
            some = rng.integers(len(pool), size=config.batch).tolist()
            logits, labels = task.logits([pool[i] for i in some], [features[i] for i in some])
            lesson = F.cross_entropy(logits, labels)
            known, kl = self._known_loss(rng)
            share = config.batch / (config.batch + config.replay_batch)
            self._step(share * lesson + (1 - share) * (known + config.keep * kl))
            divergences.append(float(kl.detach()))
        return Learnt(len(divergences), float(np.mean(divergences)))

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
        before = torch.cat([self._before[i] for i in some])
        now = logits.log_softmax(-1)
        return loss, F.kl_div(now, before, reduction="batchmean", log_target=True)

    @torch.no_grad()
    def _answers(self) -> list[torch.Tensor]:
        """Return of each replayed example the log-probabilities of all tokens, at each place."""
        found: list[torch.Tensor] = []
        for at in range(0, len(self._replay), 64):
            part = self._replay[at : at + 64]
            logits, _ = self.task.logits(part, self._replay_features[at : at + 64])
            counts = [self.task.answer_tokens(each) for each in part]
            found += torch.split(logits.log_softmax(-1), counts)
        return found
