"""What each run of ticks is good for in training, derived from who drove.

``teaches`` says by how an attempt ended whether what a person showed is left out of teaching.

One pure function, run after each episode and again whenever the rules change; every
run writes a new label version beside the old ones.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from recorder.store.rows import DriverStrip, EpisodeKind
from recorder.types import Driver, Outcome, SegmentKind

PRE_TAKEOVER_S = 0.75
"""How long before a takeover the policy's own actions count as the mistake."""
MERGE_S = 1.0
"""Takeovers closer than this are one; the policy's ticks between them teach nothing."""
REACTION_S = 0.2
"""A correction's first moments without input are the hand moving, not advice."""

SHORTCUT = "shortcut"
"""The device of an event that takes a run of the person's back: its keys were meant for the window.
It stands at the run's first tick."""

NOT_SHOWN = frozenset({Outcome.FAILURE, Outcome.TIMEOUT, Outcome.ABANDONED, Outcome.INTERRUPTED})
"""A demonstration that ended so did not show how it is done."""


@dataclass(frozen=True, slots=True)
class Span:
    """Ticks ``start`` to ``stop`` - 1 with one driver and one use."""

    start: int
    stop: int
    driver: Driver
    kind: SegmentKind


def driver_strip(drivers: Iterable[Driver]) -> DriverStrip:
    """Return the runs of equal drivers as (driver, ticks), in order."""
    runs: list[tuple[Driver, int]] = []
    for driver in drivers:
        if runs and runs[-1][0] is driver:
            runs[-1] = (driver, runs[-1][1] + 1)
        else:
            runs.append((driver, 1))
    return tuple(runs)


def teaches(kind: SegmentKind, outcome: Outcome) -> bool:
    """Return whether ticks of a segment may be imitated, by how their episode ended.

    A demonstration counts unless it ended in one of NOT_SHOWN, the agent's own driving only if it
    succeeded.  A correction always counts: it answers a state that the agent got into, and how
    the agent went on from there says nothing against the answer.
    """
    if kind is SegmentKind.CORRECTION:
        return True
    if kind is SegmentKind.DEMONSTRATION:
        return outcome not in NOT_SHOWN
    return kind is SegmentKind.ROLLOUT and outcome is Outcome.SUCCESS


def derive_segments(
    drivers: Sequence[Driver],
    active: Sequence[bool],
    kind: EpisodeKind,
    tick_rate_hz: float,
    taken_back: Collection[int] = (),
) -> tuple[Span, ...]:
    """Return the segments that cover every tick of an episode once, in order.

    ``active`` says for each tick whether the person did anything in it.  The person's
    ticks are a demonstration until the policy has driven in an episode begun as one;
    after that, and in every rollout, they are a correction.  Of a correction the first
    0.2 s without input are idle.  The policy's ticks in the 0.75 s before a takeover
    are ``pre_takeover``, and so are all between two takeovers less than 1 s apart.
    Ticks that nobody drove are idle.  A run of the person's that begins at a tick of
    ``taken_back`` was no takeover: it is idle, and nothing led up to it.
    """
    if len(drivers) != len(active):
        raise ValueError(f"{len(drivers)} drivers but {len(active)} activity flags")
    kinds = [_first_kind(driver) for driver in drivers]
    last_person_stop: int | None = None
    policy_drove = kind is EpisodeKind.ROLLOUT
    start = 0
    for driver, ticks in driver_strip(drivers):
        stop = start + ticks
        if driver is Driver.POLICY:
            policy_drove = True
        elif driver is Driver.PERSON and start in taken_back:
            kinds[start:stop] = [SegmentKind.IDLE] * ticks
        elif driver is Driver.PERSON and not policy_drove:
            last_person_stop = stop
        elif driver is Driver.PERSON:
            _mark_correction(kinds, active, start, stop, tick_rate_hz)
            _mark_lead_up(kinds, drivers, start, last_person_stop, tick_rate_hz)
            last_person_stop = stop
        start = stop
    return _spans(drivers, kinds)


def count_takeovers(spans: Iterable[Span], tick_rate_hz: float) -> int:
    """Return how often the person took over; corrections less than 1 s apart are one."""
    takeovers = 0
    last_stop: int | None = None
    for span in spans:
        if span.kind is not SegmentKind.CORRECTION:
            continue
        if last_stop is None or span.start - last_stop >= MERGE_S * tick_rate_hz:
            takeovers += 1
        last_stop = span.stop
    return takeovers


def _first_kind(driver: Driver) -> SegmentKind:
    if driver is Driver.POLICY:
        return SegmentKind.ROLLOUT
    return SegmentKind.DEMONSTRATION if driver is Driver.PERSON else SegmentKind.IDLE


def _mark_correction(
    kinds: list[SegmentKind], active: Sequence[bool], start: int, stop: int, tick_rate_hz: float
) -> None:
    reacting = True
    for tick in range(start, stop):
        reacting = reacting and not active[tick] and tick < start + REACTION_S * tick_rate_hz
        kinds[tick] = SegmentKind.IDLE if reacting else SegmentKind.CORRECTION


def _mark_lead_up(
    kinds: list[SegmentKind],
    drivers: Sequence[Driver],
    takeover: int,
    last_person_stop: int | None,
    tick_rate_hz: float,
) -> None:
    first = max(0, takeover - math.ceil(PRE_TAKEOVER_S * tick_rate_hz))
    if last_person_stop is not None:
        close = takeover - last_person_stop < MERGE_S * tick_rate_hz
        first = last_person_stop if close else max(first, last_person_stop)
    for tick in range(first, takeover):
        if drivers[tick] is Driver.POLICY:
            kinds[tick] = SegmentKind.PRE_TAKEOVER


def _spans(drivers: Sequence[Driver], kinds: Sequence[SegmentKind]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for tick, (driver, kind) in enumerate(zip(drivers, kinds, strict=True)):
        last = spans[-1] if spans else None
        if last is not None and last.driver is driver and last.kind is kind:
            spans[-1] = Span(last.start, tick + 1, driver, kind)
        else:
            spans.append(Span(tick, tick + 1, driver, kind))
    return tuple(spans)
