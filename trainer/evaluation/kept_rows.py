"""Results of play kept in a file, one JSON line each, so that a measurement goes on.

A row belongs to a player's key and a label of the caller's ("" for none); what was played
before is not played again.  A line that an interruption cut off is left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from recorder.errors import KnownError
from recorder.types import Outcome
from trainer.evaluation.players import PlayerSpec
from trainer.evaluation.run import Played, Question, evaluate

ROWS_FILE = "rows.jsonl"


class KeptRows:
    """The rows of one file; it is made with the first row."""

    def __init__(self, path: Path) -> None:
        """Read what is there; raises KnownError where the file is no list of rows."""
        self._path = path
        self._rows: dict[tuple[str, str], dict[tuple[str, str, int], Played]] = {}
        if not path.exists():
            return
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            # The end of an interrupted run: the next row must begin a line.
            lines.pop()
            path.write_text("".join(lines), encoding="utf-8")
        for line in lines:
            self._take(line)

    def _take(self, line: str) -> None:
        try:
            row = json.loads(line)
            played = Played(
                row["task"], row["heard"], int(row["seed"]), Outcome(row["outcome"]),
                int(row["ticks"]), float(row["seconds"]),
            )  # fmt: skip
            self._into(row["label"], row["player"], played)
        except (ValueError, KeyError, TypeError) as error:
            raise KnownError(
                f"{self._path} holds a line that is no result of play, so it cannot be continued; "
                "move it away or choose another folder."
            ) from error

    def _into(self, label: str, player: str, played: Played) -> None:
        kept = self._rows.setdefault((label, player), {})
        kept[(played.task_id, played.heard, played.seed)] = played

    def of(self, label: str, player: str) -> dict[tuple[str, str, int], Played]:
        """Return what is kept for a label and a player's key."""
        return dict(self._rows.get((label, player), {}))

    def keep(self, label: str, player: str, played: Played) -> None:
        """Add a row to the file, written through at once."""
        self._into(label, player, played)
        row = {
            "label": label,
            "player": player,
            "task": played.task_id,
            "heard": played.heard,
            "seed": played.seed,
            "outcome": str(played.outcome),
            "ticks": played.ticks,
            "seconds": round(played.seconds, 3),
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def play_kept(
    rows: KeptRows,
    label: str,
    player: PlayerSpec,
    questions: Sequence[Question],
    seeds: Sequence[int],
    *,
    workers: int | None = None,
) -> list[Played]:
    """Play every question on every seed of the practice yard, but for what is kept already.

    Raises what :func:`trainer.evaluation.run.evaluate` raises; what was played stays kept.
    """
    key = player.key
    return evaluate(
        player,
        "doom",
        questions,
        seeds,
        workers=workers,
        known=rows.of(label, key),
        on_played=lambda played: rows.keep(label, key, played),
    )
