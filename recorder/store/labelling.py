"""Labels and segments as rows: each writing adds a version, none changes an old one.

The side of an episode is written here as well, once, when it ends.
"""

from __future__ import annotations

import sqlite3
import time

from recorder.store.rows import EpisodeKind, LabelSource, Split
from recorder.store.segments import Span, derive_segments, teaches
from recorder.store.selection import reach_of_game
from recorder.store.split import LessonGroups, lesson_of, side_of
from recorder.store.tick_codec import NO_ACTION_VALUES
from recorder.types import Driver, Outcome, SegmentKind


def add_label(
    connection: sqlite3.Connection, episode_id: int, outcome: Outcome, source: LabelSource
) -> int:
    """Write the next version of an episode's outcome; return its number."""
    (version,) = connection.execute(
        "SELECT coalesce(max(version), 0) + 1 FROM label WHERE episode_id = ?", (episode_id,)
    ).fetchone()
    connection.execute(
        "INSERT INTO label (episode_id, version, outcome, source, made_wall_ns) "
        "VALUES (?, ?, ?, ?, ?)",
        (episode_id, version, outcome.value, source.value, time.time_ns()),
    )
    return int(version)


def label_end(
    connection: sqlite3.Connection, episode_id: int, outcome: Outcome, source: LabelSource
) -> None:
    """Write how an episode ended; what the person said of it before stays the newest version.

    Only their own verdict at the end is newer than that.
    """
    said = connection.execute(
        "SELECT outcome FROM label WHERE episode_id = ? AND source = ? "
        "ORDER BY version DESC LIMIT 1",
        (episode_id, LabelSource.PERSON.value),
    ).fetchone()
    add_label(connection, episode_id, outcome, source)
    judged = source is LabelSource.PERSON and outcome in (Outcome.SUCCESS, Outcome.FAILURE)
    if said is not None and not judged:
        add_label(connection, episode_id, Outcome(said[0]), LabelSource.PERSON)


def spans_of(connection: sqlite3.Connection, episode_id: int) -> tuple[Span, ...]:
    """Derive the segments of an episode from its committed ticks."""
    kind, tick_rate_hz = connection.execute(
        "SELECT kind, tick_rate_hz FROM episode JOIN session ON session.id = session_id "
        "WHERE episode.id = ?",
        (episode_id,),
    ).fetchone()
    rows = connection.execute(
        "SELECT driver, (hotbar, buttons, pitch, yaw) <> (?, ?, ?, ?) OR EXISTS ("
        "SELECT 1 FROM input_event "
        "WHERE input_event.episode_id = tick.episode_id AND input_event.tick = tick.tick) "
        "FROM tick WHERE episode_id = ? ORDER BY tick",
        (*NO_ACTION_VALUES, episode_id),
    ).fetchall()
    return derive_segments(
        [Driver(driver) for driver, _ in rows],
        [bool(active) for _, active in rows],
        EpisodeKind(kind),
        tick_rate_hz,
    )


def write_segments(connection: sqlite3.Connection, episode_id: int) -> int:
    """Write the next version of an episode's segments; return its number."""
    (version,) = connection.execute(
        "SELECT coalesce(max(label_version), 0) + 1 FROM segment WHERE episode_id = ?",
        (episode_id,),
    ).fetchone()
    connection.executemany(
        "INSERT INTO segment (episode_id, label_version, start, stop, driver, kind, label_source) "
        "VALUES (?, ?, ?, ?, ?, ?, 'auto')",
        (
            (episode_id, version, span.start, span.stop, span.driver.value, span.kind.value)
            for span in spans_of(connection, episode_id)
        ),
    )
    return int(version)


_OF_TASK = """
    SELECT episode.id, seed, split, deleted_wall_ns IS NULL,
        (SELECT text FROM instruction
            WHERE instruction.episode_id = episode.id ORDER BY instruction.tick LIMIT 1),
        coalesce((SELECT outcome FROM label
            WHERE label.episode_id = episode.id ORDER BY version DESC LIMIT 1), 'unknown'),
        (SELECT group_concat(DISTINCT kind) FROM segment
            WHERE segment.episode_id = episode.id AND label_version = (
                SELECT max(label_version) FROM segment AS newer
                WHERE newer.episode_id = episode.id))
    FROM episode JOIN session ON session.id = session_id
    WHERE game = ? AND task_id = ? AND (episode.split IS NOT NULL OR episode.id = ?)
"""
_OF_PERSON = (SegmentKind.CORRECTION, SegmentKind.DEMONSTRATION)


def give_side(connection: sqlite3.Connection, episode_id: int) -> None:
    """Write which side an episode is on, after its segments and its first label.

    An episode that has a side keeps it.
    """
    game, task_id = connection.execute(
        "SELECT game, task_id FROM episode JOIN session ON session.id = session_id "
        "WHERE episode.id = ?",
        (episode_id,),
    ).fetchone()
    rows = {
        row[0]: row for row in connection.execute(_OF_TASK, (game, task_id, episode_id)).fetchall()
    }
    _, seed, side, _, text, outcome, kinds = rows.pop(episode_id)
    if side is not None:
        return
    reach = reach_of_game(connection, game)
    own: Split | None = None
    sides: dict[int, Split] = {}
    new_to_train = False
    for number, start, given, there, said, ended, held in rows.values():
        if lesson_of(task_id, said) != lesson_of(task_id, text):
            continue
        if start == seed:
            own = Split(given)
        elif there and _shows(held, ended):
            sides[start] = Split(given)
            new_to_train |= number > reach and sides[start] is Split.TRAIN
    counts = {each: sum(side is each for side in sides.values()) for each in Split}
    others = LessonGroups(counts, new_to_train)
    chosen = side_of(own, teaches=_shows(kinds, outcome), others=others)
    connection.execute("UPDATE episode SET split = ? WHERE id = ?", (chosen.value, episode_id))


def _shows(kinds: str | None, outcome: str) -> bool:
    """Return whether an episode with these segments holds ticks of the person's to learn from."""
    there = [SegmentKind(kind) for kind in (kinds or "").split(",") if kind]
    return any(kind in _OF_PERSON and teaches(kind, Outcome(outcome)) for kind in there)
