"""Trains the small default model from nothing: `python -m trainer.posttrain --out DIR`.

Imitation of the teacher on states of the practice yard, every state asked about several
tasks, with two helping losses that are dropped afterwards: which things each vision
token covers (grounding), and in which column of the picture the asked-for thing stands.
The run can be stopped at any moment and goes on where it was; from weights alone too.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name every torch program uses
from safetensors.torch import load_file, save_file

from model.preprocess import patches
from model.tiny import TINY_SPEC, build_model, build_tokenizer, save_checkpoint
from recorder.games.doom.tasks import TASKS
from recorder.games.doom.things import KINDS
from trainer.posttrain_config import PosttrainConfig, tokenizer_corpus
from trainer.posttrain_data import COLUMNS, StateRing
from trainer.posttrain_forward import IGNORE, Sequences, load_checkpoint

STATE_FILE = "state.safetensors"
PROGRESS_FILE = "progress.json"
CURVE_FILE = "curve.csv"


class Trainee(torch.nn.Module):
    """The model with its two helping heads."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.sequences = Sequences(model, tokenizer, TINY_SPEC)
        width = model.config.text_config.hidden_size
        self.presence = torch.nn.Linear(width, len(KINDS))
        self.column = torch.nn.Linear(width, COLUMNS + 1)

    def losses(
        self, batch: np.ndarray[Any, Any], questions: np.ndarray[Any, Any]
    ) -> dict[str, torch.Tensor]:
        """Return the losses of a batch of records; ``questions`` is B x K task indices."""
        pixels = torch.from_numpy(patches(np.ascontiguousarray(batch["image"]), TINY_SPEC))
        vision = self.sequences.see(pixels)
        wanted = torch.from_numpy(batch["presence"].reshape(len(batch), len(KINDS), -1)).float()
        presence = F.binary_cross_entropy_with_logits(
            self.presence(vision), wanted.transpose(1, 2), pos_weight=torch.tensor(8.0)
        )
        per_frame = questions.shape[1]
        sequences, starts = [], []
        columns = []
        for row in range(len(batch)):
            for task in questions[row]:
                prompt = self.sequences.prompt_ids(TASKS[task].instruction)
                answer = [n for n in batch["answers"][row, task] if n >= 0]
                ids = tuple(self.sequences.action_id(int(n)) for n in answer)
                sequences.append((*prompt, *ids, self.sequences.end_id))
                starts.append(len(prompt))
                columns.append(int(batch["column"][row, task]))
        hidden, ids_tensor = self.sequences.hidden(
            vision.repeat_interleave(per_frame, dim=0), sequences
        )
        at_begin = hidden[torch.arange(len(starts)), torch.tensor(starts)]
        column = F.cross_entropy(self.column(at_begin), torch.tensor(columns))
        labels = torch.full_like(ids_tensor, IGNORE)
        for row, (sequence, start) in enumerate(zip(sequences, starts, strict=True)):
            labels[row, start : len(sequence)] = ids_tensor[row, start : len(sequence)]
        keep = labels[:, 1:] != IGNORE
        logits = self.model.lm_head(hidden[:, :-1][keep])
        action = F.cross_entropy(logits, labels[:, 1:][keep])
        return {"action": action, "presence": presence, "column": column}


def choose_questions(
    rng: np.random.Generator, batch: np.ndarray[Any, Any], count: int
) -> np.ndarray[Any, Any]:
    """Return B x count task indices: what is being played, what is seen, a few absent ones."""
    weights = 0.05 + 0.6 * batch["present"] + 1.5 * (batch["column"] < COLUMNS)
    weights[np.arange(len(batch)), batch["driven"]] += 1.5
    noise = rng.gumbel(size=weights.shape)
    return np.argsort(-(np.log(weights) + noise), axis=1)[:, :count]


def rate_at(step: int, share_done: float, config: PosttrainConfig) -> float:
    """Warm up linearly, then fall by a cosine to the final rate."""
    warm = min(1.0, (step + 1) / config.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share_done)))
    return warm * (config.final_rate + (config.learning_rate - config.final_rate) * cosine)


