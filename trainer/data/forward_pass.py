"""Pictures, sentences and answers through the model: the training's forward pass.

Padded sequences are padded at their end; attention is causal, so padding needs no mask.
Where the prompt begins with the picture, the picture is read once and then asked many
things: all its questions stand behind it in one sequence, and a mask keeps each from
seeing the others.  The numbers are those of one question at a time
(``tests/trainer/pretraining/test_train_yard_model.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch

from model.actions.tokens import token_string
from model.language.prompts import prompt_ids
from model.vla.play_options import PlayOptions
from model.vla.preprocess import CheckpointSpec
from model.vla.tiny import IM_END, IMAGE_PAD
from model.vla.vision import encode_images, rotary_tables

IGNORE = -100


def load_checkpoint(folder: Path) -> tuple[Any, Any]:
    """Load a small checkpoint as float32 (model, tokenizer); safetensors only."""
    from transformers import AutoTokenizer, Qwen2VLForConditionalGeneration

    model = Qwen2VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
    )
    model.eval()
    return model, AutoTokenizer.from_pretrained(folder, local_files_only=True)


@dataclass(frozen=True, slots=True)
class Block:
    """What stands behind the picture for one question: its words, then the answer.

    ``tokens`` are vocabulary ids; the answer begins at ``start`` and ends with the end token.
    """

    tokens: tuple[int, ...]
    start: int


class Sequences:
    """Turns pictures, sentences and answers into hidden states for one model."""

    def __init__(
        self, model: Any, tokenizer: Any, spec: CheckpointSpec, options: PlayOptions | None = None
    ) -> None:
        self.model = model
        self.spec = spec
        self._options = options or PlayOptions()
        self._tokenizer = tokenizer
        self._tower = model.model.visual
        self._tables = rotary_tables(self._tower, *spec.grid)
        ids = tokenizer.convert_tokens_to_ids
        self.image_id = ids(IMAGE_PAD)
        self.end_id = ids(IM_END)
        self._action_ids = {n: ids(token_string(n)) for n in range(176, 251)}
        self._prompt = lru_cache(maxsize=16384)(self._encode_prompt)

    @cached_property
    def head(self) -> tuple[int, ...]:
        """The part of every prompt before the words: the picture and its marks.

        Only the prompt form "picture" has one.
        """
        if self.spec.prompt != "picture":
            raise ValueError(f"prompts of the form {self.spec.prompt!r} begin with words")
        whole = self._prompt("go")
        last = len(whole) - 1 - whole[::-1].index(self.image_id)
        return whole[: last + 2]

    def action_id(self, number: int) -> int:
        """Return the vocabulary id of an action token number."""
        return int(self._action_ids[number])

    def _encode_prompt(self, instruction: str, answers: tuple[str, ...] = ()) -> tuple[int, ...]:
        spec = self.spec
        told = self._options.told(spec.prompt, instruction)
        return prompt_ids(self._tokenizer, spec.prompt, told, spec.image_tokens, answers)[0]

    def prompt_ids(self, instruction: str, answers: tuple[str, ...] = ()) -> tuple[int, ...]:
        """Return the prompt's ids, image tokens included: the same words as in play.

        ``answers`` are those to the earlier pictures, oldest first.
        """
        return self._prompt(instruction, answers)

    def word_ids(self, words: str) -> tuple[int, ...]:
        """Return the vocabulary ids of an answer in words."""
        return tuple(self._tokenizer(words, add_special_tokens=False).input_ids)

    def action_block(self, instruction: str, numbers: list[int]) -> Block:
        """Return the block of a sentence and an action's token numbers."""
        tail = self._prompt(instruction)[len(self.head) :]
        answer = tuple(self.action_id(n) for n in numbers)
        return Block((*tail, *answer, self.end_id), len(tail))

    def text_block(self, question: str, answer: str) -> Block:
        """Return the block of a question that is answered in words."""
        tail = self._prompt(question)[len(self.head) :]
        return Block((*tail, *self.word_ids(answer), self.end_id), len(tail))

    def see(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return vision tokens B x T x hidden for patches B x N x D."""
        return encode_images(self._tower, pixels, self._tables)

    def hidden(
        self, vision: torch.Tensor, sequences: list[tuple[int, ...]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return last hidden states (S x L x hidden) and ids (S x L) of padded sequences.

        ``vision`` has one row a sequence, with the tokens of all its pictures in order.
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

        Text counts up; a picture's tokens share one time and spread over rows and columns;
        text after it goes on behind the largest of them.
        """
        rows, columns = self.spec.token_grid
        count = rows * columns
        is_image = ids == self.image_id
        before = is_image.long().cumsum(dim=1) - is_image.long()
        inside = torch.where(is_image, before % count, 0)
        index = torch.arange(ids.shape[1], device=ids.device)[None, :].expand_as(ids)
        # A whole picture takes no more places than its longer side has tokens.
        start = index - inside - (before // count) * (count - max(rows, columns))
        return torch.stack([start, start + inside // columns, start + inside % columns])

    def ask(
        self, vision: torch.Tensor, blocks: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Return last hidden states B x K x L x hidden of K blocks a picture.

        ``vision`` is B x T x hidden, ``blocks`` B x K x L vocabulary ids, ``lengths`` B x K how
        many of them count.  Behind a block's end the states are zero: the blocks of a
        picture stand close together, so that no work goes into padding.
        """
        batch, count, length = blocks.shape
        inside = (torch.arange(length) < lengths[..., None]).flatten(1)
        longest = max(1, int(inside.sum(1).max()))
        # Those that count to the front, in their order; what is behind them is nobody's.
        place = (~inside).to(torch.uint8).argsort(dim=1, stable=True)[:, :longest]
        real = inside.gather(1, place)
        head = torch.tensor(self.head)
        ids = torch.cat([head.expand(batch, -1), blocks.flatten(1).gather(1, place)], 1)
        embedded = self.model.model.language_model.embed_tokens(ids)
        where = (ids == self.image_id)[..., None].expand_as(embedded)
        embedded = embedded.masked_scatter(where, vision.to(embedded.dtype))
        positions, mask = self._layout(place // length, place % length, real)
        output = self.model.model.language_model(
            inputs_embeds=embedded, position_ids=positions, attention_mask=mask, use_cache=False
        )
        behind = output.last_hidden_state[:, len(self.head) :] * real[..., None]
        full = behind.new_zeros(batch, count * length, behind.shape[-1])
        full = full.scatter(1, place[..., None].expand_as(behind), behind)
        return torch.as_tensor(full.reshape(batch, count, length, -1))

    def read(self, ids: torch.Tensor) -> torch.Tensor:
        """Return last hidden states S x L x hidden of texts without a picture (ids S x L)."""
        output = self.model.model.language_model(
            inputs_embeds=self.model.model.language_model.embed_tokens(ids),
            position_ids=torch.arange(ids.shape[1]).expand(3, len(ids), -1),
            use_cache=False,
        )
        return torch.as_tensor(output.last_hidden_state)

    def _layout(
        self, block: torch.Tensor, place: torch.Tensor, real: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return Qwen2-VL's 3 x B x T rotary positions and the B x 1 x T x T mask of who sees whom.

        ``block`` and ``place`` (B x N) say of each token behind the picture whose it is and
        where in it; every block has the positions that it would have alone there.
        """
        rows, columns = self.spec.token_grid
        head, images = len(self.head), rows * columns
        first = self.head.index(self.image_id)
        index = torch.arange(head)
        inside = (index - first).clamp(0, images - 1)
        is_image = (index >= first) & (index < first + images)
        behind = index >= first + images
        after = first + max(rows, columns) + (index - first - images)
        batch, count = block.shape
        axes = []
        for spread in (
            torch.full_like(index, first),
            first + inside // columns,
            first + inside % columns,
        ):
            axis = torch.where(is_image, spread, torch.where(behind, after, index))
            axes.append(torch.cat([axis.expand(batch, -1), int(after[-1]) + 1 + place], 1))
        total = head + count
        mask = torch.zeros(batch, total, total, dtype=torch.bool)
        mask[:, :head, :head] = torch.ones(head, head).tril().bool()
        mask[:, head:, :head] = True
        same = (block[:, :, None] == block[:, None, :]) & real[:, None, :]
        mask[:, head:, head:] = same & (place[:, :, None] >= place[:, None, :])
        return torch.stack(axes), mask[:, None]

    def next_logits(
        self, vision: torch.Tensor, instruction: str, answer: list[int]
    ) -> torch.Tensor:
        """Return the logits (vocabulary) of the token after ``answer`` (token numbers)."""
        sequence = self.prompt_ids(instruction) + tuple(self.action_id(n) for n in answer)
        hidden, _ = self.hidden(vision, [sequence])
        logits: torch.Tensor = self.model.lm_head(hidden[0, -1])
        return logits
