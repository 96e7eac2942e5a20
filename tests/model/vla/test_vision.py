"""The batched vision tower computes what transformers' own does."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from model.vla.preprocess import CheckpointSpec, patches
from model.vla.tiny import build_model, build_tokenizer
from model.vla.vision import encode_images, rotary_tables

SPECS = (
    CheckpointSpec(pixels="coordinates", width=96, height=64, patch_size=16, prompt="plain"),
    CheckpointSpec(pixels="coordinates", width=64, height=128, patch_size=16, prompt="plain"),
)


@pytest.fixture(scope="module")
def tower() -> Any:
    model = build_model(build_tokenizer(["go to the red torch"] * 2, 600), SPECS[0], seed=1)
    visual = model.model.visual.eval().requires_grad_(False)
    # Fresh norms and biases are ones and zeros, which would hide a forgotten one.
    generator = torch.Generator().manual_seed(2)
    for parameter in visual.parameters():
        if parameter.ndim == 1:
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
        else:
            parameter.mul_(3)
    return visual


def pictures(spec: CheckpointSpec, count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(count)
    shape = (count, spec.height, spec.width, 3)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    return torch.from_numpy(patches(images.numpy(), spec))


@pytest.mark.parametrize("spec", SPECS, ids=["wide", "high"])
@pytest.mark.parametrize("count", [1, 3])
@torch.no_grad()
def test_a_batch_is_what_transformers_gives(tower: Any, spec: CheckpointSpec, count: int) -> None:
    pixels = pictures(spec, count)
    grid = torch.tensor([[1, *spec.grid]] * count)
    expected = tower(pixels.flatten(0, 1), grid_thw=grid).pooler_output
    found = encode_images(tower, pixels, rotary_tables(tower, *spec.grid))
    assert found.shape == (count, spec.image_tokens, 192)
    torch.testing.assert_close(found.flatten(0, 1), expected, atol=2e-5, rtol=2e-5)
    assert float(expected.std()) > 0.01


@torch.no_grad()
def test_pictures_of_a_batch_do_not_see_each_other(tower: Any) -> None:
    spec = SPECS[0]
    pixels = pictures(spec, 3)
    tables = rotary_tables(tower, *spec.grid)
    together = encode_images(tower, pixels, tables)
    changed = pixels.clone()
    changed[1] = -changed[1]
    after = encode_images(tower, changed, tables)
    torch.testing.assert_close(after[[0, 2]], together[[0, 2]], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(after[1], together[1], atol=1e-3)


def test_gradients_reach_the_tower_and_the_pixels() -> None:
    spec = SPECS[0]
    model = build_model(build_tokenizer(["go"] * 2, 600), spec, seed=1)
    tower = model.model.visual
    pixels = pictures(spec, 2).requires_grad_()
    encode_images(tower, pixels, rotary_tables(tower, *spec.grid)).square().mean().backward()
    assert pixels.grad is not None
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in tower.parameters())
