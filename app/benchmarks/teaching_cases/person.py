"""What a person who can do a lesson does, as long as nothing comes between: from hidden state.

A skill looks at the state of each tick and says what to do, None once it is done.  How a hand does
it, with its pauses and slips, is :mod:`app.benchmarks.teaching_cases.hand`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from app.benchmarks.teaching_cases.judges import HOLD_TICKS, REACH, STILL_UNITS, thing_of
from recorder.games.doom.goals import Goal, parse_goal
from recorder.games.doom.state import HiddenState
from recorder.types import NO_ACTION, Action
from trainer.experts.yard import teach

TURN_DEG = 10.0
"""The fastest turn of a tick."""
JUMP_TICKS, LANDING_TICKS = 3, 9
"""So long the jump key is down, and so long one waits to be back on the ground."""
CLOSE = 150.0
"""From so near one shoots from close up."""
RING = 80.0
"""So far from a thing one walks around it."""
LOOK_DEG = 6.0
GLIDE_TICKS = 7.0
"""Whoever lets go of the keys glides on as far as so many ticks at full speed."""
HOLD = HOLD_TICKS + 3
"""A person holds a little longer than has to be."""


class Skill(Protocol):
    """Does a lesson."""

    def act(self, state: HiddenState) -> Action | None:
        """Return what to do in a state, None once it is done."""
        ...


@runtime_checkable
class FeelingSkill(Skill, Protocol):
    """A skill that goes by what the hand has really done, which may be late or in a pause."""

    def feel(self, action: Action) -> None:
        """Take what was done in the tick that was asked for last."""
        ...


def _goal(text: str) -> Goal:
    goal = parse_goal(text)
    if goal is None:
        raise ValueError(f"{text!r} is no goal")
    return goal


def _turn(degrees: float) -> float:
    return max(-TURN_DEG, min(TURN_DEG, 0.5 * degrees))


@dataclass(slots=True)
class Does:
    """Does what one of the yard's own tasks asks for, until its thing is gone or used."""

    task: str

    def act(self, state: HiddenState) -> Action | None:
        """Return the expert's action."""
        goal = _goal(self.task)
        thing = thing_of(state, goal.kind.key)
        return None if thing is None or thing.used else teach(state, goal)


@dataclass(slots=True)
class GoTo:
    """Goes to a thing with a control held, or with one pressed in a rhythm.

    ``rhythm`` is (control, ticks from press to press, ticks that it is held).
    """

    key: str
    hold: str = ""
    rhythm: tuple[str, int, int] | None = None
    _ticks: int = 0

    def act(self, state: HiddenState) -> Action | None:
        """Return the expert's way with the manner in it."""
        thing = thing_of(state, self.key)
        if thing is None or state.distance(thing) <= REACH - 8:
            return None
        action = teach(state, _goal(f"go_to:{self.key}"))
        if self.hold:
            action = action.pressing(self.hold)
        if self.rhythm is not None and action.forward:
            control, period, length = self.rhythm
            if self._ticks % period < length:
                action = action.pressing(control)
            self._ticks += 1
        return action


@dataclass(slots=True)
class _Holds:
    """Does something until it is right, and then holds it, at rest."""

    _held: int = field(default=0, init=False)
    _place: tuple[float, float] = field(default=(0.0, 0.0), init=False)

    def _hold(self, state: HiddenState, action: Action, *, right: bool) -> Action | None:
        """Return the action until it was right, and nothing moved, for long enough."""
        moved = math.dist(self._place, (state.x, state.y))
        self._place = (state.x, state.y)
        self._held = self._held + 1 if right and moved < STILL_UNITS else 0
        return None if self._held > HOLD else action


@dataclass(slots=True)
class Look(_Holds):
    """Looks up or down."""

    up: bool = True

    def act(self, state: HiddenState) -> Action | None:
        """Raise or lower the view to 22 degrees."""
        wanted = 22.0 if self.up else -22.0
        off = wanted - state.pitch_deg
        # The engine's pitch is positive downwards, its look button upwards (Bindings.pitch_up).
        turn = max(-LOOK_DEG, min(LOOK_DEG, -0.5 * off)) if abs(off) > 1.0 else 0.0
        return self._hold(state, Action(camera=(turn, 0.0)), right=abs(off) < 4.0)


@dataclass(slots=True)
class BackTo(_Holds):
    """Turns its back on a thing, having looked for it first."""

    key: str = ""
    _seen: bool = False

    def act(self, state: HiddenState) -> Action | None:
        """Turn until the thing is straight behind."""
        thing = thing_of(state, self.key)
        if thing is None:
            return None
        off = state.bearing(thing)
        self._seen = self._seen or abs(off) < 40.0
        if not self._seen:
            return Action(camera=(0.0, TURN_DEG))
        away = (off + 360.0) % 360.0 - 180.0
        turn = _turn(away) if abs(away) > 2.0 else 0.0
        return self._hold(state, Action(camera=(0.0, turn)), right=abs(away) < 15.0)


