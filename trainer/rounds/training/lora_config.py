"""The hyper-parameters of a round."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainer.data.sampling import REPLAY_SHARE


@dataclass(frozen=True, slots=True)
class LoraConfig:
    """Hyper-parameters of a round (reference: peers' recipes, docs/decisions.md).

    ``checkpointing`` recomputes activations in the backward pass: less memory, a third more
    time; rounds switch it on for large models.
    """

    rank: int = 16
    alpha: int = 16
    learning_rate: float = 6e-4
    batch: int = 24
    max_steps: int = 160
    visits: int = 6
    warmup_steps: int = 10
    check_every: int = 20
    patience: int = 3
    save_every_s: float = 30.0
    seed: int = 0
    checkpointing: bool = False


def plan_steps(persons: int, config: LoraConfig) -> int:
    """Return the number of steps in which ``persons`` samples are seen ``visits`` times."""
    wanted = math.ceil(persons * config.visits / ((1 - REPLAY_SHARE) * config.batch))
    return max(1, min(config.max_steps, max(20, wanted)))
