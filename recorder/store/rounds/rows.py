"""Writes rows of adapters, rounds and evaluations; each function is one transaction's body."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from recorder.data_folder import name_in
from recorder.errors import DataError
from recorder.store.query import parse_query
from recorder.store.rows import CHOSEN, Activation, EvaluationRow, NewAdapter, RoundEnd, RoundStatus
from recorder.store.selection import reach_of_game, select_episodes


def add_adapter(connection: sqlite3.Connection, adapter: NewAdapter, data: Path) -> int:
    """Insert an adapter of the data folder ``data``.

    Raises DataError if its folder is listed already.
    """
    name = name_in(data, Path(adapter.folder))
    known = connection.execute("SELECT id FROM adapter WHERE folder = ?", (name,)).fetchone()
    if known is not None:
        raise DataError(
            f"The adapter folder {adapter.folder} is listed already as adapter {known[0]}, and "
            "an adapter is never replaced; write the new one to a folder of its own."
        )
    cursor = connection.execute(
        "INSERT INTO adapter (folder, base, parent_id, round_id, title, sha256, passed_gates, "
        "extra, made_wall_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            name,
            adapter.base,
            adapter.parent_id,
            adapter.round_id,
            adapter.title,
            adapter.sha256,
            adapter.passed_gates,
            _document(adapter.extra),
            time.time_ns(),
        ),
    )
    return int(cursor.lastrowid or 0)


def activate(connection: sqlite3.Connection, adapter_id: int | None) -> None:
    """Note that an adapter (None: the base) plays from now on."""
    if adapter_id is not None:
        _require(connection, "adapter", adapter_id)
    connection.execute(
        "INSERT INTO activation (adapter_id, made_wall_ns) VALUES (?, ?)",
        (adapter_id, time.time_ns()),
    )


def undo_activation(connection: sqlite3.Connection, keep: Collection[int] = ()) -> int | None:
    """Mark the newest activation as undone; return the adapter that is in use now.

    Those of the adapters ``keep`` stay: they play with another base.
    """
    newest, _adapter = _newest_activation(connection, keep)
    if newest is None:
        raise DataError(
            "No adapter was ever put in use here, so there is nothing to go back to; "
            "the base model plays."
        )
    connection.execute(
        "UPDATE activation SET undone_wall_ns = ? WHERE id = ?", (time.time_ns(), newest)
    )
    return active_adapter_id(connection)


def active_adapter_id(connection: sqlite3.Connection) -> int | None:
    """Return the adapter that plays, None for the bare base."""
    row = connection.execute(
        "SELECT adapter_id FROM activation WHERE undone_wall_ns IS NULL ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def add_round(
    connection: sqlite3.Connection,
    query: str,
    parent_adapter_id: int | None,
    config: Mapping[str, Any],
    manifest: Mapping[str, Any],
    *,
    choose: bool = False,
    practises: str | None = None,
) -> int:
    """Insert a running round that reaches to the newest episode that has ended.

    ``choose`` fixes what it learns from: the episodes of the query that have ended by now, as
    ``chosen`` in its manifest.  One that ``practises`` a game learns from no episodes, so it
    reaches no further than the last round of that game: what was shown since is the next one's.
    Raises UsageError for a query that cannot be answered.
    """
    if parent_adapter_id is not None:
        _require(connection, "adapter", parent_adapter_id)
    written = dict(manifest)
    if choose:
        rows = select_episodes(connection, parse_query(query), include_deleted=False, limit=None)
        written[CHOSEN] = sorted(row.id for row in rows if not row.open)
    cursor = connection.execute(
        "INSERT INTO round (status, parent_adapter_id, query, config, manifest, metrics, verdict, "
        "through_episode_id, began_wall_ns) "
        "SELECT 'running', ?, ?, ?, ?, '{}', '{}', coalesce(?, max(id), 0), ? FROM episode "
        "WHERE ended_mono_ns IS NOT NULL",
        (
            parent_adapter_id,
            query,
            _document(config),
            _document(written),
            None if practises is None else reach_of_game(connection, practises),
            time.time_ns(),
        ),
    )
    return int(cursor.lastrowid or 0)


def finish_round(
    connection: sqlite3.Connection, round_id: int, end: RoundEnd, data: Path
) -> tuple[int, bool]:
    """Write down everything that a finished round has made.

    Returns the new adapter's id and whether it is in use now.
    """
    add_round_samples(connection, round_id, end.samples)
    add_evaluations(connection, end.evaluations)
    adapter_id = add_adapter(connection, end.adapter, data)
    (before,) = connection.execute(
        "SELECT manifest FROM round WHERE id = ?", (round_id,)
    ).fetchone()
    update_round(
        connection,
        round_id,
        RoundStatus.DONE,
        adapter_id,
        {
            "manifest": {**json.loads(before), **end.manifest},
            "metrics": end.metrics,
            "verdict": end.verdict,
        },
    )
    return adapter_id, _use(connection, round_id, adapter_id, end.activation)


def settle_round(
    connection: sqlite3.Connection,
    round_id: int,
    adapter_id: int,
    verdict: Mapping[str, Any],
    wanted: Activation | None,
) -> bool:
    """Write what more was measured of a done round; return whether its adapter is in use now."""
    update_round(connection, round_id, None, None, {"verdict": verdict})
    return _use(connection, round_id, adapter_id, wanted)


def _use(
    connection: sqlite3.Connection, round_id: int, adapter_id: int, wanted: Activation | None
) -> bool:
    """Put a round's adapter in use if the wish holds; else write into its metrics why not."""
    if wanted is None:
        return False
    now = _newest_activation(connection, wanted.others)[1]
    if now == adapter_id:
        return True
    if now == wanted.in_place_of:
        activate(connection, adapter_id)
        return True
    (metrics,) = connection.execute(
        "SELECT metrics FROM round WHERE id = ?", (round_id,)
    ).fetchone()
    told = {**json.loads(metrics), "not_in_use": wanted.else_say}
    update_round(connection, round_id, None, None, {"metrics": told})
    return False


