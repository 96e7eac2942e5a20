"""Checks without play, by the losses, whether a round learnt something and forgot too much.

They stop a bad round before time is spent on playing it.  What puts a round in use is
paired play (:mod:`trainer.rounds.measuring.decision`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import torch

from model.language.action_memory import Remembers
from trainer.data.examples import Example, remembered
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

    def heard_with(self, remembers: Remembers) -> CheckSet:
        """Return the same as it is heard where sentences are told with ``remembers``."""
        sides = (self.taught, self.known, self.earlier)
        return CheckSet(*(remembered(each, remembers) for each in sides))


@dataclass(frozen=True, slots=True)
class Rise:
    """By how much a loss rose, as a part of what it was (0.05 is 5 %), with a 95 % interval.

    The interval is that of the mean difference of whole episodes, or of pictures if they belong to
    none; NaN for fewer than two.
    """

    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Offline:
    """Losses (nats per token) on one side's examples, before and after the round.

    "Before" is the adapter that the round went on from, "base" the model without any.  NaN where
    there was nothing to measure.  ``replay`` is what the base knew, ``earlier`` what earlier rounds
    were taught.  ``legality`` is a share, ``scale`` the strength of the adapter that was kept.
    ``gain_low`` to ``gain_high`` is a 95 % interval of how far the taught loss fell, from the
    differences of whole episodes, of which there were ``episodes``; NaN below two.  ``rises`` are
    those of what is to be kept, one against each loss that bounds it.
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
    rises: tuple[Rise, ...] = ()


Nats = Sequence[tuple[float, int]]
"""Of each example its loss, summed over its answer, and the number of its answer's tokens."""


@dataclass(frozen=True, slots=True)
class _Losses:
    """What was measured of one side with one adapter."""

    taught: Nats
    known: Nats
    earlier: Nats


class Checks:
    """Chooses how strong an adapter is on one side, and measures it on the other.

    The state at construction is "before".  ``served`` says that answers will not be forced to be
    legal, as on a server: only then it matters whether they would be.  The greatest strength is
    chosen with which no loss of what is to be kept rises by more than the part ``most_rise``.
    ``remembers`` is what sentences were told with before the round.
    """

    def __init__(
        self,
        task: LoraTask,
        select: CheckSet,
        gate: CheckSet,
        *,
        served: bool = False,
        most_rise: float = MAX_REPLAY_RISE,
        remembers: Remembers | None = None,
    ) -> None:
        self._task = task
        self._most_rise = most_rise
        self._served = served
        self._select, self._gate = select, gate
        self._start = self._weights()
        # A fresh adapter is the base.
        self._fresh = not any(bool(t.any()) for name, t in self._start.items() if _is_b(name))
        self._before = {
            id(side): self._losses(side.heard_with(remembers or {})) for side in (select, gate)
        }
        self._base = {
            id(side): self._before[id(side)].known if self._fresh else self._known_to_base(side)
            for side in (select, gate)
        }

    def measure(self, scale: float) -> Offline:
        """Measure the adapter as it is now on the gate's side; ``scale`` is noted only."""
        gate, before = self._gate, self._before[id(self._gate)]
        legality = math.nan
        if self._served:
            everything = [*gate.taught, *gate.known, *gate.earlier]
            legality = self._task.legality(everything, self._task.see(everything))
        after = self._losses(gate)
        gains = _differences(gate.taught, after.taught, before.taught)
        low, high = mean_interval(gains)
        return replace(
            self._compared(gate, after, legality, scale),
            gain_low=low,
            gain_high=high,
            episodes=len(gains),
            rises=self._rises(gate, after),
        )

    def _rises(self, side: CheckSet, after: _Losses) -> tuple[Rise, ...]:
        """Return how much what is to be kept rose on a side, against each loss that bounds it."""
        before, base = self._before[id(side)], self._base[id(side)]
        bounds = (
            (before.known, after.known, side.known),
            (base, after.known, side.known),
            (before.earlier, after.earlier, side.earlier),
        )
        return tuple(_rise(examples, was, now) for was, now, examples in bounds if examples)

    def choose_scale(self) -> Offline:
        """Go back towards the start while more is surely forgotten than allowed; measure that.

        Chosen on the select side, measured on the gate's.  The strongest adapter stays that is not
        surely forgetful; if each is, the full one stays, to be refused by its gate.  Without a
        parent, ``scale`` multiplies the adapter's product; with one, it weighs the new weights
        against the parent's.
        """
        full = self._weights()
        for scale in SCALES:
            self._mix(full, scale)
            after = self._losses(self._select)
            rises = self._rises(self._select, after)
            if not any(forgets(rise, self._most_rise) for rise in rises):
                return self.measure(scale)
        self._mix(full, 1.0)
        return self.measure(1.0)

    def _compared(self, side: CheckSet, after: _Losses, legality: float, scale: float) -> Offline:
        before = self._before[id(side)]
        return Offline(
            _mean(before.taught),
            _mean(after.taught),
            _mean(before.known),
            _mean(after.known),
            legality,
            scale,
            _mean(self._base[id(side)]),
            _mean(before.earlier),
            _mean(after.earlier),
        )

    def _losses(self, side: CheckSet) -> _Losses:
        return _Losses(*(self._nats(each) for each in (side.taught, side.known, side.earlier)))

    def _nats(self, examples: Sequence[Example]) -> Nats:
        return self._task.losses(examples, self._task.see(examples))

    def _known_to_base(self, side: CheckSet) -> Nats:
        with self._task.peft.disable_adapter():
            return self._nats(side.known)

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


