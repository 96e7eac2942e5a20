"""The model under training plays greedily and by chance, and always with its newest weights."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from trainer.pretraining.policy_in_training import TEMPERATURES, SnapshotLearner


def test_it_plays_greedily_and_by_chance(small_checkpoint: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_checkpoint, tmp_path / "newest"))
    learner = SnapshotLearner(folder, seed=1)
    assert learner() is None
    (folder / "ready").touch()
    drawn = set()
    for _ in range(20):
        policy = learner()
        assert policy is not None
        drawn.add(policy.sampling.temperature)
    assert drawn == set(TEMPERATURES)


def test_new_weights_are_loaded(small_checkpoint: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_checkpoint, tmp_path / "newest"))
    ready = folder / "ready"
    ready.touch()
    learner = SnapshotLearner(folder)
    first = learner()
    assert learner() is first
    os.utime(ready, (1, 1))
    assert learner() is not first