def _newest_activation(
    connection: sqlite3.Connection, others: Collection[int]
) -> tuple[int | None, int | None]:
    """Return the newest activation's own id and its adapter, passing over adapters ``others``.

    Both are None if nothing was put in use; the adapter is None for the bare base, too.
    """
    rows = connection.execute(
        "SELECT id, adapter_id FROM activation WHERE undone_wall_ns IS NULL ORDER BY id DESC"
    )
    return next(((row[0], row[1]) for row in rows if row[1] not in others), (None, None))


def update_round(
    connection: sqlite3.Connection,
    round_id: int,
    status: RoundStatus | None,
    adapter_id: int | None,
    documents: Mapping[str, Mapping[str, Any] | None],
) -> None:
    """Write the fields that are not None."""
    _require(connection, "round", round_id)
    changes: dict[str, object] = {
        name: _document(value) for name, value in documents.items() if value is not None
    }
    if adapter_id is not None:
        _require(connection, "adapter", adapter_id)
        changes["adapter_id"] = adapter_id
    if status is not None:
        changes["status"] = status.value
        changes["ended_wall_ns"] = None if status is RoundStatus.RUNNING else time.time_ns()
    if changes:
        places = ", ".join(f"{name} = ?" for name in changes)
        connection.execute(f"UPDATE round SET {places} WHERE id = ?", (*changes.values(), round_id))


def add_round_samples(
    connection: sqlite3.Connection, round_id: int, samples: Sequence[tuple[int, int, float, int]]
) -> int:
    """Insert or replace (episode id, tick, weight, visits)."""
    _require(connection, "round", round_id)
    connection.executemany(
        "INSERT OR REPLACE INTO round_sample (round_id, episode_id, tick, weight, visits) "
        "VALUES (?, ?, ?, ?, ?)",
        ((round_id, *sample) for sample in samples),
    )
    return len(samples)


_NEWEST_COUNTS = (
    "DO UPDATE SET outcome = excluded.outcome, success = excluded.success, "
    "ticks = excluded.ticks, made_wall_ns = excluded.made_wall_ns"
)


def add_evaluations(
    connection: sqlite3.Connection, rows: Sequence[EvaluationRow], *, anew: bool = False
) -> int:
    """Insert what is not there yet, with ``anew`` all of it; return how many that were."""
    now_ns = time.time_ns()
    before = connection.total_changes
    connection.executemany(
        "INSERT INTO evaluation (policy_key, game, task_id, instruction, seed, stepping, variant, "
        "outcome, success, ticks, round_id, made_wall_ns) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT "
        + (_NEWEST_COUNTS if anew else "DO NOTHING"),
        (
            (
                row.policy_key,
                row.game,
                row.task_id,
                row.instruction,
                row.seed,
                row.stepping.value,
                row.variant,
                row.outcome.value,
                row.success,
                row.ticks,
                row.round_id,
                now_ns,
            )
            for row in rows
        ),
    )
    return connection.total_changes - before


def _document(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), sort_keys=True)


def _require(connection: sqlite3.Connection, table: str, row_id: int) -> None:
    if connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (row_id,)).fetchone() is None:
        raise DataError(
            f"There is no {table} {row_id} in the database, so nothing was changed; "
            f"look up its number in the list of {table}s."
        )
