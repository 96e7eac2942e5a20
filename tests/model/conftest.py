"""A checkpoint of a few thousand weights, as a folder, for every test of the player."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.vla.preprocess import CheckpointSpec
from model.vla.tiny import build_model, build_tokenizer, save_checkpoint
from recorder.types import Frame

SPEC = CheckpointSpec(
    pixels="coordinates", width=96, height=64, patch_size=16, prompt="plain", chunk=1
)


def loud(model: Any, seed: int) -> Any:
    """Make fresh weights large enough that every part of the model has a say."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
            else:
                parameter.mul_(4)
    return model.eval()


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder; tests copy it before they change it."""
    folder = tmp_path_factory.mktemp("checkpoints") / "small"
    tokenizer = build_tokenizer(["go to the red torch", "shoot the imp"] * 4, vocabulary=600)
    save_checkpoint(folder, loud(build_model(tokenizer, SPEC, seed=5), 6), tokenizer, SPEC, {})
    return folder


@pytest.fixture(scope="session")
def shallow_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of half as many layers, for those who ask it hundreds of times."""
    folder = tmp_path_factory.mktemp("checkpoints") / "shallow"
    tokenizer = build_tokenizer(["go to the red torch", "shoot the imp"] * 4, vocabulary=600)
    model = loud(build_model(tokenizer, SPEC, seed=5, layers=2), 6)
    save_checkpoint(folder, model, tokenizer, SPEC, {})
    return folder


@pytest.fixture(scope="session")
def frames() -> list[Frame]:
    """Pictures of noise at the game's size."""
    rng = np.random.default_rng(3)
    return [Frame(i, i, rng.integers(0, 256, (360, 640, 3), dtype=np.uint8)) for i in range(4)]
