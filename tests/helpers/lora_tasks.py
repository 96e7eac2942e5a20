"""A checkpoint that is ready to learn, for tests of what learns."""

from __future__ import annotations

from pathlib import Path

import torch

from model.vla.preprocess import load_spec
from model.vla.vla import load_weights
from trainer.rounds.training.lora import LoraTask
from trainer.rounds.training.lora_config import LoraConfig


def lora_task(checkpoint: Path) -> LoraTask:
    """Return a fresh adapter on a checkpoint."""
    model, tokenizer = load_weights(checkpoint, torch.float32, "cpu")
    return LoraTask(model, tokenizer, load_spec(checkpoint), LoraConfig(rank=4))
