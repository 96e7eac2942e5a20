"""Film strips of what practice counted as done: a few at random, for the person to look at.

No torch.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from recorder.errors import DataError
from recorder.types import Outcome, RGBImage

if TYPE_CHECKING:
    from trainer.practice.collector import Tried

log = logging.getLogger(__name__)

FILE = "practised.strips"
"""In the folder of the adapter that practice made.  It is not called as weights are, by whose
digest adapters are told apart."""
MOST = 6
"""So many strips are kept of a practice."""
_NO_STRIPS = (OSError, SafetensorError, KeyError, TypeError, ValueError)
"""What reading a file raises that holds none."""
PICTURES = 6
"""So many pictures has a strip at most, the last one of the attempt included."""


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A success: what was to be done, on which start, who called it done, and what it looked like.

    ``pictures`` are N x H x W x 3, uint8, half as wide and high as the model saw them.
    """

    sentence: str
    seed: int
    by_eye: bool
    pictures: RGBImage


class Strips:
    """Keeps some of all successes, each as likely as every other (reservoir: Vitter 1985)."""

    def __init__(self, seed: int) -> None:
        """``seed`` says which are drawn."""
        self.kept: list[Strip] = []
        self._met, self._seed = 0, seed

    @classmethod
    def kept_in(cls, folder: Path, seed: int) -> Strips:
        """Return those of a killed practice, to be gone on with; none if they cannot be read."""
        strips = cls(seed)
        try:
            strips.kept, strips._met = _read(folder / FILE)
        except _NO_STRIPS as error:
            log.warning("the pictures of what was practised before are left out: %s", error)
        return strips

    def meet(self, tried: Sequence[Tried]) -> None:
        """Take attempts as they come."""
        for each in tried:
            if each.outcome is not Outcome.SUCCESS or each.last is None:
                continue
            self._met += 1
            place = len(self.kept)
            if place >= MOST:
                # Of its own number, so that a killed practice draws on as it would have.
                place = int(np.random.default_rng([self._seed, self._met]).integers(self._met))
                if place >= MOST:
                    continue
                del self.kept[place]
            self.kept.insert(place, _strip(each, each.last))

    def save(self, folder: Path) -> None:
        """Write them beside the adapter; nothing without any."""
        if not self.kept:
            return
        told = [
            {"sentence": each.sentence, "seed": each.seed, "by_eye": each.by_eye}
            for each in self.kept
        ]
        tensors = {str(place): each.pictures for place, each in enumerate(self.kept)}
        fresh = folder / f"{FILE}.new"
        save_file(tensors, fresh, metadata={"strips": json.dumps(told), "met": str(self._met)})
        fresh.replace(folder / FILE)


def _strip(tried: Tried, last: RGBImage) -> Strip:
    """Return the strip of an attempt: some of its moments in their order, then its end."""
    seen = [each.image for each in tried.moments]
    count = min(len(seen), PICTURES - 1)
    spread = np.linspace(0, len(seen) - 1, count).round().astype(int).tolist()
    pictures = np.stack([*(seen[place] for place in spread), last])[:, ::2, ::2]
    start = tried.made.start
    return Strip(start.heard, start.seed, not start.task.judged, np.ascontiguousarray(pictures))


def read_strips(folder: Path) -> list[Strip]:
    """Return what :meth:`Strips.save` wrote, [] without any; raises DataError for damage."""
    path = folder / FILE
    if not path.exists():
        return []
    try:
        return _read(path)[0]
    except _NO_STRIPS as error:
        raise DataError(
            "The pictures of what was practised cannot be read, so they are not shown; the agent "
            "itself is not touched by that."
        ) from error


def _read(path: Path) -> tuple[list[Strip], int]:
    """Return (the strips, how many successes they were drawn from); raises one of _NO_STRIPS."""
    with safe_open(path, framework="numpy") as file:
        noted = file.metadata()
        strips = [
            Strip(
                str(each["sentence"]),
                int(each["seed"]),
                bool(each["by_eye"]),
                _pictures(file.get_tensor(str(place))),
            )
            for place, each in enumerate(json.loads(noted["strips"]))
        ]
        return strips, int(noted["met"])


def _pictures(found: RGBImage) -> RGBImage:
    if found.ndim != 4 or found.shape[-1] != 3 or found.dtype != np.uint8:
        raise ValueError(f"no pictures: {found.shape} {found.dtype}")
    return found
