"""A process that records is killed at a random moment; the file must not mind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

from recorder.store import EpisodeRow, Reader, Store
from recorder.store.upkeep.verify import verify
from recorder.types import Outcome

CHILD = Path(__file__).with_name("kill_child.py")
MAX_LOSS_NS = 1_000_000_000


def record_and_kill(folder: Path, seed: int) -> list[tuple[int, int, int]]:
    """Return what the child said it recorded: (episode, tick, monotonic ns)."""
    lines_before_death = random.Random(seed).randint(1, 240)
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(folder), str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    with child.stdout as told:
        lines = [told.readline() for _ in range(lines_before_death)]
        child.send_signal(signal.SIGKILL)
        lines.extend(told)
    assert child.wait() == -signal.SIGKILL
    parts = [line.split() for line in lines if line.endswith("\n")]
    return [(int(episode), int(tick), int(mono_ns)) for episode, tick, mono_ns in parts]


def check(folder: Path, told: list[tuple[int, int, int]]) -> list[EpisodeRow]:
    """Open the file as the next start does and compare it with what was told."""
    Store.open(folder).close()
    report = verify(folder)
    assert report.ok, report.problems
    with Reader.open(folder) as reader:
        rows = reader.episodes()
        kept = {(row.id, tick.index) for row in rows for tick in reader.ticks(row.id)}
    killed_ns = told[-1][2]
    lost = [entry for entry in told if entry[:2] not in kept]
    assert all(killed_ns - mono_ns <= MAX_LOSS_NS for _, _, mono_ns in lost)
    assert kept <= {entry[:2] for entry in told}
    assert not any(row.open for row in rows)
    for row in rows:
        whole = row.outcome is Outcome.SUCCESS
        assert whole or row.outcome is Outcome.INTERRUPTED
        # Only the newest can have been cut off, or the one before whose end was on its way.
        assert whole or row.id >= told[-1][0] - 1
    return rows


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("seed", [3, 8])
def test_killed_while_recording(tmp_path: Path, seed: int) -> None:
    told = record_and_kill(tmp_path, seed)
    check(tmp_path, told)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.timeout(1200)
def test_killed_at_fifty_moments(tmp_path: Path) -> None:
    outcomes = []
    for seed in range(50):
        folder = tmp_path / str(seed)
        told = record_and_kill(folder, seed)
        outcomes.extend(row.outcome for row in check(folder, told))
    assert Outcome.INTERRUPTED in outcomes
    assert Outcome.SUCCESS in outcomes


@pytest.mark.long(6, "many processes start, record and are killed")
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_again_and_again_in_one_folder(tmp_path: Path) -> None:
    seen: set[int] = set()
    for seed in (21, 22):
        told = record_and_kill(tmp_path, seed)
        assert not seen & {episode for episode, _, _ in told}
        Store.open(tmp_path).close()
        with Reader.open(tmp_path) as reader:
            seen |= {row.id for row in reader.episodes()}
    assert verify(tmp_path).ok
