"""Blind comparisons in the database: rows, and the bodies of the transactions that write them.

A comparison is one sentence of one round.  Its clips are written in the order in which they are
shown, with the player of each, before any is played, so that it can be put off and taken up again.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from recorder.errors import DataError
from recorder.store.frames.h264 import CODEC_NAME


class Side(StrEnum):
    """Who plays a clip: the agent before a round, or after it."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class NewComparison:
    """A comparison that begins: a sentence of a round, judged by one person.

    ``clips`` are (side, seed, place that it repeats or None) in the order of the places, from 0
    on.  ``clip_ticks`` is the longest that a clip may be.
    """

    round_id: int
    game: str
    task_id: str
    sentence: str
    clip_ticks: int
    clips: Sequence[tuple[Side, int, int | None]]


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One blind comparison; ``ended_wall_s`` is None until its result was written down."""

    id: int
    round_id: int
    game: str
    task_id: str
    sentence: str
    clip_ticks: int
    began_wall_s: float
    ended_wall_s: float | None


@dataclass(frozen=True, slots=True)
class ClipRow:
    """One clip of a comparison.

    ``place`` is where it comes, from 0 on.  ``repeats`` is the place whose pictures it shows once
    more, None for a clip of its own.  ``frames`` is None until it was played, and ``rate_hz`` is
    0 until then.
    """

    id: int
    place: int
    side: Side
    seed: int
    repeats: int | None
    frames: int | None
    rate_hz: float


@dataclass(frozen=True, slots=True)
class ClipMark:
    """What a person said of the clip at a place; ``done`` None means that they skipped it."""

    place: int
    done: bool | None


@dataclass(frozen=True, slots=True)
class SeenClip:
    """What a model saw of a clip of a start, and whether the person called it done."""

    done: bool
    seed: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Stretch:
    """Encoded pictures ``start`` to ``start + frames - 1`` of a clip (:mod:`..frames.h264`)."""

    start: int
    frames: int
    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Film:
    """What a clip shows, whole: encoded pictures in order, ``rate_hz`` of them a second.

    ``seen`` is what a model saw of it in short, as bytes that only the model's side can read, and
    ``seen_by`` that model's fingerprint; empty if nobody looked.
    """

    rate_hz: float
    stretches: tuple[Stretch, ...]
    seen: bytes = b""
    seen_by: str = ""

    @property
    def frames(self) -> int:
        """How many pictures it has."""
        return sum(each.frames for each in self.stretches)


def add_comparison(connection: sqlite3.Connection, new: NewComparison) -> int:
    """Insert a comparison with its clips; return its id.

    Raises DataError if the sentence of this round is compared already.
    """
    known = connection.execute(
        "SELECT id FROM comparison WHERE round_id = ? AND sentence = ?",
        (new.round_id, new.sentence),
    ).fetchone()
    if known is not None:
        raise DataError(
            f'"{new.sentence}" of round {new.round_id} is compared already, so no second '
            "comparison was begun; go on with the one that is there."
        )
    cursor = connection.execute(
        "INSERT INTO comparison (round_id, game, task_id, sentence, clip_ticks, began_wall_ns) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (new.round_id, new.game, new.task_id, new.sentence, new.clip_ticks, time.time_ns()),
    )
    comparison_id = int(cursor.lastrowid or 0)
    connection.executemany(
        "INSERT INTO clip (comparison_id, place, side, seed, repeats) VALUES (?, ?, ?, ?, ?)",
        (
            (comparison_id, place, side.value, seed, repeats)
            for place, (side, seed, repeats) in enumerate(new.clips)
        ),
    )
    return comparison_id


def add_film(connection: sqlite3.Connection, clip_id: int, film: Film) -> None:
    """Write what a clip shows, in place of what was there; DataError for an unknown clip."""
    changed = connection.execute(
        "UPDATE clip SET frames = ?, rate_hz = ? WHERE id = ?", (film.frames, film.rate_hz, clip_id)
    ).rowcount
    if not changed:
        raise DataError(
            f"There is no clip {clip_id} in the database, so nothing was changed; begin the "
            "comparison again."
        )
    connection.execute("DELETE FROM clip_pictures WHERE clip_id = ?", (clip_id,))
    connection.executemany(
        "INSERT INTO clip_pictures (clip_id, start, frames, width, height, codec, crc32, data) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (clip_id, each.start, each.frames, each.width, each.height, CODEC_NAME,
             zlib.crc32(each.data), each.data)
            for each in film.stretches
        ),
    )  # fmt: skip
    connection.execute("DELETE FROM clip_seen WHERE clip_id = ?", (clip_id,))
    if film.seen:
        connection.execute(
            "INSERT INTO clip_seen (clip_id, seen_by, data) VALUES (?, ?, ?)",
            (clip_id, film.seen_by, film.seen),
        )


def forget_film(connection: sqlite3.Connection, clip_id: int) -> None:
    """Let a clip be one that was not played yet."""
    connection.execute("DELETE FROM clip_pictures WHERE clip_id = ?", (clip_id,))
    connection.execute("DELETE FROM clip_seen WHERE clip_id = ?", (clip_id,))
    connection.execute("UPDATE clip SET frames = NULL, rate_hz = 0 WHERE id = ?", (clip_id,))


def add_mark(connection: sqlite3.Connection, comparison_id: int, mark: ClipMark) -> None:
    """Write what the person said of a clip; raises DataError if there is no such clip."""
    row = connection.execute(
        "SELECT id FROM clip WHERE comparison_id = ? AND place = ?", (comparison_id, mark.place)
    ).fetchone()
    if row is None:
        raise DataError(
            f"Comparison {comparison_id} has no clip at place {mark.place}, so nothing was marked; "
            "open the comparison again."
        )
    connection.execute(
        "INSERT INTO clip_mark (clip_id, done, made_wall_ns) VALUES (?, ?, ?)",
        (row[0], mark.done, time.time_ns()),
    )


def undo_mark(connection: sqlite3.Connection, comparison_id: int) -> None:
    """Take the newest mark of a comparison back; nothing without one.  It is not erased."""
    connection.execute(
        "UPDATE clip_mark SET undone_wall_ns = ? WHERE id = (SELECT max(clip_mark.id) "
        "FROM clip_mark JOIN clip ON clip.id = clip_id "
        "WHERE comparison_id = ? AND undone_wall_ns IS NULL)",
        (time.time_ns(), comparison_id),
    )


def end_comparison(
    connection: sqlite3.Connection, comparison_id: int, *, keep_pictures: bool
) -> None:
    """Note that the result was written down, and erase what the clips show."""
    connection.execute(
        "UPDATE comparison SET ended_wall_ns = coalesce(ended_wall_ns, ?) WHERE id = ?",
        (time.time_ns(), comparison_id),
    )
    if not keep_pictures:
        connection.execute(
            "DELETE FROM clip_pictures WHERE clip_id IN "
            "(SELECT id FROM clip WHERE comparison_id = ?)",
            (comparison_id,),
        )


def select_comparisons(connection: sqlite3.Connection, round_id: int | None) -> list[ComparisonRow]:
    """Return the comparisons of a round (None: of all), oldest first."""
    rows = connection.execute(
        "SELECT id, round_id, game, task_id, sentence, clip_ticks, began_wall_ns, ended_wall_ns "
        "FROM comparison WHERE ?1 IS NULL OR round_id = ?1 ORDER BY id",
        (round_id,),
    )
    return [
        ComparisonRow(
            id=row[0],
            round_id=row[1],
            game=row[2],
            task_id=row[3],
            sentence=row[4],
            clip_ticks=row[5],
            began_wall_s=row[6] / 1e9,
            ended_wall_s=None if row[7] is None else row[7] / 1e9,
        )
        for row in rows
    ]


def select_clips(connection: sqlite3.Connection, comparison_id: int) -> list[ClipRow]:
    """Return the clips of a comparison by their places."""
    rows = connection.execute(
        "SELECT id, place, side, seed, repeats, frames, rate_hz FROM clip "
        "WHERE comparison_id = ? ORDER BY place",
        (comparison_id,),
    )
    return [ClipRow(row[0], row[1], Side(row[2]), *row[3:]) for row in rows]


def select_marks(connection: sqlite3.Connection, comparison_id: int) -> list[ClipMark]:
    """Return what was said and not taken back, in the order in which it was said."""
    rows = connection.execute(
        "SELECT place, done FROM clip_mark JOIN clip ON clip.id = clip_id "
        "WHERE comparison_id = ? AND undone_wall_ns IS NULL ORDER BY clip_mark.id",
        (comparison_id,),
    )
    return [ClipMark(place, None if done is None else bool(done)) for place, done in rows]


def select_seen(
    connection: sqlite3.Connection, game: str, sentence: str, seen_by: str
) -> list[SeenClip]:
    """Return what a model saw of the clips of a sentence that a person judged, oldest first.

    A clip that was shown twice counts if both were judged alike, as one.
    """
    rows = connection.execute(
        f"SELECT seed, done, data FROM ({_JUDGED_CLIPS}) AS judged "
        "JOIN clip_seen ON clip_seen.clip_id = judged.id ORDER BY judged.id",
        (game, sentence, seen_by),
    )
    return [SeenClip(bool(done), seed, data) for seed, done, data in rows]


def count_seen(
    connection: sqlite3.Connection, game: str, sentence: str, seen_by: str
) -> tuple[int, int]:
    """Return how many of :func:`select_seen` are (done, failed), without reading them."""
    done, every = connection.execute(
        f"SELECT coalesce(sum(done), 0), count(*) FROM ({_JUDGED_CLIPS})",
        (game, sentence, seen_by),
    ).fetchone()
    return int(done), int(every) - int(done)


_JUDGED_CLIPS = (
    "SELECT clip.id AS id, clip.seed AS seed, min(clip_mark.done) AS done FROM clip_seen "
    "JOIN clip ON clip.id = clip_seen.clip_id "
    "JOIN comparison ON comparison.id = clip.comparison_id "
    "JOIN clip AS shown ON shown.comparison_id = clip.comparison_id "
    "AND (shown.id = clip.id OR shown.repeats = clip.place) "
    "JOIN clip_mark ON clip_mark.clip_id = shown.id "
    "WHERE game = ? AND sentence = ? AND seen_by = ? "
    "AND undone_wall_ns IS NULL AND clip_mark.done IS NOT NULL "
    "GROUP BY clip.id HAVING min(clip_mark.done) = max(clip_mark.done)"
)
"""The clips of a sentence that a model saw and the person judged, alike if they came twice."""
