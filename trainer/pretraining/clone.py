"""Trains a small checkpoint on demonstrations: ``python -m trainer.pretraining.clone --help``.

Every weight learns, the vision tower's too, so that a model which knows one game learns to
see another.  What the person or the expert did in attempts that succeeded is imitated;
every second picture is shown mirrored, with the turn the other way round.  A run can be
stopped at any moment and goes on where it was.
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
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name every torch program uses
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from model.language.paraphrase import write_sayings
from model.paths import default_checkpoint
from model.vla.preprocess import CheckpointSpec, load_spec, patches
from model.vla.tiny import save_checkpoint
from recorder.errors import KnownError
from recorder.games import task_list
from recorder.store import Reader
from trainer.data.forward_pass import IGNORE, Sequences, load_checkpoint
from trainer.data.material import left_out_sentence
from trainer.data.sample_cache import Lessons, gather
from trainer.evaluation.training_pause import wait_for_quiet
from trainer.pretraining.rate import rate_at

STATE_FILE = "state.safetensors"
CURVE_FILE = "curve.csv"
CURVE_EVERY = 25
CHECK_SAMPLES = 384


@dataclass(frozen=True, slots=True)
class CloneConfig:
    """Hyper-parameters; rates are AdamW's, sizes in samples."""

    batch: int = 24
    learning_rate: float = 5e-4
    final_rate: float = 2e-5
    warmup_steps: int = 100
    weight_decay: float = 0.02
    gradient_norm: float = 1.0
    save_every_s: float = 120.0
    seed: int = 0


