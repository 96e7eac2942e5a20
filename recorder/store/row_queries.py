"""Reads rows of sessions, labels, rounds, adapters and measured attempts, and seeds in use."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from recorder.data_folder import path_of
from recorder.errors import DataError
from recorder.store.rounds.rows import active_adapter_id
from recorder.store.rows import (
    AdapterRow,
    EvaluationRow,
    LabelRow,
    LabelSource,
    RoundRow,
    RoundStatus,
    SessionRow,
    Stepping,
)
from recorder.types import Outcome


def select_session(connection: sqlite3.Connection, session_id: int) -> SessionRow:
    """Return one session; raises DataError if there is none."""
    row = connection.execute(
        "SELECT id, game, tick_rate_hz, width, height, realtime, wall_anchor_ns, "
        "mono_anchor_ns, ended_mono_ns IS NOT NULL, bindings, extra "
        "FROM session WHERE id = ?",
        (session_id,),
    ).fetchone()
    if row is None:
        raise DataError(
            f"There is no session {session_id} in the database, so nothing can be shown; "
            "take the number from an episode."
        )
    return SessionRow(
        id=row[0],
        game=row[1],
        tick_rate_hz=row[2],
        width=row[3],
        height=row[4],
        realtime=bool(row[5]),
        wall_anchor_ns=row[6],
        mono_anchor_ns=row[7],
        ended=bool(row[8]),
        bindings=json.loads(row[9]),
        extra=json.loads(row[10]),
    )


def select_adapters(connection: sqlite3.Connection, folder: Path) -> list[AdapterRow]:
    """Return every adapter, oldest first, with absolute paths below the data ``folder``."""
    active = active_adapter_id(connection)
    rows = connection.execute(
        "SELECT id, folder, base, parent_id, round_id, title, sha256, passed_gates, "
        "extra, made_wall_ns FROM adapter ORDER BY id"
    ).fetchall()
    return [
        AdapterRow(
            id=row[0],
            folder=str(path_of(folder, row[1])),
            base=row[2],
            parent_id=row[3],
            round_id=row[4],
            title=row[5],
            sha256=row[6],
            passed_gates=bool(row[7]),
            extra=json.loads(row[8]),
            made_wall_s=row[9] / 1e9,
            active=row[0] == active,
        )
        for row in rows
    ]


def select_evaluations(
    connection: sqlite3.Connection, wanted: Mapping[str, str | int | None]
) -> list[EvaluationRow]:
    """Return the attempts whose columns are as ``wanted``; a value of None does not narrow."""
    given = {name: value for name, value in wanted.items() if value is not None}
    condition = " AND ".join(f"{name} = ?" for name in given) or "TRUE"
    rows = connection.execute(
        "SELECT policy_key, game, task_id, instruction, seed, stepping, outcome, ticks, "
        f"variant, round_id FROM evaluation WHERE {condition} "
        "ORDER BY policy_key, task_id, instruction, seed, id",
        tuple(given.values()),
    ).fetchall()
    return [
        EvaluationRow(
            policy_key=row[0],
            game=row[1],
            task_id=row[2],
            instruction=row[3],
            seed=row[4],
            stepping=Stepping(row[5]),
            outcome=Outcome(row[6]),
            ticks=row[7],
            variant=row[8],
            round_id=row[9],
        )
        for row in rows
    ]


def select_labels(connection: sqlite3.Connection, episode_id: int) -> list[LabelRow]:
    """Return every version of an episode's outcome, oldest first."""
    rows = connection.execute(
        "SELECT episode_id, version, outcome, source, made_wall_ns FROM label "
        "WHERE episode_id = ? ORDER BY version",
        (episode_id,),
    ).fetchall()
    return [
        LabelRow(row[0], row[1], Outcome(row[2]), LabelSource(row[3]), row[4] / 1e9) for row in rows
    ]


def select_rounds(connection: sqlite3.Connection) -> list[RoundRow]:
    """Return every round, oldest first."""
    rows = connection.execute(
        "SELECT id, status, parent_adapter_id, adapter_id, query, config, manifest, "
        "metrics, verdict, began_wall_ns, ended_wall_ns, through_episode_id "
        "FROM round ORDER BY id"
    ).fetchall()
    return [
        RoundRow(
            row[0],
            RoundStatus(row[1]),
            parent_adapter_id=row[2],
            adapter_id=row[3],
            query=row[4],
            config=json.loads(row[5]),
            manifest=json.loads(row[6]),
            metrics=json.loads(row[7]),
            verdict=json.loads(row[8]),
            began_wall_s=row[9] / 1e9,
            ended_wall_s=None if row[10] is None else row[10] / 1e9,
            through_episode_id=row[11],
        )
        for row in rows
    ]


def next_seed(connection: sqlite3.Connection, game: str, first: int, last: int) -> int:
    """Return a seed of ``first`` to ``last`` that none of a game's episodes has.

    It is the one after the highest, and if that is the last one the lowest that is free;
    ``first`` if none is.
    """
    of_game = (
        "FROM episode JOIN session ON session.id = session_id "
        "WHERE game = ? AND seed BETWEEN ? AND ?"
    )
    highest = connection.execute(f"SELECT max(seed) {of_game}", (game, first, last)).fetchone()[0]
    if highest is None or highest < last:
        return first if highest is None else int(highest) + 1
    seeds = connection.execute(f"SELECT DISTINCT seed {of_game} ORDER BY seed", (game, first, last))
    for free, (seed,) in enumerate(seeds, first):
        if free != seed:
            return free
    return first
