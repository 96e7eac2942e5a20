"""``playteach benchmark NAME``: the figures of the README, measured here and now."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping

from app.cli.common import data_folder, emit, say, table
from recorder.errors import ExitCode, UsageError
from recorder.json_values import as_dict

BENCHMARKS = {
    "play": "speed of the default model in play, missed ticks, how long the window is blocked",
    "recording": "size and truth of recorded pictures, processor time, lost ticks",
    "startup": "time to a visible window and to a playing agent",
    "decoding": "actions from pictures, beside transformers' generate; the large shapes",
    "desktop": "a game in a window: takeover, stuck keys, privacy, delays (Luanti, own Xvfb)",
    "round": "time of one LoRA round on 10 short demonstrations",
    "rounds": "how often a verdict is wrong: simulated, or --part gaining | no-effect for real",
    "teaching": "lessons that no game judges, shown by a hand: --part choosing | judging",
    "hand": "a lesson given by hand in the window, taught --runs times: success after one round",
    "eye": "how often the agent's own eye agrees with the hidden judge of lessons taught before",
    "swap": "whether the model reads its sentence: the same starts with another thing's",
    "expert": "how often the scripted expert succeeds, 100 unseen seeds a verb",
    "sentences": "how well sentences that were never taught are told from those that were",
}
PARTED = ("rounds", "teaching", "eye")
"""What is taught for real, part by part, and kept in the data folder."""
KEPT = (*PARTED, "hand")
"""What is kept in the data folder and goes on from there."""
PLAYED = ("swap", "expert")
"""What plays many starts in lock-step, on as many processes as is said."""


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
    document: dict[str, object]
    if options.name == "desktop":
        document = module.measure(
            1 if options.runs is None else options.runs,
            say,
            folder=data_folder(options),
            parts=options.part or (),
            quick=options.quick,
            fresh=options.fresh,
        )
    elif options.quick or options.fresh or (options.part and options.name not in PARTED):
        raise UsageError(
            "--quick and --fresh are for the desktop benchmark and --part for that, rounds, "
            "teaching and eye, so nothing was measured; leave them out."
        )
    elif options.name in KEPT:
        document = module.measure(
            options.runs, say, folder=data_folder(options), parts=options.part or ()
        )
    elif options.workers is not None and options.name not in PLAYED:
        raise UsageError(
            f"--workers is for the benchmarks {' and '.join(PLAYED)}, so nothing was measured; "
            "leave it out."
        )
    else:
        runs = getattr(module, "RUNS", 3) if options.runs is None else options.runs
        more = {"workers": options.workers} if options.name in PLAYED else {}
        document = module.measure(runs, say, **more)
    emit(options, document, _lines(document))
    return int(ExitCode.OK)


def _lines(document: Mapping[str, object]) -> list[str]:
    targets = {
        name: as_dict(found, name)
        for name, found in as_dict(document["targets"], "targets").items()
    }
    rows = [
        (
            name,
            value,
            targets[name]["target"] if name in targets else "",
            ("met" if targets[name]["met"] else "missed") if name in targets else "",
        )
        for name, value in as_dict(document["median"], "median").items()
    ]
    return table(rows, ["figure", f"median of {document['runs']}", "target", ""])
