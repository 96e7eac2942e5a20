"""Recorded demonstrations as training samples, kept ready on the disk beside the run."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.actions.tokens import decode_ids, encode_ids, turn_is_cut
from model.vla.preprocess import CheckpointSpec, resize
from recorder.errors import DataError
from recorder.store import EpisodeRow, Reader, Split
from recorder.store.pairing import PICTURE_FIRST
from trainer.data.expert_labels import labelled_files, labelled_ticks
from trainer.data.material import (
    IDLE_WEIGHT,
    MIN_PERSON_TICKS,
    PERSONS,
    UsableTick,
    taught_rows,
    usable_of,
)
from trainer.data.mirror import mirror_image, names_a_side

PICTURES_FILE = "pictures.u8"
FACTS_FILE = "lessons.json"
CHECKED_EVERY = 10
"""One in so many attempts that an expert labelled is checked on and not learnt from."""


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Samples: pictures on the disk, sentences, and the token numbers of what was done.

    ``pictures`` is N x height x width x 3, uint8.  ``train`` and ``held_out`` number the samples
    that are learnt from and checked on, no start on both; ``chances`` are the draws' of ``train``.
    ``left_out`` ticks of a person's could not be paired with what followed their pictures, and
    ``turns_cut`` samples tell a smaller turn than was made.
    """

    pictures: NDArray[np.uint8]
    sentences: tuple[str, ...]
    answers: tuple[tuple[int, ...], ...]
    train: NDArray[np.int64]
    held_out: NDArray[np.int64]
    chances: NDArray[np.float64]
    left_out: int = 0
    turns_cut: int = 0

    def images(self, chosen: NDArray[np.int64], mirrored: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Return pictures, the mirrored ones with left and right exchanged."""
        images = np.array(self.pictures[chosen])
        images[mirrored] = images[mirrored][:, :, ::-1]
        return images

    def sentence(self, index: int) -> str:
        """Return what was asked for."""
        return self.sentences[index]

    def can_mirror(self, index: int) -> bool:
        """Return whether the sentence means the same if left and right are exchanged."""
        return not names_a_side(self.sentences[index])

    def answer(self, index: int, *, mirrored: bool) -> tuple[int, ...]:
        """Return the token numbers of what was done, or of its mirror image."""
        numbers = self.answers[index]
        if not mirrored:
            return numbers
        return encode_ids(mirror_image(decode_ids(numbers)[0]))


def gather(
    reader: Reader, spec: CheckpointSpec, folder: Path, labelled: Path | None = None
) -> Lessons:
    """Read every tick of a person's that may be learnt from (:mod:`trainer.data.material`).

    What is in ``folder`` is used again.  Learnt from are episodes of the train side, those of the
    select side are ``held_out``; the gate's are not read.  ``labelled`` is a folder with what a
    expert said of a player's attempts, however they ended (:mod:`trainer.data.expert_labels`).

    Raises DataError where there is too little.
    """
    rows = sorted(
        (row for row in taught_rows(reader.episodes()) if row.split in (Split.TRAIN, Split.SELECT)),
        key=lambda row: row.id,
    )
    said = labelled_files(labelled)
    identity = _identity(rows, spec, said)
    facts = _read_facts(folder / FACTS_FILE)
    if facts is None or facts["identity"] != identity:
        facts = _gather(reader, rows, spec, folder, identity, said)
    return _opened(facts, spec, folder)


def kept_lessons(folder: Path, spec: CheckpointSpec) -> Lessons:
    """Return the samples that a run's folder holds; raises DataError where it holds none."""
    facts = _read_facts(folder / FACTS_FILE)
    if facts is None or not (folder / PICTURES_FILE).exists():
        raise DataError(
            f"{folder} holds no samples of a training run, so there is nothing to read; name the "
            "folder that `--out` of the training was."
        )
    return _opened(facts, spec, folder)


def _opened(facts: dict[str, Any], spec: CheckpointSpec, folder: Path) -> Lessons:
    count = len(facts["sentences"])
    if count < MIN_PERSON_TICKS:
        raise DataError(
            f"There is too little to learn from ({count} ticks of a person's or an expert's), so "
            "nothing was trained; record demonstrations with `playteach demonstrate`."
        )
    pictures = np.memmap(
        folder / PICTURES_FILE, np.uint8, mode="r", shape=(count, spec.height, spec.width, 3)
    )
    return _sides(facts, pictures)


def _sides(facts: dict[str, Any], pictures: NDArray[np.uint8]) -> Lessons:
    sentences: tuple[str, ...] = tuple(facts["sentences"])
    answers = tuple(tuple(answer) for answer in facts["answers"])
    is_held = np.array(facts["checked"], dtype=np.bool_)
    train, held_out = np.flatnonzero(~is_held), np.flatnonzero(is_held)
    # By the root: ten times as many ticks of a sentence, or of the very same action in it,
    # are seen about three times as often.
    asked = Counter(sentences[index] for index in train)
    done = Counter((sentences[index], answers[index]) for index in train)
    weights = np.array(
        [
            (asked[sentences[index]] * done[sentences[index], answers[index]]) ** -0.25
            * facts["weights"][index]
            for index in train
        ]
    )
    return Lessons(
        pictures,
        sentences,
        answers,
        train,
        held_out,
        weights / weights.sum(),
        left_out=facts.get("left_out", 0),
        turns_cut=facts.get("turns_cut", 0),
    )


def _gather(
    reader: Reader,
    rows: Sequence[EpisodeRow],
    spec: CheckpointSpec,
    folder: Path,
    identity: str,
    said: Sequence[Path] = (),
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "identity": identity,
        "sentences": [],
        "answers": [],
        "checked": [],
        "weights": [],
        "left_out": 0,
        "turns_cut": 0,
    }
    # If this is cut short, facts of other pictures must not be left beside these.
    (folder / FACTS_FILE).unlink(missing_ok=True)
    with (folder / PICTURES_FILE).open("wb") as pictures:
        for row in rows:
            ticks = reader.ticks(row.id)
            wanted = _wanted(reader, row)
            texts = {each.id: each.text for each in reader.instructions(row.id)}
            facts["left_out"] += sum(not tick.paired for tick in ticks)
            for tick, image in zip(ticks, reader.frames(row.id), strict=False):
                usable = wanted.get(tick.index)
                if usable is None:
                    continue
                pictures.write(resize(image, spec).tobytes())
                facts["sentences"].append(texts[tick.instruction_id])
                facts["answers"].append(list(encode_ids(tick.executed)))
                facts["checked"].append(row.split is Split.SELECT)
                facts["weights"].append(usable.weight)
                facts["turns_cut"] += turn_is_cut(tick.executed)
        for number, path in enumerate(said, start=1):
            for picture, sentence, answer in labelled_ticks(path):
                if picture.shape != (spec.height, spec.width, 3):
                    raise DataError(
                        f"{path} holds pictures of another size than this checkpoint wants, so it "
                        "cannot be learnt from; remove it."
                    )
                pictures.write(np.ascontiguousarray(picture).tobytes())
                facts["sentences"].append(sentence)
                facts["answers"].append(list(answer))
                facts["checked"].append(number % CHECKED_EVERY == 0)
                idle = decode_ids(answer)[0].is_noop
                facts["weights"].append(IDLE_WEIGHT if idle else 1.0)
    fresh = folder / (FACTS_FILE + ".new")
    fresh.write_text(json.dumps(facts), encoding="utf-8")
    fresh.replace(folder / FACTS_FILE)
    return facts


def _wanted(reader: Reader, row: EpisodeRow) -> dict[int, UsableTick]:
    return {each.index: each for each in usable_of(reader, row).usable if each.kind in PERSONS}


def _read_facts(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    # A folder of an earlier version does not say which side its samples are on.
    return facts if "checked" in facts else None


def _identity(rows: Sequence[EpisodeRow], spec: CheckpointSpec, said: Sequence[Path]) -> str:
    described: list[list[Any]] = [
        [row.id, row.ticks, row.began_wall_s, row.outcome, row.split, row.wish.use, row.wish.pauses]
        for row in rows
    ]
    described += [[path.name, path.stat().st_size] for path in said]
    # What was kept before rows were read so is gathered anew.
    text = json.dumps([described, spec.width, spec.height, spec.pixels, PICTURE_FIRST])
    return hashlib.sha256(text.encode()).hexdigest()
