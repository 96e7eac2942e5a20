"""Writes adapters, rounds, what they learnt from, and the attempts that were made to measure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from recorder.store.rounds import rows
from recorder.store.rows import Activation, EvaluationRow, NewAdapter, RoundEnd, RoundStatus
from recorder.store.worker import Worker


class RoundWriter:
    """The part of :class:`recorder.store.store.Store` that writes what rounds made."""

    folder: Path
    _worker: Worker

    def add_adapter(self, adapter: NewAdapter) -> int:
        """Note an adapter that was written; return its id.  Raises DataError for a known folder."""
        return self._worker.call(partial(rows.add_adapter, adapter=adapter, data=self.folder))

    def set_active_adapter(self, adapter_id: int | None) -> None:
        """Make an adapter (None: the bare base) the one that plays; DataError if unknown."""
        self._worker.call(partial(rows.activate, adapter_id=adapter_id))

    def undo_activation(self, keep: Collection[int] = ()) -> int | None:
        """Undo the newest activation; return the adapter that is in use now (None: the base).

        Activations of the adapters ``keep`` are passed over.  Raises DataError where there is
        nothing to undo.
        """
        return self._worker.call(partial(rows.undo_activation, keep=keep))

    def add_round(
        self,
        *,
        query: str = "",
        parent_adapter_id: int | None = None,
        config: Mapping[str, object] | None = None,
        manifest: Mapping[str, object] | None = None,
        choose: bool = False,
        practises: str | None = None,
    ) -> int:
        """Note that a round begins; return its id.

        ``choose`` fixes the episodes of the query that have ended by now as those that it learns
        from (:attr:`RoundRow.chosen`); one that ``practises`` a game learns from none, and what
        was shown since the last round is the next one's.  Raises UsageError for a query that
        cannot be answered.
        """
        return self._worker.call(
            partial(
                rows.add_round,
                query=query,
                parent_adapter_id=parent_adapter_id,
                config=config or {},
                manifest=manifest or {},
                choose=choose,
                practises=practises,
            )
        )

    def finish_round(self, round_id: int, end: RoundEnd) -> tuple[int, bool]:
        """Write down a finished round, whole or not at all.

        Returns the new adapter's id and whether it is in use now.  Raises DataError for an
        unknown round and for an adapter's folder that is listed already.
        """
        return self._worker.call(
            partial(rows.finish_round, round_id=round_id, end=end, data=self.folder)
        )

    def settle_round(
        self,
        round_id: int,
        adapter_id: int,
        verdict: Mapping[str, object],
        activation: Activation | None,
    ) -> bool:
        """Write what more was measured of a done round, and put its adapter in use if wished.

        Returns whether it is in use now.  Raises DataError for an unknown round.
        """
        return self._worker.call(
            partial(
                rows.settle_round,
                round_id=round_id,
                adapter_id=adapter_id,
                verdict=verdict,
                wanted=activation,
            )
        )

    def update_round(
        self,
        round_id: int,
        *,
        status: RoundStatus | Literal["running", "done", "failed", "cancelled"] | None = None,
        adapter_id: int | None = None,
        manifest: Mapping[str, object] | None = None,
        metrics: Mapping[str, object] | None = None,
        verdict: Mapping[str, object] | None = None,
    ) -> None:
        """Write what is new of a round; None leaves a field as it is.

        Any status but "running" notes the end.  Raises DataError for an unknown round.
        """
        self._worker.call(
            partial(
                rows.update_round,
                round_id=round_id,
                status=None if status is None else RoundStatus(status),
                adapter_id=adapter_id,
                documents={"manifest": manifest, "metrics": metrics, "verdict": verdict},
            )
        )

    def add_round_samples(
        self, round_id: int, samples: Iterable[tuple[int, int, float, int]]
    ) -> int:
        """Note what a round trained on: (episode id, tick, weight, visits); return how many.

        A sample that was noted before is replaced, so that a resumed round may repeat it.
        """
        return self._worker.call(
            partial(rows.add_round_samples, round_id=round_id, samples=list(samples))
        )

    def add_evaluations(self, attempts: Iterable[EvaluationRow], *, anew: bool = False) -> int:
        """Note attempts made to measure; return how many were noted.

        What is there already is kept; ``anew`` says that it was played once more, and that
        the new outcome counts.
        """
        return self._worker.call(partial(rows.add_evaluations, rows=list(attempts), anew=anew))
