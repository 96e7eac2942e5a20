"""The database's schema as named, ordered migrations: add a column here, at the end.

Each entry runs in one transaction together with the record that it ran.  Statements
go one by one, because ``executescript`` would commit what came before.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Migration:
    """A step of the schema: its stable name and what it does."""

    name: str
    apply: Callable[[sqlite3.Connection], None]


FOUNDATION = (
    """
    CREATE TABLE session (
        id INTEGER PRIMARY KEY,
        game TEXT NOT NULL,
        tick_rate_hz REAL NOT NULL CHECK (tick_rate_hz > 0),
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        realtime INTEGER NOT NULL,
        wall_anchor_ns INTEGER NOT NULL,
        mono_anchor_ns INTEGER NOT NULL,
        ended_mono_ns INTEGER,
        bindings TEXT NOT NULL,
        extra TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE adapter (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        folder TEXT NOT NULL UNIQUE,
        base TEXT NOT NULL,
        parent_id INTEGER REFERENCES adapter (id),
        round_id INTEGER REFERENCES round (id),
        title TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        passed_gates INTEGER NOT NULL,
        extra TEXT NOT NULL,
        made_wall_ns INTEGER NOT NULL
    )
    """,
    # Which adapter plays is a history too: undoing an activation marks it, never erases it.
    """
    CREATE TABLE activation (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        adapter_id INTEGER REFERENCES adapter (id),
        made_wall_ns INTEGER NOT NULL,
        undone_wall_ns INTEGER
    )
    """,
    # AUTOINCREMENT: the id of an erased episode must never come back as another one.
    """
    CREATE TABLE episode (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        session_id INTEGER NOT NULL REFERENCES session (id),
        task_id TEXT NOT NULL,
        seed INTEGER NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('demonstration', 'rollout')),
        lock_step INTEGER NOT NULL,
        policy TEXT NOT NULL,
        adapter_id INTEGER REFERENCES adapter (id),
        split TEXT NOT NULL CHECK (split IN ('train', 'held_out')),
        began_mono_ns INTEGER NOT NULL,
        ended_mono_ns INTEGER,
        ticks INTEGER NOT NULL DEFAULT 0,
        missed_ticks INTEGER NOT NULL DEFAULT 0,
        lost_ticks INTEGER NOT NULL DEFAULT 0,
        deleted_wall_ns INTEGER
    )
    """,
    "CREATE INDEX episode_by_session ON episode (session_id)",
    """
    CREATE TABLE label (
        episode_id INTEGER NOT NULL REFERENCES episode (id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        source TEXT NOT NULL,
        made_wall_ns INTEGER NOT NULL,
        PRIMARY KEY (episode_id, version)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE instruction (
        id INTEGER PRIMARY KEY,
        episode_id INTEGER NOT NULL REFERENCES episode (id) ON DELETE CASCADE,
        tick INTEGER NOT NULL,
        text TEXT NOT NULL
    )
    """,
    "CREATE INDEX instruction_by_episode ON instruction (episode_id, tick)",
    """
    CREATE TABLE segment (
        episode_id INTEGER NOT NULL REFERENCES episode (id) ON DELETE CASCADE,
        label_version INTEGER NOT NULL,
        start INTEGER NOT NULL,
        stop INTEGER NOT NULL CHECK (stop > start),
        driver TEXT NOT NULL CHECK (driver IN ('policy', 'person', 'nobody')),
        kind TEXT NOT NULL,
        label_source TEXT NOT NULL,
        PRIMARY KEY (episode_id, label_version, start)
    ) WITHOUT ROWID
    """,
    # buttons: bit k is BUTTON_CONTROLS[k] of recorder.types; camera in degrees of the tick.
    """
    CREATE TABLE tick (
        episode_id INTEGER NOT NULL REFERENCES episode (id) ON DELETE CASCADE,
        tick INTEGER NOT NULL,
        mono_ns INTEGER NOT NULL,
        frame_id INTEGER NOT NULL,
        frame_mono_ns INTEGER NOT NULL,
        driver TEXT NOT NULL CHECK (driver IN ('policy', 'person', 'nobody')),
        instruction_id INTEGER NOT NULL REFERENCES instruction (id),
        hotbar INTEGER NOT NULL,
        buttons INTEGER NOT NULL,
        pitch REAL NOT NULL,
        yaw REAL NOT NULL,
        shadow_hotbar INTEGER,
        shadow_buttons INTEGER,
        shadow_pitch REAL,
        shadow_yaw REAL,
        plan_age_ticks INTEGER,
        latency_ms REAL,
        PRIMARY KEY (episode_id, tick)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX tick_by_instruction ON tick (instruction_id)",
    """
    CREATE TABLE video_segment (
        id INTEGER PRIMARY KEY,
        episode_id INTEGER NOT NULL REFERENCES episode (id) ON DELETE CASCADE,
        start INTEGER NOT NULL,
        frames INTEGER NOT NULL CHECK (frames > 0),
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        codec TEXT NOT NULL,
        crc32 INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        data BLOB NOT NULL,
        UNIQUE (episode_id, start)
    )
    """,
    """
    CREATE TABLE input_event (
        id INTEGER PRIMARY KEY,
        episode_id INTEGER NOT NULL REFERENCES episode (id) ON DELETE CASCADE,
        tick INTEGER NOT NULL,
        mono_ns INTEGER NOT NULL,
        device TEXT NOT NULL,
        code TEXT NOT NULL,
        value REAL NOT NULL
    )
    """,
    "CREATE INDEX input_event_by_episode ON input_event (episode_id, tick)",
    """
    CREATE TABLE round (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed', 'cancelled')),
        parent_adapter_id INTEGER REFERENCES adapter (id),
        adapter_id INTEGER REFERENCES adapter (id),
        query TEXT NOT NULL,
        config TEXT NOT NULL,
        manifest TEXT NOT NULL,
        metrics TEXT NOT NULL,
        verdict TEXT NOT NULL,
        through_episode_id INTEGER NOT NULL,
        began_wall_ns INTEGER NOT NULL,
        ended_wall_ns INTEGER
    )
    """,
    # No reference to episode: what a round was made of stays known after a purge.
    """
    CREATE TABLE round_sample (
        round_id INTEGER NOT NULL REFERENCES round (id) ON DELETE CASCADE,
        episode_id INTEGER NOT NULL,
        tick INTEGER NOT NULL,
        weight REAL NOT NULL,
        visits INTEGER NOT NULL,
        PRIMARY KEY (round_id, episode_id, tick)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE evaluation (
        id INTEGER PRIMARY KEY,
        policy_key TEXT NOT NULL,
        game TEXT NOT NULL,
        task_id TEXT NOT NULL,
        instruction TEXT NOT NULL,
        seed INTEGER NOT NULL,
        stepping TEXT NOT NULL CHECK (stepping IN ('lock_step', 'paced')),
        variant TEXT NOT NULL,
        outcome TEXT NOT NULL,
        success INTEGER NOT NULL,
        ticks INTEGER NOT NULL,
        round_id INTEGER REFERENCES round (id),
        made_wall_ns INTEGER NOT NULL,
        UNIQUE (policy_key, game, task_id, instruction, seed, stepping, variant)
    )
    """,
)


def _foundation(connection: sqlite3.Connection) -> None:
    for statement in FOUNDATION:
        connection.execute(statement)


_LESSON = """
    CASE task_id WHEN 'free' THEN 'free:' || folded((
        SELECT text FROM instruction
        WHERE instruction.episode_id = episode.id ORDER BY instruction.tick LIMIT 1))
    ELSE task_id END
"""
THREE_SIDES = (
    # Empty until the episode ends: only then is it known what it holds.
    """
    ALTER TABLE episode ADD COLUMN side TEXT CHECK (side IN ('train', 'select', 'gate'))
    """,
    # Who was held out is a gate from now on, unless a round had learnt from its start already:
    # what was taught must never judge.
    f"""
    CREATE TEMP TABLE old_side AS
    SELECT episode.id, game, {_LESSON} AS lesson, seed,
        split = 'train' OR episode.id IN (SELECT episode_id FROM round_sample) AS taught
    FROM episode JOIN session ON session.id = session_id
    """,
    "CREATE INDEX temp.old_side_by_start ON old_side (game, lesson, seed)",
    """
    UPDATE episode SET side = (
        SELECT CASE WHEN max(other.taught) THEN 'train' ELSE 'gate' END
        FROM old_side JOIN old_side AS other USING (game, lesson, seed)
        WHERE old_side.id = episode.id)
    WHERE ended_mono_ns IS NOT NULL
    """,
    "DROP TABLE temp.old_side",
    "ALTER TABLE episode DROP COLUMN split",
    "ALTER TABLE episode RENAME COLUMN side TO split",
    "CREATE INDEX episode_by_task ON episode (task_id, seed)",
)


def _folded(text: str | None) -> str:
    """Return a sentence as :func:`recorder.store.split.lesson_of` compares it."""
    return " ".join((text or "").casefold().split())


def _three_sides(connection: sqlite3.Connection) -> None:
    # SQLite's own lower() knows only ASCII.
    connection.create_function("folded", 1, _folded, deterministic=True)
    for statement in THREE_SIDES:
        connection.execute(statement)


def _adapters_by_name_in_the_data_folder(connection: sqlite3.Connection) -> None:
    """Write where an adapter lies relative to the data folder, so that this can be moved.

    It was written absolute, or relative to where the process stood.  What the data folder does
    not hold and no round of it wrote stays as it is.
    """
    file = next(row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main")
    data = Path(file).parent
    # A round that was started here says so in its settings, one by hand does not.
    rows = connection.execute(
        "SELECT adapter.id, folder, sha256, coalesce(instr(config, '\"paired_seeds\"'), 0) "
        "FROM adapter LEFT JOIN round ON round.id = round_id"
    ).fetchall()
    for adapter_id, written, digest, made_here in rows:
        *_, above, name = ("", *re.split(r"[/\\]+", written))
        if above != "adapters":
            continue
        relative = not Path(written).is_absolute() and re.match(r"[A-Za-z]:", written) is None
        here = data / "adapters" / name
        if relative or made_here or (digest and _weights_sha256(here) == digest):
            # IGNORE: the place is listed already, under its other spelling.
            connection.execute(
                "UPDATE OR IGNORE adapter SET folder = ? WHERE id = ?",
                (f"adapters/{name}", adapter_id),
            )


def _weights_sha256(folder: Path) -> str:
    """Return the SHA-256 over a folder's weight files in the order of their names, "" if none."""
    files = sorted(folder.glob("*.safetensors"))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest() if files else ""


WISHES = """
    CREATE TABLE teaching (
        episode_id INTEGER NOT NULL REFERENCES episode (id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        use INTEGER CHECK (use IN (0, 1)),
        pauses INTEGER NOT NULL CHECK (pauses IN (0, 1)),
        made_wall_ns INTEGER NOT NULL,
        PRIMARY KEY (episode_id, version)
    ) WITHOUT ROWID
"""


def _wishes_about_teaching(connection: sqlite3.Connection) -> None:
    """Add what the person wants of an episode; without a row the rule decides."""
    connection.execute(WISHES)


BLIND_COMPARISONS = (
    """
    CREATE TABLE comparison (
        id INTEGER PRIMARY KEY,
        round_id INTEGER NOT NULL REFERENCES round (id) ON DELETE CASCADE,
        game TEXT NOT NULL,
        task_id TEXT NOT NULL,
        sentence TEXT NOT NULL,
        clip_ticks INTEGER NOT NULL CHECK (clip_ticks > 0),
        began_wall_ns INTEGER NOT NULL,
        ended_wall_ns INTEGER,
        UNIQUE (round_id, sentence)
    )
    """,
    # repeats is a place: a clip that comes twice has one row a place and one set of pictures.
    """
    CREATE TABLE clip (
        id INTEGER PRIMARY KEY,
        comparison_id INTEGER NOT NULL REFERENCES comparison (id) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        side TEXT NOT NULL CHECK (side IN ('before', 'after')),
        seed INTEGER NOT NULL,
        repeats INTEGER CHECK (repeats < place),
        frames INTEGER CHECK (frames > 0),
        rate_hz REAL NOT NULL DEFAULT 0,
        UNIQUE (comparison_id, place)
    )
    """,
    """
    CREATE TABLE clip_pictures (
        clip_id INTEGER NOT NULL REFERENCES clip (id) ON DELETE CASCADE,
        start INTEGER NOT NULL,
        frames INTEGER NOT NULL CHECK (frames > 0),
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        codec TEXT NOT NULL,
        crc32 INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (clip_id, start)
    )
    """,
    # done NULL: skipped for now.  What was taken back is kept, as every version of a label is.
    """
    CREATE TABLE clip_mark (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        clip_id INTEGER NOT NULL REFERENCES clip (id) ON DELETE CASCADE,
        done INTEGER CHECK (done IN (0, 1)),
        made_wall_ns INTEGER NOT NULL,
        undone_wall_ns INTEGER
    )
    """,
    "CREATE INDEX clip_mark_by_clip ON clip_mark (clip_id)",
)


def _blind_comparisons(connection: sqlite3.Connection) -> None:
    """Add what a person judges blind: clips of before and after, and what they said of them."""
    for statement in BLIND_COMPARISONS:
        connection.execute(statement)


def _what_was_seen_of_clips(connection: sqlite3.Connection) -> None:
    """Add what a model saw of a clip in short: it is learnt from when the pictures are gone."""
    connection.execute(
        """
        CREATE TABLE clip_seen (
            clip_id INTEGER PRIMARY KEY REFERENCES clip (id) ON DELETE CASCADE,
            seen_by TEXT NOT NULL,
            data BLOB NOT NULL
        )
        """
    )


MIGRATIONS: tuple[Migration, ...] = (
    Migration("0001_foundation", _foundation),
    Migration("0002_adapters_relative_to_the_data_folder", _adapters_by_name_in_the_data_folder),
    Migration("0003_three_sides", _three_sides),
    Migration("0004_wishes_about_teaching", _wishes_about_teaching),
    Migration("0005_blind_comparisons", _blind_comparisons),
    Migration("0006_what_was_seen_of_clips", _what_was_seen_of_clips),
)
