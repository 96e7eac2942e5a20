"""Decoding of action tokens: constrained by the grammar, with a static cache.

The language model's layers are run from their own weights, without the bookkeeping of
``generate``; only legal tokens are scored, and tokens that the grammar forces are never
waited for.  In float32 the hidden states equal transformers' own
(``tests/model/test_decoding.py``).

The answer before is a guess at the next one: its tokens are run together with the prompt,
and each is kept only where the model itself chooses it.  Every choice is one draw from the
model's own distribution over the legal tokens, made before it is compared with the guess;
so guessing changes how many passes an answer takes, and never its distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name every torch program uses

from model.decoding_options import Sampling
from model.tokens import (
    ACTION_BEGIN,
    ACTION_END,
    PITCH_0,
    YAW_0,
    continuation,
    decode_ids,
    legal_next,
)
from recorder.types import NO_ACTION, Action

__all__ = ["ActionDecoder", "CachedLanguageModel", "Decoded", "Sampling", "worth_running"]


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
        return self.extend_all(embedded, positions, 1)[0]

    def extend_all(
        self, embedded: torch.Tensor, positions: torch.Tensor, states: int
    ) -> torch.Tensor:
        """Run L new tokens as :meth:`extend`; return the last ``states`` states, each hidden.

        Raises ValueError where they do not fit into the cache.
        """
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
                # Only the newest tokens' answers are asked for.
                x, normed = x[:, -states:], normed[:, -states:]
                cos, sin = cos[:, :, -states:], sin[:, :, -states:]
                mask = _newest(states, end, x.device)
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
        hidden: torch.Tensor = self._norm(x[0])
        return hidden

    def logits(self, hidden: torch.Tensor, ids: torch.Tensor | None = None) -> torch.Tensor:
        """Return float32 logits of ``ids`` (all of the vocabulary without them)."""
        weight = self._head.weight if ids is None else self._head.weight[ids]
        logits: torch.Tensor = (weight @ hidden).float()
        return logits


def _newest(states: int, end: int, device: torch.device) -> torch.Tensor | None:
    """Return what the newest ``states`` of ``end`` tokens may look at; None is everything."""
    if states == 1:
        return None
    rows = torch.arange(end - states, end, device=device)[:, None]
    return torch.arange(end, device=device)[None, :] <= rows


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
    an answer without a whole action is one that does nothing.  ``passes`` is the number of
    forward passes after the prompt's, ``guessed`` and ``kept`` the tokens that the answer
    before suggested and those of them that the model chose.
    """

    actions: tuple[Action, ...]
    numbers: tuple[int, ...]
    confidence: float
    invalid: int = 0
    passes: int = 0
    guessed: int = 0
    kept: int = 0


def worth_running(numbers: Sequence[int]) -> tuple[int, ...]:
    """Return a guess without its last yaw and end, after which nothing is left to choose."""
    pitches = [at for at, n in enumerate(numbers) if PITCH_0 <= n < YAW_0]
    return tuple(numbers[: pitches[-1] + 1]) if pitches else ()


