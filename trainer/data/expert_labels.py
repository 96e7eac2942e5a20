"""What an expert said of every picture of an attempt, one file an attempt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from recorder.errors import DataError

SUFFIX = ".safetensors"


@dataclass(slots=True)
class LabelledEpisode:
    """Pictures (uint8 height x width x 3) and the token numbers of what was to be done."""

    instruction: str
    pictures: list[NDArray[np.uint8]] = field(default_factory=list)
    answers: list[tuple[int, ...]] = field(default_factory=list)


def labelled_name(task_id: str, seed: int) -> str:
    """Return the file's name of an attempt."""
    return f"{task_id.replace('/', '_').replace(':', '_')}-{seed}{SUFFIX}"


def write_labelled(path: Path, said: LabelledEpisode) -> None:
    """Write an attempt; a kill in between leaves no half a file.

    Raises ValueError for an attempt without a tick.
    """
    if not said.pictures:
        raise ValueError("nothing was said")
    # Actions have different numbers of tokens: their ends tell them apart.
    flat = [number for answer in said.answers for number in answer]
    fresh = path.with_suffix(".new")
    tensors = {
        "pictures": np.stack(said.pictures),
        "answers": np.array(flat, np.int32),
        "ends": np.cumsum([len(answer) for answer in said.answers]).astype(np.int32),
    }
    save_file(tensors, fresh, metadata={"instruction": said.instruction})
    fresh.replace(path)


def read_labelled(path: Path) -> LabelledEpisode:
    """Read an attempt; raises DataError for a file that is none."""
    try:
        with safe_open(path, framework="np") as stored:
            instruction = stored.metadata()["instruction"]
            pictures, answers, ends = (
                stored.get_tensor(name) for name in ("pictures", "answers", "ends")
            )
    except (OSError, KeyError, TypeError, SafetensorError) as error:
        raise DataError(
            f"{path} is not what practice has written ({error}), so it cannot be learnt from; "
            "remove it."
        ) from error
    starts = [0, *ends[:-1].tolist()]
    return LabelledEpisode(
        instruction,
        list(pictures),
        [
            tuple(answers[start:end].tolist())
            for start, end in zip(starts, ends.tolist(), strict=True)
        ],
    )


def labelled_files(folder: Path | None) -> tuple[Path, ...]:
    """Return the attempts of a folder, in a fixed order; none of no folder."""
    return () if folder is None else tuple(sorted(folder.glob(f"*{SUFFIX}")))


def labelled_ticks(path: Path) -> Iterator[tuple[NDArray[np.uint8], str, tuple[int, ...]]]:
    """Yield (picture, sentence, answer) of every tick of an attempt."""
    said = read_labelled(path)
    for picture, answer in zip(said.pictures, said.answers, strict=True):
        yield picture, said.instruction, answer
