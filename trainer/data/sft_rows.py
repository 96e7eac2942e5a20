"""Rows of ``minecraft-vla-sft``, JARVIS-VLA's own training data: in and out.

A row is one picture with its sentence and one action in tokens.  Files are parquet (as
published; needs the package pyarrow) or JSON lines with the picture in base64.  On the way
out only what a person did is written: demonstrations and corrections.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from model.actions.tokens import decode, encode, turn_is_cut
from model.language.prompts import Told, spoken_turns
from recorder import json_values
from recorder.errors import DataError
from recorder.exchange import ForeignEpisode, Step
from recorder.store import Reader
from recorder.types import MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH, Action, RGBImage, SegmentKind

JPEG_QUALITY = 95
_ID = re.compile(r"(.+)_(\d{1,18})")
_TEACHING = (SegmentKind.DEMONSTRATION, SegmentKind.CORRECTION)
_OBSERVATION = "\nobservation: \n"


@dataclass(frozen=True, slots=True, eq=False)
class SftRow:
    """One row, understood: its clip and place in it, sentence, task key, picture, action."""

    clip: str
    frame: int
    instruction: str
    task: str
    rgb: RGBImage
    action: Action


def row_of(
    clip: str, frame: int, task: str, instruction: str, rgb: RGBImage, action: Action
) -> dict[str, Any]:
    """Return a row as it is published; ``image_bytes`` holds one JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    (words,) = spoken_turns("jarvis", Told(instruction), 1)
    return {
        "id": f"{clip}_{frame}",
        "label": ["trajectory", "RT2", task, "h=0", "c=1"],
        "image": [f"images/{clip}_{frame}.jpg"],
        "conversations": [
            {
                "role": "user",
                "content": [{"type": "text", "text": words}, {"type": "image", "text": "<image>"}],
            },
            {"role": "assistant", "content": [{"type": "text", "text": encode(action)}]},
        ],
        "image_bytes": [buffer.getvalue()],
    }


def read_row(row: Mapping[str, Any], where: str) -> SftRow:
    """Understand one row; raises DataError that names ``where`` and the field."""

    def wrong(field: str, why: str) -> DataError:
        return DataError(
            f"{where}: the field {field!r} {why}, so the file cannot be imported; take a fresh "
            "copy or leave the row out."
        )

    place = _ID.fullmatch(row["id"]) if isinstance(row.get("id"), str) else None
    if place is None:
        raise wrong("id", "is no clip and frame")
    label = row.get("label")
    if not isinstance(label, list) or len(label) < 3 or not all(isinstance(x, str) for x in label):
        raise wrong("label", "is no list of words")
    texts: list[str] = []
    try:
        for turn, role in zip(row["conversations"], ("user", "assistant"), strict=True):
            if turn["role"] != role:
                raise ValueError(role)
            texts.append(next(p["text"] for p in turn["content"] if p["type"] == "text"))
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise wrong("conversations", "is not one question and one answer") from error
    actions = decode(str(texts[1]))
    if not actions:
        raise wrong("conversations", "holds no action")
    instruction = str(texts[0]).split(_OBSERVATION)[0].strip()
    if not instruction:
        raise wrong("conversations", "holds no instruction")
    rgb = _picture(row.get("image_bytes"))
    if rgb is None:
        raise wrong("image_bytes", "holds no picture")
    return SftRow(place[1], int(place[2]), instruction, label[2], rgb, actions[0])


def _picture(value: object) -> RGBImage | None:
    first = value[0] if isinstance(value, list) and value else value
    try:
        if isinstance(first, str):
            first = base64.b64decode(first, validate=True)
        if isinstance(first, list):
            first = bytes(first)
        if not isinstance(first, bytes):
            return None
        image = Image.open(io.BytesIO(first)).convert("RGB")
    except (OSError, ValueError, TypeError, SyntaxError, Image.DecompressionBombError):
        # Pillow calls a broken PNG a SyntaxError.
        return None
    image.thumbnail((MAX_FRAME_WIDTH, MAX_FRAME_HEIGHT), Image.Resampling.BICUBIC)
    return np.asarray(image)


def read_rows(path: Path) -> Iterator[SftRow]:
    """Read a .jsonl or .parquet file row by row; raises DataError naming row and field."""
    for number, row in enumerate(_raw_rows(path), 1):
        where = f"Row {number} of {path.name}"
        if not isinstance(row, Mapping):
            raise DataError(f"{where} is no table, so the file cannot be imported; leave it out.")
        yield read_row(row, where)


