"""The eye: says at each tick of an attempt whether the sentence is done.

Two probes that were taught from marks: one looks at the picture ("is this what it looks like when
it is done?"), one at how the attempt went ("is this how it is done?").  Done is what both believe
for some ticks in a row: for as many as the marks allow, as what is only passed is not done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from recorder.types import Action
from trainer.evaluation.eye.glances import MANNER, Array, Seen, deed, manner
from trainer.evaluation.eye.probe import Probe

VERSION = 2
"""Of the figures that an eye goes by: one of another version cannot be read."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How the eye did on attempts that it did not learn from: counts of the agent's own.

    Of ``done`` attempts that the person marked as done it called ``right_done`` so, of ``failed``
    ones ``right_failed`` failed; one that the person ended early counts as the part that it lasted.
    """

    done: int
    right_done: int
    failed: int
    right_failed: int

    @property
    def balanced(self) -> float | None:
        """The mean of the two shares that it got right (0 to 1), None if one is of nothing."""
        if not self.done or not self.failed:
            return None
        return (self.right_done / self.done + self.right_failed / self.failed) / 2

    @property
    def account(self) -> str:
        """How good it is, in a few words: "right about 11 of 12 attempts that you marked"."""
        right, of = self.right_done + self.right_failed, self.done + self.failed
        return f"right about {right} of {of} attempts that you marked"


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """What judges one sentence; ``threshold`` (0 to 1) is from where on it says done.

    It has to believe so for ``hold`` ticks in a row.  ``ticks`` is how long the attempts were that
    it was measured on: it judges none longer.
    """

    sentence: str
    base: str
    look: Probe
    way: Probe | None
    threshold: float
    hold: int
    ticks: int
    reliability: Reliability

    def likely(self, seen: Seen) -> Array:
        """Return for each tick of an attempt how likely it is done (0 to 1), T."""
        seems = self.look.likely(seen.glances)
        if self.way is not None:
            seems = np.sqrt(seems * self.way.likely(manner(seen.deeds)))
        return seems

    def score(self, seen: Seen) -> float:
        """Return the greatest likelihood that an attempt kept for ``hold`` ticks (0 to 1)."""
        return kept_for(self.hold, self.likely(seen))

    def calls(self, seen: Seen) -> list[int]:
        """Return after how many ticks it calls an attempt done, [] for never."""
        likely = self.likely(seen)[: self.ticks] >= self.threshold
        return [
            end for end in range(self.hold, len(likely) + 1) if likely[end - self.hold : end].all()
        ]

    def save(self, path: Path) -> None:
        """Write it as safetensors, replaced at one stroke."""
        parts = {"look": self.look, "way": self.way}
        tensors = {
            f"{name}.{part}": getattr(probe, part)
            for name, probe in parts.items()
            if probe is not None
            for part in _PARTS
        }
        told = {
            "version": VERSION,
            "sentence": self.sentence,
            "base": self.base,
            "threshold": self.threshold,
            "hold": self.hold,
            "ticks": self.ticks,
            "bias": {name: probe.bias for name, probe in parts.items() if probe is not None},
            "reliability": asdict(self.reliability),
        }
        fresh = path.with_suffix(".new")
        save_file(tensors, fresh, metadata={"eye": json.dumps(told)})
        fresh.replace(path)

    @classmethod
    def load(cls, path: Path) -> Eye:
        """Read what :meth:`save` wrote; raises ValueError for anything else."""
        try:
            with safe_open(path, framework="numpy") as file:
                told = json.loads((file.metadata() or {}).get("eye", "{}"))
                if told.get("version") != VERSION:
                    raise ValueError(f"{path.name} is no eye of this version")
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            probes = {name: _probe(tensors, name, bias) for name, bias in told["bias"].items()}
            return cls(
                told["sentence"], told["base"], probes["look"], probes.get("way"),
                float(told["threshold"]), int(told["hold"]), int(told["ticks"]),
                Reliability(**told["reliability"]),
            )  # fmt: skip
        except (OSError, SafetensorError, KeyError, TypeError) as error:
            raise ValueError(f"{path.name} is no eye: {error}") from error


_PARTS = ("centre", "spread", "weights")


def _probe(tensors: Mapping[str, Array], name: str, bias: float) -> Probe:
    centre, spread, weights = (tensors[f"{name}.{part}"] for part in _PARTS)
    if not centre.shape == spread.shape == weights.shape or centre.ndim != 1:
        raise ValueError(f"the probe {name} does not fit together")
    if name == "way" and len(weights) != MANNER:
        raise ValueError("the probe of the manner has another number of figures")
    return Probe(centre, spread, weights, float(bias))


def kept_for(hold: int, likely: Array) -> float:
    """Return the greatest value that ``hold`` neighbours all reach, 0 without so many."""
    if len(likely) < hold:
        return 0.0
    return float(sliding_window_view(likely, hold).min(axis=1).max())


class Watcher:
    """Follows one attempt after the other with an eye, tick by tick."""

    def __init__(self, eye: Eye) -> None:
        self._eye = eye
        self.account = eye.reliability.account
        """How good the eye is, in a few words."""
        self.ticks = eye.ticks
        """The longest attempt that it may judge."""
        self.begin()

    def begin(self) -> None:
        """A new attempt begins."""
        self._deeds: list[Array] = []
        self._held = 0

    def done(self, glance: Array, action: Action) -> bool:
        """Return whether the sentence is done, now that ``action`` has led to ``glance``."""
        self._deeds.append(deed(action))
        eye = self._eye
        likely = float(eye.look.likely(glance[None])[0])
        if eye.way is not None:
            way = manner(np.stack(self._deeds))[-1:]
            likely = float(np.sqrt(likely * eye.way.likely(way)[0]))
        self._held = self._held + 1 if likely >= eye.threshold else 0
        return self._held >= eye.hold
