"""``playteach benchmark NAME``: the figures of the README, measured here and now."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from app.cli.common import emit, say, table
from recorder.errors import ExitCode, UsageError

BENCHMARKS = {
    "play": "speed of the default model in play, missed ticks, how long the window is blocked",
    "recording": "size and truth of recorded pictures, processor time, lost ticks",
    "startup": "time to a visible window and to a playing agent",
    "decoding": "actions from pictures, beside transformers' generate; the large shapes",
    "round": "time of one LoRA round on 10 short demonstrations",
    "sentences": "how well sentences that were never taught are told from those that were",
}


def run(options: argparse.Namespace) -> int:
    """Run one benchmark; without a name list them.  Raises UsageError for another name."""
    if options.name is None:
        emit(options, BENCHMARKS, table(list(BENCHMARKS.items()), ["name", "what it measures"]))
        return int(ExitCode.OK)
    if options.name not in BENCHMARKS:
        raise UsageError(
            f"There is no benchmark called {options.name!r}, so nothing was measured; choose one "
            f"of: {', '.join(BENCHMARKS)}."
        )
    module = importlib.import_module(f"app.benchmarks.{options.name}")
    document: dict[str, Any] = module.measure(options.runs, say)
    emit(options, document, _lines(document))
    return int(ExitCode.OK)


def _lines(document: dict[str, Any]) -> list[str]:
    targets = document["targets"]
    rows = [
        (
            name,
            value,
            targets[name]["target"] if name in targets else "",
            ("met" if targets[name]["met"] else "missed") if name in targets else "",
        )
        for name, value in document["median"].items()
    ]
    return table(rows, ["figure", f"median of {document['runs']}", "target", ""])
