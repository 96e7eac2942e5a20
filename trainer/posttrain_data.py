"""Fresh labelled states, made by a process beside the training, in a shared ring.

Pictures live in shared memory, so that nothing is copied between the processes; the ring
is overwritten from its oldest state on.  The maker is throttled and nice, so that it
does not starve the training.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import time
from dataclasses import dataclass
from multiprocessing import shared_memory
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.preprocess import CheckpointSpec, resize
from model.tokens import encode_ids
from recorder.games.doom.tasks import TASKS, goal_of
from recorder.games.doom.things import KINDS
from trainer.posttrain_config import PosttrainConfig
from trainer.rollouts import LabelledState, explore

ANSWER_TOKENS = 8
"""Longest teacher action: begin, at most four groups, pitch, yaw, end."""
COLUMNS = 15
ABSENT = COLUMNS
_KEYS = tuple(kind.key for kind in KINDS)


def record_type(spec: CheckpointSpec) -> np.dtype[Any]:
    """Return the layout of one labelled state in the ring."""
    rows, columns = spec.token_grid
    return np.dtype(
        [
            ("image", np.uint8, (spec.height, spec.width, 3)),
            ("answers", np.int16, (len(TASKS), ANSWER_TOKENS)),
            ("present", np.bool_, (len(TASKS),)),
            ("column", np.int8, (len(TASKS),)),
            ("presence", np.bool_, (len(KINDS), rows, columns)),
            ("driven", np.int8),
        ]
    )


def fill_record(record: Any, state: LabelledState, spec: CheckpointSpec) -> None:
    """Write a state into a record of the ring."""
    rows, columns = spec.token_grid
    height, width = state.frame.rgb.shape[:2]
    record["image"] = resize(state.frame.rgb, spec)
    record["driven"] = state.driven
    record["present"] = state.present
    record["presence"] = False
    record["answers"] = -1
    for index, action in enumerate(state.actions):
        ids = encode_ids(action)
        record["answers"][index, : len(ids)] = ids
    for index, key in enumerate(_KEYS):
        box = state.boxes.get(key)
        if box is None:
            continue
        x, y, w, h = box
        left, right = x * columns / width, (x + w) * columns / width
        top, bottom = y * rows / height, (y + h) * rows / height
        covered_x = np.minimum(np.arange(columns) + 1, right) - np.maximum(np.arange(columns), left)
        covered_y = np.minimum(np.arange(rows) + 1, bottom) - np.maximum(np.arange(rows), top)
        # A cell holds the thing where it covers a quarter of the cell or of the thing.
        share = covered_x.clip(0)[None, :] * covered_y.clip(0)[:, None]
        size = max((right - left) * (bottom - top), 1e-6)
        record["presence"][index] = (share >= 0.25) | (share / size >= 0.25)
    for index, task in enumerate(TASKS):
        goal = goal_of(task)
        box = state.boxes.get(goal.kind.key) if goal is not None else None
        record["column"][index] = (
            ABSENT
            if box is None
            else min(COLUMNS - 1, int((box[0] + box[2] / 2) * COLUMNS / width))
        )


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the maker's process is told."""

    name: str
    capacity: int
    spec: CheckpointSpec
    config: PosttrainConfig
    weights: Path
    seed: int


class StateRing:
    """The ring and the process that fills it."""

    def __init__(
        self, spec: CheckpointSpec, config: PosttrainConfig, weights: Path, *, seed: int
    ) -> None:
        self._type = record_type(spec)
        self._memory = shared_memory.SharedMemory(
            create=True, size=self._type.itemsize * config.ring_frames
        )
        self.records: NDArray[Any] = np.ndarray(
            (config.ring_frames,), dtype=self._type, buffer=self._memory.buf
        )
        context = mp.get_context("spawn")
        self._count = context.Value("q", 0)
        self._stop = context.Event()
        shared = _Shared(self._memory.name, config.ring_frames, spec, config, weights, seed)
        self._process = context.Process(
            target=_make_states, args=(shared, self._count, self._stop), daemon=True
        )
        self._process.start()

    @property
    def made(self) -> int:
        """States made so far."""
        return int(self._count.value)

    @property
    def filled(self) -> int:
        """States in the ring now."""
        return min(self.made, len(self.records))

    def wait_for(self, count: int) -> None:
        """Wait until ``count`` states are there; raises RuntimeError if the maker died."""
        while self.made < count:
            if not self._process.is_alive():
                raise RuntimeError(f"the state maker ended with {self._process.exitcode}")
            time.sleep(0.2)

    def close(self) -> None:
        """Stop the maker and free the memory."""
        self._stop.set()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.terminate()
        del self.records
        self._memory.close()
        self._memory.unlink()


def _make_states(shared: _Shared, count: Any, stop: Any) -> None:
    """Fill the ring until told to stop (the maker's process)."""
    import torch

    from recorder.games.doom.game import DoomGame
    from trainer.posttrain_policy import SnapshotLearner

    os.nice(5)
    torch.set_num_threads(1)
    memory = shared_memory.SharedMemory(name=shared.name)
    ring: NDArray[Any] = np.ndarray(
        (shared.capacity,), dtype=record_type(shared.spec), buffer=memory.buf
    )
    game = DoomGame(labels=True)
    rng = np.random.default_rng(shared.seed)
    config = shared.config
    learner = SnapshotLearner(shared.weights)
    started = time.monotonic()
    try:
        states = explore(game, rng, learner=learner, learner_share=config.learner_share)
        for made, state in enumerate(states):
            if stop.is_set():
                break
            fill_record(ring[made % shared.capacity], state, shared.spec)
            count.value = made + 1
            if made >= config.first_batch_frames:
                due = (made - config.first_batch_frames) / config.frames_per_second
                ahead = due - (time.monotonic() - started)
                if ahead > 0:
                    time.sleep(min(ahead, 1.0))
            else:
                started = time.monotonic()
    finally:
        game.close()
        del ring
        memory.close()
