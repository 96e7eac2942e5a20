"""Decoding of action tokens: constrained by the grammar, with a static cache.

The language model's layers are run from their own weights, without the bookkeeping of
``generate``; only legal tokens are scored, and tokens that the grammar forces are never
waited for.  In float32 the hidden states equal transformers' own
(``tests/model/test_decoding.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name every torch program uses

from model.tokens import (
    ACTION_BEGIN,
    ACTION_END,
    decode_ids,
    legal_next,
)
from recorder.types import NO_ACTION, Action


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a token is chosen among the legal ones; temperature 0 takes the likeliest.

    ``top_p`` keeps the smallest set of likeliest tokens that holds so much probability.
    The seed comes with each episode (:meth:`model.policy.Policy.reset`).
    """

    temperature: float = 0.0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ValueError("temperature must be 0 or more, top_p above 0 and at most 1")


class CachedLanguageModel:
    """A Qwen2-VL language model, run step by step over one static key-value cache.

    One sequence at a time; ``model`` is a Qwen2VLForConditionalGeneration.
    """

    def __init__(self, model: Any, capacity: int) -> None:
        text = model.model.language_model
        config = text.config
        self._layers = text.layers
        self._norm = text.norm
        self._embed = text.embed_tokens
        self._rotary = text.rotary_emb
        self._head = model.lm_head
        self._heads = config.num_attention_heads
        self._kv_heads = config.num_key_value_heads
        self._head_dim = config.hidden_size // self._heads
        weight = self._embed.weight
        shape = (len(self._layers), 2, 1, self._kv_heads, capacity, self._head_dim)
        self._cache = torch.zeros(shape, dtype=weight.dtype, device=weight.device)
        self.length = 0

    @property
    def capacity(self) -> int:
        """Tokens that fit into the cache."""
        return int(self._cache.shape[4])

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self._cache.device

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the embeddings of ids, ... x hidden."""
        embedded: torch.Tensor = self._embed(ids)
        return embedded

    def truncate(self, length: int) -> None:
        """Forget everything behind the first ``length`` tokens."""
        self.length = min(self.length, length)

    def extend(self, embedded: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Run L new tokens (L x hidden, positions 3 x L); return the last hidden state."""
        count = embedded.shape[0]
        start, end = self.length, self.length + count
        if end > self.capacity:
            raise ValueError(f"{end} tokens do not fit into a cache of {self.capacity}")
        x = embedded[None]
        cos, sin = self._rotary(x, positions[:, None].to(x.device))
        cos, sin = cos[:, None], sin[:, None]
        mask = None
        if count > 1 and start > 0:
            rows = torch.arange(start, end, device=x.device)[:, None]
            mask = torch.arange(end, device=x.device)[None, :] <= rows
        last = len(self._layers) - 1
        for index, layer in enumerate(self._layers):
            attention = layer.self_attn
            normed = layer.input_layernorm(x)
            key = _heads(attention.k_proj(normed), self._kv_heads)
            keys, values = self._cache[index]
            keys[:, :, start:end] = _rotate(key, cos, sin)
            values[:, :, start:end] = _heads(attention.v_proj(normed), self._kv_heads)
            if index == last:
                # Only the newest token's answer is asked for.
                x, normed = x[:, -1:], normed[:, -1:]
                cos, sin = cos[:, :, -1:], sin[:, :, -1:]
                mask = None
            query = _rotate(_heads(attention.q_proj(normed), self._heads), cos, sin)
            mixed = F.scaled_dot_product_attention(
                query,
                keys[:, :, :end],
                values[:, :, :end],
                attn_mask=mask,
                is_causal=mask is None and query.shape[2] > 1,
                enable_gqa=self._kv_heads != self._heads,
            )
            x = x + attention.o_proj(mixed.transpose(1, 2).flatten(2))
            x = x + layer.mlp(layer.post_attention_layernorm(x))
        self.length = end
        hidden: torch.Tensor = self._norm(x[0, -1])
        return hidden

    def logits(self, hidden: torch.Tensor, ids: torch.Tensor | None = None) -> torch.Tensor:
        """Return float32 logits of ``ids`` (all of the vocabulary without them)."""
        weight = self._head.weight if ids is None else self._head.weight[ids]
        logits: torch.Tensor = (weight @ hidden).float()
        return logits


