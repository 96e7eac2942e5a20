"""Learns from moments of practice: what went better than the rest of its group becomes likelier.

The policy's own distribution is learnt on: the legal tokens at the temperature that was played.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name every torch program uses

from model.actions.tokens import legal_next
from trainer.data.examples import Example
from trainer.practice.collector import Moment
from trainer.practice.config import PracticeConfig
from trainer.rounds.training.lora import LoraTask, of_this_action

KIND = "practice"


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A moment and how much better its attempt was than the others of its group."""

    moment: Moment
    advantage: float


@dataclass(frozen=True, slots=True)
class Learnt:
    """What an iteration's steps came to: their number, mean divergence from the start (nats)."""

    steps: int
    kl: float


class Learner:
    """A LoRA that practises; the state at construction is what it is held to."""

    def __init__(self, task: LoraTask, replay: Sequence[Example], config: PracticeConfig) -> None:
        """``replay`` is what it could before; none is repeated if it is empty."""
        self.task, self._config = task, config
        self._start = self._weights()
        self._replay = list(replay)
        self._replay_features = task.see(self._replay)
        self.optimizer = torch.optim.AdamW(
            task.trainable.values(), lr=config.learning_rate, weight_decay=0.0
        )

    def learn(self, scored: Sequence[Scored], rng: np.random.Generator) -> Learnt:
        """Do the steps of one iteration; ``rng`` draws their order and what is replayed."""
        task, config = self.task, self._config
        if not scored:
            return Learnt(0, 0.0)
        examples = [
            Example(each.moment.image, each.moment.heard, each.moment.answer, KIND)
            for each in scored
        ]
        features = task.see(examples)
        gains = torch.tensor([max(each.advantage, config.least_advantage) for each in scored])
        before = self._likelihoods(examples, features)
        now = self._weights()
        self._put(self._start)
        first = self._likelihoods(examples, features)
        self._put(now)
        divergences = []
        for _ in range(config.epochs):
            order = rng.permutation(len(examples))
            for at in range(0, len(order), config.batch):
                part = order[at : at + config.batch].tolist()
                loss, kl = self._loss(part, examples, features, gains, before, first)
                self._step(loss + config.replay * self._replay_loss(rng))
                divergences.append(kl)
        task.forget(examples)
        return Learnt(len(divergences), float(np.mean(divergences)))

    def _loss(
        self,
        part: Sequence[int],
        examples: Sequence[Example],
        features: Sequence[torch.Tensor],
        gains: torch.Tensor,
        before: Sequence[torch.Tensor],
        first: Sequence[torch.Tensor],
    ) -> tuple[torch.Tensor, float]:
        """Return (what is to fall, the divergence from the start in nats a token)."""
        config = self._config
        chosen = [examples[i] for i in part]
        now = self._logs(chosen, [features[i] for i in part])
        old = torch.cat([before[i] for i in part])
        start = torch.cat([first[i] for i in part])
        counts = torch.tensor([len(each.answer) for each in chosen])
        gain = torch.repeat_interleave(gains[list(part)], counts).to(now.device)
        ratio = (now - old).exp()
        clipped = ratio.clamp(1 - config.clip, 1 + config.clip)
        better = torch.minimum(ratio * gain, clipped * gain).mean()
        # Never negative and without bias: Schulman, "Approximating KL divergence" (2020).
        away = start - now
        kl = (away.exp() - 1 - away).mean()
        return config.kl * kl - better, float(kl.detach())

    def _step(self, loss: torch.Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.task.trainable.values(), 1.0)
        self.optimizer.step()

    def _replay_loss(self, rng: np.random.Generator) -> torch.Tensor:
        if not self._replay:
            return torch.zeros(())
        some = rng.integers(len(self._replay), size=self._config.replay_batch).tolist()
        logits, labels = self.task.logits(
            [self._replay[i] for i in some], [self._replay_features[i] for i in some]
        )
        return F.cross_entropy(logits, labels)

    @torch.no_grad()
    def _likelihoods(
        self, examples: Sequence[Example], features: Sequence[torch.Tensor]
    ) -> list[torch.Tensor]:
        """Return of each example the log-probability of each of its tokens."""
        found: list[torch.Tensor] = []
        for at in range(0, len(examples), 64):
            part = examples[at : at + 64]
            logs = self._logs(part, features[at : at + 64])
            found += torch.split(logs, [len(each.answer) for each in part])
        return found

    def _logs(self, examples: Sequence[Example], features: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the log-probabilities of all tokens that were answered, in order.

        The end of the turn is not the policy's choice and does not count.
        """
        logits, labels = self.task.logits(examples, features)
        rows: list[int] = []
        at = 0
        for example in examples:
            rows += range(at, at + len(example.answer))
            at += self.task.answer_tokens(example)
        chosen = logits[rows] / self._config.temperature
        allowed = torch.full_like(chosen, float("-inf"))
        ids = [
            self._ids(of_this_action(example.answer[:place]))
            for example in examples
            for place in range(len(example.answer))
        ]
        for row, legal in enumerate(ids):
            allowed[row, legal] = 0.0
        logs = (chosen + allowed).log_softmax(-1)
        return logs.gather(1, labels[rows, None]).squeeze(1)

    def _ids(self, written: tuple[int, ...]) -> list[int]:
        return [self.task.sequences.action_id(number) for number in _legal(written)]

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: p.detach().clone() for name, p in self.task.trainable.items()}

    @torch.no_grad()
    def _put(self, weights: dict[str, torch.Tensor]) -> None:
        for name, parameter in self.task.trainable.items():
            parameter.copy_(weights[name])


@lru_cache(maxsize=4096)
def _legal(written: tuple[int, ...]) -> tuple[int, ...]:
    return legal_next(written)
