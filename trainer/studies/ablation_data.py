"""Fixed labelled states for trainings that are compared: the same pictures for all of them.

They are made once, in files of a few hundred, each from a seed of its own, so that an
interruption costs one file at most, and the files are the same however they were made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.vla.preprocess import CheckpointSpec
from recorder.games.base import Task
from recorder.games.doom.game import DoomGame
from trainer.data.forward_pass import Sequences
from trainer.data.yard_states import AskedState, crowds_asking, explore_asking
from trainer.experts.yard_answers import goal_for
from trainer.pretraining.config import PosttrainConfig
from trainer.pretraining.state_ring import RecordWriter, record_type

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SEEING, ACTING = "seeing", "acting"
SHARD_STATES = 250
WORDS_FILE = "words.sha256"


class FixedStates:
    """States in files in place of a ring; those of the actions once they count."""

    def __init__(self, folder: Path, records: dict[str, np.dtype[np.void]]) -> None:
        """Open the files of ``folder``; raises ValueError where one holds other records.

        ``records``: the layout of the states of SEEING and of ACTING.
        """
        self._shards = {
            part: [np.load(path, mmap_mode="r") for path in sorted(folder.glob(f"{part}-*.npy"))]
            for part in (SEEING, ACTING)
        }
        for part, shards in self._shards.items():
            if any(shard.dtype != records[part] for shard in shards):
                raise ValueError(f"{folder} holds states of another form")
        self._records = records
        self._part = SEEING

    @property
    def made(self) -> int:
        """None are made beside the training."""
        return 0

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.void]:
        """Return ``count`` states of the stage's files, drawn with replacement."""
        shards = self._shards[self._part]
        ends = np.cumsum([len(shard) for shard in shards])
        places = rng.integers(ends[-1], size=count)
        which = np.searchsorted(ends, places, side="right")
        drawn = np.empty(count, self._records[self._part])
        for row, (shard, place) in enumerate(zip(which, places, strict=True)):
            drawn[row] = shards[shard][place - ends[shard]]
        return drawn

    def wait_for(self, count: int) -> None:
        """Nothing to wait for: the states are there."""

    def let_learner_drive(self) -> None:
        """From now on the states of the actions are drawn; nobody drives."""
        self._part = ACTING

    def check(self) -> None:
        """Nothing can have died."""

    def close(self) -> None:
        """Let go of the files."""
        self._shards = {}


def make_states(
    folder: Path,
    tokenizer_of: Callable[[], tuple[PreTrainedModel, PreTrainedTokenizerBase]],
    spec: CheckpointSpec,
    configs: dict[str, PosttrainConfig],
    tasks: Sequence[Task],
    counts: dict[str, int],
    tell: Callable[[str], None],
) -> FixedStates:
    """Make what is missing of the files in ``folder``, and open them.

    ``counts`` are the states of SEEING (yards crowded with what ``tasks`` are about) and of
    ACTING (the expert's noisy play of ``tasks``); both are asked about those alone, as the
    part's configuration says.
    ``tokenizer_of`` returns a model and its tokenizer, and is called only where something
    is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    records = {part: record_type(spec, config) for part, config in configs.items()}
    missing = [
        (part, number, min(SHARD_STATES, count - number * SHARD_STATES))
        for part, count in counts.items()
        for number in range(-(-count // SHARD_STATES))
        if not _shard(folder, part, number).exists()
    ]
    if missing:
        model, tokenizer = tokenizer_of()
        sequences = Sequences(model, tokenizer, spec)
        words = folder / WORDS_FILE
        if words.exists():
            check_words(folder, tokenizer)
        else:
            words.write_text(_words(tokenizer), encoding="utf-8")
        game = DoomGame(labels=True)
        try:
            for part, number, size in missing:
                tell(f"making states: {part} {number}, {size}")
                config = configs[part]
                writer = RecordWriter(sequences, spec, config, seed=number)
                states = _asked(game, part, number, config, tasks)
                made = np.zeros(size, records[part])
                for row in made:
                    # Whether something is done is asked of sentences with several parts only.
                    writer.write(row, replace(next(states), done=()))
                path = _shard(folder, part, number)
                fresh = path.with_suffix(".new")
                with fresh.open("wb") as file:
                    np.save(file, made)
                fresh.rename(path)
        finally:
            game.close()
    return FixedStates(folder, records)


def _asked(
    game: DoomGame, part: str, number: int, config: PosttrainConfig, tasks: Sequence[Task]
) -> Iterator[AskedState]:
    """Yield the states of a part's file without end."""
    # The seed tells the two parts and every file apart.
    rng = np.random.default_rng((config.seed, (SEEING, ACTING).index(part), number))
    if part != SEEING:
        return explore_asking(
            game,
            rng,
            tasks,
            questions=config.actions_per_frame,
            bare_share=config.bare_share,
        )
    steps = [step for task in tasks for step in goal_for(task).steps]
    kinds = list(dict.fromkeys(step.kind for step in steps if step.kind is not None))
    return crowds_asking(game, rng, tasks, questions=config.actions_per_frame, kinds=kinds)


def check_words(folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise ValueError where the states of ``folder`` are tokens of another tokenizer."""
    if (folder / WORDS_FILE).read_text(encoding="utf-8") != _words(tokenizer):
        raise ValueError(
            f"{folder} holds states in the tokens of another tokenizer: the sentences or the "
            "code changed since; begin in another folder"
        )


def _words(tokenizer: PreTrainedTokenizerBase) -> str:
    vocabulary = json.dumps(sorted(tokenizer.get_vocab().items()))
    return hashlib.sha256(vocabulary.encode()).hexdigest() + "\n"


def _shard(folder: Path, part: str, number: int) -> Path:
    return folder / f"{part}-{number:03}.npy"
