"""The gates that a round has to pass before its adapter may play by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from trainer.dataset import Example
from trainer.lora import LoraTask
from trainer.progress import Gate
from trainer.verdict import Verdict, VerdictKind

MAX_REPLAY_RISE = 0.05
MIN_LEGALITY = 0.999
SCALES = (1.0, 0.75, 0.5, 0.25)
"""Strengths that are tried, strongest first, where the full adapter forgets too much."""


@dataclass(frozen=True, slots=True)
class Offline:
    """Losses (nats per token) of held-out examples, before and after the round."""

    taught_before: float
    taught_after: float
    replay_before: float
    replay_after: float
    legality: float
    scale: float


class Checks:
    """Held-out examples with their features, seen once."""

    def __init__(
        self, task: LoraTask, taught: Sequence[Example], replay: Sequence[Example]
    ) -> None:
        self._task = task
        self.taught, self.replay = list(taught), list(replay)
        self._taught_features = task.see(self.taught)
        self._replay_features = task.see(self.replay)
        self._before = (self._taught_loss(), self._replay_loss())

    def _taught_loss(self) -> float:
        return self._task.loss(self.taught, self._taught_features)

    def _replay_loss(self) -> float:
        return self._task.loss(self.replay, self._replay_features)

    def measure(self, scale: float) -> Offline:
        """Measure the adapter as it is now."""
        legality = self._task.legality(
            [*self.taught, *self.replay], [*self._taught_features, *self._replay_features]
        )
        return Offline(
            self._before[0], self._taught_loss(), self._before[1], self._replay_loss(),
            legality, scale,
        )  # fmt: skip

    def choose_scale(self) -> Offline:
        """Weaken the adapter until it forgets no more than allowed; return its figures.

        The strongest that passes is kept; where none does, the full adapter stays.
        """
        full = {name: p.detach().clone() for name, p in self._task.trainable.items()}
        first: Offline | None = None
        for scale in SCALES:
            self._restore(full)
            self._task.scale_by(scale)
            offline = self.measure(scale)
            first = first or offline
            if not _forgets(offline):
                return offline
        self._restore(full)
        if first is None:
            raise RuntimeError("no scale was tried")
        return first

    def _restore(self, tensors: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self._task.trainable.items():
                parameter.copy_(tensors[name])


def _forgets(offline: Offline) -> bool:
    return math.isfinite(offline.replay_before) and offline.replay_after > offline.replay_before * (
        1 + MAX_REPLAY_RISE
    )


def offline_gates(offline: Offline, *, corrections: bool) -> tuple[Gate, ...]:
    """Return the three gates that need no play."""
    what = "your corrections" if corrections else "your demonstrations"
    if math.isfinite(offline.taught_before):
        learnt = offline.taught_after < offline.taught_before
        taught = Gate(
            "taught", learnt,
            f"On {what} that it was not trained on it is "
            f"{'closer to you' if learnt else 'no closer to you'} than before.",
            {"before": offline.taught_before, "after": offline.taught_after},
        )  # fmt: skip
    else:
        taught = Gate(
            "taught", False,
            "There is only one episode, so nothing was left to check against: teach one more.",
        )  # fmt: skip
    kept = not _forgets(offline)
    replay = Gate(
        "old tasks", kept,
        "What it could before is "
        + ("kept." if kept else "damaged by more than 5 %, so it would forget."),
        {"before": offline.replay_before, "after": offline.replay_after, "scale": offline.scale},
    )  # fmt: skip
    legal = offline.legality >= MIN_LEGALITY
    legality = Gate(
        "legal", legal,
        f"{offline.legality:.2%} of its unforced answers are legal actions"
        + ("." if legal else f", fewer than {MIN_LEGALITY:.1%}."),
        {"legality": offline.legality},
    )  # fmt: skip
    return taught, replay, legality


def play_gate(verdict: Verdict) -> Gate:
    """Return the gate of paired play: not worse, and not fewer successes."""
    passed = verdict.kind is not VerdictKind.WORSE and verdict.after >= verdict.before
    return Gate(
        "play", passed, verdict.sentence,
        {"before": verdict.before, "after": verdict.after, "n": verdict.n},
    )  # fmt: skip
