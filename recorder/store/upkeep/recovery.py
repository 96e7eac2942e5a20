"""What a crash left open is closed at the next start."""

from __future__ import annotations

import json
import sqlite3
import time

from recorder.store.labelling import give_side, label_end, write_segments
from recorder.store.rows import LabelSource
from recorder.store.worker import transaction
from recorder.types import Outcome

INTERRUPTED_ROUND = (
    "The round was interrupted: Playteach ended while it ran. The agent plays as before; the next "
    "round goes on from what it had learnt where it learns from the same attempts."
)


def recover(connection: sqlite3.Connection) -> int:
    """Close open episodes and open rounds as interrupted.

    Returns the id for the next episode.  Only the holder of the folder's lock may call
    it: whoever left these open is gone.
    """
    with transaction(connection):
        left_open = connection.execute(
            "SELECT episode.id, max(tick.mono_ns) FROM episode "
            "JOIN tick ON tick.episode_id = episode.id "
            "WHERE episode.ended_mono_ns IS NULL GROUP BY episode.id"
        ).fetchall()
        for episode_id, last_ns in left_open:
            write_segments(connection, episode_id)
            label_end(connection, episode_id, Outcome.INTERRUPTED, LabelSource.RECOVERY)
            give_side(connection, episode_id)
            connection.execute(
                "UPDATE episode SET ended_mono_ns = ? WHERE id = ?", (last_ns, episode_id)
            )
        connection.execute(
            "UPDATE session SET ended_mono_ns = coalesce("
            "(SELECT max(ended_mono_ns) FROM episode WHERE session_id = session.id), "
            "mono_anchor_ns) WHERE ended_mono_ns IS NULL"
        )
        running = connection.execute("SELECT id, metrics FROM round WHERE status = 'running'")
        for round_id, metrics in running.fetchall():
            connection.execute(
                "UPDATE round SET status = 'failed', ended_wall_ns = ?, metrics = ? WHERE id = ?",
                (
                    time.time_ns(),
                    json.dumps({**json.loads(metrics), "why": INTERRUPTED_ROUND}),
                    round_id,
                ),
            )
        row = connection.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = 'episode'"
        ).fetchone()
    return 1 if row is None else int(row[0]) + 1
