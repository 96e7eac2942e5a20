"""Torch's settings of the process are put back, whatever happens in between."""

from __future__ import annotations

import pytest
import torch

from model.torch_state import seeded, torch_threads


def test_threads_are_put_back_also_after_an_error() -> None:
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        with torch_threads(None):
            assert torch.get_num_threads() == before + 1
        with pytest.raises(ValueError, match="no"), torch_threads(before + 3):
            raise ValueError("no")
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_random_numbers_go_on_where_they_were() -> None:
    with seeded(7):
        torch.rand(3)
        expected = torch.rand(2)
    with seeded(7):
        first = torch.rand(2)
        with seeded(1):
            torch.rand(9)
        again = torch.rand(3)
    with seeded(7):
        assert torch.equal(torch.cat((first, again)), torch.rand(5))
    assert expected.shape == (2,)
