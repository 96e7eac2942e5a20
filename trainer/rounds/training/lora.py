"""The LoRA loop: low-rank changes of the language model, on vision features seen once.

The vision tower stays as it is, so every picture goes through it once and training costs
only the language model.  The adapter is written in peft's own format.
"""

from __future__ import annotations

import hashlib
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
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file

from model.actions.tokens import ACTION_END, encode, legal_next
from model.torch_state import seeded
from model.vla.play_options import PlayOptions
from model.vla.preprocess import CheckpointSpec, patches
from recorder.errors import ModelError, UsageError
from recorder.types import NO_ACTION
from trainer.data.examples import Example
from trainer.data.forward_pass import IGNORE, Sequences
from trainer.data.sampling import draw_plan
from trainer.rounds.training.lora_config import LoraConfig, plan_steps
from trainer.rounds.training.lora_features import Joined
from trainer.rounds.training.parallel import Alone, Workers

PROGRESS_FILE = "lora_progress.safetensors"
RESUME_TOLERANCE = 0.02
"""A resumed run's first loss may be off by this share of what was foretold."""
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class LoraTask:
    """A base model with a fresh or continued LoRA on its language model."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        spec: CheckpointSpec,
        config: LoraConfig,
        options: PlayOptions | None = None,
    ) -> None:
        """``options`` say how sentences are told, as in play; ``spec`` has them in it already."""
        from peft import LoraConfig as PeftConfig
        from peft import get_peft_model

        self.spec = spec
        self.config = config
        if getattr(model, "is_loaded_in_8bit", False) or getattr(model, "is_loaded_in_4bit", False):
            from peft import prepare_model_for_kbit_training

            # Norms, embeddings and head go to float32: on few bits gradients need it there.
            model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
        for parameter in model.parameters():
            parameter.requires_grad_(requires_grad=False)
        wanted = PeftConfig(
            r=config.rank,
            lora_alpha=config.alpha,
            lora_dropout=0.0,
            target_modules=rf".*language_model.*\.({'|'.join(TARGETS)})",
        )
        with seeded(config.seed):
            self.peft = get_peft_model(model, wanted)
        if config.checkpointing:
            # Only a model that trains recomputes; nothing else differs, there is no dropout.
            model.activation_checkpointing_enable({"use_reentrant": False})
            self.peft.train()
        self.sequences = Sequences(model, tokenizer, spec, options)
        self.device = next(model.model.visual.parameters()).device
        self._seen: dict[int, tuple[NDArray[np.uint8], torch.Tensor]] = {}
        self.trainable = {
            name: parameter
            for name, parameter in self.peft.named_parameters()
            if parameter.requires_grad
        }

    def start_from(self, tensors: dict[str, torch.Tensor]) -> None:
        """Continue from an adapter's tensors (peft's names).

        Raises ModelError where they are not those of this shape of adapter.
        """
        from peft import set_peft_model_state_dict

        own = {name: tensor.shape for name, tensor in self.tensors().items()}
        if {name: tensor.shape for name, tensor in tensors.items()} != own:
            raise ModelError(
                "The adapter in use has another shape than this version's rounds make, so no "
                "round was started; go back to the base and teach from there."
            )
        set_peft_model_state_dict(self.peft, tensors)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the adapter in peft's format."""
        from peft import get_peft_model_state_dict

        state: dict[str, torch.Tensor] = get_peft_model_state_dict(self.peft)
        return {name: tensor.detach().clone().contiguous() for name, tensor in state.items()}

    def peft_config(self) -> dict[str, Any]:
        """Return the adapter_config.json of this adapter."""
        raw = self.peft.peft_config["default"].to_dict()
        plain: dict[str, Any] = json.loads(
            json.dumps(raw, default=lambda v: sorted(v) if isinstance(v, set) else str(v))
        )
        return plain

    @torch.no_grad()
    def see(self, examples: Sequence[Example]) -> Sequence[torch.Tensor]:
        """Return every example's vision tokens, those of its earlier pictures before its own.

        Equal pictures are seen once, ever.
        """
        pictures = [self._pictures(example) for example in examples]
        fresh = {id(p): p for each in pictures for p in each if id(p) not in self._seen}
        images = list(fresh.values())
        for start in range(0, len(images), 16):
            part = images[start : start + 16]
            pixels = torch.from_numpy(patches(np.stack(part), self.spec)).to(self.device)
            tokens = self.sequences.see(pixels)
            for image, token in zip(part, tokens, strict=True):
                # The picture is kept with its tokens, so that its id stays its own.
                self._seen[id(image)] = (image, token.clone())
        if not self.spec.history:
            return [self._seen[id(example.image)][1] for example in examples]
        return Joined([[self._seen[id(p)][1] for p in each] for each in pictures])

    def _earlier(self, example: Example) -> tuple[tuple[NDArray[np.uint8], str], ...]:
        """Return the pictures before an example's with their answers, as many as in play."""
        known = example.earlier[len(example.earlier) - self.spec.history :]
        # As in play, the newest stands for what is not there, unanswered.
        return ((example.image, encode(NO_ACTION)),) * (self.spec.history - len(known)) + known

    def _pictures(self, example: Example) -> list[NDArray[np.uint8]]:
        return [*(picture for picture, _ in self._earlier(example)), example.image]

    def logits(
        self, examples: Sequence[Example], features: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (logits, targets) of all answer tokens, begin to end of turn."""
        sequences, starts = [], []
        for example in examples:
            answers = tuple(said for _, said in self._earlier(example))
            prompt = self.sequences.prompt_ids(example.instruction, answers)
            answer = self._answer_ids(example)
            sequences.append((*prompt, *answer, self.sequences.end_id))
            starts.append(len(prompt))
        hidden, ids = self.sequences.hidden(torch.stack(list(features)), sequences)
        labels = torch.full_like(ids, IGNORE)
        for row, (sequence, start) in enumerate(zip(sequences, starts, strict=True)):
            labels[row, start : len(sequence)] = ids[row, start : len(sequence)]
        keep = labels[:, 1:] != IGNORE
        return self.sequences.model.lm_head(hidden[:, :-1][keep]), labels[:, 1:][keep]

    def _answer_ids(self, example: Example) -> tuple[int, ...]:
        if example.words:
            return self.sequences.word_ids(example.words)
        return tuple(self.sequences.action_id(n) for n in example.answer)

    def answer_tokens(self, example: Example) -> int:
        """Return how many tokens its answer has, the end of the turn included."""
        return len(self._answer_ids(example)) + 1

    @torch.no_grad()
    def loss(self, examples: Sequence[Example], features: Sequence[torch.Tensor]) -> float:
        """Return the mean loss per answer token (nats); NaN without examples."""
        each = self.losses(examples, features)
        tokens = sum(count for _, count in each)
        return math.fsum(nats for nats, _ in each) / tokens if tokens else math.nan

    @torch.no_grad()
    def losses(
        self, examples: Sequence[Example], features: Sequence[torch.Tensor]
    ) -> list[tuple[float, int]]:
        """Return of each example (loss in nats, summed over its answer tokens; their number)."""
        found: list[tuple[float, int]] = []
        for start in range(0, len(examples), 32):
            part = examples[start : start + 32]
            logits, labels = self.logits(part, features[start : start + 32])
            each = F.cross_entropy(logits, labels, reduction="none").tolist()
            at = 0
            for example in part:
                count = self.answer_tokens(example)
                found.append((math.fsum(each[at : at + count]), count))
                at += count
        return found

    @torch.no_grad()
    def legality(self, examples: Sequence[Example], features: Sequence[torch.Tensor]) -> float:
        """Return the share of answer positions whose likeliest token is legal there.

        The likeliest of the whole vocabulary, with nothing forbidden, after the recorded
        tokens before it.  Answers in words do not count.
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
                    legal += number in legal_next(_of_this_action(example.answer[:position]))
                    count += 1
                at += self.answer_tokens(example)
        return legal / count if count else math.nan


def _of_this_action(written: Sequence[int]) -> Sequence[int]:
    """Return what of an answer belongs to the action that is being written, () between two."""
    ends = [at for at, number in enumerate(written) if number == ACTION_END]
    return written[ends[-1] + 1 :] if ends else written


def train(
    task: LoraTask,
    examples: Sequence[Example],
    select: Sequence[Example],
    folder: Path,
    on_step: Callable[[int, int, float, float | None, float], None],
    workers: Workers | None = None,
) -> dict[int, int]:
    """Train; return how often each example was seen.

    The state that is best on ``select`` is kept, and training ends early if it gets no better
    there.  Without any, all planned steps are done.

    Progress lies in ``folder``; a run that was cut off goes on from there, as long as it
    has the same samples and settings.  ``on_step`` hears (step, steps, loss, loss on
    ``select`` or None, seconds left).  ``workers`` share every batch; UsageError where there are
    more of them than samples in one.
    """
    config = task.config
    workers = workers or Alone()
    rng = np.random.default_rng(config.seed)
    features = task.see(examples)
    checks = task.see(select)
    steps = plan_steps(sum(e.kind != "replay" for e in examples), config)
    plan = draw_plan(examples, steps * config.batch, rng)
    steps = max(1, len(plan) // config.batch)
    optimizer = torch.optim.AdamW(
        task.trainable.values(), lr=config.learning_rate, weight_decay=0.0
    )
    identity = _identity(task, plan, [*examples, *select])
    at, best_tensors = _resume(task, optimizer, folder / PROGRESS_FILE, identity)
    visits: dict[int, int] = {}
    for index in plan[: at.step * config.batch]:
        visits[int(index)] = visits.get(int(index), 0) + 1
    first, best, bad = at.step, at.best, at.bad
    started = last_save = time.monotonic()

    def batch_loss(step: int, sharing: Workers) -> torch.Tensor:
        chosen = plan[step * config.batch : (step + 1) * config.batch]
        return shared_loss(task, examples, features, chosen, sharing)

    for step in range(first, steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, config)
        for index in plan[step * config.batch : (step + 1) * config.batch]:
            visits[int(index)] = visits.get(int(index), 0) + 1
        loss = batch_loss(step, workers)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        loss = loss.detach()
        gradients = [p.grad for p in task.trainable.values() if p.grad is not None]
        workers.add_up([loss, *gradients])
        if step == first and at.next_loss is not None:
            _assert_resumed(float(loss), at.next_loss)
        torch.nn.utils.clip_grad_norm_(task.trainable.values(), 1.0)
        optimizer.step()
        checked = None
        if select and ((step + 1) % config.check_every == 0 or step + 1 == steps):
            checked = task.loss(select, checks)
            bad = 0 if checked < best else bad + 1
            if checked < best:
                best, best_tensors = checked, _weights(task)
        left = (time.monotonic() - started) / (step - first + 1) * (steps - step - 1)
        on_step(step + 1, steps, float(loss), checked, left)
        if bad >= config.patience:
            break
        due = workers.first and time.monotonic() - last_save >= config.save_every_s
        if step + 1 < steps and due:
            with torch.no_grad():
                # By this process alone: the others do not know that it saves.
                foretold = float(batch_loss(step + 1, Alone()))
            now = _Progress(identity, step + 1, best, bad, foretold)
            _save(task, optimizer, best_tensors, now, folder / PROGRESS_FILE)
            last_save = time.monotonic()
    if select:
        with torch.no_grad():
            for name, parameter in task.trainable.items():
                parameter.copy_(best_tensors[name])
    return visits


def shared_loss(
    task: LoraTask,
    examples: Sequence[Example],
    features: Sequence[torch.Tensor],
    chosen: NDArray[np.int64],
    workers: Workers,
) -> torch.Tensor:
    """Return this process's part of the mean loss per token of the ``chosen`` examples.

    The parts add up to the loss of one process, and so do their gradients.  Raises
    UsageError where there are more processes than examples.
    """
    if workers.world > len(chosen):
        raise UsageError(
            f"{workers.world} processes cannot share a batch of {len(chosen)}, so no round was "
            "started; launch fewer."
        )
    # Each answer ends with the end of the turn.
    tokens = sum(task.answer_tokens(examples[i]) for i in chosen)
    own = workers.share(chosen.tolist())
    logits, labels = task.logits([examples[i] for i in own], [features[i] for i in own])
    return F.cross_entropy(logits, labels, reduction="sum") / tokens


def learning_rate(step: int, steps: int, config: LoraConfig) -> float:
    """Warm up linearly, then fall by a cosine to a twentieth."""
    warm = min(1.0, (step + 1) / config.warmup_steps)
    return config.learning_rate * warm * (0.475 * (1 + math.cos(math.pi * step / steps)) + 0.05)


@dataclass(frozen=True, slots=True)
class _Progress:
    """Where a run is; ``next_loss`` is the coming batch's, before its step."""

    identity: str
    step: int = 0
    best: float = math.inf
    bad: int = 0
    next_loss: float | None = None


def _identity(task: LoraTask, plan: NDArray[np.int64], examples: Sequence[Example]) -> str:
    """Return a hash over settings, start weights, samples and their order."""
    digest = hashlib.sha256(json.dumps(asdict(task.config), sort_keys=True).encode())
    digest.update(plan.tobytes())
    for example in examples:
        facts = (
            example.kind, example.episode_id, example.tick, example.instruction, example.words,
        )  # fmt: skip
        digest.update(json.dumps([*facts, example.answer]).encode())
    for parameter in task.trainable.values():
        digest.update(parameter.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()


def _assert_resumed(loss: float, foretold: float) -> None:
    if abs(loss - foretold) > RESUME_TOLERANCE * max(abs(foretold), 1e-6):
        raise RuntimeError(f"resumed at a loss of {loss:.4f} where {foretold:.4f} was foretold")


def _weights(task: LoraTask) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in task.trainable.items()}


def _save(
    task: LoraTask,
    optimizer: torch.optim.Optimizer,
    best: dict[str, torch.Tensor],
    at: _Progress,
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


def _resume(
    task: LoraTask, optimizer: torch.optim.Optimizer, file: Path, identity: str
) -> tuple[_Progress, dict[str, torch.Tensor]]:
    """Load weights and moments of the same run; a fresh start where there is none."""
    if not file.exists():
        return _Progress(identity), _weights(task)
    with safe_open(file, framework="pt") as stored:
        at = _Progress(**json.loads(stored.metadata()["progress"]))
        if at.identity != identity:
            return _Progress(identity), _weights(task)
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
