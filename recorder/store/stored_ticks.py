"""An episode's ticks and events: as they are stored, and as they are to be read."""

from __future__ import annotations

import json
import sqlite3

from recorder.store.pairing import Paired, picture_first, recorded_picture_first
from recorder.store.rows import InputEventRow, TickRow
from recorder.store.tick_codec import TICK_COLUMNS, tick_from


def stored_ticks(connection: sqlite3.Connection, episode_id: int) -> list[TickRow]:
    """Return the committed ticks of an episode as they were written, in order."""
    rows = connection.execute(
        f"SELECT {TICK_COLUMNS} FROM tick WHERE episode_id = ? ORDER BY tick", (episode_id,)
    ).fetchall()
    return [tick_from(row) for row in rows]


def stored_events(connection: sqlite3.Connection, episode_id: int) -> list[InputEventRow]:
    """Return the raw events of an episode as they were written, in the order they came."""
    rows = connection.execute(
        "SELECT episode_id, tick, mono_ns, device, code, value FROM input_event "
        "WHERE episode_id = ? ORDER BY id",
        (episode_id,),
    ).fetchall()
    return [InputEventRow(*row) for row in rows]


def told_anew(connection: sqlite3.Connection, episode_id: int) -> bool:
    """Return whether the person's ticks of an episode hold actions that their pictures show.

    So recorded earlier versions what they heard in a game's own window.  A scripted person's keys
    were sent after the picture, and so none of its events is older than its tick's decision.
    """
    row = connection.execute(
        "SELECT session.id, realtime, extra FROM session "
        "JOIN episode ON episode.session_id = session.id WHERE episode.id = ?",
        (episode_id,),
    ).fetchone()
    if row is None or recorded_picture_first(bool(row[1]), json.loads(row[2])):
        return False
    (heard,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM episode "
        "JOIN input_event ON input_event.episode_id = episode.id "
        "JOIN tick ON tick.episode_id = episode.id AND tick.tick = input_event.tick "
        "WHERE episode.session_id = ? AND input_event.mono_ns < tick.mono_ns)",
        (row[0],),
    ).fetchone()
    return bool(heard)


def paired(connection: sqlite3.Connection, episode_id: int) -> Paired:
    """Return an episode of an earlier version with its person's ticks told anew."""
    return picture_first(
        stored_ticks(connection, episode_id), stored_events(connection, episode_id)
    )
