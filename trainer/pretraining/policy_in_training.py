"""The model under training as a policy, for the states that it reaches itself."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from model.vla.decoding import Sampling

if TYPE_CHECKING:
    from model.vla.vla import VlaPolicy

TEMPERATURES = (0.0, 0.5)
"""Drawn anew for every episode: as it is played, and so that it comes to more places than its most
likely answers lead to.  A greedy player without a memory can go to and fro between two views for
ever, which no sampled play shows."""


class SnapshotLearner:
    """Hands out the newest checkpoint in ``folder`` as a policy; None before there is one."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self._folder = folder
        self._chance = random.Random(seed)
        self._stamp = 0.0
        self._policy: VlaPolicy | None = None

    def __call__(self) -> VlaPolicy | None:
        """Return the policy, loaded anew where the checkpoint changed."""
        from model.vla.vla import VlaPolicy

        ready = self._folder / "ready"
        if ready.exists():
            stamp = ready.stat().st_mtime
            if stamp != self._stamp:
                self._policy = VlaPolicy.load(self._folder, device="cpu", threads=1)
                self._stamp = stamp
        if self._policy is not None:
            self._policy.sampling = Sampling(temperature=self._chance.choice(TEMPERATURES))
        return self._policy
