"""A model that learns by LoRA: low-rank changes of its language model, pictures seen once.

The vision tower stays as it is, so every picture goes through it once and training costs
only the language model.  The adapter is written in peft's own format.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name every torch program uses
from numpy.typing import NDArray

from model.actions.tokens import ACTION_END, encode, legal_next
from model.language.action_memory import with_memory
from model.torch_state import seeded
from model.vla.play_options import PlayOptions
from model.vla.preprocess import CheckpointSpec, patches
from model.vla.vla import untie_head
from recorder.errors import ModelError
from recorder.types import NO_ACTION
from trainer.data.examples import Example
from trainer.data.forward_pass import IGNORE, Sequences
from trainer.rounds.training.lora_config import KEPT_VOCABULARY, LoraConfig
from trainer.rounds.training.lora_features import Joined

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
HEAD = "lm_head"
INSIDE = rf".*language_model.*\.({'|'.join(TARGETS)})"


class LoraTask:
    """A base model with a fresh or continued LoRA on its language model."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        spec: CheckpointSpec,
        config: LoraConfig,
        options: PlayOptions | None = None,
        *,
        base: str = "",
    ) -> None:
        """``options`` say how sentences are told, as in play; ``spec`` has them in it already.

        ``base`` is the fingerprint of the model's weights, for a run that may be gone on with.
        """
        from peft import LoraConfig as PeftConfig
        from peft import get_peft_model

        self.spec = spec
        self.config = config
        self.base = base
        self.remembers: dict[str, list[str]] = {}
        """Maps a sentence's words to the acts that are told with it."""
        if getattr(model, "is_loaded_in_8bit", False) or getattr(model, "is_loaded_in_4bit", False):
            from peft import prepare_model_for_kbit_training

            # Norms, embeddings and head go to float32: on few bits gradients need it there.
            model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
        if config.head:
            untie_head(model)
        for parameter in model.parameters():
            parameter.requires_grad_(requires_grad=False)
        wanted = PeftConfig(
            r=config.rank,
            lora_alpha=config.alpha,
            lora_dropout=0.0,
            target_modules=f"{INSIDE}|{HEAD}" if config.head else INSIDE,
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

    @property
    def keeps(self) -> bool:
        """Whether answers to what is replayed are held to those of before the round."""
        words = int(self.sequences.model.lm_head.out_features)
        return self.config.keep > 0 and words <= KEPT_VOCABULARY

    def start_from(self, tensors: dict[str, torch.Tensor]) -> None:
        """Continue from an adapter's tensors (peft's names).

        One that leaves the output layer alone is gone on from as it is.  Raises ModelError where
        they are not those of this shape of adapter.
        """
        from peft import set_peft_model_state_dict

        own = {name: tensor.shape for name, tensor in self.tensors().items()}
        given = {name: tensor.shape for name, tensor in tensors.items()}
        inside = {name: shape for name, shape in own.items() if f".{HEAD}." not in name}
        if given not in (own, inside):
            raise ModelError(
                "The adapter in use has another shape than this version's rounds make, so no "
                "round was started; go back to the base and teach from there."
            )
        set_peft_model_state_dict(self.peft, tensors)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the adapter in peft's format."""
        from peft import get_peft_model_state_dict

        found = get_peft_model_state_dict(self.peft, save_embedding_layers=False)
        state: dict[str, torch.Tensor] = found
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

    def forget(self, examples: Sequence[Example]) -> None:
        """Let go of the pictures of examples that are not learnt from any more."""
        for picture in (picture for example in examples for picture in self._pictures(example)):
            self._seen.pop(id(picture), None)

    def _earlier(self, example: Example) -> tuple[tuple[NDArray[np.uint8], str], ...]:
        """Return the pictures before an example's with their answers, as many as in play."""
        known = example.earlier[len(example.earlier) - self.spec.history :]
        # As in play, the newest stands for what is not there, unanswered.
        return ((example.image, encode(NO_ACTION)),) * (self.spec.history - len(known)) + known

    def _pictures(self, example: Example) -> list[NDArray[np.uint8]]:
        return [*(picture for picture, _ in self._earlier(example)), example.image]

    def prompt_of(self, example: Example) -> tuple[int, ...]:
        """Return the tokens that an example is asked with."""
        answers = tuple(said for _, said in self._earlier(example))
        told = with_memory(example.instruction, example.acts)
        return self.sequences.prompt_ids(told, answers)

    def logits(
        self, examples: Sequence[Example], features: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (logits, targets) of all answer tokens, begin to end of turn."""
        sequences, starts = [], []
        for example in examples:
            prompt = self.prompt_of(example)
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
                    legal += number in legal_next(of_this_action(example.answer[:position]))
                    count += 1
                at += self.answer_tokens(example)
        return legal / count if count else math.nan


def of_this_action(written: tuple[int, ...]) -> tuple[int, ...]:
    """Return what of an answer belongs to the action that is being written, () between two."""
    ends = [at for at, number in enumerate(written) if number == ACTION_END]
    return written[ends[-1] + 1 :] if ends else written
