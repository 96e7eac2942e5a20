"""How tokens are chosen; no torch here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a token is chosen among the legal ones; temperature 0 takes the likeliest.

    ``top_p`` keeps the smallest set of likeliest tokens that holds so much probability.
    The seed comes with each episode (:meth:`model.play.policy.Policy.reset`).
    """

    temperature: float = 0.0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ValueError("temperature must be 0 or more, top_p above 0 and at most 1")
