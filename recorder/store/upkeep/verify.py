"""Checking a whole database: SQLite's own checks, and that what we wrote fits together."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from recorder.data_folder import database_path
from recorder.errors import DataError
from recorder.store.connect import diagnose, open_for_reading, translated
from recorder.store.frames.h264 import decode_segment
from recorder.store.frames.reading import check_segment
from recorder.store.segments import Span
from recorder.store.selection import select_segments
from recorder.store.upkeep.upgrade import check_complete

MAX_PROBLEMS = 100
"""More are only counted."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was checked and what is wrong.

    ``problems`` holds at most 100 sentences; ``problem_count`` counts them all.
    """

    episodes: int
    ticks: int
    segments: int
    frames: int
    bytes: int
    problem_count: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.problem_count == 0


def verify(folder: Path, progress: Callable[[int, int], None] | None = None) -> VerifyReport:
    """Check the database of a folder, decoding every picture; nothing is changed.

    ``progress`` is told (episodes done, episodes in all).  An episode that is being
    recorded is checked as far as it was committed.  Raises DataError where the file
    cannot be opened at all.
    """
    path = database_path(folder)
    diagnose(path, for_writing=False)
    problems: list[str] = []
    ticks = segments = frames = 0
    with translated(path), contextlib.closing(open_for_reading(path)) as connection:
        check_complete(connection, path)
        # One read transaction: the answer is about one moment, whatever is written meanwhile.
        connection.execute("BEGIN")
        problems.extend(_sqlite_problems(connection))
        ids = [int(row[0]) for row in connection.execute("SELECT id FROM episode ORDER BY id")]
        for number, episode_id in enumerate(ids):
            problems.extend(_row_problems(connection, episode_id))
            for found in _picture_problems(connection, episode_id):
                segments += 1
                frames += found.frames
                problems.extend(found.problems)
            ticks += _one(connection, "SELECT count(*) FROM tick WHERE episode_id = ?", episode_id)
            if progress is not None:
                progress(number + 1, len(ids))
        problems.extend(_clip_problems(connection))
    return VerifyReport(
        episodes=len(ids),
        ticks=ticks,
        segments=segments,
        frames=frames,
        bytes=path.stat().st_size,
        problem_count=len(problems),
        problems=tuple(problems[:MAX_PROBLEMS]),
    )


@dataclass(frozen=True, slots=True)
class _Decoded:
    frames: int
    problems: tuple[str, ...]


def _sqlite_problems(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"SQLite says: {line}."
    for table, row_id, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield f"Row {row_id} of {table} points to a row of {parent} that is not there."


def _row_problems(connection: sqlite3.Connection, episode_id: int) -> Iterator[str]:
    name = f"Episode {episode_id}"
    stored, ended = connection.execute(
        "SELECT ticks, ended_mono_ns IS NOT NULL FROM episode WHERE id = ?", (episode_id,)
    ).fetchone()
    count, first, last = connection.execute(
        "SELECT count(*), min(tick), max(tick) FROM tick WHERE episode_id = ?", (episode_id,)
    ).fetchone()
    if count != stored:
        yield f"{name} says it has {stored} ticks but has {count}."
    if count and (first, last) != (0, count - 1):
        yield f"{name} has {count} ticks numbered {first} to {last}: some are missing."
    backwards = _one(
        connection,
        "SELECT count(*) FROM tick JOIN tick AS later ON later.episode_id = tick.episode_id "
        "AND later.tick = tick.tick + 1 WHERE tick.episode_id = ? AND later.mono_ns < tick.mono_ns",
        episode_id,
    )
    if backwards:
        yield f"{name} has {backwards} ticks whose time runs backwards."
    foreign = _one(
        connection,
        "SELECT count(*) FROM tick JOIN instruction ON instruction.id = instruction_id "
        "WHERE tick.episode_id = ? AND instruction.episode_id <> tick.episode_id",
        episode_id,
    )
    if foreign:
        yield f"{name} has {foreign} ticks with another episode's instruction."
    if not ended:
        return
    if not _one(connection, "SELECT count(*) FROM label WHERE episode_id = ?", episode_id):
        yield f"{name} has ended but has no outcome."
    spans = [
        Span(row.start, row.stop, row.driver, row.kind)
        for row in select_segments(connection, episode_id)
    ]
    reached = 0
    for span in spans:
        if span.start != reached:
            yield f"{name} has segments that leave out or repeat tick {reached}."
            break
        reached = span.stop
    else:
        if reached != count:
            yield f"{name} has {count} ticks but segments up to {reached}."


def _picture_problems(connection: sqlite3.Connection, episode_id: int) -> Iterator[_Decoded]:
    (ticks,) = connection.execute(
        "SELECT count(*) FROM tick WHERE episode_id = ?", (episode_id,)
    ).fetchone()
    reached = 0
    rows = connection.execute(
        "SELECT id, start, frames, width, height, codec, crc32, bytes, data FROM video_segment "
        "WHERE episode_id = ? ORDER BY start",
        (episode_id,),
    )
    for row_id, start, frames, width, height, codec, crc32, size, data in rows:
        problems = []
        name = f"Pictures {row_id} of episode {episode_id} (ticks {start} to {start + frames - 1})"
        if start != reached:
            problems.append(f"{name} should begin at tick {reached}.")
        reached = start + frames
        if len(data) != size:
            problems.append(f"{name} have {len(data)} bytes instead of {size}.")
        decoded = 0
        try:
            check_segment(codec, crc32, data)
            decoded = sum(1 for _ in decode_segment(data, width, height))
        except DataError as error:
            problems.append(f"{name}: {error.sentence}")
        else:
            if decoded != frames:
                problems.append(f"{name} decode to {decoded} frames instead of {frames}.")
        yield _Decoded(decoded, tuple(problems))
    if reached != ticks:
        yield _Decoded(
            0, (f"Episode {episode_id} has {ticks} ticks but pictures up to tick {reached}.",)
        )


def _clip_problems(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield what is wrong with the clips of blind comparisons that have pictures."""
    rows = connection.execute(
        "SELECT comparison_id, place, start, clip_pictures.frames, width, height, codec, crc32, "
        "data FROM clip_pictures JOIN clip ON clip.id = clip_id ORDER BY clip_id, start"
    )
    for comparison_id, place, start, frames, width, height, codec, crc32, data in rows:
        name = f"Clip {place} of blind comparison {comparison_id}, from picture {start} on,"
        try:
            check_segment(codec, crc32, data)
            decoded = sum(1 for _ in decode_segment(data, width, height))
        except DataError:
            yield f"{name} is damaged; it is played once more when it is judged."
        else:
            if decoded != frames:
                yield f"{name} decodes to {decoded} pictures instead of {frames}."


def _one(connection: sqlite3.Connection, sql: str, episode_id: int) -> int:
    return int(connection.execute(sql, (episode_id,)).fetchone()[0])
