"""An eye's file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from seen_attempts import marked, seen

from trainer.evaluation.eye.judge import Eye, Reliability, kept_for
from trainer.evaluation.eye.teaching import teach_eye


def test_an_eye_comes_back_from_its_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    eye = teach_eye("dash", "base", marked(rng, done=4, failed=4, slow=2))
    assert eye is not None
    eye.save(tmp_path / "eye.safetensors")
    again = Eye.load(tmp_path / "eye.safetensors")
    other = seen(rng, arrives=30)
    assert np.array_equal(again.likely(other), eye.likely(other))
    assert (again.sentence, again.base, again.threshold, again.ticks, again.reliability) == (
        "dash", "base", eye.threshold, 40, eye.reliability,
    )  # fmt: skip
    assert sorted(each.name for each in tmp_path.iterdir()) == ["eye.safetensors"]


def test_what_is_no_eye_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "eye.safetensors"
    with pytest.raises(ValueError, match="no eye"):
        Eye.load(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="no eye"):
        Eye.load(path)
    save_file({"look.centre": np.zeros(3, np.float32)}, path)
    with pytest.raises(ValueError, match="no eye of this version"):
        Eye.load(path)
    told = json.dumps(
        {
            "version": 1,
            "sentence": "a",
            "base": "b",
            "threshold": 0.5,
            "hold": 2,
            "ticks": 9,
            "bias": {"look": 0},
        }
    )
    save_file({"look.centre": np.zeros(3, np.float32)}, path, metadata={"eye": told})
    with pytest.raises(ValueError, match="no eye"):
        Eye.load(path)


def test_what_is_kept_for_ticks() -> None:
    assert kept_for(2, np.array([0.1, 0.9, 0.2, 0.6, 0.7], np.float32)) == pytest.approx(0.6)
    assert kept_for(2, np.array([0.9], np.float32)) == kept_for(2, np.zeros(0, np.float32)) == 0.0


def test_the_balanced_accuracy_needs_both_kinds() -> None:
    assert Reliability(10, 9, 5, 4).balanced == pytest.approx(0.85)
    assert Reliability(10, 9, 0, 0).balanced is None
