"""The learning rate of a training whose length is a time, not a number of steps.

Schedules of libraries fall with the steps; here the share of the time falls, so that a training
on a slower machine ends at the final rate as well.
"""

from __future__ import annotations

import math
from typing import Protocol


class Rates(Protocol):
    """Where the rate begins and ends; ``warmup_steps`` is at least 1."""

    @property
    def learning_rate(self) -> float: ...  # noqa: D102
    @property
    def final_rate(self) -> float: ...  # noqa: D102
    @property
    def warmup_steps(self) -> int: ...  # noqa: D102


def rate_at(step: int, share_done: float, rates: Rates) -> float:
    """Warm up linearly, then fall by a cosine to the final rate; ``share_done`` counts from 0."""
    warm = min(1.0, (step + 1) / rates.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share_done)))
    return warm * (rates.final_rate + (rates.learning_rate - rates.final_rate) * cosine)
