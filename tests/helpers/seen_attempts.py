"""Attempts as an eye sees them, made up: at the end of what is done the picture is another one."""

from __future__ import annotations

from typing import Any

import numpy as np

from recorder.types import BUTTON_CONTROLS
from trainer.evaluation.eye.glances import DEEDS, Seen
from trainer.evaluation.eye.teaching import Marked

WIDTH = 12
SPRINT = BUTTON_CONTROLS.index("sprint")


def seen(
    rng: np.random.Generator,
    *,
    ticks: int = 40,
    arrives: int | None = None,
    sprints: bool = True,
    noise: float = 0.5,
) -> Seen:
    """Return an attempt that walks; from the tick ``arrives`` on it sees what "done" looks like."""
    glances = rng.normal(0.0, noise, (ticks, WIDTH)).astype(np.float32)
    if arrives is not None:
        glances[arrives:, 0] += 3.0
    deeds = np.zeros((ticks, DEEDS), np.float32)
    deeds[:, BUTTON_CONTROLS.index("forward")] = 1.0
    deeds[:, SPRINT] = rng.random(ticks) < (0.95 if sprints else 0.05)
    deeds[:, -1] = rng.normal(0.0, 3.0, ticks)
    return Seen(glances, deeds)


def marked(
    rng: np.random.Generator, *, done: int, failed: int, shown: int = 0, slow: int = 0
) -> list[Marked]:
    """Return marked attempts: ``slow`` of those that failed arrived, but without sprinting."""
    starts = iter(range(10**6))

    def some(count: int, *, done: bool, own: bool = True, **how: Any) -> list[Marked]:
        return [Marked(seen(rng, **how), done, own, next(starts)) for _ in range(count)]

    return [
        *some(shown, done=True, own=False, ticks=30, arrives=26),
        *some(done, done=True, arrives=36),
        *some(failed - slow, done=False),
        *some(slow, done=False, arrives=36, sprints=False),
    ]
