"""One round on several devices: each process takes a share of every batch.

``accelerate launch --num_processes N -m trainer.rounds ...`` starts the processes; each holds
the whole frozen base and the small adapter.  They add up their gradients, so a step is that
of one process, and only the first one speaks and writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

Item = TypeVar("Item")


class Workers(Protocol):
    """The processes of one round."""

    rank: int
    world: int

    @property
    def first(self) -> bool:
        """Whether this is the one that speaks and writes."""
        ...

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return this process's part; the parts of all together are the whole."""
        ...

    def add_up(self, tensors: Iterable[Any]) -> None:
        """Put the sum over all processes into each tensor."""
        ...


class Alone:
    """One process."""

    rank = 0
    world = 1
    first = True

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return everything."""
        return items

    def add_up(self, tensors: Iterable[Any]) -> None:
        """Nothing to add."""


class Launched:
    """One of several processes that ``accelerate launch`` has started."""

    def __init__(self) -> None:
        from accelerate import PartialState

        self._state = PartialState()
        self.rank = int(self._state.process_index)
        self.world = int(self._state.num_processes)

    @property
    def device(self) -> str:
        """Return the kind of this process's device."""
        return str(self._state.device.type)

    @property
    def first(self) -> bool:
        """Whether this is the one that speaks and writes."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return every ``world``-th item from ``rank`` on."""
        return items[self.rank :: self.world]

    def add_up(self, tensors: Iterable[Any]) -> None:
        """Put the sum over all processes into each tensor."""
        from accelerate.utils import reduce

        if self.world == 1:
            return
        for tensor in tensors:
            tensor.copy_(reduce(tensor, "sum"))


def workers() -> Workers:
    """Return the processes of this round: one, or those of the launcher's."""
    # The launcher sets the second one also for a single process.
    started = "LOCAL_RANK" in os.environ or "ACCELERATE_MIXED_PRECISION" in os.environ
    return Launched() if started else Alone()
