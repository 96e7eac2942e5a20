"""``playteach demonstrate``: the expert plays through the same input path as a person."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.cli.common import data_folder, emit, say
from app.cli.seeds import seeds_to_show_on
from recorder.errors import ExitCode

SHOWN = 10
"""So many demonstrations are recorded where no seeds were named."""


def run(options: argparse.Namespace) -> int:
    """Record one demonstration for every seed; each is an episode of its own."""
    from app.automation.demonstrations import record_demonstrations
    from model.language.prompts import clean_instruction
    from recorder.store import Store

    text = clean_instruction(options.instruction)
    if options.seeds is not None:
        seeds_to_show_on(options.seeds, for_training=options.for_training)
    folder = data_folder(options)
    with Store.open(folder) as store:
        done = record_demonstrations(
            store,
            options.game,
            text,
            _seeds(options, folder),
            lambda one: say(f"seed {one.seed}: {one.outcome} after {one.ticks} ticks"),
            slowed=options.slowed,
            stumbles=options.stumbles,
            tell=say,
        )
    episodes: list[dict[str, Any]] = []
    for one in done:
        facts = asdict(one)
        del facts["latencies_ms"]
        episodes.append(facts)
    good = sum(one.outcome == "success" for one in done)
    ticks = sum(one.ticks for one in done)
    document = {
        "instruction": text,
        "n": len(done),
        "success": good,
        "ticks": ticks,
        "episodes": episodes,
    }
    emit(
        options,
        document,
        [f"Recorded {len(done)} demonstrations ({ticks} ticks), {good} of them succeeded."],
    )
    return int(ExitCode.OK)


def _seeds(options: argparse.Namespace, folder: Path) -> Sequence[int]:
    """Return the seeds that were asked for, or the next ones that were never shown."""
    from app.session.teaching_seeds import fresh_teaching_seeds
    from recorder.games.seeds import SeedRange
    from recorder.store import Reader

    if options.seeds is not None:
        return range(options.seeds.start, options.seeds.stop)
    if options.for_training:
        return SeedRange.TRAINING.seeds(0, SHOWN)
    with Reader.open(folder) as reader:
        return fresh_teaching_seeds(reader, options.game, SHOWN)