class ActionDecoder:
    """Decodes chunks of actions after a prompt that is in the cache already.

    ``legal`` is the grammar: what may follow within one action, nothing after end.
    """

    def __init__(
        self,
        language: CachedLanguageModel,
        vocabulary_ids: dict[int, int],
        legal: Callable[[Sequence[int]], tuple[int, ...]] = legal_next,
        *,
        persistent: bool = True,
    ) -> None:
        """``vocabulary_ids`` maps action token numbers (176..250) to the model's ids.

        ``persistent`` guesses on after a wrong guess: worth it where a pass costs about the
        same with one token and with many, and not for a large model on a CPU.
        """
        self._language = language
        self._ids = vocabulary_ids
        self._grammar = legal
        self._persistent = persistent
        self._legal: dict[tuple[int, ...], torch.Tensor] = {}

    def embed(self, numbers: Sequence[int]) -> torch.Tensor:
        """Return the embeddings of action token numbers, L x hidden."""
        ids = torch.tensor([self._ids[n] for n in numbers], dtype=torch.long)
        return self._language.embed(ids.to(self._language.device))

    def decode(
        self,
        hidden: torch.Tensor,
        position: int,
        sampling: Sampling,
        generator: torch.Generator | None,
        chunk: int = 1,
        *,
        carried: Sequence[int] = (),
        before: Sequence[Sequence[int]] = (),
    ) -> Decoded:
        """Decode ``chunk`` actions.

        ``hidden`` is the state after the first action's begin token, whose rotary
        position is ``position``.  ``carried`` are guessed numbers that are in the cache
        behind it already; then ``hidden`` has a row for begin and one for each of them.
        ``before`` are the numbers of each action of the answer before, to guess from.
        """
        states = hidden if hidden.ndim == 2 else hidden[None]
        walk = _Walk(self, self._language, states, position, carried)
        numbers: list[int] = []
        confidence = 1.0
        hopeful = True
        for index in range(chunk):
            answer = [ACTION_BEGIN]
            if index:
                walk.add(ACTION_BEGIN)
            while answer[-1] != ACTION_END:
                legal = self._grammar(answer)
                number = legal[0]
                if len(legal) > 1:
                    rest = _rest(answer, before, index) if hopeful else ()
                    state = walk.state(rest)
                    choice = self._choose(state, legal, sampling, generator)
                    if choice is None:
                        return _cut_short(numbers, confidence if index else 0.0)
                    number, probability = choice
                    hopeful = hopeful and (self._persistent or number in rest[:1] or not rest)
                    if index == 0:
                        confidence *= probability
                answer.append(number)
                walk.add(number)
            numbers += answer
        return Decoded(
            tuple(decode_ids(numbers)),
            tuple(numbers),
            confidence,
            passes=walk.passes,
            guessed=walk.guessed,
            kept=walk.kept,
        )

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


class _Walk:
    """Where an answer stands between the cache and what was chosen.

    The cache holds the prompt, what was chosen and run, and behind it guesses.  A choice
    that equals the next guess costs nothing; another one throws the guesses away.
    """

    def __init__(
        self,
        decoder: ActionDecoder,
        language: CachedLanguageModel,
        states: torch.Tensor,
        position: int,
        carried: Sequence[int],
    ) -> None:
        self._decoder = decoder
        self._language = language
        self._states = states
        self._position = position
        self._guesses = tuple(carried)
        self._right = 0
        self._pending: list[int] = []
        self.passes = 0
        self.guessed = len(carried)
        self.kept = 0

    def add(self, number: int) -> None:
        """Take a chosen or forced number."""
        if not self._pending and self._right < len(self._guesses):
            if self._guesses[self._right] == number:
                self._right += 1
                self.kept += 1
                return
            wrong = len(self._guesses) - self._right
            self._language.truncate(self._language.length - wrong)
            self._guesses = self._guesses[: self._right]
        self._pending.append(number)

    def state(self, rest: Sequence[int]) -> torch.Tensor:
        """Return the state after everything added; ``rest`` is what may well follow."""
        if self._pending:
            run = (*self._pending, *rest)
            start = self._position + self._right + 1
            places = torch.arange(start, start + len(run)).expand(3, -1)
            self._states = self._language.extend_all(
                self._decoder.embed(run), places, len(rest) + 1
            )
            self._position = start + len(self._pending) - 1
            self._guesses, self._right, self._pending = tuple(rest), 0, []
            self.passes += 1
            self.guessed += len(rest)
        return self._states[self._right]


def _rest(answer: Sequence[int], before: Sequence[Sequence[int]], index: int) -> tuple[int, ...]:
    """Return what would follow if the rest of the answer were that of the one before."""
    if index >= len(before):
        return ()
    later = [number for action in before[index + 1 :] for number in action]
    return worth_running((*continuation(answer, before[index]), *later))


def _cut_short(numbers: list[int], confidence: float) -> Decoded:
    """Return what was decoded before the model's numbers went wrong, or a no-op."""
    actions = tuple(decode_ids(numbers)) or (NO_ACTION,)
    return Decoded(actions, tuple(numbers), confidence, invalid=1)


def _sample(probabilities: torch.Tensor, top_p: float, generator: torch.Generator | None) -> int:
    """Draw an index from the smallest set of likeliest ones that holds ``top_p``."""
    ordered, order = probabilities.sort(descending=True)
    kept = ordered * ((ordered.cumsum(0) - ordered) < top_p)
    return int(order[torch.multinomial(kept, 1, generator=generator)])
