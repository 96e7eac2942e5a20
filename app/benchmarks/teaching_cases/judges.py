"""Judges that the app does not see: they look at the yard's hidden state, tick by tick.

Each follows one attempt and says True for done, False for done wrong, None while it goes on.
Distances are in map units (one is about 3 cm), angles in degrees.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from recorder.games.doom.state import HiddenState, SeenThing
from recorder.types import NO_ACTION, Action

REACH = 64.0
"""So near a thing's centre one is at it."""
STILL_UNITS, STILL_DEG = 0.6, 0.5
"""Moving or turning less than this in a tick is standing still."""
WALKING = frozenset({"forward", "back", "left", "right"})
HOLD_TICKS = 8
"""So long a place or a view has to be held."""
ASTRAY = 96.0
"""Further from the start one has gone somewhere, where nothing was said of going."""


def thing_of(state: HiddenState, key: str) -> SeenThing | None:
    """Return the nearest thing or fixture of a kind, None without any."""
    own = [thing for thing in state.everything if thing.key == key]
    return min(own, key=state.distance) if own else None


@dataclass(slots=True)
class Trace:
    """What was seen of an attempt so far.

    ``moved`` and ``turned`` are those of the newest tick (turned to the right is positive),
    ``swept`` is how far it turned in all, ``edges`` how often each control was pressed anew.
    """

    start: HiddenState
    state: HiddenState
    action: Action = NO_ACTION
    ticks: int = 0
    moved: float = 0.0
    turned: float = 0.0
    swept: float = 0.0
    walked: int = 0
    edges: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    _before: frozenset[str] = frozenset()

    @classmethod
    def begin(cls, state: HiddenState) -> Trace:
        """Return the trace of an attempt that has just begun."""
        return cls(state, state)

    def see(self, action: Action, state: HiddenState) -> None:
        """Add a tick: what was done, and the state after it."""
        last, down = self.state, frozenset(action.held)
        self.moved = math.hypot(state.x - last.x, state.y - last.y)
        self.turned = (last.angle_deg - state.angle_deg + 180.0) % 360.0 - 180.0
        self.swept += self.turned
        self.state, self.action = state, action
        self.ticks += 1
        for control in down - self._before:
            self.edges[control] = self.edges.get(control, 0) + 1
        # Whoever lets go of the keys glides on for some ticks.
        if self.moved > STILL_UNITS and down & WALKING:
            self.walked += 1
            for control in down:
                self.held[control] = self.held.get(control, 0) + 1
        self._before = down

    @property
    def gone(self) -> float:
        """How far from the start it is."""
        return math.hypot(self.state.x - self.start.x, self.state.y - self.start.y)

    @property
    def still(self) -> bool:
        """Whether it neither moved nor turned in the newest tick."""
        return self.moved < STILL_UNITS and abs(self.turned) < STILL_DEG

    def share_held(self, control: str) -> float:
        """Return in which part of the ticks in which it walked a control was held (0 to 1)."""
        return self.held.get(control, 0) / self.walked if self.walked else 0.0


Verdict = bool | None
Rule = Callable[[Trace], Verdict]


def lost(trace: Trace, key: str) -> bool:
    """Return whether anything but a thing of ``key`` was taken, killed, opened or pressed."""
    there = {thing.id for thing in trace.state.things}
    gone = {thing.key for thing in trace.start.things if thing.id not in there}
    used = {thing.key for thing in trace.state.fixtures if thing.used}
    before = {thing.key for thing in trace.start.fixtures if thing.used}
    return bool((gone | (used - before)) - {key})


def reach(key: str, kept: Callable[[Trace], bool]) -> Rule:
    """Come to a thing, touching nothing else; ``kept`` says at the end whether it was done so."""

    def rule(trace: Trace) -> Verdict:
        if lost(trace, key):
            return False
        thing = thing_of(trace.state, key)
        if thing is None or trace.state.distance(thing) <= REACH:
            return kept(trace)
        return None

    return rule


def hold(wanted: Callable[[Trace], bool], ticks: int = HOLD_TICKS) -> Callable[[], Rule]:
    """Be in a state for some ticks in a row; returns what makes the rule of an attempt."""

    def make() -> Rule:
        count = 0

        def rule(trace: Trace) -> Verdict:
            nonlocal count
            count = count + 1 if wanted(trace) else 0
            return True if count >= ticks else None

        return rule

    return make


def bearing(trace: Trace, key: str) -> float | None:
    """Return how far right of straight ahead a thing is (-180, 180], None if it is not there."""
    thing = thing_of(trace.state, key)
    return None if thing is None else trace.state.bearing(thing)


def around(key: str, share: float, within: float) -> Callable[[], Rule]:
    """Go around a thing by ``share`` of a whole turn, never further off than ``within``."""

    def make() -> Rule:
        swept = 0.0
        last: float | None = None

        def rule(trace: Trace) -> Verdict:
            nonlocal swept, last
            thing = thing_of(trace.state, key)
            if thing is None:
                return False
            if trace.state.distance(thing) > within:
                swept, last = 0.0, None
                return None
            place = math.degrees(math.atan2(trace.state.y - thing.y, trace.state.x - thing.x))
            if last is not None:
                swept += (place - last + 180.0) % 360.0 - 180.0
            last = place
            return True if abs(swept) >= share * 360.0 else None

        return rule

    return make


def side_angle(trace: Trace, key: str) -> float | None:
    """Return how far around a thing one stands, from where one began: 0 to 180, None without."""
    thing = thing_of(trace.state, key)
    if thing is None:
        return None
    now = math.degrees(math.atan2(trace.state.y - thing.y, trace.state.x - thing.x))
    then = math.degrees(math.atan2(trace.start.y - thing.y, trace.start.x - thing.x))
    return abs((now - then + 180.0) % 360.0 - 180.0)
