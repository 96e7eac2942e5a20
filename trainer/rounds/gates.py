"""The gates that a round has to pass before its adapter may play by itself.

Three need no play and are measured here; the fourth, paired play, is the verdict's
(:func:`trainer.rounds.process.play_gate`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from trainer.data.examples import Example
from trainer.rounds.lora import LoraTask
from trainer.rounds.protocol import Gate

MAX_REPLAY_RISE = 0.05
MIN_LEGALITY = 0.999
SCALES = (1.0, 0.75, 0.5, 0.25)
"""Strengths that are tried, strongest first, where the full adapter forgets too much."""


@dataclass(frozen=True, slots=True)
class Offline:
    """Losses (nats per token) of held-out examples, before and after the round.

    NaN where there was nothing to measure.  ``legality`` is a share, ``scale`` the
    strength of the adapter that was kept.
    """

    taught_before: float
    taught_after: float
    replay_before: float
    replay_after: float
    legality: float
    scale: float


class Checks:
    """Held-out examples with their features; the state at construction is "before"."""

    def __init__(
        self, task: LoraTask, taught: Sequence[Example], replay: Sequence[Example]
    ) -> None:
        self._task = task
        self._taught, self._replay = list(taught), list(replay)
        self._start = self._weights()
        self._before = self._losses()

    def measure(self, scale: float) -> Offline:
        """Measure the adapter as it is now; ``scale`` is noted only."""
        everything = [*self._taught, *self._replay]
        legality = self._task.legality(everything, self._task.see(everything))
        taught, replay = self._losses()
        return Offline(self._before[0], taught, self._before[1], replay, legality, scale)

    def choose_scale(self) -> Offline:
        """Go back towards the start until no more is forgotten than allowed.

        The strongest adapter that keeps the old tasks stays; where none does, the full
        one stays, to be refused by its gate.  Without a parent, ``scale`` multiplies the
        adapter's product; with one, it weighs the new weights against the parent's.
        """
        full = self._weights()
        first: Offline | None = None
        for scale in SCALES:
            self._mix(full, scale)
            offline = self.measure(scale)
            first = first or offline
            if not forgets(offline):
                return offline
        self._mix(full, 1.0)
        if first is None:
            raise RuntimeError("no scale was tried")
        return first

    def _losses(self) -> tuple[float, float]:
        task = self._task
        taught = task.loss(self._taught, task.see(self._taught))
        return taught, task.loss(self._replay, task.see(self._replay))

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: p.detach().clone() for name, p in self._task.trainable.items()}

    def _mix(self, full: dict[str, torch.Tensor], scale: float) -> None:
        fresh = not any(bool(t.any()) for name, t in self._start.items() if ".lora_B." in name)
        with torch.no_grad():
            for name, parameter in self._task.trainable.items():
                if not fresh:
                    parameter.copy_(self._start[name].lerp(full[name], scale))
                elif ".lora_B." in name:
                    # Of a fresh adapter only B is scaled: that is the product, exactly.
                    parameter.copy_(full[name] * scale)
                else:
                    parameter.copy_(full[name])


def forgets(offline: Offline) -> bool:
    """Return whether the old tasks suffer by more than MAX_REPLAY_RISE."""
    limit = offline.replay_before * (1 + MAX_REPLAY_RISE)
    return math.isfinite(offline.replay_before) and not offline.replay_after <= limit


def offline_gates(
    offline: Offline, *, corrections: bool, released: bool = False
) -> tuple[Gate, ...]:
    """Return the gates "taught", "old tasks" and "legal".

    ``corrections`` says whether the round had any, ``released`` that the base came from
    elsewhere and only earlier lessons stand for what it could; both change the words only.
    """
    kept = _kept(offline, released=released)
    return _taught(offline, corrections=corrections), kept, _legal(offline)


def _taught(offline: Offline, *, corrections: bool) -> Gate:
    what = "your corrections" if corrections else "your demonstrations"
    if not math.isfinite(offline.taught_before):
        return Gate(
            "taught",
            passed=False,
            sentence="The round is unverified: there is only one episode, so nothing was left "
            "to check against; teach one more.",
        )
    learnt = offline.taught_after < offline.taught_before
    return Gate(
        "taught",
        passed=learnt,
        sentence=f"On {what} that it was not trained on it is "
        f"{'closer to you' if learnt else 'no closer to you'} than before.",
        figures={"before": offline.taught_before, "after": offline.taught_after},
    )


def _kept(offline: Offline, *, released: bool) -> Gate:
    figures: dict[str, float | None] = {
        "before": offline.replay_before,
        "after": offline.replay_after,
        "scale": offline.scale,
    }
    if not math.isfinite(offline.replay_before):
        sentence = "What it could before was not checked: there is nothing of it to replay."
        if released:
            sentence = (
                "Whether it forgets was not checked: what the model learnt first is not here, and "
                "nothing else was taught to it before this round."
            )
        return Gate("old tasks", passed=None, sentence=sentence, figures=figures)
    kept = not forgets(offline)
    sentence = ("What you taught it before is " if released else "What it could before is ") + (
        "kept." if kept else f"damaged by more than {MAX_REPLAY_RISE:.0%}, so it would forget."
    )
    if released:
        sentence += " What the model learnt first is not here and was not checked."
    return Gate("old tasks", passed=kept, sentence=sentence, figures=figures)


def _legal(offline: Offline) -> Gate:
    """Judge the likeliest token of the whole vocabulary, with nothing forbidden."""
    if not math.isfinite(offline.legality):
        sentence = "Whether its answers are legal was not checked: nothing was held out."
        return Gate("legal", passed=False, sentence=sentence)
    legal = offline.legality >= MIN_LEGALITY
    sentence = f"{offline.legality:.2%} of its unforced answers are legal actions" + (
        "." if legal else f", fewer than {MIN_LEGALITY:.1%}."
    )
    return Gate("legal", passed=legal, sentence=sentence, figures={"legality": offline.legality})