class Imitator:
    """A checkpoint, and the loss of what it would do against what was done."""

    def __init__(self, checkpoint: Path) -> None:
        # Demonstrations do not say when a part of a sentence was done.
        self.spec: CheckpointSpec = replace(load_spec(checkpoint), parts=False)
        self.model, self.tokenizer = load_checkpoint(checkpoint)
        self.sequences = Sequences(self.model, self.tokenizer, self.spec)

    def logits(
        self, lessons: Lessons, chosen: NDArray[np.int64], mirrored: NDArray[np.bool_]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (logits, targets) of all answer tokens of the chosen samples, in order."""
        images = lessons.images(chosen, mirrored)
        vision = self.sequences.see(torch.from_numpy(patches(images, self.spec)))
        sequences, starts = [], []
        for index, mirror in zip(chosen, mirrored, strict=True):
            prompt = self.sequences.prompt_ids(lessons.sentence(int(index)))
            answer = lessons.answer(int(index), mirrored=bool(mirror))
            ids = tuple(self.sequences.action_id(number) for number in answer)
            sequences.append((*prompt, *ids, self.sequences.end_id))
            starts.append(len(prompt))
        hidden, ids_tensor = self.sequences.hidden(vision, sequences)
        labels = torch.full_like(ids_tensor, IGNORE)
        for row, (sequence, start) in enumerate(zip(sequences, starts, strict=True)):
            labels[row, start : len(sequence)] = ids_tensor[row, start : len(sequence)]
        keep = labels[:, 1:] != IGNORE
        return self.model.lm_head(hidden[:, :-1][keep]), labels[:, 1:][keep]

    def loss(
        self, lessons: Lessons, chosen: NDArray[np.int64], mirrored: NDArray[np.bool_]
    ) -> torch.Tensor:
        """Return the mean loss per answer token (nats)."""
        return F.cross_entropy(*self.logits(lessons, chosen, mirrored))

    @torch.no_grad()
    def check(self, lessons: Lessons, chosen: NDArray[np.int64]) -> float:
        """Return the mean loss per answer token of samples as they are (nats)."""
        total, count = 0.0, 0
        for start in range(0, len(chosen), 32):
            part = chosen[start : start + 32]
            logits, labels = self.logits(lessons, part, np.zeros(len(part), dtype=np.bool_))
            total += float(F.cross_entropy(logits, labels, reduction="sum"))
            count += len(labels)
        return total / count if count else math.nan


class Run:
    """A training run in a folder: loads what is there, goes on, saves."""

    def __init__(
        self,
        data: Path,
        out: Path,
        start_from: Path,
        config: CloneConfig,
        *,
        labelled: Path | None = None,
        ways: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """``ways`` are other ways to say a sentence: the checkpoint is told them as that one."""
        self.out = out
        self.ways = ways or {}
        self.config = config
        self.checkpoint = out / "checkpoint"
        self.seconds = 0.0
        self.step = 0
        self.stopped = False
        """Whether :meth:`train` was asked to end before its time."""
        resumable = (self.checkpoint / "config.json").exists() and (out / STATE_FILE).exists()
        self.imitator = Imitator(self.checkpoint if resumable else start_from)
        with Reader.open(data) as reader:
            self.lessons = gather(reader, self.imitator.spec, out, labelled)
        self.weights: dict[str, torch.nn.Parameter] = dict(self.imitator.model.named_parameters())
        self.optimizer = torch.optim.AdamW(
            self.weights.values(),
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
        )
        if resumable:
            self._resume()

    def train(self, budget_s: float, *, whole_s: float | None = None) -> None:
        """Train until ``budget_s`` seconds of training are spent in all runs together.

        The rate falls over ``whole_s`` seconds, ``budget_s`` where that is None.
        """
        config = self.config
        whole_s = budget_s if whole_s is None else whole_s
        rng = np.random.default_rng((config.seed, self.step))
        stopping: list[int] = []
        before = signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
        held = self.lessons.held_out
        checks = held[:: max(1, len(held) // CHECK_SAMPLES)]
        is_new = not (self.out / CURVE_FILE).exists()
        with (self.out / CURVE_FILE).open("a", newline="", encoding="utf-8") as curve:
            writer = csv.writer(curve)
            if is_new:
                writer.writerow(["step", "seconds", "samples", "loss", "held_out"])
            try:
                last_save = last = time.monotonic()
                losses: list[float] = []
                while self.seconds < budget_s and not stopping:
                    last += wait_for_quiet()
                    losses.append(self._step(rng, whole_s))
                    now = time.monotonic()
                    self.seconds += now - last
                    last = now
                    if self.step % CURVE_EVERY == 0:
                        self._note(writer, losses, math.nan)
                        curve.flush()
                        losses = []
                    if now - last_save > config.save_every_s:
                        self._note(writer, losses, self.imitator.check(self.lessons, checks))
                        curve.flush()
                        losses = []
                        self.save()
                        last_save = last = time.monotonic()
                self._note(writer, losses, self.imitator.check(self.lessons, checks))
            finally:
                signal.signal(signal.SIGTERM, before)
        self.stopped = bool(stopping)
        self.save()

    def _step(self, rng: np.random.Generator, whole_s: float) -> float:
        config = self.config
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(self.step, self.seconds / whole_s, config)
        chosen = rng.choice(self.lessons.train, size=config.batch, p=self.lessons.chances)
        mirrored = rng.random(config.batch) < 0.5
        mirrored &= [self.lessons.can_mirror(int(index)) for index in chosen]
        loss = self.imitator.loss(self.lessons, chosen, mirrored)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.weights.values(), config.gradient_norm)
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    def _note(self, writer: Any, losses: list[float], held_out: float) -> None:
        mean = sum(losses) / len(losses) if losses else math.nan
        row: list[object] = [self.step, round(self.seconds), self.step * self.config.batch]
        row += ["" if math.isnan(each) else round(each, 4) for each in (mean, held_out)]
        writer.writerow(row)
        sys.stderr.write(f"step {row[0]}, {row[1]} s: loss {row[3]}, held out {row[4] or '-'}\n")

    def save(self) -> None:
        """Write checkpoint and optimizer state; a kill in between loses neither."""
        fresh = self.out / "checkpoint.new"
        shutil.rmtree(fresh, ignore_errors=True)
        card: dict[str, object] = {
            "trained_s": round(self.seconds),
            "steps": self.step,
            "samples": self.step * self.config.batch,
            "demonstrated_ticks": len(self.lessons.train),
        }
        save_checkpoint(
            fresh, self.imitator.model, self.imitator.tokenizer, self.imitator.spec, card
        )
        sentences = sorted({self.lessons.sentence(int(index)) for index in self.lessons.train})
        write_sayings(fresh, {said: self.ways.get(said, ()) for said in sentences})
        # Full precision weights: the checkpoint itself holds bf16.
        state: dict[str, torch.Tensor] = {}
        for name, tensor in self.weights.items():
            state[f"weights.{name}"] = tensor.detach().clone()
            if moments := self.optimizer.state.get(tensor):
                state[f"first.{name}"] = moments["exp_avg"].clone()
                state[f"second.{name}"] = moments["exp_avg_sq"].clone()
        progress = {"seconds": self.seconds, "step": self.step, "config": asdict(self.config)}
        newest = self.out / (STATE_FILE + ".new")
        save_file(state, newest, metadata={"progress": json.dumps(progress)})
        old = self.out / "checkpoint.old"
        shutil.rmtree(old, ignore_errors=True)
        if self.checkpoint.exists():
            self.checkpoint.rename(old)
        fresh.rename(self.checkpoint)
        newest.replace(self.out / STATE_FILE)
        shutil.rmtree(old, ignore_errors=True)

    def _resume(self) -> None:
        from safetensors import safe_open

        with safe_open(self.out / STATE_FILE, framework="pt") as stored:
            progress = json.loads(stored.metadata()["progress"])
        self.seconds, self.step = progress["seconds"], progress["step"]
        state = load_file(self.out / STATE_FILE)
        with torch.no_grad():
            for name, tensor in self.weights.items():
                tensor.copy_(state[f"weights.{name}"])
                if f"first.{name}" in state:
                    self.optimizer.state[tensor] = {
                        "step": torch.tensor(float(self.step)),
                        "exp_avg": state[f"first.{name}"],
                        "exp_avg_sq": state[f"second.{name}"],
                    }


def ways_to_say(game: str) -> dict[str, tuple[str, ...]]:
    """Return other ways to say each sentence of a game's tasks."""
    return {task.instruction: task.phrasings for task in task_list(game)}


def main(arguments: list[str] | None = None) -> int:
    """Train or go on training in ``--out`` on what ``--data`` holds."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.pretraining.clone", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="data folder of the recordings")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument("--game", default="luanti", help="whose sentences are meant")
    parser.add_argument("--minutes", type=float, default=60.0, help="training time in all")
    parser.add_argument(
        "--from", dest="start_from", type=Path, help="weights to start from (the default model's)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    start_from = given.start_from or default_checkpoint()
    try:
        run = Run(
            given.data,
            given.out,
            start_from,
            CloneConfig(seed=given.seed),
            ways=ways_to_say(given.game),
        )
    except KnownError as error:
        sys.stderr.write(error.sentence + "\n")
        return int(error.exit_code)
    lessons = run.lessons
    if missing := left_out_sentence(lessons.left_out, lessons.turns_cut):
        sys.stderr.write(missing + "\n")
    run.train(given.minutes * 60)
    return 0


if __name__ == "__main__":
    sys.exit(main())
