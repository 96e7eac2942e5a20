"""``playteach demonstrate``: the teacher plays through the same input path as a person."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from app.cli.common import data_folder, emit, say
from recorder.errors import ExitCode


def run(options: argparse.Namespace) -> int:
    """Record one demonstration for every seed; each is an episode of its own."""
    from app.automation.demonstrations import record_demonstrations
    from model.language.prompts import clean_instruction
    from recorder.store import Store

    text = clean_instruction(options.instruction)
    with Store.open(data_folder(options)) as store:
        done = record_demonstrations(
            store,
            options.game,
            text,
            options.seeds,
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