def _mean(nats: Nats) -> float:
    """Return the mean loss per token; NaN without any."""
    tokens = sum(count for _, count in nats)
    return math.fsum(loss for loss, _ in nats) / tokens if tokens else math.nan


def _differences(examples: Sequence[Example], one: Nats, other: Nats) -> list[float]:
    """Return ``other - one`` of each episode, of each picture if it belongs to none.

    In nats a token; the mean over what they weigh is the difference of the mean losses.
    """
    groups: dict[int, list[int]] = {}
    for number, example in enumerate(examples):
        episode = example.episode_id
        groups.setdefault(-id(example.image) if episode is None else episode, []).append(number)
    tokens = sum(count for _, count in one)
    return [
        math.fsum(other[i][0] - one[i][0] for i in each) * len(groups) / tokens
        for each in groups.values()
    ]


def _rise(examples: Sequence[Example], was: Nats, now: Nats) -> Rise:
    low, high = mean_interval(_differences(examples, was, now))
    before = _mean(was) or math.nan
    return Rise((_mean(now) - before) / before, low / before, high / before)


def _is_b(name: str) -> bool:
    return ".lora_B." in name


def forgets(rise: Rise, most: float = MAX_REPLAY_RISE) -> bool:
    """Return whether a loss surely rose by more than the part ``most``.

    Without an interval (fewer than two episodes or pictures) the rise itself says so.
    """
    bound = rise.low if math.isfinite(rise.low) else rise.share
    return not bound <= most


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
        "rise_low": max((rise.low for rise in offline.rises), default=None),
        "rise_high": max((rise.high for rise in offline.rises), default=None),
    }
    if not math.isfinite(offline.replay_before) and not math.isfinite(offline.earlier_before):
        sentence = "What it could before was not checked: there is nothing of it to replay."
        if released:
            sentence = (
                "Whether it forgets was not checked: what the model learnt first is not here, and "
                "nothing else was taught to it before this round."
            )
        return Gate("old tasks", passed=None, sentence=sentence, figures=figures)
    what = "What you taught it before" if released else "What it could before"
    passed, sentence = _kept_words(offline, what)
    if released:
        sentence += " What the model learnt first is not here and was not checked."
    return Gate("old tasks", passed=passed, sentence=sentence, figures=figures)


def _kept_words(offline: Offline, what: str) -> tuple[bool | None, str]:
    """Say whether what is to be kept lost more than it may, beyond the error of its losses."""
    after = (
        (offline.replay_before, offline.replay_after),
        (offline.earlier_before, offline.earlier_after),
    )
    if any(math.isfinite(before) and not math.isfinite(now) for before, now in after):
        return False, f"{what} is lost: its answers have no chance any more."
    if any(math.isfinite(rise.low) and forgets(rise) for rise in offline.rises):
        return False, f"{what} is damaged by more than {MAX_REPLAY_RISE:.0%}, so it would forget."
    if offline.rises and all(rise.high <= MAX_REPLAY_RISE for rise in offline.rises):
        return True, f"{what} is kept."
    worst = max(offline.rises, key=lambda rise: rise.share, default=None)
    sentence = f"Whether {what[0].lower()}{what[1:]} is kept is not sure from its losses"
    if worst is not None and math.isfinite(worst.low):
        sentence += f" ({worst.share:+.0%}, {worst.low:+.0%} to {worst.high:+.0%})"
    return None, f"{sentence}; play tells."


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
