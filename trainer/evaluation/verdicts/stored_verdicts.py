"""Verdicts as a round's row in the database keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer.evaluation.verdicts.verdict import Choice, Line, Part, Verdict, VerdictKind

FIGURES = ("before", "after", "n", "difference", "low", "high", "sentence")


def read_verdict(stored: Mapping[str, Any]) -> Verdict | None:
    """Return a round's verdict, None if it has none.

    Verdicts of earlier versions have no lines and no choice; they were measured otherwise, so they
    are offered ("try it") and no more.
    """
    if not all(name in stored for name in (*FIGURES, "kind")):
        return None
    return Verdict(
        kind=VerdictKind(stored["kind"]),
        **{name: stored[name] for name in FIGURES},
        choice=Choice(stored.get("choice", Choice.TRY)),
        lines=read_lines(stored),
    )


def read_lines(stored: Mapping[str, Any]) -> tuple[Line, ...]:
    """Return the lines of a round, also of one that nobody could measure and has no verdict."""
    return tuple(read_line(line) for line in stored.get("lines", ()))


def read_line(stored: Mapping[str, Any]) -> Line:
    """Return a line; raises TypeError or ValueError for what is none."""
    kind = stored["kind"]
    return Line(
        **{
            **stored,
            "part": Part(stored["part"]),
            "kind": None if kind is None else VerdictKind(kind),
        }
    )