class Run:
    """A training run in a folder: loads what is there, goes on, saves."""

    def __init__(self, out: Path, config: PosttrainConfig, start_from: Path | None) -> None:
        self.out = out
        self.config = config
        self.checkpoint = out / "checkpoint"
        self.seconds = 0.0
        self.step = 0
        self.samples = 0
        resumable = (self.checkpoint / "config.json").exists()
        source = self.checkpoint if resumable else start_from
        if source is not None:
            model, tokenizer = load_checkpoint(source)
        else:
            tokenizer = build_tokenizer(tokenizer_corpus(), config.vocabulary)
            model = build_model(tokenizer, seed=config.seed)
        self.trainee = Trainee(model, tokenizer)
        self.optimizer = torch.optim.AdamW(
            self.trainee.parameters(),
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
            fused=True,
        )
        if resumable:
            self._resume()

    def _resume(self) -> None:
        progress = json.loads((self.out / PROGRESS_FILE).read_text(encoding="utf-8"))
        self.seconds, self.step = progress["seconds"], progress["step"]
        self.samples = progress["samples"]
        state = load_file(self.out / STATE_FILE)
        # Full precision weights; the checkpoint itself holds bf16.
        own = dict(self.trainee.named_parameters())
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(state[f"weights.{name}"])
        for name, tensor in own.items():
            if f"first.{name}" in state:
                self.optimizer.state[tensor] = {
                    "step": torch.tensor(float(self.step)),
                    "exp_avg": state[f"first.{name}"],
                    "exp_avg_sq": state[f"second.{name}"],
                }

    def save(self) -> None:
        """Write checkpoint and optimizer state; a kill in between loses neither."""
        fresh = self.out / "checkpoint.new"
        shutil.rmtree(fresh, ignore_errors=True)
        card = {"trained_s": round(self.seconds), "steps": self.step, "samples": self.samples}
        save_checkpoint(fresh, self.trainee.model, self.trainee.tokenizer, TINY_SPEC, card)
        (fresh / "ready").touch()
        state: dict[str, torch.Tensor] = {}
        for name, tensor in self.trainee.named_parameters():
            state[f"weights.{name}"] = tensor.detach().clone()
            moments = self.optimizer.state.get(tensor)
            if moments:
                state[f"first.{name}"] = moments["exp_avg"].clone()
                state[f"second.{name}"] = moments["exp_avg_sq"].clone()
        save_file(state, self.out / (STATE_FILE + ".new"))
        old = self.out / "checkpoint.old"
        shutil.rmtree(old, ignore_errors=True)
        if self.checkpoint.exists():
            self.checkpoint.rename(old)
        fresh.rename(self.checkpoint)
        (self.out / (STATE_FILE + ".new")).replace(self.out / STATE_FILE)
        progress = {"seconds": self.seconds, "step": self.step, "samples": self.samples}
        (self.out / PROGRESS_FILE).write_text(json.dumps(progress), encoding="utf-8")
        shutil.rmtree(old, ignore_errors=True)

    def train(self, budget_s: float) -> None:
        """Train until ``budget_s`` seconds of training are spent in all runs together."""
        config = self.config
        rng = np.random.default_rng((config.seed, self.step))
        ring = StateRing(TINY_SPEC, config, self.checkpoint, seed=config.seed * 1000 + self.step)
        stopping: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
        curve = (self.out / CURVE_FILE).open("a", newline="", encoding="utf-8")
        writer = csv.writer(curve)
        if self.step == 0:
            writer.writerow(["step", "seconds", "samples", "action", "presence", "column"])
        try:
            ring.wait_for(config.first_batch_frames)
            last_save = last = time.monotonic()
            sums: dict[str, float] = {}
            while self.seconds < budget_s and not stopping:
                rate = rate_at(self.step, self.seconds / budget_s, config)
                for group in self.optimizer.param_groups:
                    group["lr"] = rate
                chosen = rng.integers(ring.filled, size=config.batch_frames)
                batch = ring.records[chosen]
                questions = choose_questions(rng, batch, config.questions_per_frame)
                losses = self.trainee.losses(batch, questions)
                total = (
                    losses["action"]
                    + config.presence_weight * losses["presence"]
                    + config.column_weight * losses["column"]
                )
                self.optimizer.zero_grad(set_to_none=True)
                total.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(self.trainee.parameters(), config.gradient_norm)
                self.optimizer.step()
                now = time.monotonic()
                self.seconds += now - last
                last = now
                self.step += 1
                self.samples += questions.size
                for name, value in losses.items():
                    sums[name] = sums.get(name, 0.0) + float(value.detach())
                if self.step % 25 == 0:
                    means = [round(sums[name] / 25, 4) for name in ("action", "presence", "column")]
                    sums = {}
                    writer.writerow([self.step, round(self.seconds), self.samples, *means])
                    curve.flush()
                    sys.stderr.write(f"{self.step} {self.seconds:.0f} s {means} {ring.made}\n")
                if now - last_save > config.checkpoint_every_s:
                    self.save()
                    last_save = last = time.monotonic()
            self.save()
        finally:
            curve.close()
            ring.close()


def main(arguments: list[str] | None = None) -> int:
    """Train or go on training in ``--out``; `--from` starts from a checkpoint's weights."""
    parser = argparse.ArgumentParser(prog="python -m trainer.posttrain", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument("--minutes", type=float, default=60.0, help="training time in all")
    parser.add_argument("--from", dest="start_from", type=Path, help="start from these weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    config = PosttrainConfig(seed=given.seed)
    Run(given.out, config, given.start_from).train(given.minutes * 60)
    return 0


if __name__ == "__main__":
    sys.exit(main())
