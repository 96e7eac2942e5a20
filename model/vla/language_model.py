"""A Qwen2-VL language model, run step by step over one static key-value cache.

The layers are run from their own weights, without the bookkeeping of ``generate``.  In
float32 the hidden states equal transformers' own (``tests/model/vla/test_decoding.py``).

A small model's step is not arithmetic but calls: each layer of the default model has 0.4
million multiplications and would take 70 calls of torch.  So a small model's projections
that read the same input are one matrix, and what hangs on positions only is looked up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name every torch program uses
from torch import nn

from model.vla.cuda_graphs import Captured, Recorder
from model.vla.device import SMALL_HIDDEN

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class CachedLanguageModel:
    """One sequence at a time; ``model`` is a Qwen2VLForConditionalGeneration.

    The weights of a small model are laid side by side in place: its parameters become
    views of larger tensors, so that changes of them in place count here too.
    """

    def __init__(
        self, model: PreTrainedModel, capacity: int, recorder: Recorder | None = None
    ) -> None:
        """With a ``recorder`` steps have static shapes and are replayed (a GPU's)."""
        text = model.model.language_model
        config = text.config
        self._norm = text.norm
        self._embed = text.embed_tokens
        self._rotary = text.rotary_emb
        self._head = model.lm_head
        heads = config.num_attention_heads
        kv_heads = config.num_key_value_heads
        head_dim = config.hidden_size // heads
        weight = self._embed.weight
        small = config.hidden_size < SMALL_HIDDEN
        self._layers = [_Layer(layer, heads, kv_heads, fuse=small) for layer in text.layers]
        shape = (len(self._layers), 2, kv_heads, capacity, head_dim)
        self._cache = torch.zeros(shape, dtype=weight.dtype, device=weight.device)
        self._places = torch.arange(capacity, device=weight.device)
        self._table: tuple[torch.Tensor, torch.Tensor] | None = None
        self._replayed = None if recorder is None else Captured(self._static_steps, recorder)
        self.length = 0

    @property
    def capacity(self) -> int:
        """Tokens that fit into the cache."""
        return int(self._cache.shape[3])

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

    def extend(self, embedded: torch.Tensor, positions: torch.Tensor | int) -> torch.Tensor:
        """Run L new tokens as :meth:`extend_all`; return the last hidden state."""
        return self.extend_all(embedded, positions, 1)[0]

    def extend_all(
        self, embedded: torch.Tensor, positions: torch.Tensor | int, states: int
    ) -> torch.Tensor:
        """Run L new tokens (L x hidden); return the last ``states`` states, each hidden.

        ``positions`` are 3 x L rotary positions; where all are text, that of the first one
        will do.  Raises ValueError where the tokens do not fit into the cache.
        """
        count = embedded.shape[0]
        start, end = self.length, self.length + count
        if end > self.capacity:
            raise ValueError(f"{end} tokens do not fit into a cache of {self.capacity}")
        x = embedded
        cos, sin = self._turns(positions, x)
        if self._replayed is not None and start:
            self.length = end
            return self._replayed(x, cos, sin, self._places[start:end], key=states)
        mask = self._mask(start, end, count, x) if start else None
        for layer, (keys, values) in zip(self._layers[:-1], self._cache, strict=False):
            x = layer(x, keys, values, cos, sin, start, mask, count)
        # Only the newest tokens' answers are asked of the last layer.
        if states < count or mask is None:
            mask = self._mask(start, end, states, x)
        keys, values = self._cache[-1]
        x = self._layers[-1](x, keys, values, cos, sin, start, mask, states)
        self.length = end
        return _normed(x, self._norm)

    def _static_steps(
        self,
        x: torch.Tensor,
        cos: torch.Tensor,
        sin: torch.Tensor,
        places: torch.Tensor,
        states: int,
    ) -> torch.Tensor:
        """Run L tokens into the cache's ``places``; return the last ``states`` states.

        Attends over the whole cache behind a mask, so that every shape stays the same
        however far the cache is filled.
        """
        later = self._places[None, :] > places[:, None]
        mask = torch.zeros(later.shape, dtype=x.dtype, device=x.device).masked_fill_(
            later, float("-inf")
        )
        for layer, (keys, values) in zip(self._layers[:-1], self._cache, strict=False):
            x = layer(x, keys, values, cos, sin, places, mask, len(places))
        keys, values = self._cache[-1]
        x = self._layers[-1](x, keys, values, cos, sin, places, mask[-states:], states)
        return _normed(x, self._norm)

    def logits(self, hidden: torch.Tensor, ids: torch.Tensor | slice | None = None) -> torch.Tensor:
        """Return float32 logits of ``ids`` (all of the vocabulary without them).

        ``hidden`` is ... x hidden, the logits ... x ids.
        """
        weight = self._head.weight if ids is None else self._head.weight[ids]
        return F.linear(hidden, weight).float()

    def _turns(
        self, positions: torch.Tensor | int, x: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return cos and signed sin of the rotary embedding, each L x 1 x head size."""
        count = x.shape[0]
        if isinstance(positions, int):
            if positions + count > self.capacity:
                more = torch.arange(positions, positions + count, device=x.device)
                return self._computed(more.expand(3, -1), x)
            if self._table is None:
                self._table = self._computed(self._places.expand(3, -1), x)
            cos, sin = self._table
            return cos[positions : positions + count], sin[positions : positions + count]
        return self._computed(positions, x)

    def _computed(
        self, positions: torch.Tensor, x: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        cos, sin = self._rotary(x[None], positions[:, None].to(x.device))
        half = sin.shape[-1] // 2
        # The sign of the turned half is in the table already.
        sin = torch.cat((-sin[..., :half], sin[..., half:]), dim=-1)
        return cos[0, :, None], sin[0, :, None]

    def _mask(self, start: int, end: int, states: int, x: torch.Tensor) -> torch.Tensor | None:
        """Return what is added to the newest ``states`` tokens' scores; None for nothing."""
        if states == 1:
            return None
        later = self._places[None, :end] > self._places[end - states : end, None]
        return torch.zeros(states, end, dtype=x.dtype, device=x.device).masked_fill_(
            later, float("-inf")
        )


class _Layer:
    """One decoder layer over its part of the cache."""

    def __init__(self, layer: Any, heads: int, kv_heads: int, *, fuse: bool) -> None:
        self._attention = layer.self_attn
        self._mlp = layer.mlp
        self._before = layer.input_layernorm
        self._between = layer.post_attention_layernorm
        self._heads = heads
        self._kv_heads = kv_heads
        self._qkv = _SideBySide(self._attention, ("q_proj", "k_proj", "v_proj"), wanted=fuse)
        self._gate_up = _SideBySide(self._mlp, ("gate_proj", "up_proj"), wanted=fuse)

    def __call__(
        self,
        x: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        cos: torch.Tensor,
        sin: torch.Tensor,
        start: int | torch.Tensor,
        mask: torch.Tensor | None,
        states: int,
    ) -> torch.Tensor:
        """Run L tokens (L x hidden); return the newest ``states`` of them behind the layer.

        ``start`` is the place of the first one in the cache; a tensor of all their places
        attends over the whole cache.
        """
        count = x.shape[0]
        query, key, value = self._projected(_normed(x, self._before), cos, sin)
        if isinstance(start, int):
            end = start + count
            keys[:, start:end] = key.transpose(0, 1)
            values[:, start:end] = value.transpose(0, 1)
        else:
            end = keys.shape[1]
            keys.index_copy_(1, start, key.transpose(0, 1))
            values.index_copy_(1, start, value.transpose(0, 1))
        if states < count:
            x, query = x[-states:], query[-states:]
        mixed = F.scaled_dot_product_attention(
            query.transpose(0, 1)[None],
            keys[None, :, :end],
            values[None, :, :end],
            attn_mask=mask,
            is_causal=mask is None and states > 1,
            enable_gqa=self._kv_heads != self._heads,
        )
        x = x + self._attention.o_proj(mixed[0].transpose(0, 1).flatten(1))
        return x + self._fed_forward(_normed(x, self._between))

    def _projected(
        self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return turned query, turned key and value, each L x heads x head size."""
        count, heads, kv_heads = x.shape[0], self._heads, self._kv_heads
        if self._qkv.holds:
            every = self._qkv(x).view(count, heads + 2 * kv_heads, -1)
            turned = _rotate(every[:, : heads + kv_heads], cos, sin)
            return turned[:, :heads], turned[:, heads:], every[:, heads + kv_heads :]
        attention = self._attention
        query = attention.q_proj(x).view(count, heads, -1)
        key = attention.k_proj(x).view(count, kv_heads, -1)
        value = attention.v_proj(x).view(count, kv_heads, -1)
        return _rotate(query, cos, sin), _rotate(key, cos, sin), value

    def _fed_forward(self, x: torch.Tensor) -> torch.Tensor:
        mlp = self._mlp
        if not self._gate_up.holds:
            fed: torch.Tensor = mlp(x)
        else:
            gate, up = self._gate_up(x).chunk(2, dim=-1)
            fed = mlp.down_proj(mlp.act_fn(gate) * up)
        return fed


class _SideBySide:
    """Projections of one input as one; their parameters become views of its weight and bias."""

    def __init__(self, parent: nn.Module, names: tuple[str, ...], *, wanted: bool) -> None:
        linears: list[Any] = [getattr(parent, name) for name in names]
        # The module's own table: looking up through the module would cost a microsecond each.
        self._table = parent._modules
        self._expected = list(zip(names, linears, strict=True))
        self._weight: torch.Tensor | None = None
        self._bias: torch.Tensor | None = None
        plain = all(type(each) is nn.Linear for each in linears)
        if wanted and plain and all(each.weight.is_floating_point() for each in linears):
            self._weight = _views_of_one([each.weight for each in linears])
            if linears[0].bias is not None:
                self._bias = _views_of_one([each.bias for each in linears])

    @property
    def holds(self) -> bool:
        """Whether they are one, and still what the model uses (an adapter may wrap them)."""
        return self._weight is not None and all(
            self._table[name] is linear for name, linear in self._expected
        )

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return all of them beside each other."""
        assert self._weight is not None
        return F.linear(x, self._weight, self._bias)


def _views_of_one(parameters: list[torch.Tensor]) -> torch.Tensor:
    rows = sum(map(len, parameters))
    first = parameters[0].detach()
    ends = [p.data_ptr() + p.numel() * p.element_size() for p in parameters]
    if all(p.data_ptr() == end for p, end in zip(parameters[1:], ends, strict=False)) and (
        first.untyped_storage().nbytes() >= rows * first[0].numel() * first.element_size()
    ):
        # They lie so already: another reader of the same model must see the same changes.
        return first.as_strided((rows, *first.shape[1:]), first.stride())
    with torch.no_grad():
        whole = torch.cat([parameter.detach() for parameter in parameters])
        at = 0
        for parameter in parameters:
            parameter.data = whole[at : at + len(parameter)]
            at += len(parameter)
    return whole


def _normed(x: torch.Tensor, norm: Any) -> torch.Tensor:
    """Return a Qwen2 RMS norm: one call in float32, its own rounding in anything shorter."""
    if x.dtype is torch.float32:
        return F.rms_norm(x, x.shape[-1:], norm.weight, norm.variance_epsilon)
    normed: torch.Tensor = norm(x)
    return normed


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn L x heads x head size; ``sin`` has the sign of the turned half in it."""
    half = x.shape[-1] // 2
    turned = torch.cat((x[..., half:], x[..., :half]), dim=-1)
    return torch.addcmul(x * cos, turned, sin)
