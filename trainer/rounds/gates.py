"""The gates of a round that need no play: what it learnt, and what it kept, by its losses.

They refuse what is plainly no use before time is spent on playing it.  What puts a round in use is
paired play (:mod:`trainer.rounds.decision`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import torch

from trainer.data.examples import Example
from trainer.rounds.protocol import Gate
from trainer.rounds.training.lora import LoraTask

MAX_REPLAY_RISE = 0.05
MIN_LEGALITY = 0.999
MIN_GAIN = 0.01
"""So much closer to the person, as a part of the loss before, is worth being called learnt."""
WORDS = {
    "correction": "your corrections",
    "demonstration": "your demonstrations",
    "rollout": "its own successful attempts",
}
"""What the examples of a kind are called."""
SCALES = (1.0, 0.75, 0.5, 0.25)
"""Strengths that are tried, strongest first, where the full adapter forgets too much."""


@dataclass(frozen=True, slots=True)
class CheckSet:
    """Examples of one side: of the round's lessons, of what the base knew, of earlier rounds."""

    taught: Sequence[Example] = ()
    known: Sequence[Example] = ()
    earlier: Sequence[Example] = ()


@dataclass(frozen=True, slots=True)
class Offline:
    """Losses (nats per token) on one side's examples, before and after the round.

    "Before" is the adapter that the round went on from, "base" the model without any.  NaN where
    there was nothing to measure.  ``replay`` is what the base knew, ``earlier`` what earlier rounds
    were taught.  ``legality`` is a share, ``scale`` the strength of the adapter that was kept.
    ``gain_low`` to ``gain_high`` is a 95 % interval of how far the taught loss fell, from the
    differences of whole episodes, of which there were ``episodes``; NaN below two.
    """

    taught_before: float
    taught_after: float
    replay_before: float
    replay_after: float
    legality: float
    scale: float
    replay_base: float = math.nan
    earlier_before: float = math.nan
    earlier_after: float = math.nan
    gain_low: float = math.nan
    gain_high: float = math.nan
    episodes: int = 0


@dataclass(frozen=True, slots=True)
class _Losses:
    taught: float
    known: float
    earlier: float


class Checks:
    """Chooses how strong an adapter is on one side, and measures it on the other.

    The state at construction is "before".  ``served`` says that answers will not be forced to be
    legal, as on a server: only then it matters whether they would be.
    """

    def __init__(
        self, task: LoraTask, select: CheckSet, gate: CheckSet, *, served: bool = False
    ) -> None:
        self._task = task
        self._served = served
        self._select, self._gate = select, gate
        self._start = self._weights()
        # A fresh adapter is the base.
        self._fresh = not any(bool(t.any()) for name, t in self._start.items() if _is_b(name))
        self._before = {id(side): self._losses(side) for side in (select, gate)}
        self._episodes_before = self._by_episode()
        self._base = {
            id(side): self._before[id(side)].known if self._fresh else self._known_to_base(side)
            for side in (select, gate)
        }

    def measure(self, scale: float) -> Offline:
        """Measure the adapter as it is now on the gate's side; ``scale`` is noted only."""
        legality = math.nan
        if self._served:
            everything = [*self._gate.taught, *self._gate.known, *self._gate.earlier]
            legality = self._task.legality(everything, self._task.see(everything))
        after = self._by_episode()
        gains = [before - after[number] for number, before in self._episodes_before.items()]
        low, high = mean_interval(gains)
        compared = self._compared(self._gate, legality, scale)
        return replace(compared, gain_low=low, gain_high=high, episodes=len(gains))

    def choose_scale(self) -> Offline:
        """Go back towards the start until no more is forgotten than allowed; measure that.

        Chosen on the select side, measured on the gate's.  The strongest adapter that keeps the
        old tasks stays; where none does, the full one stays, to be refused by its gate.  Without a
        parent, ``scale`` multiplies the adapter's product; with one, it weighs the new weights
        against the parent's.
        """
        full = self._weights()
        for scale in SCALES:
            self._mix(full, scale)
            if not forgets(self._compared(self._select, math.nan, scale)):
                return self.measure(scale)
        self._mix(full, 1.0)
        return self.measure(1.0)

    def _compared(self, side: CheckSet, legality: float, scale: float) -> Offline:
        before, after = self._before[id(side)], self._losses(side)
        return Offline(
            before.taught, after.taught, before.known, after.known, legality, scale,
            self._base[id(side)], before.earlier, after.earlier,
        )  # fmt: skip

    def _losses(self, side: CheckSet) -> _Losses:
        return _Losses(*(self._loss(each) for each in (side.taught, side.known, side.earlier)))

    def _loss(self, examples: Sequence[Example]) -> float:
        return self._task.loss(examples, self._task.see(examples))

    def _by_episode(self) -> dict[int | None, float]:
        """Return the loss on each taught episode of the gate's side."""
        episodes: dict[int | None, list[Example]] = {}
        for example in self._gate.taught:
            episodes.setdefault(example.episode_id, []).append(example)
        return {number: self._loss(each) for number, each in episodes.items()}

    def _known_to_base(self, side: CheckSet) -> float:
        with self._task.peft.disable_adapter():
            return self._loss(side.known)

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: p.detach().clone() for name, p in self._task.trainable.items()}

    def _mix(self, full: dict[str, torch.Tensor], scale: float) -> None:
        with torch.no_grad():
            for name, parameter in self._task.trainable.items():
                if not self._fresh:
                    parameter.copy_(self._start[name].lerp(full[name], scale))
                elif _is_b(name):
                    # Of a fresh adapter only B is scaled: that is the product, exactly.
                    parameter.copy_(full[name] * scale)
                else:
                    parameter.copy_(full[name])


