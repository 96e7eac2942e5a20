"""Measures how long each part of a round takes and keeps it: the next one is predicted from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from recorder.json_values import as_dict, number, text, whole
from trainer.data.material import PERSONS
from trainer.rounds.protocol import Done

TOOK = "took"


@dataclass(frozen=True, slots=True)
class Took:
    """What the parts of a round took in seconds, and what it was about.

    ``persons`` are the person's ticks that it learnt from, ``sentences`` those that were to be
    played; ``base`` is the base's name.
    """

    game: str
    base: str
    persons: int
    sentences: int
    before_s: float
    teaching_s: float
    playing_s: float


class Stopwatch:
    """Notes how long one part after the other took, by ``now`` in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._since = now()
        self.parts: dict[str, float] = {}

    def note(self, part: str) -> None:
        """End a part; the next one begins."""
        now = self._now()
        self.parts[part] = now - self._since
        self._since = now


def with_times(done: Done, watch: Stopwatch, *, game: str, base: Path, sentences: int) -> Done:
    """Return the end of a round, whose play ends now, with what its parts took in its metrics."""
    watch.note("playing_s")
    ticks = done.metrics.get("material", {}).get("ticks", {})
    persons = sum(ticks.get(f"train/{kind}", 0) for kind in PERSONS)
    took = Took(game, base.name, persons, sentences, **watch.parts)
    return replace(done, metrics={**done.metrics, TOOK: asdict(took)})


def read_took(metrics: Mapping[str, Any]) -> Took | None:
    """Return what a round's metrics say that it took; None of a round that does not say so."""
    try:
        stored = as_dict(metrics.get(TOOK), TOOK)
        names = ("before_s", "teaching_s", "playing_s")
        parts = {name: number(stored, name) for name in names}
        game, base = text(stored, "game"), text(stored, "base")
        return Took(game, base, whole(stored, "persons"), whole(stored, "sentences"), **parts)
    except ValueError:
        return None
