"""Fresh labelled states, made by a process beside the training, in a shared ring.

Pictures live in shared memory, so that nothing is copied between the processes; the ring
is overwritten from its oldest state on.  The maker is throttled and nice, so that it
does not starve the training.
"""

from __future__ import annotations

import itertools
import multiprocessing as mp
import os
import time
from dataclasses import dataclass
from multiprocessing import shared_memory
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.actions.tokens import encode_ids
from model.language.subgoals import NO, YES, done_question
from model.vla.preprocess import CheckpointSpec, resize
from recorder.games.base import Task
from recorder.games.doom.tasks import TRAINED_TASKS
from recorder.games.doom.things import FIXTURES, KINDS
from trainer.data.forward_pass import Block, Sequences
from trainer.data.wording import varied
from trainer.data.yard_states import AskedState, crowds_asking, explore_asking
from trainer.experts.yard_answers import answer
from trainer.pretraining.config import PosttrainConfig
from trainer.pretraining.vision_language import Pair, questions

ACTION_TOKENS = 44
"""Longest block of a sentence with its action; sentences beyond it are not trained on."""
PAIR_TOKENS = 96
MOST_BLOCKS = 20_000
"""So many sentences with their actions are kept as tokens; there are more of them."""
COLUMNS = 15
ABSENT = COLUMNS
SEEN_KEYS = tuple(kind.key for kind in (*KINDS, *FIXTURES))


def record_type(spec: CheckpointSpec, config: PosttrainConfig) -> np.dtype[np.void]:
    """Return the layout of one labelled state in the ring.

    Of a block the tokens, where its answer begins and how long it is (0: no block).
    """
    rows, columns = spec.token_grid
    actions, pairs = config.actions_per_frame, config.pairs_per_frame
    return np.dtype(
        [
            ("image", np.uint8, (spec.height, spec.width, 3)),
            ("presence", np.bool_, (len(SEEN_KEYS), rows, columns)),
            ("actions", np.uint16, (actions, ACTION_TOKENS)),
            ("action_start", np.uint8, (actions,)),
            ("action_length", np.uint8, (actions,)),
            ("column", np.uint8, (actions,)),
            ("pairs", np.uint16, (pairs, PAIR_TOKENS)),
            ("pair_start", np.uint8, (pairs,)),
            ("pair_length", np.uint8, (pairs,)),
        ]
    )


