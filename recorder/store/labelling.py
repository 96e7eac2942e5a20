"""Labels and segments as rows: each writing adds a version, none changes an old one.

The side of an episode is written here as well, once, when it ends.
"""

from __future__ import annotations

import json
import sqlite3
import time

from recorder.store.rows import EpisodeKind, LabelSource, Split, Wish
from recorder.store.segments import SHORTCUT, Span, derive_segments, teaches
from recorder.store.selection import reach_of_game
from recorder.store.split import LessonGroups, lesson_of, side_of
from recorder.store.standing import standing_of
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


def add_wish(connection: sqlite3.Connection, episode_id: int, wish: Wish) -> None:
    """Write the next version of what the person wants of an episode."""
    connection.execute(
        "INSERT INTO teaching (episode_id, version, use, pauses, made_wall_ns) "
        "SELECT ?, coalesce(max(version), 0) + 1, ?, ?, ? FROM teaching WHERE episode_id = ?",
        (episode_id, wish.use, wish.pauses, time.time_ns(), episode_id),
    )


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
    taken_back = connection.execute(
        "SELECT tick FROM input_event WHERE episode_id = ? AND device = ?", (episode_id, SHORTCUT)
    ).fetchall()
    return derive_segments(
        [Driver(driver) for driver, _ in rows],
        [bool(active) for _, active in rows],
        EpisodeKind(kind),
        tick_rate_hz,
        frozenset(tick for (tick,) in taken_back),
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
        (SELECT json_group_array(json_array(kind, stop - start)) FROM segment
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
    _, seed, side, _, text, outcome, segments = rows.pop(episode_id)
    if side is not None:
        return
    reach = reach_of_game(connection, game)
    own: Split | None = None
    sides: dict[int, Split] = {}
    new_ticks = 0
    for number, start, given, there, said, ended, held in rows.values():
        if lesson_of(task_id, said) != lesson_of(task_id, text):
            continue
        if start == seed:
            own = Split(given)
        elif there and (ticks := _shown_ticks(held, ended)):
            sides[start] = Split(given)
            if number > reach and sides[start] is Split.TRAIN:
                new_ticks += min(ticks, _done_ticks(connection, number, said))
    counts = {each: sum(side is each for side in sides.values()) for each in Split}
    teaching = bool(_shown_ticks(segments, outcome))
    chosen = side_of(own, teaches=teaching, others=LessonGroups(counts, new_ticks))
    connection.execute("UPDATE episode SET split = ? WHERE id = ?", (chosen.value, episode_id))


def _done_ticks(connection: sqlite3.Connection, episode_id: int, sentence: str) -> int:
    """Return in how many ticks the person did something, or was asked to do nothing."""
    nothing = standing_of(sentence).between
    (ticks,) = connection.execute(
        "SELECT count(*) FROM tick WHERE episode_id = ? AND driver = ? "
        "AND (? OR (hotbar, buttons, pitch, yaw) <> (?, ?, ?, ?))",
        (episode_id, Driver.PERSON.value, nothing, *NO_ACTION_VALUES),
    ).fetchone()
    return int(ticks)


def _shown_ticks(segments: str, outcome: str) -> int:
    """Return how many ticks of the person's there are to learn from; segments are kind, ticks."""
    return sum(
        int(ticks)
        for kind, ticks in json.loads(segments)
        if kind in _OF_PERSON and teaches(SegmentKind(kind), Outcome(outcome))
    )
