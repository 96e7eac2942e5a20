"""Pictures of a training and of what it led to: `python -m trainer.studies.charts --help`.

For the documentation; matplotlib belongs to the development packages, not to the app's.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

SHOWN = {
    "action": "actions (nats a token)",
    "pair": "answers about pictures (nats a token)",
    "column": "where the asked-for thing stands (nats)",
    "presence": "what is where (nats)",
}
COUNTS = ("step", "seconds", "samples", "made", "stage")


def read_curve(path: Path) -> dict[str, list[tuple[float, float]]]:
    """Return (minutes, loss) points of every loss in a run's curve; raises ValueError."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or "seconds" not in rows[0]:
        raise ValueError(f"{path} is no curve of a training: it has no column `seconds`")
    points: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        for name, value in row.items():
            if name not in COUNTS and value:
                points.setdefault(name, []).append((float(row["seconds"]) / 60, float(value)))
    return points


class Rate(TypedDict):
    """Successes of ``n`` attempts that were judged; ``interval`` is Wilson's, 95 %."""

    success: int
    n: int
    success_rate: float
    interval: Sequence[float]


def read_rates(paths: Sequence[Path]) -> dict[str, dict[str, Rate]]:
    """Return by suite (the files' names) and verb what ``playteach evaluate --json`` measured."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8").splitlines()[-1])["by_verb"]
        for path in paths
    }


def draw_curve(points: Mapping[str, Sequence[tuple[float, float]]], picture: Path) -> None:
    """Draw every known loss over the minutes of training, each with its own axis."""
    figure, axes = _canvas(2, 2, (9.0, 5.2))
    for axis, (name, title) in zip(axes, SHOWN.items(), strict=True):
        along = points.get(name, ())
        axis.plot([at for at, _ in along], [loss for _, loss in along], color="#2b6cb0")
        axis.set(title=title, ylim=(0, None))
    for axis in axes[2:]:
        axis.set(xlabel="minutes")
    _save(figure, picture)


def draw_verbs(suites: Mapping[str, Mapping[str, Rate]], picture: Path) -> None:
    """Draw the success by verb of each suite, with Wilson's 95 % intervals."""
    verbs = sorted({verb for rates in suites.values() for verb in rates})
    figure, axes = _canvas(1, max(1, len(suites)), (3.0 * max(1, len(suites)) + 1.5, 5.0))
    for axis, (suite, rates) in zip(axes, suites.items(), strict=True):
        for row, verb in enumerate(verbs):
            if verb not in rates:
                continue
            rate, (low, high) = rates[verb]["success_rate"], rates[verb]["interval"]
            axis.barh(row, rate, color="#2b6cb0")
            axis.plot([low, high], [row, row], color="#1a202c", linewidth=1)
        axis.set(title=suite, xlim=(0, 1), ylim=(len(verbs) - 0.5, -0.5))
        axis.set_yticks(range(len(verbs)), verbs if axis is axes[0] else [""] * len(verbs))
    _save(figure, picture)


def draw_rates(rates: Mapping[str, tuple[float, float, float]], picture: Path, title: str) -> None:
    """Draw one bar a name: a share (0 to 1) with the lower and upper end of its interval."""
    figure, (axis,) = _canvas(1, 1, (6.5, 0.6 * len(rates) + 1.4))
    for row, (rate, low, high) in enumerate(rates.values()):
        axis.barh(row, rate, color="#2b6cb0")
        axis.plot([low, high], [row, row], color="#1a202c", linewidth=1.5)
    axis.set(title=title, xlim=(0, 1), ylim=(len(rates) - 0.5, -0.5))
    axis.set_yticks(range(len(rates)), list(rates))
    _save(figure, picture)


def draw_against(
    points: Sequence[tuple[float, float, float, float]],
    picture: Path,
    *,
    marks: Sequence[float] = (),
    floor: float | None = None,
) -> None:
    """Draw success against loss: (loss, share, lower end, upper end) of each checkpoint.

    The loss falls to the right, as training goes.  ``marks`` are losses with a line,
    ``floor`` a share (what random play gets).
    """
    figure, (axis,) = _canvas(1, 1, (6.5, 4.0))
    ordered = sorted(points, reverse=True)
    losses = [loss for loss, *_ in ordered]
    axis.plot(losses, [rate for _, rate, _, _ in ordered], color="#2b6cb0", marker="o")
    for loss, _, low, high in ordered:
        axis.plot([loss, loss], [low, high], color="#1a202c", linewidth=1)
    for mark in marks:
        axis.axvline(mark, color="#c05621", linewidth=1, linestyle="--")
    if floor is not None:
        axis.axhline(floor, color="#718096", linewidth=1, linestyle=":")
    axis.set(xlabel="action loss (nats a token), falling", ylabel="success", ylim=(0, 1))
    axis.set_xscale("log")
    ticks = [tick for tick in (0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 4) if _inside(tick, losses)]
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
    axis.invert_xaxis()
    _save(figure, picture)


def _inside(tick: float, losses: Sequence[float]) -> bool:
    return bool(losses) and 0.7 * min(losses) <= tick <= 1.3 * max(losses)


def _canvas(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, list[Any]]:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False)
    flat = list(axes.flat)
    for axis in flat:
        axis.grid(visible=True, color="#e2e8f0", linewidth=0.6)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
        axis.title.set_size(10)
    return figure, flat


def _save(figure: Any, picture: Path) -> None:
    from matplotlib import pyplot

    figure.tight_layout()
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> int:
    """Draw a run's curve, or the success by verb of documents named after their suites."""
    parser = argparse.ArgumentParser(prog="python -m trainer.studies.charts", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    curve = kinds.add_parser("curve", help="a run's losses")
    curve.add_argument("curve", type=Path, help="the run's curve.csv")
    verbs = kinds.add_parser("verbs", help="success by verb")
    verbs.add_argument("suites", type=Path, nargs="+", help="SUITE.json, from `evaluate --json`")
    for one in (curve, verbs):
        one.add_argument("--out", type=Path, required=True, help="the picture, PNG")
    given = parser.parse_args(arguments)
    if given.kind == "curve":
        draw_curve(read_curve(given.curve), given.out)
    else:
        draw_verbs(read_rates(given.suites), given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
