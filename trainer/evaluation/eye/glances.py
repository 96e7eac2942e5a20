"""What the eye goes by: what each picture of an attempt looks like, and what was done until then.

A glance is the mean and the greatest value of each channel over a picture's vision tokens
(:meth:`model.vla.vla.VlaPolicy.glance`); the vision tower is not taught by a round, so a glance is
the same with every adapter of a base.  Numpy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from recorder.types import BUTTON_CONTROLS, Action

Array = NDArray[np.float32]
DEEDS = len(BUTTON_CONTROLS) + 2
WALKING = tuple(BUTTON_CONTROLS.index(name) for name in ("forward", "back", "left", "right"))
WINDOW = 17
"""What was done lately is what was done in so many ticks, about a second."""
MANNER = 3 * len(BUTTON_CONTROLS) + 8
"""How many figures tell the manner of an attempt so far."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One attempt, tick by tick.

    ``glances`` is T x G: what was seen after each tick.  ``deeds`` is T x 13: the button controls
    that were held in it (0 or 1, in the order of BUTTON_CONTROLS), pitch and yaw in degrees.
    """

    glances: Array
    deeds: Array

    def __post_init__(self) -> None:
        if self.glances.ndim != 2 or self.deeds.shape != (len(self.glances), DEEDS):
            raise ValueError(f"{self.glances.shape} and {self.deeds.shape} are no attempt")

    def __len__(self) -> int:
        """Return the number of ticks."""
        return len(self.deeds)

    def until(self, ticks: int) -> Seen:
        """Return the first ``ticks`` ticks of it, all if it has fewer."""
        return Seen(self.glances[:ticks], self.deeds[:ticks])

    def to_bytes(self) -> bytes:
        """Return it as safetensors, at half precision."""
        parts = {"glances": self.glances, "deeds": self.deeds}
        data: bytes = save({name: part.astype(np.float16) for name, part in parts.items()})
        return data


def seen_of(data: bytes) -> Seen:
    """Return what :meth:`Seen.to_bytes` gave; raises ValueError for anything else."""
    try:
        parts = load(data)
        return Seen(*(parts[name].astype(np.float32) for name in ("glances", "deeds")))
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"no attempt as the eye saw it: {error}") from error


def deed(action: Action) -> Array:
    """Return one row of :attr:`Seen.deeds`."""
    held = [float(getattr(action, name)) for name in BUTTON_CONTROLS]
    return np.array([*held, *action.camera], np.float32)


def deeds_of(actions: Sequence[Action]) -> Array:
    """Return the rows of several ticks, T x 13."""
    return np.array([deed(each) for each in actions], np.float32).reshape(-1, DEEDS)


def manner(deeds: Array) -> Array:
    """Return how an attempt went up to each tick, T x MANNER, each figure within about +-3.

    For each control: in which part of the ticks of walking it was held, in which part of the last
    second, how often it was pressed; then how far it turned in all (right is positive, and without
    its sign), how far it looks down, how much it turned to and fro, how far it turned in the last
    second, how long it stood still and how long it walked.
    """
    buttons = len(BUTTON_CONTROLS)
    ticks = np.arange(1, len(deeds) + 1, dtype=np.float32)[:, None]
    held, turns = deeds[:, :buttons], deeds[:, buttons:]
    walks = held[:, WALKING].max(axis=1, keepdims=True, initial=0.0)
    walked = np.cumsum(walks, axis=0)
    share = np.cumsum(held * walks, axis=0) / np.maximum(walked, 1.0)
    lately = _last(held) / np.minimum(ticks, WINDOW)
    pressed = np.cumsum(np.diff(held, axis=0, prepend=0.0) > 0, axis=0)
    down, right = (np.cumsum(turns[:, i : i + 1], axis=0) for i in (0, 1))
    swept = np.cumsum(np.abs(turns[:, 1:]), axis=0)
    newest = _last(turns[:, 1:])
    acts = (held.max(axis=1, keepdims=True) > 0) | (np.abs(turns) > 0.2).any(axis=1, keepdims=True)
    stood = np.cumsum(~acts, axis=0) / ticks
    figures = [
        2 * share, 2 * lately, np.log1p(pressed),
        right / 90, np.abs(right) / 90, down / 30, swept / 90, newest / 30, np.abs(newest) / 30,
        stood, np.log1p(walked) / 2,
    ]  # fmt: skip
    told: Array = np.concatenate(figures, axis=1).astype(np.float32)
    return told


def _last(rows: Array) -> Array:
    """Return for each tick the sum over the ``WINDOW`` ticks up to it."""
    sums = np.cumsum(rows, axis=0)
    before = np.concatenate([np.zeros((WINDOW, rows.shape[1]), np.float32), sums])[: len(rows)]
    newest: Array = sums - before
    return newest
