"""Trains the yard's default model from nothing: ``python -m`` this module ``--out DIR``.

Three stages (:mod:`trainer.pretraining.config`): language, vision and language, then
imitation of the expert on noisy states and on those that the model reaches itself
(DAgger).  Two helping losses are dropped afterwards: which thing each vision token covers,
and in which column of the picture the asked-for thing stands.  The run can be stopped at
any moment and goes on where it was; from weights alone too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from model.vla.device import DEVICES, DeviceChoice, choose_device
from model.vla.preprocess import CheckpointSpec, load_spec
from model.vla.tiny import TINY_SPEC, build_model, build_tokenizer, save_checkpoint
from recorder.json_values import number, parse_dict, whole
from trainer.data.forward_pass import load_checkpoint
from trainer.evaluation.training_pause import wait_for_quiet
from trainer.pretraining.config import PosttrainConfig, Stage, stage_at, tokenizer_corpus
from trainer.pretraining.curriculum import write_taught
from trainer.pretraining.loss_curve import Curve
from trainer.pretraining.losses import Losses, Trainee
from trainer.pretraining.muon import Muon
from trainer.pretraining.rate import rate_at
from trainer.pretraining.state_ring import StateRing
from trainer.pretraining.vision_language import Pair, paraphrase_pairs, rule_pairs

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

STATE_FILE = "state.safetensors"
PROGRESS_FILE = "progress.json"
CURVE_FILE = "curve.csv"


def inherit(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Take over the weights of another small checkpoint, whose words may be others.

    A word that both know keeps its embedding; the rest of the embedding stays as it is.
    Raises RuntimeError where the layers are not the same.
    """
    old, words = load_checkpoint(folder)
    state = old.state_dict()
    table = "model.language_model.embed_tokens.weight"
    embedding = model.state_dict()[table].clone()
    known = words.get_vocab()
    for word, row in tokenizer.get_vocab().items():
        if word in known:
            embedding[row] = state[table][known[word]]
    for name in (table, "lm_head.weight"):
        if name in state:
            state[name] = embedding
    model.load_state_dict(state)


def sorted_parameters(
    trainee: Trainee,
) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    """Return the layers' matrices, which Muon moves, and all else, for AdamW."""
    matrices: list[torch.nn.Parameter] = []
    rest: list[torch.nn.Parameter] = []
    for name, tensor in trainee.named_parameters():
        layer = ".blocks." in name or ".layers." in name
        (matrices if layer and tensor.ndim == 2 else rest).append(tensor)
    return matrices, rest


def _sees_alike(spec: CheckpointSpec) -> bool:
    """Say whether a checkpoint sees pictures and reads prompts as the one to be trained."""
    return spec == replace(
        TINY_SPEC,
        parts=spec.parts,
        temperature=spec.temperature,
        adapter_temperature=spec.adapter_temperature,
        steady=spec.steady,
    )


class States(Protocol):
    """Where the labelled states come from: a :class:`StateRing`, or states made before."""

    @property
    def made(self) -> int:
        """States made so far."""
        ...

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.void]:
        """Return ``count`` records (:func:`trainer.pretraining.state_ring.record_type`)."""
        ...

    def wait_for(self, count: int) -> None:
        """Wait until ``count`` states are there."""
        ...

    def let_learner_drive(self) -> None:
        """From now on the states are those of the last stage."""
        ...

    def check(self) -> None:
        """Raise RuntimeError if no more states can come."""
        ...

    def close(self) -> None:
        """Let go of the states."""
        ...


def _mend(out: Path) -> None:
    """Put the checkpoint back that a kill in the middle of saving has left beside its place."""
    checkpoint = out / "checkpoint"
    if checkpoint.exists() or not (out / PROGRESS_FILE).exists():
        return
    for left in (out / "checkpoint.old", out / "checkpoint.new"):
        if (left / "ready").exists():
            left.rename(checkpoint)
            return


