"""Attempts of a study kept in a file, one JSON line each, so that it goes on.

A row belongs to a player's key and a label of the caller's ("" for none); what was played
before is not played again.  A line that an interruption cut off is left out, and rows of
another play, or that do not tell which play they are of, are not taken for today's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recorder import json_values
from recorder.errors import KnownError
from recorder.store.rows import Stepping
from recorder.types import Outcome
from trainer.evaluation.play_version import PLAY_VERSION
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import evaluate
from trainer.evaluation.starts import Attempt, AttemptKey, Start, StartKey

ROWS_FILE = "rows.jsonl"


def whole_lines(path: Path) -> list[str]:
    """Return the lines of a file of rows, [] without one; a last one that was cut off is removed.

    Only a newline ends a row: a sentence may hold what Unicode calls the end of a line.
    """
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    *lines, cut = text.split("\n")
    if cut:
        # The end of an interrupted run: the next row must begin a line.
        path.write_text(text.removesuffix(cut), encoding="utf-8")
    return lines


class KeptRows:
    """The rows of one file; it is made with the first row."""

    def __init__(self, path: Path) -> None:
        """Read what is there; raises KnownError where the file is no list of rows."""
        self._path = path
        self._rows: dict[tuple[str, str], dict[StartKey, Attempt]] = {}
        for line in whole_lines(path):
            self._take(line)

    def _take(self, line: str) -> None:
        try:
            row = json_values.parse(line)
            attempt = _attempt_of(row)
            if attempt.key.version == PLAY_VERSION:
                self._into(row["label"], attempt)
        except (ValueError, OverflowError, KeyError, TypeError) as error:
            raise KnownError(
                f"{self._path} holds a line that is no result of play, so it cannot be continued; "
                "move it away or choose another folder."
            ) from error

    def _into(self, label: str, attempt: Attempt) -> None:
        kept = self._rows.setdefault((label, attempt.key.player), {})
        kept[attempt.key.start] = attempt

    def of(self, label: str, player: str) -> dict[StartKey, Attempt]:
        """Return what is kept for a label and a player's key, by start."""
        return dict(self._rows.get((label, player), {}))

    def keep(self, label: str, attempt: Attempt) -> None:
        """Add a row to the file, written through at once."""
        self._into(label, attempt)
        row = {"label": label, **_document_of(attempt)}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _document_of(attempt: Attempt) -> dict[str, Any]:
    key = attempt.key
    return {
        "player": key.player,
        "game": key.game,
        "task": key.start.task_id,
        "heard": key.start.heard,
        "seed": key.start.seed,
        "stepping": str(key.stepping),
        "version": key.version,
        "outcome": str(attempt.outcome),
        "ticks": attempt.ticks,
        "seconds": None if attempt.seconds is None else round(attempt.seconds, 3),
    }


def _attempt_of(row: Mapping[str, Any]) -> Attempt:
    """Read a row; earlier versions wrote the practice yard's in lock-step, without a version."""
    key = AttemptKey(
        row["player"],
        row.get("game", "doom"),
        StartKey(row["task"], row["heard"], int(row["seed"])),
        Stepping(row.get("stepping", Stepping.LOCK_STEP)),
        row.get("version", ""),
    )
    seconds = row["seconds"]
    return Attempt(
        key, Outcome(row["outcome"]), int(row["ticks"]), None if seconds is None else float(seconds)
    )


def play_kept(
    rows: KeptRows,
    label: str,
    player: PlayerSpec,
    starts: Sequence[Start],
    *,
    workers: int | None = None,
) -> list[Attempt]:
    """Play every start of the practice yard, but for what is kept already.

    Raises what :func:`trainer.evaluation.run.evaluate` raises; what was played stays kept.
    """
    return evaluate(
        player,
        "doom",
        starts,
        workers=workers,
        known=rows.of(label, player.key),
        on_played=lambda attempt: rows.keep(label, attempt),
    )
