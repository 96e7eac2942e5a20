"""The JSON lines that a round's process speaks on stdout.  No torch: the window reads them.

Every line is one object with a ``kind``; unknown fields are an error, so the two sides
cannot drift apart unnoticed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from recorder import json_values
from trainer.evaluation.verdicts.stored_verdicts import read_line
from trainer.evaluation.verdicts.verdict import Line

KNOWN = "known"
"""The name of a stage that tells, before the training, what the agent can do already."""
BEFORE = "before the lesson"
"""The stage, and the side, of play that finds that out."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The round entered a stage: "reading", "replay", "seeing", "training", "gates", or else.

    "measuring": a game in a window of its own plays on the person's screen.  "eye": what judges is
    taught from the person's marks.  :data:`KNOWN`: the
    sentence is on what the agent can do already.
    """

    kind: ClassVar[str] = "stage"
    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Step:
    """A training step is done.  Losses are nats per token; ``eta_s`` is seconds left."""

    kind: ClassVar[str] = "step"
    step: int
    steps: int
    loss: float
    held_out: float | None = None
    eta_s: float | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate's result, with the sentence that explains it.

    ``passed`` is None where there was nothing to check: the round may go on, and the person
    is told.
    """

    kind: ClassVar[str] = "gate"
    name: str
    passed: bool | None
    sentence: str
    figures: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """The round wrote an adapter.  ``passed`` says whether every offline gate let it by."""

    kind: ClassVar[str] = "done"
    adapter: str
    passed: bool
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The round ended without an adapter; the sentence is for the person."""

    kind: ClassVar[str] = "failed"
    sentence: str


@dataclass(frozen=True, slots=True)
class Played:
    """An evaluation episode is done."""

    kind: ClassVar[str] = "played"
    done: int
    total: int
    successes: int
    side: str = ""


@dataclass(frozen=True, slots=True)
class Practised:
    """Practice has played and learnt once more.

    ``seconds`` of ``whole_s`` are over; ``attempts`` and ``successes`` count all so far.
    ``newest`` (at least 1) and ``newest_good`` count those since the message before that were told
    the sentence itself.
    """

    kind: ClassVar[str] = "practised"
    seconds: float
    whole_s: float
    attempts: int
    successes: int
    newest: int
    newest_good: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A sentence, or the old tasks, are decided."""

    kind: ClassVar[str] = "measured"
    line: Line


Message = Stage | Step | Gate | Done | Failed | Played | Practised | Measured
_KINDS: Mapping[str, type[Any]] = {
    each.kind: each for each in (Stage, Step, Gate, Done, Failed, Played, Practised, Measured)
}


def to_json(message: Message) -> str:
    """Return one line without its newline.

    JSON has no NaN, so a figure that is not finite (there was nothing to measure) is null.
    """
    return json.dumps({"kind": message.kind, **finite(asdict(message))}, allow_nan=False)


def finite(value: Any) -> Any:
    """Return a JSON-like value with None in place of every number that is not finite."""
    if isinstance(value, dict):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def parse(line: str) -> Message:
    """Read a line.  Raises ValueError for anything that is no message."""
    raw = json_values.parse(line)
    kind = raw.pop("kind", None) if isinstance(raw, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"not a progress message: {line[:120]!r}")
    try:
        if kind == Measured.kind:
            raw["line"] = read_line(raw["line"])
        message: Message = _KINDS[kind](**raw)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"not a progress message: {error}") from error
    return message
