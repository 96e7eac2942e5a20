"""Labels and segments as rows: each writing adds a version, none changes an old one."""

from __future__ import annotations

import sqlite3
import time

from recorder.store.rows import EpisodeKind, LabelSource
from recorder.store.segments import Span, derive_segments
from recorder.store.tick_codec import NO_ACTION_VALUES
from recorder.types import Driver, Outcome


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
