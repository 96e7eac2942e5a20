"""The model under training as a policy, for the states that it reaches itself."""

from __future__ import annotations

from pathlib import Path

from model.decoding import Sampling
from model.policy import Policy

TEMPERATURE = 0.5
"""It samples, so that it comes to more places than its most likely answers lead to."""


class SnapshotLearner:
    """Hands out the newest checkpoint in ``folder`` as a policy; None before there is one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp = 0.0
        self._policy: Policy | None = None

    def __call__(self) -> Policy | None:
        """Return the policy, loaded anew where the checkpoint changed."""
        from model.vla import VlaPolicy

        ready = self._folder / "ready"
        if ready.exists():
            stamp = ready.stat().st_mtime
            if stamp != self._stamp:
                self._policy = VlaPolicy.load(
                    self._folder,
                    device="cpu",
                    threads=1,
                    sampling=Sampling(temperature=TEMPERATURE),
                )
                self._stamp = stamp
        return self._policy
