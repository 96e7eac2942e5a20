"""The losses of a training as a table in a file."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

from trainer.posttrain_config import Stage
from trainer.posttrain_losses import Losses

LOSSES = ("text", "pair", "action", "presence", "column")
COUNTS = ("step", "seconds", "samples", "made")
LOG_EVERY = 25


class Curve:
    """The losses as a table in a file, one row for LOG_EVERY steps."""

    def __init__(self, path: Path, *, fresh: bool) -> None:
        self._file = path.open("a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._kept: dict[str, list[float]] = {}
        if fresh:
            self._writer.writerow([*COUNTS, "stage", *LOSSES])

    def add(self, counts: tuple[int, float, int, int], stage: Stage, losses: Losses) -> None:
        """Take a step's losses; means over what a stretch of steps had of each are written.

        ``counts`` are the steps, seconds, samples and states made so far.
        """
        step, seconds, samples, made = counts
        for name, loss in losses.items():
            self._kept.setdefault(name, []).append(float(loss.detach()))
        if step % LOG_EVERY:
            return
        means = [
            round(float(np.mean(self._kept[name])), 4) if name in self._kept else ""
            for name in LOSSES
        ]
        self._kept = {}
        self._writer.writerow([step, round(seconds), samples, made, stage.name.split()[0], *means])
        self._file.flush()
        sys.stderr.write(f"{step} {seconds:.0f} s {made} states {stage.name} {means}\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
