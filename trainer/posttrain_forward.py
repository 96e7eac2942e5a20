"""Sequences of prompt and answer through the model: the training's forward pass.

All sequences of a batch are right-padded; attention is causal, so padding needs no mask.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from model.preprocess import CheckpointSpec
from model.prompts import prompt_ids
from model.tiny import IM_END, IMAGE_PAD
from model.tokens import token_string
from model.vision import encode_images, rotary_tables

IGNORE = -100


def load_checkpoint(folder: Path) -> tuple[Any, Any]:
    """Load a small checkpoint as float32 (model, tokenizer); safetensors only."""
    from transformers import AutoTokenizer, Qwen2VLForConditionalGeneration

    model = Qwen2VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
    )
    model.eval()
    return model, AutoTokenizer.from_pretrained(folder, local_files_only=True)


class Sequences:
    """Turns pictures, sentences and answers into logits for one model."""

    def __init__(self, model: Any, tokenizer: Any, spec: CheckpointSpec) -> None:
        self.model = model
        self.spec = spec
        self._tokenizer = tokenizer
        self._tower = model.model.visual
        self._tables = rotary_tables(self._tower, *spec.grid)
        ids = tokenizer.convert_tokens_to_ids
        self.image_id = ids(IMAGE_PAD)
        self.end_id = ids(IM_END)
        self._action_ids = {n: ids(token_string(n)) for n in range(176, 251)}
        self._prompt = lru_cache(maxsize=4096)(self._encode_prompt)

    def action_id(self, number: int) -> int:
        """Return the vocabulary id of an action token number."""
        return int(self._action_ids[number])

    def _encode_prompt(self, instruction: str) -> tuple[int, ...]:
        spec = self.spec
        return prompt_ids(self._tokenizer, spec.prompt, instruction, spec.image_tokens)[0]

    def prompt_ids(self, instruction: str) -> tuple[int, ...]:
        """Return the prompt's ids, image tokens included: the same words as in play."""
        return self._prompt(instruction)

    def see(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return vision tokens B x T x hidden for patches B x N x D."""
        return encode_images(self._tower, pixels, self._tables)

    def hidden(
        self, vision: torch.Tensor, sequences: list[tuple[int, ...]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return last hidden states (S x L x hidden) and ids (S x L) of padded sequences.

        ``vision`` has one row a sequence.
        """
        length = max(map(len, sequences))
        ids = torch.full((len(sequences), length), self.end_id)
        for row, sequence in enumerate(sequences):
            ids[row, : len(sequence)] = torch.tensor(sequence)
        embed = self.model.model.language_model.embed_tokens
        ids = ids.to(embed.weight.device)
        embedded = embed(ids)
        mask = (ids == self.image_id)[..., None].expand_as(embedded)
        embedded = embedded.masked_scatter(mask, vision.to(embedded.dtype))
        output = self.model.model.language_model(
            inputs_embeds=embedded, position_ids=self.positions(ids), use_cache=False
        )
        return output.last_hidden_state, ids

    def positions(self, ids: torch.Tensor) -> torch.Tensor:
        """Return Qwen2-VL's 3 x S x L rotary positions (time, row, column).

        Text before the picture counts up; the picture's tokens share one time and spread
        over rows and columns; text after it goes on behind the largest of them.
        """
        rows, columns = self.spec.token_grid
        count = rows * columns
        is_image = ids == self.image_id
        first = is_image.int().argmax(dim=1, keepdim=True)
        index = torch.arange(ids.shape[1], device=ids.device)[None, :].expand_as(ids)
        inside = index - first
        after = first + max(rows, columns) + (inside - count)
        row = torch.where(is_image, first + inside.clamp(0, count - 1) // columns, index)
        column = torch.where(is_image, first + inside.clamp(0, count - 1) % columns, index)
        time = torch.where(is_image, first.expand_as(index), index)
        behind = inside >= count
        return torch.stack([torch.where(behind, after, axis) for axis in (time, row, column)])

    def next_logits(
        self, vision: torch.Tensor, instruction: str, answer: list[int]
    ) -> torch.Tensor:
        """Return the logits (vocabulary) of the token after ``answer`` (token numbers)."""
        sequence = self.prompt_ids(instruction) + tuple(self.action_id(n) for n in answer)
        hidden, _ = self.hidden(vision, [sequence])
        logits: torch.Tensor = self.model.lm_head(hidden[0, -1])
        return logits
