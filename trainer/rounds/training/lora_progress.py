"""The file that an interrupted LoRA run goes on from: weights, optimizer state and position."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file

from trainer.data.examples import Example
from trainer.rounds.training.lora import LoraTask

PROGRESS_FILE = "lora_progress.safetensors"
RESUME_TOLERANCE = 0.02
"""A resumed run's first loss may be off by this share of what was foretold."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is; ``next_loss`` is the coming batch's, before its step."""

    identity: str
    step: int = 0
    best: float = math.inf
    bad: int = 0
    next_loss: float | None = None


def identity_of(task: LoraTask, plan: NDArray[np.int64], examples: Sequence[Example]) -> str:
    """Return a hash over all that a run's losses follow from, so that no other run goes on from it.

    That is the base, its numbers and where they are, the settings, the start weights, the
    pictures, prompts and answers of the samples, and their order.
    """
    numbers = sorted({str(p.dtype) for p in task.peft.parameters()})
    made_of = [asdict(task.config), asdict(task.spec), task.base, task.device.type, numbers]
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode())
    digest.update(plan.tobytes())
    for example in examples:
        facts = (
            example.kind,
            example.episode_id,
            example.tick,
            example.instruction,
            example.words,
        )
        # The prompt holds what the options make of the sentence, in the tokenizer's numbers.
        told = task.prompt_of(example)
        digest.update(json.dumps([*facts, example.answer, told]).encode())
        digest.update(example.image.tobytes())
    for parameter in task.trainable.values():
        digest.update(parameter.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()


def assert_resumed(loss: float, foretold: float) -> None:
    """Raise RuntimeError if a resumed run's first loss is not the one that was foretold."""
    if abs(loss - foretold) > RESUME_TOLERANCE * max(abs(foretold), 1e-6):
        raise RuntimeError(f"resumed at a loss of {loss:.4f} where {foretold:.4f} was foretold")


def weights_of(task: LoraTask) -> dict[str, torch.Tensor]:
    """Return a copy of all that is trained, by name."""
    return {name: p.detach().clone() for name, p in task.trainable.items()}


def save(
    task: LoraTask,
    optimizer: torch.optim.Optimizer,
    best: dict[str, torch.Tensor],
    at: Progress,
    file: Path,
) -> None:
    """Write everything into one file, replaced at one stroke: a kill finds old or new."""
    state = {f"best.{name}": tensor for name, tensor in best.items()}
    for name, parameter in task.trainable.items():
        moments = optimizer.state[parameter]
        state[f"weights.{name}"] = parameter.detach().clone()
        state[f"first.{name}"] = moments["exp_avg"].clone()
        state[f"second.{name}"] = moments["exp_avg_sq"].clone()
    fresh = file.with_suffix(".new")
    save_file(state, fresh, metadata={"progress": json.dumps(asdict(at))})
    fresh.replace(file)


def resume(
    task: LoraTask, optimizer: torch.optim.Optimizer, file: Path, identity: str
) -> tuple[Progress, dict[str, torch.Tensor]]:
    """Load weights and moments of the same run; a fresh start where there is none."""
    if not file.exists():
        return Progress(identity), weights_of(task)
    with safe_open(file, framework="pt") as stored:
        at = Progress(**json.loads(stored.metadata()["progress"]))
        if at.identity != identity:
            return Progress(identity), weights_of(task)
        with torch.no_grad():
            for name, parameter in task.trainable.items():
                parameter.copy_(stored.get_tensor(f"weights.{name}"))
                where = parameter.device
                optimizer.state[parameter] = {
                    "step": torch.tensor(float(at.step)),
                    "exp_avg": stored.get_tensor(f"first.{name}").to(where),
                    "exp_avg_sq": stored.get_tensor(f"second.{name}").to(where),
                }
        best = {name: stored.get_tensor(f"best.{name}") for name in task.trainable}
    if not any(bool(p.any()) for name, p in task.trainable.items() if ".lora_B." in name):
        raise RuntimeError("resumed a run that had learnt nothing: every lora_B is zero")
    return at, best