def covered(
    box: tuple[int, int, int, int], size: tuple[int, int], grid: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return which cells (rows x columns) of a picture's grid a box in pixels covers.

    ``size`` is (width, height).  A cell holds the thing where it covers a quarter of the
    cell, or a quarter of the thing lies in it.
    """
    (x, y, w, h), (width, height), (rows, columns) = box, size, grid
    left, right = x * columns / width, (x + w) * columns / width
    top, bottom = y * rows / height, (y + h) * rows / height
    across = np.minimum(np.arange(columns) + 1, right) - np.maximum(np.arange(columns), left)
    down = np.minimum(np.arange(rows) + 1, bottom) - np.maximum(np.arange(rows), top)
    share = across.clip(0)[None, :] * down.clip(0)[:, None]
    held: NDArray[np.bool_] = (share >= 0.25) | (
        share / max((right - left) * (bottom - top), 1e-6) >= 0.25
    )
    return held


def column_of(box: tuple[int, int, int, int] | None, width: int) -> int:
    """Return the column (0 to COLUMNS - 1) of a box's middle; ABSENT without one."""
    if box is None:
        return ABSENT
    return min(COLUMNS - 1, max(0, int((box[0] + box[2] / 2) * COLUMNS / width)))


class RecordWriter:
    """Writes states into records of the ring, as tokens of one checkpoint's tokenizer."""

    def __init__(
        self, sequences: Sequences, spec: CheckpointSpec, config: PosttrainConfig, seed: int
    ) -> None:
        self._sequences = sequences
        self._spec = spec
        self._config = config
        self._rng = np.random.default_rng(seed)
        self._blocks: dict[tuple[str, tuple[int, ...]], Block] = {}

    def write(self, record: np.void, asked: AskedState) -> None:
        """Write a state: its picture, what is where, the questions with their answers."""
        rng, spec = self._rng, self._spec
        height, width = asked.frame.rgb.shape[:2]
        record["image"] = resize(asked.frame.rgb, spec)
        record["presence"] = False
        for thing in asked.state.everything:
            if thing.box is not None and thing.key in SEEN_KEYS:
                at = SEEN_KEYS.index(thing.key)
                record["presence"][at] |= covered(thing.box, (width, height), spec.token_grid)
        record["action_length"] = 0
        for slot, known in enumerate(asked.answers[: self._config.actions_per_frame]):
            numbers = tuple(encode_ids(known.action))
            block = self._action_block(varied(self._said(known.task), rng), numbers)
            self._put(record, "action", slot, block)
            record["column"][slot] = column_of(known.box, width)
        self._put_done(record, asked)
        record["pair_length"] = 0
        pairs: tuple[Pair, ...] = questions(
            asked.state, (width, height), rng, self._config.pairs_per_frame
        )
        for slot, pair in enumerate(pairs):
            self._put(record, "pair", slot, self._sequences.text_block(pair.question, pair.answer))

    def _action_block(self, said: str, numbers: tuple[int, ...]) -> Block:
        key = (said, numbers)
        if key not in self._blocks:
            if len(self._blocks) >= MOST_BLOCKS:
                self._blocks.clear()
            self._blocks[key] = self._sequences.action_block(said, list(numbers))
        return self._blocks[key]

    def _put_done(self, record: np.void, asked: AskedState) -> None:
        """Ask what has just been done, in place of the last actions."""
        slot = self._config.actions_per_frame
        for task, over in asked.done:
            slot -= 1
            question = done_question(self._said(task))
            block = self._sequences.text_block(question, YES if over else NO)
            self._put(record, "action", slot, block)
            width = asked.frame.rgb.shape[1]
            record["column"][slot] = column_of(answer(asked.state, task).box, width)

    def _said(self, task: Task) -> str:
        phrasings = task.phrasings or (task.instruction,)
        return phrasings[int(self._rng.integers(len(phrasings)))]

    @staticmethod
    def _put(record: np.void, name: str, slot: int, block: Block) -> None:
        tokens = record[f"{name}s"]
        count = len(block.tokens)
        if count <= tokens.shape[-1]:
            tokens[slot, :count] = block.tokens
            record[f"{name}_start"][slot] = block.start
            record[f"{name}_length"][slot] = count


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the maker's process is told."""

    name: str
    capacity: int
    spec: CheckpointSpec
    config: PosttrainConfig
    weights: Path
    seed: int
    maker: int


class StateRing:
    """The ring and the processes that fill it; ``weights`` must hold a checkpoint.

    Of N makers, maker m writes the slots m, m + N, m + 2 N and so on.
    """

    def __init__(
        self, spec: CheckpointSpec, config: PosttrainConfig, weights: Path, *, seed: int
    ) -> None:
        self._type = record_type(spec, config)
        self._slots = config.ring_frames // config.makers
        size = self._slots * config.makers
        self._memory = shared_memory.SharedMemory(create=True, size=self._type.itemsize * size)
        self.records: NDArray[np.void] = np.ndarray(
            (size,), dtype=self._type, buffer=self._memory.buf
        )
        context = mp.get_context("spawn")
        self._counts = [context.Value("q", 0) for _ in range(config.makers)]
        self._stop = context.Event()
        self._drives = context.Event()
        self._processes = []
        for maker, count in enumerate(self._counts):
            shared = _Shared(self._memory.name, size, spec, config, weights, seed, maker)
            self._processes.append(
                context.Process(
                    target=_make_states, args=(shared, count, self._stop, self._drives), daemon=True
                )
            )
        for process in self._processes:
            process.start()

    @property
    def made(self) -> int:
        """States made so far."""
        return sum(int(count.value) for count in self._counts)

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.void]:
        """Return ``count`` states of the ring, drawn with replacement."""
        ends = np.cumsum([min(int(made.value), self._slots) for made in self._counts])
        places = rng.integers(ends[-1], size=count)
        makers = np.searchsorted(ends, places, side="right")
        slots = (places - np.r_[0, ends][makers]) * len(ends) + makers
        drawn: NDArray[np.void] = self.records[slots]
        return drawn

    def let_learner_drive(self) -> None:
        """From now on a part of the states are those that the newest checkpoint reaches."""
        self._drives.set()

    def wait_for(self, count: int) -> None:
        """Wait until ``count`` states are there; raises RuntimeError if a maker died."""
        while self.made < count:
            self.check()
            time.sleep(0.2)

    def check(self) -> None:
        """Raise RuntimeError if a maker died."""
        for process in self._processes:
            if not process.is_alive():
                raise RuntimeError(f"the state maker ended with {process.exitcode}")

    def close(self) -> None:
        """Stop the makers and free the memory."""
        self._stop.set()
        for process in self._processes:
            process.join(timeout=10)
            if process.is_alive():
                process.kill()
        del self.records
        self._memory.close()
        self._memory.unlink()


def _make_states(shared: _Shared, count: Any, stop: Any, drives: Any) -> None:
    """Fill the ring until told to stop (the maker's process)."""
    import torch

    from recorder.games.doom.game import DoomGame
    from trainer.data.forward_pass import load_checkpoint
    from trainer.pretraining.policy_in_training import SnapshotLearner

    config, spec = shared.config, shared.spec
    os.nice(config.maker_nice)
    torch.set_num_threads(1)
    memory = shared_memory.SharedMemory(name=shared.name)
    ring: NDArray[np.void] = np.ndarray(
        (shared.capacity,), dtype=record_type(spec, config), buffer=memory.buf
    )
    writer = RecordWriter(
        Sequences(*load_checkpoint(shared.weights), spec),
        spec,
        config,
        shared.seed + 1 + 100 * shared.maker,
    )
    rng = np.random.default_rng((shared.seed, shared.maker, 1))
    game, crowded = DoomGame(labels=True), DoomGame(labels=True)
    learner = SnapshotLearner(shared.weights, shared.seed + shared.maker)
    started = time.monotonic()
    try:
        crowds = crowds_asking(crowded, rng, TRAINED_TASKS, questions=config.actions_per_frame)
        states = explore_asking(
            game,
            np.random.default_rng((shared.seed, shared.maker)),
            TRAINED_TASKS,
            questions=config.actions_per_frame,
            learner=lambda: learner() if drives.is_set() else None,
            learner_share=config.learner_share,
            bare_share=config.bare_share,
        )
        for made in itertools.count():
            if stop.is_set():
                break
            # Once the actions count, fewer: play is in yards that are not crowded.
            crowd_share = config.crowd_share if drives.is_set() else config.first_crowd_share
            asked = next(crowds if rng.random() < crowd_share else states)
            slot = (made * config.makers + shared.maker) % shared.capacity
            writer.write(ring[slot], asked)
            count.value = made + 1
            if made * config.makers >= config.first_batch_frames:
                ahead = made * config.makers - config.first_batch_frames
                due = ahead / config.frames_per_second
                early = due - (time.monotonic() - started)
                if early > 0:
                    time.sleep(min(early, 1.0))
            else:
                started = time.monotonic()
    finally:
        game.close()
        crowded.close()
        del ring
        memory.close()