class Run:
    """A training run in a folder: loads what is there, goes on, saves."""

    def __init__(
        self,
        out: Path,
        config: PosttrainConfig,
        start_from: Path | None,
        device: DeviceChoice | None = None,
    ) -> None:
        self.device = choose_device("cpu") if device is None else device
        self.out = out
        self.config = config
        self.checkpoint = out / "checkpoint"
        self.seconds = 0.0
        self.step = 0
        self.samples = 0
        self.made = 0
        _mend(out)
        # A kill in the very first saving leaves a checkpoint of which nothing is learnt yet.
        begun = (out / PROGRESS_FILE).exists()
        resumable = begun and (self.checkpoint / "config.json").exists()
        source = self.checkpoint if resumable else start_from
        if source is not None and _sees_alike(load_spec(source)):
            model, tokenizer = load_checkpoint(source)
        else:
            tokenizer = build_tokenizer(tokenizer_corpus(), config.vocabulary)
            model = build_model(tokenizer, seed=config.seed)
            if source is not None:
                inherit(model, tokenizer, source)
        # Play and measured losses, in the same process, are the CPU's.
        with torch.device(self.device.device):
            self._prepare(model, tokenizer, resumable=resumable)

    def _prepare(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, resumable: bool
    ) -> None:
        config = self.config
        self.trainee = Trainee(model, tokenizer).to(self.device.device)
        matrices, rest = sorted_parameters(self.trainee)
        self.adam = torch.optim.AdamW(
            rest,
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.muon = Muon(
            matrices,
            lr=config.learning_rate * config.muon_rate,
            weight_decay=config.weight_decay,
        )
        if resumable:
            self._resume()

    def _resume(self) -> None:
        progress = self._progress()
        self.seconds, self.step = number(progress, "seconds"), whole(progress, "step")
        self.samples, self.made = whole(progress, "samples"), whole(progress, "made", 0)
        state = load_file(self.out / STATE_FILE, device=self.device.device)
        # Full precision weights; the checkpoint itself holds bf16.
        own = dict(self.trainee.named_parameters())
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(state[f"weights.{name}"])
        for name, tensor in own.items():
            if f"momentum.{name}" in state:
                self.muon.state[tensor] = {"momentum": state[f"momentum.{name}"]}
            elif f"first.{name}" in state:
                self.adam.state[tensor] = {
                    "step": torch.tensor(float(self.step)),
                    "exp_avg": state[f"first.{name}"],
                    "exp_avg_sq": state[f"second.{name}"],
                }

    def _progress(self) -> dict[str, object]:
        with safe_open(self.out / STATE_FILE, "pt") as state:
            counts = (state.metadata() or {}).get(PROGRESS_FILE)
        text = counts or (self.out / PROGRESS_FILE).read_text(encoding="utf-8")
        return parse_dict(text, PROGRESS_FILE)

    def save(self, made: int = 0) -> None:
        """Write checkpoint and optimizer state; a kill in between loses neither.

        ``made`` counts the states made since the run was started or went on.
        """
        fresh = self.out / "checkpoint.new"
        shutil.rmtree(fresh, ignore_errors=True)
        card: dict[str, object] = {
            "trained_s": round(self.seconds),
            "steps": self.step,
            "samples": self.samples,
        }
        save_checkpoint(fresh, self.trainee.model, self.trainee.tokenizer, TINY_SPEC, card)
        write_taught(fresh)
        (fresh / "ready").touch()
        state: dict[str, torch.Tensor] = {}
        for name, tensor in self.trainee.named_parameters():
            state[f"weights.{name}"] = tensor.detach().clone()
            if self.muon.state.get(tensor):
                state[f"momentum.{name}"] = self.muon.state[tensor]["momentum"].clone()
            moments = self.adam.state.get(tensor)
            if moments:
                state[f"first.{name}"] = moments["exp_avg"].clone()
                state[f"second.{name}"] = moments["exp_avg_sq"].clone()
        progress = {
            "seconds": self.seconds,
            "step": self.step,
            "samples": self.samples,
            "made": self.made + made,
        }
        # In the file of the weights too, so that the two are always of one moment.
        counts = {PROGRESS_FILE: json.dumps(progress)}
        save_file(state, self.out / (STATE_FILE + ".new"), metadata=counts)
        old = self.out / "checkpoint.old"
        shutil.rmtree(old, ignore_errors=True)
        if self.checkpoint.exists():
            self.checkpoint.rename(old)
        fresh.rename(self.checkpoint)
        (self.out / (STATE_FILE + ".new")).replace(self.out / STATE_FILE)
        progress_new = self.out / (PROGRESS_FILE + ".new")
        progress_new.write_text(json.dumps(progress), encoding="utf-8")
        progress_new.replace(self.out / PROGRESS_FILE)
        shutil.rmtree(old, ignore_errors=True)

    def train(
        self,
        budget_s: float,
        *,
        budget_samples: int | None = None,
        states: States | None = None,
        copy_every: int | None = None,
    ) -> bool:
        """Train until ``budget_s`` seconds of training are spent in all runs together.

        With ``budget_samples`` that many samples are the budget instead, the same on every
        machine.  ``states`` None makes fresh ones beside the training.  A copy of the checkpoint
        is kept as `snap_SAMPLES` whenever ``copy_every`` samples more were learnt.  Returns
        whether the budget is spent: False where SIGTERM ended the training, which goes on when
        called anew.
        """
        # Every tensor is made there; the makers' processes stay on the CPU.
        with torch.device(self.device.device):
            return self._train(budget_s, budget_samples, states, copy_every)

    def _train(
        self,
        budget_s: float,
        budget_samples: int | None,
        states: States | None,
        copy_every: int | None,
    ) -> bool:
        config = self.config
        rng = np.random.default_rng((config.seed, self.step))
        if not (self.checkpoint / "ready").exists():
            self.save()
        ring: States = states or StateRing(
            TINY_SPEC, config, self.checkpoint, seed=config.seed * 1000 + self.step
        )
        stopping: list[int] = []
        before = signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
        # Stage I: how the yard works, and how things are said.
        texts = [*rule_pairs(), *paraphrase_pairs()]
        curve = Curve(self.out / CURVE_FILE, step=self.step)
        try:
            ring.wait_for(config.first_batch_frames)
            last_save = last = time.monotonic()
            while (done := self._share_done(budget_s, budget_samples)) < 1 and not stopping:
                last += wait_for_quiet()
                stage = stage_at(config.stages, done)
                copies = 0 if copy_every is None else self.samples // copy_every
                if stage.actions and stage.acts:
                    ring.let_learner_drive()
                with self._numbers():
                    losses = self._losses(rng, ring, texts, stage)
                self._follow(losses, stage, rate_at(self.step, done, config))
                now = time.monotonic()
                self.seconds += now - last
                last = now
                self.step += 1
                counts = (self.step, self.seconds, self.samples, self.made + ring.made)
                curve.add(counts, stage, losses)
                copy = copy_every is not None and self.samples // copy_every > copies
                if copy or now - last_save > config.checkpoint_every_s:
                    ring.check()
                    self.save(ring.made)
                    if copy:
                        self._keep_copy()
                    last_save = last = time.monotonic()
            self.save(ring.made)
        finally:
            signal.signal(signal.SIGTERM, before)
            curve.close()
            ring.close()
        return done >= 1

    def _keep_copy(self) -> None:
        """Keep a copy of the checkpoint; an interruption leaves none that is cut off."""
        fresh = self.out / "snap.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(self.checkpoint, fresh)
        fresh.rename(self.out / f"snap_{self.samples:07}")

    def _share_done(self, budget_s: float, budget_samples: int | None) -> float:
        if budget_samples is None:
            return self.seconds / budget_s
        return self.samples / budget_samples

    def _numbers(self) -> contextlib.AbstractContextManager[object]:
        """Return bfloat16 where the device multiplies it in hardware, float32 elsewhere."""
        if self.device.dtype != "bfloat16":
            return contextlib.nullcontext()
        return torch.autocast(self.device.device, torch.bfloat16)

    def _losses(
        self, rng: np.random.Generator, ring: States, texts: list[Pair], stage: Stage
    ) -> Losses:
        """Draw what the next step is about, and return its losses."""
        config = self.config
        sorts = np.array([stage.text, stage.pictures, stage.actions, stage.looks])
        sort = int(rng.choice(len(sorts), p=sorts / sorts.sum()))
        if sort == 0:
            chosen = [texts[int(n)] for n in rng.integers(len(texts), size=config.texts_per_step)]
            self.samples += config.texts_per_step
            return self.trainee.text_step(
                [self.trainee.sequences.text_block(pair.question, pair.answer) for pair in chosen]
            )
        frames = config.look_frames if sort == 3 else config.batch_frames
        batch = ring.draw(rng, frames)
        if sort == 3:
            self.samples += frames
            return self.trainee.looks_step(batch)
        if sort == 1:
            self.samples += int((batch["pair_length"] > 0).sum())
            return self.trainee.pictures_step(batch, stage)
        self.samples += int((batch["action_length"] > 0).sum())
        return self.trainee.actions_step(batch, stage)

    def _follow(self, losses: Losses, stage: Stage, rate: float) -> None:
        weights = {}
        if len(losses) > 1:
            weights = {"presence": stage.presence_weight, "column": stage.column_weight}
        total = sum(weights.get(name, 1.0) * loss for name, loss in losses.items())
        for optimizer, scale in ((self.adam, 1.0), (self.muon, self.config.muon_rate)):
            for group in optimizer.param_groups:
                group["lr"] = rate * scale
            optimizer.zero_grad(set_to_none=True)
        torch.as_tensor(total).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.trainee.parameters(), self.config.gradient_norm)
        self.adam.step()
        self.muon.step()


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return number


def main(arguments: list[str] | None = None) -> int:
    """Train or go on training in ``--out``; `--from` starts from a checkpoint's weights."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.pretraining.train_yard_model", description=__doc__
    )
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument("--minutes", type=float, default=60.0, help="training time in all")
    parser.add_argument("--from", dest="start_from", type=Path, help="start from these weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=DEVICES, help="default: the fastest that is there")
    parser.add_argument(
        "--copy-every",
        type=_count,
        metavar="SAMPLES",
        help="keep a checkpoint so often",
    )
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    config = PosttrainConfig(seed=given.seed)
    device = choose_device(given.device, small=False)
    run = Run(given.out, config, given.start_from, device)
    run.train(given.minutes * 60, copy_every=given.copy_every)
    return 0


if __name__ == "__main__":
    sys.exit(main())
