"""Reads adapters, rounds, what they learnt from, and the attempts that were made to measure."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path

from recorder.store.row_queries import select_adapters, select_evaluations, select_rounds
from recorder.store.rows import AdapterRow, EvaluationRow, RoundRow, Stepping


class RoundReader:
    """The part of :class:`recorder.store.reader.Reader` that reads what rounds made."""

    folder: Path

    def _reading(self) -> AbstractContextManager[sqlite3.Connection]:
        raise NotImplementedError

    def adapters(self) -> list[AdapterRow]:
        """Return every adapter, oldest first."""
        with self._reading() as connection:
            return select_adapters(connection, self.folder)

    def active_adapter(self) -> AdapterRow | None:
        """Return the adapter that plays, None for the bare base."""
        return next((row for row in self.adapters() if row.active), None)

    def activations(self) -> list[int | None]:
        """Return what was put in use and not undone, newest first; None is a bare base."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT adapter_id FROM activation WHERE undone_wall_ns IS NULL ORDER BY id DESC"
            ).fetchall()
        return [row[0] for row in rows]

    def can_undo_activation(self, keep: Collection[int] = ()) -> bool:
        """Return whether there is an activation to go back from, besides those of ``keep``."""
        return any(adapter_id not in keep for adapter_id in self.activations())

    def rounds(self) -> list[RoundRow]:
        """Return every round, oldest first."""
        with self._reading() as connection:
            return select_rounds(connection)

    def taught_episodes(self, round_ids: Collection[int]) -> frozenset[int]:
        """Return the episodes of the ticks that these rounds trained on, replayed ones too."""
        marks = ", ".join("?" * len(round_ids))
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT DISTINCT episode_id FROM round_sample WHERE round_id IN ({marks})",
                tuple(round_ids),
            ).fetchall()
        return frozenset(row[0] for row in rows)

    def taught_games(self, round_ids: tuple[int, ...]) -> dict[str, frozenset[str]]:
        """Return in which games each sentence was asked that these rounds trained on."""
        marks = ", ".join("?" * len(round_ids))
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT i.text, g.game FROM round_sample s "
                "JOIN tick t ON t.episode_id = s.episode_id AND t.tick = s.tick "
                "JOIN instruction i ON i.id = t.instruction_id "
                "JOIN episode e ON e.id = s.episode_id JOIN session g ON g.id = e.session_id "
                f"WHERE s.round_id IN ({marks})",
                round_ids,
            ).fetchall()
        found: dict[str, frozenset[str]] = {}
        for text, game in rows:
            found[text] = found.get(text, frozenset()) | {game}
        return found

    def evaluations(
        self,
        *,
        policy_key: str | None = None,
        game: str | None = None,
        stepping: Stepping | None = None,
        variant: str | None = None,
        round_id: int | None = None,
    ) -> list[EvaluationRow]:
        """Return the attempts made to measure, by task and seed; None does not narrow."""
        wanted = {
            "policy_key": policy_key,
            "game": game,
            "stepping": None if stepping is None else stepping.value,
            "variant": variant,
            "round_id": round_id,
        }
        with self._reading() as connection:
            return select_evaluations(connection, wanted)

    def next_measured_seed(self, game: str, first: int, last: int) -> int:
        """Return the seed after the highest of ``first`` to ``last`` that was ever measured on.

        Those of blind comparisons count, also if they were not played yet.
        """
        with self._reading() as connection:
            highest = connection.execute(
                "SELECT max(seed) FROM (SELECT game, seed FROM evaluation UNION ALL "
                "SELECT game, seed FROM clip JOIN comparison ON comparison.id = comparison_id) "
                "WHERE game = ? AND seed BETWEEN ? AND ?",
                (game, first, last),
            ).fetchone()[0]
        return first if highest is None else int(highest) + 1
