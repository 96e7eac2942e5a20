"""Episode queries as SQL, and episode rows from what it returns."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from recorder.errors import UsageError
from recorder.store.query import SINCE_LAST_ROUND, EpisodeQuery, games_named
from recorder.store.rows import EpisodeKind, EpisodeRow, LabelSource, SegmentRow, Split, Wish
from recorder.store.segments import Span, count_takeovers, driver_strip
from recorder.types import Driver, Outcome, SegmentKind

_EPISODES = """
    SELECT episode.id, session_id, game, tick_rate_hz, width, height,
        (SELECT text FROM instruction
            WHERE instruction.episode_id = episode.id ORDER BY instruction.tick LIMIT 1),
        task_id, seed, kind, lock_step, coalesce(label.outcome, 'unknown'), label.source,
        adapter_id, policy, wall_anchor_ns + began_mono_ns - mono_anchor_ns,
        ticks, missed_ticks, lost_ticks, split,
        deleted_wall_ns IS NOT NULL, episode.ended_mono_ns IS NULL, use, coalesce(pauses, 0),
        (SELECT json_group_array(text) FROM (
            SELECT text FROM instruction WHERE instruction.episode_id = episode.id
            ORDER BY instruction.tick LIMIT -1 OFFSET 1))
    FROM episode
    JOIN session ON session.id = session_id
    LEFT JOIN label ON label.episode_id = episode.id AND label.version = (
        SELECT max(version) FROM label AS newer WHERE newer.episode_id = episode.id)
    LEFT JOIN teaching ON teaching.episode_id = episode.id AND teaching.version = (
        SELECT max(version) FROM teaching AS newer WHERE newer.episode_id = episode.id)
"""
_CORRECTED = """EXISTS (
    SELECT 1 FROM segment WHERE segment.episode_id = episode.id AND segment.kind = 'correction'
        AND label_version = (
            SELECT max(label_version) FROM segment AS newer WHERE newer.episode_id = episode.id))
"""
_SEGMENTS = """
    SELECT episode_id, start, stop, driver, kind, label_source, label_version
    FROM segment WHERE episode_id = ? AND label_version = (
        SELECT max(label_version) FROM segment AS newer WHERE newer.episode_id = ?)
    ORDER BY start
"""
LAST_ROUND_REACH = "SELECT coalesce(max(through_episode_id), 0) FROM round WHERE status = 'done'"


def casefold(text: str) -> str:
    """Fold case as SQL function: SQLite's own knows only ASCII."""
    return text.casefold()


def select_episodes(
    connection: sqlite3.Connection,
    query: EpisodeQuery,
    *,
    include_deleted: bool,
    limit: int | None,
) -> list[EpisodeRow]:
    """Return the episodes of a query, newest first.

    Raises UsageError where the query names a round that does not exist.
    """
    where, values = _conditions(connection, query)
    if not include_deleted:
        where.append("deleted_wall_ns IS NULL")
    condition = f"WHERE {' AND '.join(where)}" if where else ""
    rows = connection.execute(
        f"{_EPISODES} {condition} ORDER BY episode.id DESC LIMIT ?",
        (*values, -1 if limit is None else limit),
    ).fetchall()
    return [_episode_from(connection, row) for row in rows]


def select_segments(connection: sqlite3.Connection, episode_id: int) -> list[SegmentRow]:
    """Return the newest version of an episode's segments, in order."""
    rows = connection.execute(_SEGMENTS, (episode_id, episode_id)).fetchall()
    return [
        SegmentRow(row[0], row[1], row[2], Driver(row[3]), SegmentKind(row[4]), row[5], row[6])
        for row in rows
    ]


