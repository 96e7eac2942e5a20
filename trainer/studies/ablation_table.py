"""The ablation's table: how often each variant succeeds, and how much more than the first.

All trainings play the same starts, and there are few of them, so attempts are not
independent: the intervals are percentiles of a bootstrap that draws trainings and starts
anew (Efron and Tibshirani 1993), not Wilson's over all attempts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.starts import Attempt

DRAWS = 10_000
TAIL = 0.025
"""Of each side: 95 % lie between."""

Outcomes = dict[str, str]
"""By task: one letter a seed in the seeds' order, "1" for a success and "0" else."""
Grid = NDArray[np.float64]
"""Trainings x starts, 1 for a success."""


def outcomes(results: Sequence[Attempt]) -> Outcomes:
    """Return what came of a training's attempts; raises ValueError for one nobody judged."""
    found: Outcomes = {}
    for played in sorted(results, key=lambda played: played.seed):
        if not played.judged:
            raise ValueError(f"nobody judged {played.task_id} on seed {played.seed}")
        found[played.task_id] = found.get(played.task_id, "") + "01"[played.success]
    return dict(sorted(found.items()))


def grid(trainings: Sequence[Outcomes]) -> Grid:
    """Return all trainings' attempts; raises ValueError where the starts are not the same."""
    if any(training.keys() != trainings[0].keys() for training in trainings):
        raise ValueError("the trainings played different tasks")
    rows = ["".join(training[task] for task in sorted(training)) for training in trainings]
    if len({len(row) for row in rows}) != 1:
        raise ValueError("the trainings played different starts")
    return np.array([[letter == "1" for letter in row] for row in rows], dtype=np.float64)


def interval(values: Grid) -> tuple[float, float]:
    """Return the 95 % interval of the mean of trainings x starts."""
    rng = np.random.default_rng(0)
    trainings, starts = values.shape
    # How often each training and each start is drawn; the mean is bilinear in both.
    rows = rng.multinomial(trainings, np.full(trainings, 1 / trainings), size=DRAWS) / trainings
    columns = rng.multinomial(starts, np.full(starts, 1 / starts), size=DRAWS) / starts
    means = np.einsum("dt,ts,ds->d", rows, values, columns, optimize=True)
    low, high = np.quantile(means, [TAIL, 1 - TAIL])
    return float(low), float(high)


class Result(TypedDict):
    """A finished training: "1" or "0" for every start of a task, and the loss at the end."""

    outcomes: dict[str, str]
    action_loss: float


class Line(TypedDict):
    """A variant's line: shares are 0..1, ``by_task`` holds (successes, attempts)."""

    success: int
    n: int
    success_rate: float
    interval: list[float]
    gain: float
    gain_interval: list[float]
    by_training: list[int]
    action_loss: list[float]
    by_task: dict[str, list[int]]


def lines(results: Mapping[str, Sequence[Result]]) -> dict[str, Line]:
    """Return each variant's line from the results of its trainings, the first one's first.

    A result holds "outcomes" and "action_loss".  The gain is over the first variant on the
    same starts, of as many trainings as both have.
    """
    table: dict[str, Line] = {}
    base: Grid | None = None
    for variant, each in results.items():
        attempts = grid([result["outcomes"] for result in each])
        base = attempts if base is None else base
        both = min(len(base), len(attempts))
        gains = attempts[:both] - base[:both]
        table[variant] = {
            "success": int(attempts.sum()),
            "n": attempts.size,
            "success_rate": round(float(attempts.mean()), 4),
            "interval": _rounded(interval(attempts)),
            "gain": round(float(gains.mean()), 4),
            "gain_interval": _rounded(interval(gains)),
            "by_training": [int(row.sum()) for row in attempts],
            "action_loss": [result["action_loss"] for result in each],
            "by_task": by_task(each),
        }
    return table


def by_task(results: Sequence[Result]) -> dict[str, list[int]]:
    """Return (successes, attempts) of every task, over all trainings."""
    counts: dict[str, list[int]] = {}
    for result in results:
        for task, letters in result["outcomes"].items():
            pair = counts.setdefault(task, [0, 0])
            pair[0] += letters.count("1")
            pair[1] += len(letters)
    return counts


def markdown(table: Mapping[str, Line]) -> str:
    """Return the variants' table, and that of their tasks, as Markdown."""
    text = [
        "| Stages | Success | More than the first | By training | Action loss by training |",
        "|---|---|---|---|---|",
    ]
    for number, (variant, row) in enumerate(table.items()):
        low, high = row["interval"]
        each = row["n"] // len(row["by_training"])
        trainings = ", ".join(f"{good} of {each}" for good in row["by_training"])
        losses = ", ".join(f"{loss:.3f}" for loss in row["action_loss"])
        share = f"{row['success_rate']:.1%} ({low:.1%} to {high:.1%})"
        less, more = row["gain_interval"]
        gain = f"{row['gain']:+.1%} ({less:+.1%} to {more:+.1%})" if number else ""
        text.append(
            f"| {variant} | {row['success']} of {row['n']}, {share} | {gain} "
            f"| {trainings} | {losses} |"
        )
    text += ["", f"| Task | {' | '.join(table)} |", "|---" * (len(table) + 1) + "|"]
    tasks = next(iter(table.values()))["by_task"] if table else {}
    for task in tasks:
        cells = [f"{good} of {n}" for good, n in (row["by_task"][task] for row in table.values())]
        text.append(f"| `{task}` | {' | '.join(cells)} |")
    return "\n".join(text) + "\n"


def _rounded(pair: tuple[float, float]) -> list[float]:
    return [round(end, 4) for end in pair]
