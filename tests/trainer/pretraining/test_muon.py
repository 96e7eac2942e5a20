"""Muon: what it moves by is orthogonal, and it finds a minimum."""

from __future__ import annotations

import pytest
import torch

from trainer.pretraining.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(8, 8), (24, 8), (8, 24)])
def test_a_matrix_becomes_orthogonal(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
    assert values.max() < 1.25
    assert values.min() > 0.5


def test_it_finds_the_minimum_and_leaves_alone_what_has_no_gradient() -> None:
    torch.manual_seed(0)
    goal = torch.randn(6, 4)
    moved = torch.nn.Parameter(torch.zeros(6, 4))
    other = torch.nn.Parameter(torch.ones(3, 3))
    optimizer = Muon([moved, other], lr=0.2)
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.2 * (1 - step / 200)
        optimizer.zero_grad()
        (moved - goal).square().sum().backward()
        optimizer.step()
    assert torch.allclose(moved.detach(), goal, atol=0.05)
    assert torch.equal(other.detach(), torch.ones(3, 3))