def _is_b(name: str) -> bool:
    return ".lora_B." in name


def forgets(offline: Offline) -> bool:
    """Return whether what it could before suffers by more than MAX_REPLAY_RISE.

    What the base knew is bound by the base and by the parent, so that many small losses do not add
    up; what earlier rounds taught by the parent.
    """
    return _rises(offline.replay_after, offline.replay_before, offline.replay_base) or _rises(
        offline.earlier_after, offline.earlier_before
    )


def _rises(after: float, *before: float) -> bool:
    known = [loss for loss in before if math.isfinite(loss)]
    return bool(known) and not after <= min(known) * (1 + MAX_REPLAY_RISE)


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return Student's 95 % interval of a mean (Student 1908); NaN for fewer than two values."""
    if len(values) < 2:
        return math.nan, math.nan
    # All of scipy.stats takes a second to load; this is its t.ppf.
    from scipy.special import stdtrit

    n, mean = len(values), math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    half = float(stdtrit(n - 1, 0.975)) * spread
    return mean - half, mean + half


def offline_gates(
    offline: Offline, *, kinds: Collection[str], released: bool = False, served: bool = False
) -> tuple[Gate, ...]:
    """Return the gates "taught" and "old tasks", and "legal" for what will be ``served``.

    ``kinds`` are those of the taught examples on the gate's side, ``released`` says that the base
    came from elsewhere and only earlier lessons stand for what it could; both change the words
    only.
    """
    gates = (_taught(offline, kinds), _kept(offline, released=released))
    return (*gates, _legal(offline)) if served else gates


def _taught(offline: Offline, kinds: Collection[str]) -> Gate:
    """Say whether it came closer to what was shown, beyond the margin and the error."""
    if not math.isfinite(offline.taught_before):
        return Gate(
            "taught",
            passed=None,
            sentence="Whether it learnt the lesson is not known from pictures: the first starts "
            "of a lesson are learnt from, and none is left to check against; show it from more.",
        )
    what = " and ".join(words for kind, words in WORDS.items() if kind in kinds) or "what was shown"
    gain = offline.taught_before - offline.taught_after
    margin = MIN_GAIN * offline.taught_before
    figures: dict[str, float | None] = {
        "before": offline.taught_before,
        "after": offline.taught_after,
        "gain_low": offline.gain_low,
        "gain_high": offline.gain_high,
        "margin": margin,
        "episodes": offline.episodes,
    }
    where = f"on {what} that it did not learn from"
    passed: bool | None = None
    sentence = f"Whether it is closer to you {where} is not known: "
    if not math.isfinite(gain):
        passed, sentence = False, f"It broke: {where} its answers have no chance any more."
    elif offline.episodes < 2:
        sentence += "there is only one such attempt."
    elif offline.gain_low > 0 and gain >= margin:
        passed, sentence = True, f"It is closer to you {where}."
    elif offline.gain_high < margin:
        passed, sentence = False, f"It is no closer to you {where}."
    else:
        sentence += f"the {offline.episodes} such attempts differ too much."
    return Gate("taught", passed=passed, sentence=sentence, figures=figures)


def _kept(offline: Offline, *, released: bool) -> Gate:
    figures: dict[str, float | None] = {
        "before": offline.replay_before,
        "after": offline.replay_after,
        "base": offline.replay_base,
        "earlier_before": offline.earlier_before,
        "earlier_after": offline.earlier_after,
        "scale": offline.scale,
    }
    if not math.isfinite(offline.replay_before) and not math.isfinite(offline.earlier_before):
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
        sentence = "Whether its answers are legal was not checked: there is nothing to check it on."
        return Gate("legal", passed=None, sentence=sentence)
    legal = offline.legality >= MIN_LEGALITY
    sentence = f"{offline.legality:.2%} of its unforced answers are legal actions" + (
        "." if legal else f", fewer than {MIN_LEGALITY:.1%}."
    )
    return Gate("legal", passed=legal, sentence=sentence, figures={"legality": offline.legality})
