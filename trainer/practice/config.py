"""The hyper-parameters of practice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PracticeConfig:
    """Hyper-parameters.

    An iteration plays ``attempts`` fresh starts at ``temperature`` and keeps at most ``moments``
    ticks of each attempt.  A share of ``own`` is told the sentence itself, the rest what succeeds
    most often, of it and of ``known`` sentences that are like it.  Then ``steps`` steps are learnt
    from the newest ``kept`` moments of successes: of those that were told another sentence, if
    there are any, as what it does already teaches nothing.  A step takes ``batch`` of them and
    ``replay_batch`` examples of what it could before; their answers, and those to ``others_batch``
    of the pictures under other sentences, are held to the answers from before the practice
    by ``keep`` times their divergence.  ``learning_rate`` falls to a tenth while the time runs out.
    """

    attempts: int = 60
    temperature: float = 0.4
    own: float = 0.2
    known: int = 8
    moments: int = 16
    kept: int = 2_000
    steps: int = 60
    batch: int = 20
    learning_rate: float = 3e-3
    replay_batch: int = 12
    others_batch: int = 12
    keep: float = 20.0
    seed: int = 0
