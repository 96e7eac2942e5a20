"""All that a person has taught, sentence by sentence: how much was shown, and how well it is done.

What was measured of a sentence is in the lines of its rounds.  The figures of after a round count
for the agent of today if that is the agent that the round made, or was made from it; the figures of
before it count if the round began with the agent of today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.backend.ports import LessonState, TaughtSentence
from recorder.store import AdapterRow, EpisodeKind, EpisodeRow, RoundRow
from recorder.types import Driver
from trainer.evaluation.verdicts.lines import knows_already
from trainer.evaluation.verdicts.stored_verdicts import read_lines
from trainer.evaluation.verdicts.verdict import Line, Part

CANNOT = 0.2
"""Up to this share of the starts the agent cannot do a sentence."""


@dataclass(slots=True)
class _Entry:
    """What is known of one sentence so far."""

    sentence: str
    shown: int = 0
    person_s: float = 0.0
    newest: int = 0
    points: list[tuple[int, float]] = field(default_factory=list)
    good: int = 0
    tries: int = 0


def lesson_book(
    episodes: Iterable[EpisodeRow],
    rounds: Sequence[RoundRow],
    adapters: Mapping[int, AdapterRow],
    active: int | None,
    judged: Callable[[str], bool],
) -> tuple[TaughtSentence, ...]:
    """Return every sentence that a person showed or corrected, the one driven last first.

    ``rounds`` are those of the game, in the order in which they began, ``adapters`` by their id;
    ``active`` is the adapter that plays, None for the bare base.  ``judged`` says whether the game
    can judge a sentence.
    """
    found: dict[str, _Entry] = {}
    for row in episodes:
        person = sum(ticks for driver, ticks in row.driver_strip if driver is Driver.PERSON)
        if person:
            entry = found.setdefault(row.instruction, _Entry(row.instruction))
            entry.shown += row.kind is EpisodeKind.DEMONSTRATION or row.takeovers > 0
            entry.person_s += person / row.tick_rate_hz
            entry.newest = max(entry.newest, row.id)
    used = _in_use(adapters, active)
    for each in rounds:
        for line in read_lines(each.verdict):
            known = found.get(line.name)
            if known is not None and line.n and line.part is not Part.OLD_TASKS:
                _add(known, each, line, used=each.adapter_id in used, active=active)
    entries = sorted(found.values(), key=lambda each: -each.newest)
    return tuple(_facts(each, judged(each.sentence)) for each in entries)


def _add(entry: _Entry, row: RoundRow, line: Line, *, used: bool, active: int | None) -> None:
    """Add what a round measured of the agent that plays now: after it, or before one left out."""
    if not used and row.parent_adapter_id != active:
        # It went on from an agent that does not play any more.
        return
    if not entry.points:
        entry.points.append((row.id - 1, line.before / line.n))
    if used:
        entry.points.append((row.id, line.after / line.n))
    entry.good, entry.tries = (line.after if used else line.before), line.n


def _in_use(adapters: Mapping[int, AdapterRow], active: int | None) -> set[int]:
    """Return the adapter that plays and its ancestors."""
    chain: set[int] = set()
    while active is not None and active in adapters and active not in chain:
        chain.add(active)
        active = adapters[active].parent_id
    return chain


def _facts(entry: _Entry, judged: bool) -> TaughtSentence:
    return TaughtSentence(
        entry.sentence,
        _state(entry),
        entry.shown,
        entry.person_s,
        tuple(entry.points),
        entry.good,
        entry.tries,
        judged,
    )


def _state(entry: _Entry) -> LessonState:
    if not entry.tries:
        return LessonState.NOT_MEASURED
    if knows_already(entry.good, entry.tries):
        return LessonState.CAN
    few = entry.good <= CANNOT * entry.tries
    return LessonState.CANNOT if few else LessonState.LEARNING
