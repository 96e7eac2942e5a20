"""A round's process as its parent sees it: how it is seen off, what few bits and play mean."""

from __future__ import annotations

import subprocess

from trainer import progress
from trainer.verdict import Verdict, VerdictKind

FEW_BITS = (
    "The new adapter passed its gates and is listed, but it was taught on few bits and plays with "
    "16 bits only, so it was not measured and is not in use; set 16 bits for the model to use it."
)
PATIENCE_S = 10.0
"""How long a round's process may take to tidy up before it is killed."""


def see_off(process: subprocess.Popen[str]) -> None:
    """End a process whose story is not heard to its end, and wait until it is gone."""
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def play_gate(verdict: Verdict) -> progress.Gate:
    """Return the gate of paired play: not worse, and not fewer successes than before."""
    passed = verdict.kind is not VerdictKind.WORSE and verdict.after >= verdict.before
    return progress.Gate(
        "play",
        passed=passed,
        sentence=verdict.sentence,
        figures={"before": verdict.before, "after": verdict.after, "n": verdict.n},
    )
