"""Vision tokens of samples with several pictures, without a copy for every sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import torch


class Joined(Sequence[torch.Tensor]):
    """Vision tokens of several pictures a sample, put together only when they are asked for."""

    def __init__(self, parts: Sequence[Sequence[torch.Tensor]]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return len(self._parts)

    @overload
    def __getitem__(self, index: int) -> torch.Tensor: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[torch.Tensor]: ...

    def __getitem__(self, index: int | slice) -> torch.Tensor | Sequence[torch.Tensor]:
        if isinstance(index, slice):
            return Joined(self._parts[index])
        return torch.cat(list(self._parts[index]))
