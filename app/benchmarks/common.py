"""The form of every benchmark's result: medians of several runs, beside their targets."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Say = Callable[[str], None]
Figures = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a median is held against; ``at_least`` False means at most."""

    value: float
    at_least: bool = False

    def met_by(self, measured: float | None) -> bool:
        """Return whether a figure keeps the bound; one that is missing does not."""
        if measured is None:
            return False
        return measured >= self.value if self.at_least else measured <= self.value

    def __str__(self) -> str:
        return f"at {'least' if self.at_least else 'most'} {self.value:g}"


def report(
    name: str,
    each: Sequence[Figures],
    targets: Mapping[str, Target],
    *,
    extra: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return the document of a benchmark; raises ValueError without runs."""
    if not each:
        raise ValueError("a benchmark needs at least one run")
    medians = {figure: median([run[figure] for run in each]) for figure in each[0]}
    return {
        "benchmark": name,
        "runs": len(each),
        "median": medians,
        "targets": {
            figure: {"target": str(target), "met": target.met_by(medians.get(figure))}
            for figure, target in targets.items()
        },
        "each": [dict(run) for run in each],
        "machine": machine(),
        **(extra or {}),
    }


def median(values: Sequence[float | None]) -> float | None:
    """Return the median of what is there, rounded to four places; None without any."""
    there = [value for value in values if value is not None and math.isfinite(value)]
    return round(statistics.median(there), 4) if there else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that ``share`` (0 to 1) of the values do not exceed."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine() -> dict[str, object]:
    """Return what the figures were measured on; ``load`` is the minute's average before."""
    import psutil

    return {
        "cores": cores(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load": round(psutil.getloadavg()[0], 2),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }
