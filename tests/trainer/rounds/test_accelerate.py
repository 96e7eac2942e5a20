"""A round on several processes, started as the documentation says.

``PLAYTEACH_TEST_ACCELERATE=1`` runs it: two processes that each load torch take their time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lessons import record_lessons

from model.adapters.folders import read_meta
from model.vla.preprocess import CheckpointSpec
from model.vla.tiny import build_model, build_tokenizer, save_checkpoint
from recorder.store import Reader, adapters_path
from trainer.rounds import protocol
from trainer.rounds.round import RoundPlan, run_round

SPEC = CheckpointSpec(
    pixels="coordinates", width=64, height=64, patch_size=16, prompt="jarvis", history=0
)


@pytest.mark.skipif(
    "PLAYTEACH_TEST_ACCELERATE" not in os.environ, reason="set PLAYTEACH_TEST_ACCELERATE=1"
)
@pytest.mark.timeout(1800)
def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    data, base = tmp_path / "data", tmp_path / "base"
    record_lessons(data, episodes=6, ticks=26)
    tokenizer = build_tokenizer(["reach the red dot", "observation:"] * 4, vocabulary=600)
    save_checkpoint(base, build_model(tokenizer, SPEC, seed=3, layers=2), tokenizer, SPEC, {})
    alone: list[protocol.Message] = []
    plan = RoundPlan(data, base, tmp_path / "alone", tmp_path / "one", query="", max_steps=3)
    run_round(plan, alone.append)
    out = adapters_path(data) / "shared"
    command = [
        sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2",
        "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
        "--main_process_port", "0", "-m", "trainer.rounds", "--data", str(data), "--base",
        str(base), "--out", str(out), "--work", str(tmp_path / "two"), "--query", "",
        "--max-steps", "3", "--threads", "1",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = [protocol.parse(line) for line in done.stdout.splitlines()]
    losses = [each.loss for each in told if isinstance(each, protocol.Step)]
    expected = [each.loss for each in alone if isinstance(each, protocol.Step)]
    assert len(losses) == 3
    assert losses == pytest.approx(expected, rel=1e-3)
    assert isinstance(told[-1], protocol.Done)
    assert read_meta(out).base == read_meta(tmp_path / "alone").base
    with Reader.open(data) as reader:
        assert [Path(row.folder).name for row in reader.adapters()] == ["shared"]