def _heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    """Split 1 x L x (heads * d) into 1 x heads x L x d."""
    return x.view(1, x.shape[1], heads, -1).transpose(1, 2)


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * cos + turned * sin


@dataclass(frozen=True, slots=True)
class Decoded:
    """Actions of one answer, their token numbers, and the first one's probability.

    ``invalid`` is 1 where the model's numbers were not finite: the answer ends there, and
    an answer without a whole action is one that does nothing.
    """

    actions: tuple[Action, ...]
    numbers: tuple[int, ...]
    confidence: float
    invalid: int = 0


class ActionDecoder:
    """Decodes chunks of actions after a prompt that is in the cache already."""

    def __init__(self, language: CachedLanguageModel, vocabulary_ids: dict[int, int]) -> None:
        """``vocabulary_ids`` maps action token numbers (176..250) to the model's ids."""
        self._language = language
        self._ids = vocabulary_ids
        self._legal: dict[tuple[int, ...], torch.Tensor] = {}

    def decode(
        self,
        hidden: torch.Tensor,
        position: int,
        sampling: Sampling,
        generator: torch.Generator | None,
        chunk: int = 1,
    ) -> Decoded:
        """Decode ``chunk`` actions.

        ``hidden`` is the state after the first action's begin token, whose rotary
        position is ``position``.
        """
        numbers: list[int] = []
        pending: list[int] = []
        confidence = 1.0
        for index in range(chunk):
            answer = [ACTION_BEGIN]
            if index:
                pending.append(ACTION_BEGIN)
            while answer[-1] != ACTION_END:
                legal = legal_next(answer)
                number = legal[0]
                if len(legal) > 1:
                    if pending:
                        hidden = self._run(pending, position)
                        position += len(pending)
                        pending = []
                    choice = self._choose(hidden, legal, sampling, generator)
                    if choice is None:
                        return _cut_short(numbers, confidence if index else 0.0)
                    number, probability = choice
                    if index == 0:
                        confidence *= probability
                answer.append(number)
                pending.append(number)
            numbers += answer
        return Decoded(tuple(decode_ids(numbers)), tuple(numbers), confidence)

    def _run(self, numbers: list[int], position: int) -> torch.Tensor:
        language = self._language
        ids = torch.tensor([self._ids[n] for n in numbers])
        places = torch.arange(position + 1, position + 1 + len(numbers)).expand(3, -1)
        return language.extend(language.embed(ids.to(language.device)), places)

    def _choose(
        self,
        hidden: torch.Tensor,
        legal: tuple[int, ...],
        sampling: Sampling,
        generator: torch.Generator | None,
    ) -> tuple[int, float] | None:
        """Return a legal token and its probability, None where no number is finite."""
        ids = self._legal.get(legal)
        if ids is None:
            ids = torch.tensor([self._ids[n] for n in legal], device=hidden.device)
            self._legal[legal] = ids
        logits = self._language.logits(hidden, ids).cpu()
        if not bool(logits.isfinite().all()):
            return None
        probabilities = torch.softmax(logits, dim=0)
        if sampling.temperature == 0:
            chosen = int(probabilities.argmax())
        else:
            tempered = torch.softmax(logits / sampling.temperature, dim=0)
            chosen = _sample(tempered, sampling.top_p, generator)
        return legal[chosen], float(probabilities[chosen])


def _cut_short(numbers: list[int], confidence: float) -> Decoded:
    """Return what was decoded before the model's numbers went wrong, or a no-op."""
    actions = tuple(decode_ids(numbers)) or (NO_ACTION,)
    return Decoded(actions, tuple(numbers), confidence, invalid=1)


def _sample(probabilities: torch.Tensor, top_p: float, generator: torch.Generator | None) -> int:
    """Draw an index from the smallest set of likeliest ones that holds ``top_p``."""
    ordered, order = probabilities.sort(descending=True)
    kept = ordered * ((ordered.cumsum(0) - ordered) < top_p)
    return int(order[torch.multinomial(kept, 1, generator=generator)])
