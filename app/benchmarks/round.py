"""``playteach benchmark round``: how long one LoRA round on ten short demonstrations takes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from app.automation.demonstrations import record_demonstrations
from app.automation.round_log import RoundDiary
from app.benchmarks.common import Say, Target, report
from model.paths import default_checkpoint
from recorder.errors import KnownError
from recorder.games.seeds import SeedRange
from recorder.store import RoundStatus, Store
from trainer.rounds.client import RoundClient

INSTRUCTION = "pick up the medkit"
DEMONSTRATIONS = 10
TARGETS = {"training_and_gates_s": Target(180.0)}


def measure(runs: int, say: Say) -> dict[str, object]:
    """Do ``runs`` rounds, each in a data folder of its own.

    Raises KnownError where a round does not get to its end.
    """
    each = []
    sentences = []
    for run in range(runs):
        say(f"run {run + 1} of {runs}")
        diary = RoundDiary(tell=say)
        with tempfile.TemporaryDirectory(prefix="playteach-round-") as name:
            folder = Path(name)
            with Store.open(folder) as store:
                seeds = SeedRange.TEACHING.seeds(run * DEMONSTRATIONS, DEMONSTRATIONS)
                shown = record_demonstrations(store, "doom", INSTRUCTION, seeds)
                store.wait()
                client = RoundClient(folder, store, default_checkpoint())
                diary.begin()
                result = client.run("kind:demonstration", say=diary.hear)
        if result.status is not RoundStatus.DONE:
            raise KnownError(result.sentence)
        sentences.append(result.sentence)
        each.append(
            {
                "training_and_gates_s": diary.training_s,
                "paired_evaluation_s": diary.evaluation_s,
                "demonstration_ticks": float(sum(one.ticks for one in shown)),
                "steps": float(len(diary.losses)),
                "gates_passed": float(sum(gate.passed is not False for gate in diary.gates)),
            }
        )
    return report("round", each, TARGETS, extra={"verdicts": sentences})
