"""What attempts at one start are worth, and which of them are worth learning from.

Several attempts at the very same start form a group.  What an attempt did better or worse than the
others of its group is its advantage (group-relative advantages: DeepSeekMath, arXiv 2402.03300).
No torch, no pictures.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from recorder.types import Outcome

SPEED = 0.1
"""So much more a success is worth that takes no time at all; one at the limit is worth 1."""
LEAST_SPREAD = 0.05
"""Rewards of a group that differ by less (standard deviation) say nothing worth learning."""


def reward(outcome: Outcome, ticks: int, limit: int) -> float:
    """Return what an attempt is worth: 0 for none, 1 to 1 + SPEED for a success.

    ``limit`` is the task's time in ticks, at least 1.
    """
    if outcome is not Outcome.SUCCESS:
        return 0.0
    return 1.0 + SPEED * max(0.0, 1.0 - ticks / limit)


def advantages(rewards: Sequence[float]) -> tuple[float, ...]:
    """Return each attempt's advantage in its group, mean 0 and standard deviation 1.

    Empty if the group says nothing: of one attempt, or all came to the same.
    """
    if len(rewards) < 2:
        return ()
    spread = statistics.pstdev(rewards)
    if not math.isfinite(spread) or spread < LEAST_SPREAD:
        return ()
    mean = math.fsum(rewards) / len(rewards)
    return tuple((each - mean) / spread for each in rewards)