@dataclass(slots=True)
class Circle(_Holds):
    """Walks around a thing in a ring, by its left, a whole turn or to ``stop_at`` degrees."""

    key: str = ""
    stop_at: float = 330.0
    _swept: float = 0.0
    _last: float | None = None

    def act(self, state: HiddenState) -> Action | None:
        """Go near, then sideways with the thing in view."""
        thing = thing_of(state, self.key)
        if thing is None:
            return None
        distance, off = state.distance(thing), state.bearing(thing)
        if self._last is None and distance > RING + 40.0:
            return teach(state, _goal(f"go_to:{self.key}"))
        place = math.degrees(math.atan2(state.y - thing.y, state.x - thing.x))
        if self._last is not None:
            self._swept += (place - self._last + 180.0) % 360.0 - 180.0
        self._last = place
        camera = (0.0, _turn(off))
        if abs(self._swept) >= self.stop_at:
            return self._hold(state, Action(camera=camera), right=True)
        return Action(
            right=True,
            forward=distance > RING + 15.0,
            back=distance < RING - 25.0,
            camera=camera,
        )


@dataclass(slots=True)
class Halfway(_Holds):
    """Goes halfway to a thing and stops there."""

    key: str = ""
    _whole: float = 0.0
    _last: float = 0.0

    def act(self, state: HiddenState) -> Action | None:
        """Walk on while more than half of the way is left, but for what it glides on."""
        thing = thing_of(state, self.key)
        if thing is None:
            return None
        distance = state.distance(thing)
        self._whole = self._whole or distance
        speed, self._last = max(0.0, (self._last or distance) - distance), distance
        if distance - GLIDE_TICKS * speed > 0.5 * self._whole and not self._held:
            return self._hold(state, teach(state, _goal(f"go_to:{self.key}")), right=False)
        return self._hold(state, NO_ACTION, right=True)


@dataclass(slots=True)
class StandOff(_Holds):
    """Stands off a thing: comes near, or backs off, and looks at it."""

    key: str = ""

    def act(self, state: HiddenState) -> Action | None:
        """Keep between 150 and 210 units away."""
        thing = thing_of(state, self.key)
        if thing is None:
            return None
        distance, off = state.distance(thing), state.bearing(thing)
        if distance > 210.0 or abs(off) > 50.0:
            return self._hold(state, teach(state, _goal(f"go_to:{self.key}")), right=False)
        turn = _turn(off) if abs(off) > 3.0 else 0.0
        near = distance < 150.0
        return self._hold(state, Action(back=near, camera=(0.0, turn)), right=not near and not turn)


@dataclass(slots=True)
class ShootClose:
    """Walks up to a thing before it shoots."""

    key: str

    def act(self, state: HiddenState) -> Action | None:
        """Shoot only from within CLOSE."""
        thing = thing_of(state, self.key)
        if thing is None:
            return None
        near = state.distance(thing) <= CLOSE - 15.0 and abs(state.bearing(thing)) < 40.0
        return teach(state, _goal(f"{'shoot' if near else 'go_to'}:{self.key}"))


@dataclass(slots=True)
class TurnThenGo:
    """Turns once around to the right, then goes to a thing."""

    key: str
    _swept: float = 0.0
    _angle: float | None = None
    _turned: bool = False

    def act(self, state: HiddenState) -> Action | None:
        """Turn by 330 degrees, then walk."""
        if self._angle is not None:
            self._swept += (self._angle - state.angle_deg + 180.0) % 360.0 - 180.0
        self._angle = state.angle_deg
        self._turned = self._turned or self._swept >= 330.0
        if not self._turned:
            return Action(camera=(0.0, TURN_DEG))
        return GoTo(self.key).act(state)


@dataclass(slots=True)
class JumpThenOpen:
    """Jumps on the spot, then opens a door."""

    key: str
    _jumped: int = 0
    _landing: int = 0

    def act(self, state: HiddenState) -> Action | None:
        """Jump, land, and open."""
        if self._landing >= LANDING_TICKS:
            return Does(f"open:{self.key}").act(state)
        return Action(jump=self._jumped < JUMP_TICKS)

    def feel(self, action: Action) -> None:
        """Count how long the jump key was really down, and the ticks since it was let go of."""
        self._jumped += action.jump
        self._landing += self._jumped >= JUMP_TICKS and not action.jump