def _conditions(
    connection: sqlite3.Connection, query: EpisodeQuery
) -> tuple[list[str], list[object]]:
    where: list[str] = []
    values: list[object] = []

    def any_of(test: str, wanted: Sequence[object]) -> None:
        if wanted:
            where.append("(" + " OR ".join([test] * len(wanted)) + ")")
            values.extend(wanted)

    if query.ids:
        where.append("(" + " OR ".join(["episode.id BETWEEN ? AND ?"] * len(query.ids)) + ")")
        values.extend(number for pair in query.ids for number in pair)
    any_of("game GLOB ?", [_glob(game) for game in query.games])
    any_of("task_id GLOB ?", [_glob(task) for task in query.tasks])
    any_of(
        "EXISTS (SELECT 1 FROM instruction WHERE instruction.episode_id = episode.id "
        "AND instr(casefold(text), ?))",
        [text.casefold() for text in query.texts],
    )
    any_of("kind = ?", [kind.value for kind in query.kinds])
    any_of("coalesce(label.outcome, 'unknown') = ?", [each.value for each in query.outcomes])
    any_of("policy GLOB ?", [_glob(policy) for policy in query.policies])
    any_of("adapter_id IS ?", query.adapters)
    any_of("split = ?", [split.value for split in query.splits])
    if query.corrected is not None:
        where.append(_CORRECTED if query.corrected else f"NOT {_CORRECTED}")
    if query.since_round == SINCE_LAST_ROUND and query.games:
        where.append("(" + " OR ".join(["game GLOB ? AND episode.id > ?"] * len(query.games)) + ")")
        for game in query.games:
            values.extend((_glob(game), reach_of_game(connection, game)))
    elif query.since_round is not None:
        where.append("episode.id > ?")
        values.append(_reach(connection, query.since_round))
    return where, values


def _reach(connection: sqlite3.Connection, since_round: int) -> int:
    if since_round == SINCE_LAST_ROUND:
        return int(connection.execute(LAST_ROUND_REACH).fetchone()[0])
    row = connection.execute(
        "SELECT through_episode_id FROM round WHERE id = ?", (since_round,)
    ).fetchone()
    if row is None:
        raise UsageError(
            f"There is no round {since_round}, so no episodes were chosen; "
            "use since:last-round or the number of a round that was run."
        )
    return int(row[0])


def reach_of_game(connection: sqlite3.Connection, game: str) -> int:
    """Return how far the newest round reached that taught a game; for ``*`` any round."""
    rows = connection.execute(
        "SELECT query, through_episode_id FROM round WHERE status = 'done' ORDER BY id DESC"
    )
    for text, through in rows:
        games = games_named(text)
        # A round that named no game taught whatever there was.
        if "*" in game or not games or any("*" in each or each == game for each in games):
            return int(through)
    return 0


def _glob(pattern: str) -> str:
    """Keep only ``*`` special."""
    return "".join(f"[{sign}]" if sign in "?[" else sign for sign in pattern)


def _episode_from(connection: sqlite3.Connection, row: Sequence[Any]) -> EpisodeRow:
    tick_rate_hz = float(row[3])
    segments = select_segments(connection, row[0])
    spans = [Span(each.start, each.stop, each.driver, each.kind) for each in segments]
    correction_ticks = sum(each.ticks for each in segments if each.kind is SegmentKind.CORRECTION)
    open_ = bool(row[21])
    # An open episode has no segments yet; its strip comes from the ticks themselves.
    if open_:
        drivers = connection.execute(
            "SELECT driver FROM tick WHERE episode_id = ? ORDER BY tick", (row[0],)
        )
        strip = driver_strip(Driver(driver) for (driver,) in drivers)
    else:
        strip = _strip(spans)
    return EpisodeRow(
        id=row[0],
        session_id=row[1],
        game=row[2],
        tick_rate_hz=tick_rate_hz,
        width=row[4],
        height=row[5],
        instruction=row[6],
        task_id=row[7],
        seed=row[8],
        kind=EpisodeKind(row[9]),
        lock_step=bool(row[10]),
        outcome=Outcome(row[11]),
        outcome_source=None if row[12] is None else LabelSource(row[12]),
        adapter_id=row[13],
        policy=row[14],
        began_wall_s=row[15] / 1e9,
        ticks=row[16],
        missed_ticks=row[17],
        lost_ticks=row[18],
        duration_s=row[16] / tick_rate_hz,
        takeovers=count_takeovers(spans, tick_rate_hz),
        corrections_s=correction_ticks / tick_rate_hz,
        driver_strip=strip,
        split=None if row[19] is None else Split(row[19]),
        deleted=bool(row[20]),
        open=open_,
        wish=Wish(None if row[22] is None else bool(row[22]), bool(row[23])),
        later_sentences=tuple(json.loads(row[24])),
    )


def _strip(spans: Sequence[Span]) -> tuple[tuple[Driver, int], ...]:
    runs: list[tuple[Driver, int]] = []
    for span in spans:
        if runs and runs[-1][0] is span.driver:
            runs[-1] = (span.driver, runs[-1][1] + span.stop - span.start)
        else:
            runs.append((span.driver, span.stop - span.start))
    return tuple(runs)
