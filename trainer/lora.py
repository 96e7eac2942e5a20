"""The LoRA loop: low-rank changes of the language model, on vision features seen once.

The vision tower stays as it is, so every picture goes through it once and training costs
only the language model.  The adapter is written in peft's own format.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name every torch program uses
from safetensors.torch import load_file, save_file

from model.preprocess import CheckpointSpec, patches
from model.tokens import legal_next
from trainer.dataset import Example, draw_plan
from trainer.posttrain_forward import IGNORE, Sequences

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class LoraConfig:
    """Hyper-parameters of a round (reference: peers' recipes, docs/decisions.md)."""

    rank: int = 16
    alpha: int = 16
    learning_rate: float = 6e-4
    batch: int = 24
    max_steps: int = 160
    visits: int = 6
    warmup_steps: int = 10
    check_every: int = 20
    patience: int = 3
    save_every_s: float = 30.0
    seed: int = 0


class LoraTask:
    """A base model with a fresh or continued LoRA on its language model."""

    def __init__(
        self, model: Any, tokenizer: Any, spec: CheckpointSpec, config: LoraConfig
    ) -> None:
        from peft import LoraConfig as PeftConfig
        from peft import get_peft_model

        self.spec = spec
        self.config = config
        for parameter in model.parameters():
            parameter.requires_grad_(requires_grad=False)
        torch.manual_seed(config.seed)
        self.peft = get_peft_model(
            model,
            PeftConfig(
                r=config.rank,
                lora_alpha=config.alpha,
                lora_dropout=0.0,
                target_modules=rf".*language_model.*\.({'|'.join(TARGETS)})",
            ),
        )
        self.sequences = Sequences(model, tokenizer, spec)
        self.trainable = {
            name: parameter
            for name, parameter in self.peft.named_parameters()
            if parameter.requires_grad
        }

    def start_from(self, tensors: dict[str, torch.Tensor]) -> None:
        """Continue from an adapter's tensors (peft's names)."""
        from peft import set_peft_model_state_dict

        set_peft_model_state_dict(self.peft, tensors)

    def tensors(self, scale: float = 1.0) -> dict[str, torch.Tensor]:
        """Return the adapter in peft's format, its product scaled by ``scale``."""
        from peft import get_peft_model_state_dict

        state: dict[str, torch.Tensor] = get_peft_model_state_dict(self.peft)
        return {
            name: (tensor * scale if ".lora_B." in name else tensor).detach().clone().contiguous()
            for name, tensor in state.items()
        }

    def scale_by(self, factor: float) -> None:
        """Scale the adapter's product in place."""
        with torch.no_grad():
            for name, parameter in self.trainable.items():
                if ".lora_B." in name:
                    parameter.mul_(factor)

    def peft_config(self) -> dict[str, Any]:
        """Return the adapter_config.json of this adapter."""
        raw = self.peft.peft_config["default"].to_dict()
        return json.loads(json.dumps(raw, default=lambda v: sorted(v) if isinstance(v, set) else str(v)))  # type: ignore[no-any-return]

    @torch.no_grad()
    def see(self, examples: Sequence[Example]) -> list[torch.Tensor]:
        """Return the vision tokens of every example; equal pictures are seen once."""
        seen: dict[int, torch.Tensor] = {}
        for start in range(0, len(examples), 16):
            part = [e for e in examples[start : start + 16] if id(e.image) not in seen]
            if part:
                images = np.stack([e.image for e in part])
                tokens = self.sequences.see(torch.from_numpy(patches(images, self.spec)))
                seen.update({id(e.image): t for e, t in zip(part, tokens, strict=True)})
        return [seen[id(e.image)] for e in examples]

    def logits(
        self, examples: Sequence[Example], features: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (logits, targets) of all answer tokens, begin to end of turn."""
        sequences, starts = [], []
        for example in examples:
            prompt = self.sequences.prompt_ids(example.instruction)
            answer = tuple(self.sequences.action_id(n) for n in example.answer)
            sequences.append((*prompt, *answer, self.sequences.end_id))
            starts.append(len(prompt))
        hidden, ids = self.sequences.hidden(torch.stack(list(features)), sequences)
        labels = torch.full_like(ids, IGNORE)
        for row, (sequence, start) in enumerate(zip(sequences, starts, strict=True)):
            labels[row, start : len(sequence)] = ids[row, start : len(sequence)]
        keep = labels[:, 1:] != IGNORE
        return self.sequences.model.lm_head(hidden[:, :-1][keep]), labels[:, 1:][keep]

    @torch.no_grad()
    def loss(self, examples: Sequence[Example], features: Sequence[torch.Tensor]) -> float:
        """Return the mean loss per answer token (nats); NaN without examples."""
        total, count = 0.0, 0
        for start in range(0, len(examples), 32):
            logits, labels = self.logits(
                examples[start : start + 32], features[start : start + 32]
            )
            total += float(F.cross_entropy(logits, labels, reduction="sum"))
            count += len(labels)
        return total / count if count else math.nan

    @torch.no_grad()
    def legality(self, examples: Sequence[Example], features: Sequence[torch.Tensor]) -> float:
        """Return the share of answer positions whose likeliest token is legal there.

        The likeliest of the whole vocabulary, with nothing forbidden, after the recorded
        tokens before it.
        """
        number_of = {self.sequences.action_id(n): n for n in range(176, 251)}
        legal, count = 0, 0
        for start in range(0, len(examples), 32):
            part = examples[start : start + 32]
            logits, _ = self.logits(part, features[start : start + 32])
            best = logits.argmax(dim=1).tolist()
            at = 0
            for example in part:
                for position in range(len(example.answer)):
                    number = number_of.get(best[at + position])
                    legal += number in legal_next(example.answer[:position])
                    count += 1
                at += len(example.answer) + 1
        return legal / count if count else math.nan


def train(
    task: LoraTask,
    examples: Sequence[Example],
    held_out: Sequence[Example],
    folder: Path,
    on_step: Callable[[int, int, float, float | None, float], None],
) -> dict[int, int]:
    """Train; return how often each example was seen.  The best held-out state is kept.

    Progress lies in ``folder``; a run that was cut off goes on from there.  ``on_step``
    hears (step, steps, loss, held-out loss or None, seconds left).
    """
    config = task.config
    rng = np.random.default_rng(config.seed)
    features = task.see(examples)
    checks = task.see(held_out)
    persons = sum(e.kind != "replay" for e in examples)
    steps = max(20, min(config.max_steps, math.ceil(persons * config.visits / (0.6 * config.batch))))
    plan = draw_plan(examples, steps * config.batch, rng)
    steps = max(1, len(plan) // config.batch)
    optimizer = torch.optim.AdamW(
        task.trainable.values(), lr=config.learning_rate, weight_decay=0.0
    )
    best, best_tensors, bad, first = math.inf, task.tensors(), 0, 0
    state_file, progress_file = folder / "lora_state.safetensors", folder / "lora_progress.json"
    if progress_file.exists():
        first, best, bad = _resume(task, optimizer, state_file, progress_file, steps)
        best_tensors = load_file(folder / "lora_best.safetensors")
    visits: dict[int, int] = {}
    for index in plan[: first * config.batch]:
        visits[int(index)] = visits.get(int(index), 0) + 1
    started = last_save = time.monotonic()
    for step in range(first, steps):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * min(1.0, (step + 1) / config.warmup_steps) * (
                0.5 * (1 + math.cos(math.pi * step / steps)) * 0.95 + 0.05
            )
        chosen = [int(i) for i in plan[step * config.batch : (step + 1) * config.batch]]
        for index in chosen:
            visits[index] = visits.get(index, 0) + 1
        logits, labels = task.logits([examples[i] for i in chosen], [features[i] for i in chosen])
        loss = F.cross_entropy(logits, labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(task.trainable.values(), 1.0)
        optimizer.step()
        checked = None
        if held_out and ((step + 1) % config.check_every == 0 or step + 1 == steps):
            checked = task.loss(held_out, checks)
            bad = 0 if checked < best else bad + 1
            if checked < best:
                best, best_tensors = checked, task.tensors()
        left = (time.monotonic() - started) / (step - first + 1) * (steps - step - 1)
        on_step(step + 1, steps, float(loss.detach()), checked, left)
        if bad >= config.patience:
            break
        if time.monotonic() - last_save > config.save_every_s:
            _save(task, optimizer, best_tensors, (step + 1, best, bad, steps), folder)
            last_save = time.monotonic()
    if held_out:
        task.start_from(best_tensors)
    return visits


def _save(
    task: LoraTask,
    optimizer: torch.optim.Optimizer,
    best: dict[str, torch.Tensor],
    at: tuple[int, float, int, int],
    folder: Path,
) -> None:
    state = {f"weights.{name}": p.detach().clone() for name, p in task.trainable.items()}
    for name, parameter in task.trainable.items():
        moments = optimizer.state[parameter]
        state[f"first.{name}"] = moments["exp_avg"].clone()
        state[f"second.{name}"] = moments["exp_avg_sq"].clone()
    save_file(state, folder / "lora_state.new")
    save_file(best, folder / "lora_best.new")
    (folder / "lora_state.new").replace(folder / "lora_state.safetensors")
    (folder / "lora_best.new").replace(folder / "lora_best.safetensors")
    step, best_loss, bad, steps = at
    fresh = folder / "lora_progress.new"
    fresh.write_text(
        json.dumps(
            {"step": step, "best": best_loss if math.isfinite(best_loss) else None, "bad": bad,
             "steps": steps, "config": asdict(task.config)}
        ),
        encoding="utf-8",
    )  # fmt: skip
    fresh.replace(folder / "lora_progress.json")


def _resume(
    task: LoraTask,
    optimizer: torch.optim.Optimizer,
    state_file: Path,
    progress_file: Path,
    steps: int,
) -> tuple[int, float, int]:
    """Load weights and moments; (0, inf, 0) where the progress is of another plan."""
    progress = json.loads(progress_file.read_text(encoding="utf-8"))
    if progress["steps"] != steps or progress["config"] != asdict(task.config):
        return 0, math.inf, 0
    state = load_file(state_file)
    with torch.no_grad():
        for name, parameter in task.trainable.items():
            parameter.copy_(state[f"weights.{name}"])
            optimizer.state[parameter] = {
                "step": torch.tensor(float(progress["step"])),
                "exp_avg": state[f"first.{name}"],
                "exp_avg_sq": state[f"second.{name}"],
            }
    best = progress["best"]
    return progress["step"], math.inf if best is None else best, progress["bad"]
