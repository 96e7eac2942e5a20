"""Qwen2-VL's vision tower on many equal pictures at once.

transformers' own forward loops over the pictures in every attention layer where no
flash attention is at hand; on a CPU that loop is most of the time.  Here all pictures
of a batch have one grid, so attention is one batched call, with the same weights and
the same numbers (``tests/model/vla/test_vision.py``).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name every torch program uses


def rotary_tables(tower: Any, rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cos and sin of the 2-D rotary embedding, each N x head_dim, for one grid."""
    from transformers.models.qwen2_vl.modeling_qwen2_vl import get_vision_position_ids

    grid = torch.tensor([[1, rows, columns]])
    ids = get_vision_position_ids(grid, tower.spatial_merge_size)
    device = tower.patch_embed.proj.weight.device
    reference = torch.zeros(1, dtype=torch.float32, device=device)
    cos, sin = tower.rotary_pos_emb(reference, ids.to(device))
    return cos.float(), sin.float()


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Apply rotary embedding to B x heads x N x head_dim."""
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * cos + turned * sin


def encode_images(
    tower: Any, pixels: torch.Tensor, tables: tuple[torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    """Return merged vision tokens B x N/merge^2 x hidden for patches B x N x D.

    ``tables`` are :func:`rotary_tables` of the pictures' grid.
    """
    batch, count, _ = pixels.shape
    weight = tower.patch_embed.proj.weight
    cos, sin = (table.to(weight.dtype) for table in tables)
    x = F.linear(pixels.to(weight.dtype), weight.flatten(1))
    for block in tower.blocks:
        attention = block.attn
        heads = attention.num_heads
        qkv = attention.qkv(block.norm1(x)).view(batch, count, 3, heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(
            _rotate(query, cos, sin), _rotate(key, cos, sin), value
        )
        x = x + attention.proj(mixed.transpose(1, 2).reshape(batch, count, -1))
        x = x + block.mlp(block.norm2(x))
    merged: torch.Tensor = tower.merger(x.reshape(batch * count, -1))
    return merged.view(batch, -1, merged.shape[-1])
