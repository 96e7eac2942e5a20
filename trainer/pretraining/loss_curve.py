"""The losses of a training as a table in a file."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

from trainer.pretraining.config import Stage
from trainer.pretraining.losses import Losses

LOSSES = ("text", "pair", "action", "presence", "column")
COUNTS = ("step", "seconds", "samples", "made")
LOG_EVERY = 25


class Curve:
    """The losses as a table in a file, one row for LOG_EVERY steps.

    ``step`` is how far the training has come: what a kill has left of later steps, which are
    done once more, is cut off.
    """

    def __init__(self, path: Path, *, step: int) -> None:
        header = [*COUNTS, "stage", *LOSSES]
        done: list[list[str]] = []
        if path.exists():
            with path.open(newline="", encoding="utf-8") as before:
                # A kill may have cut the last row short.
                rows = [row for row in csv.reader(before) if len(row) == len(header)]
            done = [row for row in rows if row[0].isdigit() and int(row[0]) <= step]
        fresh = path.with_suffix(".new")
        with fresh.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *done])
        fresh.replace(path)
        self._file = path.open("a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._kept: dict[str, list[float]] = {}

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