def episodes_of(rows: Iterable[SftRow]) -> Iterator[ForeignEpisode]:
    """Put rows that follow each other in one clip under one sentence into episodes.

    Published files are shuffled: sort them by id first, else every row is its own episode.
    """
    run: list[SftRow] = []
    for row in rows:
        last = run[-1] if run else None
        if last is not None and (row.clip, row.instruction, row.frame) != (
            last.clip,
            last.instruction,
            last.frame + 1,
        ):
            yield _episode(run)
            run = []
        run.append(row)
    if run:
        yield _episode(run)


def _episode(run: list[SftRow]) -> ForeignEpisode:
    steps = [Step(row.rgb, row.action) for row in run]
    return ForeignEpisode(run[0].clip, run[0].instruction, steps, run[0].task)


def not_as_done(reader: Reader, episode_ids: Iterable[int]) -> tuple[int, int]:
    """Return how many of the ticks that a person taught in are left out, and with a turn cut."""
    left_out = cut = 0
    for episode_id in episode_ids:
        ticks = reader.ticks(episode_id)
        for segment in reader.segments(episode_id):
            if segment.kind in _TEACHING:
                taught = ticks[segment.start : segment.stop]
                left_out += sum(not tick.paired for tick in taught)
                cut += sum(tick.paired and turn_is_cut(tick.executed) for tick in taught)
    return left_out, cut


def exported_rows(reader: Reader, episode_ids: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Return a row for every tick in which a person taught something that is known for sure."""
    for episode_id in episode_ids:
        episode = reader.episode(episode_id)
        ticks = {tick.index: tick for tick in reader.ticks(episode_id)}
        said = {row.id: row.text for row in reader.instructions(episode_id)}
        for segment in reader.segments(episode_id):
            if segment.kind not in _TEACHING or segment.stop <= segment.start:
                continue
            clip = f"playteach-{episode.id:06d}-{segment.start}-{segment.stop}"
            for index in range(segment.start, segment.stop):
                tick = ticks[index]
                if not tick.paired:
                    continue
                yield row_of(
                    clip,
                    index - segment.start,
                    episode.task_id,
                    said[tick.instruction_id],
                    reader.frame(episode_id, index),
                    tick.executed,
                )


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write .jsonl or .parquet, whole or not at all; return the number of rows.

    Raises DataError for another ending, for parquet without pyarrow, or where the file cannot be
    written.
    """
    _require_known(path)
    fresh = path.with_name(f".{path.name}.new")
    try:
        count = _write_rows(fresh, rows, parquet=path.suffix == ".parquet")
        fresh.replace(path)
    except OSError as error:
        raise DataError(
            f"{path.name} could not be written ({error.strerror or error}), so nothing was "
            "exported; make room or choose another folder."
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    return count


def _write_rows(path: Path, rows: Iterable[Mapping[str, Any]], *, parquet: bool) -> int:
    count = 0
    if parquet:
        import pyarrow
        import pyarrow.parquet

        listed = [dict(row) for row in rows]
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(listed), path)
        return len(listed)
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            pictures = [base64.b64encode(data).decode("ascii") for data in row["image_bytes"]]
            file.write(json.dumps({**row, "image_bytes": pictures}) + "\n")
            count += 1
    return count


def _raw_rows(path: Path) -> Iterator[object]:
    _require_known(path)
    if not path.is_file():
        raise DataError(f"There is no file {path.name}, so nothing was imported; check the path.")
    if path.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet

        try:
            for batch in pyarrow.parquet.ParquetFile(path).iter_batches(batch_size=64):
                yield from batch.to_pylist()
        except pyarrow.ArrowException as error:
            raise DataError(
                f"{path.name} cannot be read as parquet ({str(error).splitlines()[0]}), so what "
                "follows in it is not imported; take a fresh copy."
            ) from error
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield json_values.parse(line)
            except ValueError as error:
                raise DataError(
                    f"Row {number} of {path.name} is no JSON, so the file cannot be imported; take "
                    "a fresh copy or leave the row out."
                ) from error


def _require_known(path: Path) -> None:
    if path.suffix not in (".jsonl", ".parquet"):
        raise DataError(
            f"{path.name} ends neither in .jsonl nor in .parquet, so it cannot be used; give it "
            "the ending of what it is."
        )
    if path.suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise DataError(
            "Parquet files need the package pyarrow, which is not installed, so nothing was done; "
            "install it with: pip install 'playteach[parquet]', or use .jsonl."
        )
