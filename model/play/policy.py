"""What a player is: a reset and one method.

Chunking, background running and recording are other objects around a policy, never
flags of it.  No torch here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from recorder.types import Action, Frame


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What a policy may look at: the newest frame and the sentence.

    ``acts`` is what was done since the sentence was said, by whoever drove
    (:mod:`model.language.action_memory`).  A policy that wants earlier frames keeps them itself.
    """

    frame: Frame
    instruction: str
    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionChunk:
    """Actions for the ticks from ``frame_id`` on, and what they cost.

    ``actions`` has at least one entry; entry k belongs to tick ``frame_id + k``.
    ``latency_ms`` is the time from picture to actions.  ``confidence`` is the product
    of the chosen tokens' probabilities of the first action, 0 to 1, or None.
    ``invalid`` counts outputs that were no action and became a no-op.  ``glance`` is what the
    picture looks like in short (:meth:`model.vla.vla.VlaPolicy.glance`), None from a player that
    does not tell.
    """

    actions: tuple[Action, ...]
    frame_id: int
    latency_ms: float
    confidence: float | None = None
    invalid: int = 0
    glance: NDArray[np.float32] | None = None


@runtime_checkable
class Policy(Protocol):
    """A player.  Calls come from one thread at a time."""

    @property
    def name(self) -> str:
        """What it is recorded under; may change with its adapter."""
        ...

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin a new episode; ``seed`` fixes any sampling in it."""
        ...

    def propose(self, observation: Observation) -> ActionChunk:
        """Return what to do now."""
        ...
