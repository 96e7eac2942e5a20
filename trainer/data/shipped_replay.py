"""What a checkpoint was taught, kept small beside its weights: ``replay.safetensors``.

Every round mixes in what the base could before, and checks on some of it that nothing was
forgotten.  The practice yard makes that anew; of other games a checkpoint brings a few
hundred pictures with what was to be done.  ``python -m trainer.data.shipped_replay --run DIR
--out CHECKPOINT`` writes them from a run of :mod:`trainer.pretraining.clone`.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from model.vla.preprocess import CheckpointSpec, load_spec
from recorder import json_values
from recorder.errors import DataError, KnownError, ModelError
from trainer.data.examples import Example, Sides
from trainer.data.sample_cache import Lessons, kept_lessons
from trainer.data.sampling import GATE_SHARE, SELECT_SHARE, stratified, stratified_by

REPLAY_FILE = "replay.safetensors"
EXAMPLES = 240
QUALITY = 80
"""Of the JPEG pictures; chroma as fine as luma."""


def write_replay(folder: Path, train: Sequence[Example], held_out: Sequence[Example]) -> None:
    """Put examples into a checkpoint's folder; raises ValueError where one side has none."""
    if not train or not held_out:
        raise ValueError("either side needs an example")
    examples = [*train, *held_out]
    pictures = [_packed(example.image) for example in examples]
    tensors = {
        "pictures": np.concatenate([np.frombuffer(each, np.uint8) for each in pictures]),
        "picture_ends": _ends([len(each) for each in pictures]),
        "answers": np.array([number for each in examples for number in each.answer], np.int32),
        "answer_ends": _ends([len(each.answer) for each in examples]),
    }
    facts = {"sentences": json.dumps([each.instruction for each in examples]), "train": len(train)}
    save_file(tensors, folder / REPLAY_FILE, metadata={k: str(v) for k, v in facts.items()})


def shipped_replay(
    checkpoint: Path, spec: CheckpointSpec, count: int, *, seed: int
) -> Sides | None:
    """Return up to ``count`` examples to learn from, fewer to choose by and to judge on.

    Every sentence that was taught comes up as often, if there is as much of it.  A third of what
    was held out from the base's training is to choose by, the rest to judge on.  None of no file.

    Raises ModelError for a file that is damaged or whose pictures have another size.
    """
    path = checkpoint / REPLAY_FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="np") as stored:
            facts = stored.metadata()
            sentences, border = json_values.parse(facts["sentences"]), int(facts["train"])
            pictures = _split(stored.get_tensor("pictures"), stored.get_tensor("picture_ends"))
            answers = _split(stored.get_tensor("answers"), stored.get_tensor("answer_ends"))
        examples = [
            Example(_unpacked(picture, spec), str(said), tuple(answer.tolist()), "replay")
            for picture, said, answer in zip(pictures, sentences, answers, strict=True)
        ]
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ModelError(
            f"{REPLAY_FILE} of the checkpoint {checkpoint.name!r} cannot be used ({error}), so "
            "forgetting could not be checked; take a fresh copy of the checkpoint."
        ) from error
    rng = np.random.default_rng(seed)
    train, held = examples[:border], examples[border:]
    # Always the same third, whatever the seed: what was chosen by must not judge later.
    select, gate = held[::3], [each for number, each in enumerate(held) if number % 3]
    return Sides(
        stratified(train, count, rng),
        stratified(select, max(1, round(SELECT_SHARE * count)), rng),
        stratified(gate, max(1, round(GATE_SHARE * count)), rng),
    )


def _ends(lengths: Sequence[int]) -> NDArray[np.int64]:
    return np.cumsum(lengths, dtype=np.int64)


def _split(flat: NDArray[Any], ends: NDArray[np.int64]) -> list[NDArray[Any]]:
    if len(ends) == 0 or ends[-1] != len(flat):
        raise ValueError("its parts do not add up")
    return np.split(flat, ends[:-1])


def _packed(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def _unpacked(data: NDArray[np.uint8], spec: CheckpointSpec) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data.tobytes()), formats=("JPEG",)) as picture:
        if picture.size != (spec.width, spec.height):
            raise ValueError(f"its pictures are of {picture.size[0]} x {picture.size[1]}")
        return np.asarray(picture.convert("RGB"))


def examples_of_run(
    lessons: Lessons, count: int, *, seed: int = 0
) -> tuple[list[Example], list[Example]]:
    """Draw ``count`` training examples, and a quarter of it held-out ones.

    Every sentence that the run taught gives as many, if it has them.  Raises DataError if nothing
    was held out.
    """
    if not len(lessons.held_out):
        raise DataError(
            "The run held nothing out, so no replay was written: rounds could not check what the "
            "model forgets; record more demonstrations of each sentence and train anew."
        )
    rng = np.random.default_rng(seed)
    train = stratified_by(lessons.train, lessons.sentence, count, rng)
    held = stratified_by(lessons.held_out, lessons.sentence, max(1, count // 4), rng)
    return _as_examples(lessons, train), _as_examples(lessons, held)


def _as_examples(lessons: Lessons, chosen: NDArray[np.int64]) -> list[Example]:
    images = lessons.images(chosen, np.zeros(len(chosen), np.bool_))
    return [
        Example(
            image,
            lessons.sentence(int(index)),
            lessons.answer(int(index), mirrored=False),
            "replay",
        )
        for image, index in zip(images, chosen, strict=True)
    ]


def main(arguments: list[str] | None = None) -> int:
    """Write a run's replay into a checkpoint's folder."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.data.shipped_replay", description=__doc__
    )
    parser.add_argument("--run", type=Path, required=True, help="the training run's folder")
    parser.add_argument("--out", type=Path, required=True, help="the checkpoint's folder")
    parser.add_argument("--count", type=int, default=EXAMPLES)
    given = parser.parse_args(arguments)
    try:
        lessons = kept_lessons(given.run, load_spec(given.out))
    except KnownError as error:
        sys.stderr.write(error.sentence + "\n")
        return int(error.exit_code)
    write_replay(given.out, *examples_of_run(lessons, given.count))
    return 0


if __name__ == "__main__":
    sys.exit(main())
