"""The hyper-parameters of practice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PracticeConfig:
    """Hyper-parameters.

    An iteration plays ``groups`` starts, each ``attempts`` times, at ``temperature``, and keeps at
    most ``moments`` ticks of each attempt.  Then every moment with an advantage is learnt from
    ``epochs`` times, ``batch`` at a time: the clipped ratio (PPO, arXiv 1707.06347) with ``clip``,
    ``kl`` times the divergence from where practice began, on the same moments, and ``replay`` times
    the loss on ``replay_batch`` examples of what it could before.  No advantage is below
    ``least_advantage``: what went wrong says less about what is right than what went well.
    """

    groups: int = 12
    attempts: int = 8
    temperature: float = 0.8
    moments: int = 12
    epochs: int = 1
    batch: int = 32
    learning_rate: float = 2e-4
    clip: float = 0.2
    kl: float = 0.02
    replay: float = 0.3
    replay_batch: int = 8
    least_advantage: float = -1.0
    seed: int = 0
