"""Success and failure, from the engine's state alone.

Every verb has a rule for done and one for done to the wrong thing; what is not asked for
(taking, killing, opening, pressing anything else) always fails.  Who does nothing never
succeeds: each rule asks for a change that the start does not have.
"""

from __future__ import annotations

import math

from recorder.games.doom import goals
from recorder.games.doom.goals import Goal, Step
from recorder.games.doom.state import HiddenState, SeenThing
from recorder.games.doom.tasks import KEEP_AWAY_TICKS
from recorder.games.doom.things import CARRIED
from recorder.types import Outcome

REACH = 64.0
"""How near, in map units between centres, counts as having gone to a thing."""
STAND_REACH = 110.0
"""How near counts as standing at a thing."""
STAND_TICKS = 8
STILL_UNITS, STILL_DEG = 0.6, 0.5
"""Moving or turning less than this in a tick is standing still."""
FACE_DEG = 6.0
FACE_TICKS = 6
DANGER = 96.0
"""How near is too near of what is to be kept away from."""
AWAY_UNITS = 32.0
"""Who never got so far from where it began did not keep away: what comes took a detour."""
TURN_DEG = 60.0
TURN_AROUND_DEG = 150.0
WALK_UNITS = 128.0
ASTRAY_DEG = 45.0
ASTRAY_UNITS = 64.0


def which(state: HiddenState, step: Step) -> SeenThing | None:
    """Return the thing that a step means in its scene's first state."""
    if step.kind is None:
        return None
    of_kind = [thing for thing in state.everything if thing.key == step.kind.key]
    if not of_kind:
        return None
    if step.relation == goals.FARTHEST:
        return max(of_kind, key=state.distance)
    if step.relation == goals.BEHIND:
        return max(of_kind, key=lambda thing: abs(state.bearing(thing)))
    if step.relation in goals.SIDES and len(of_kind) == 2:
        one, other = of_kind
        # The two are less than half a turn apart, wherever the player looks.
        clockwise = (state.bearing(other) - state.bearing(one)) % 360
        left, right = (one, other) if clockwise < 180 else (other, one)
        return left if step.relation == goals.LEFT else right
    return min(of_kind, key=state.distance)


class Judge:
    """Follows one attempt from its first state to a verdict."""

    def __init__(self, goal: Goal, start: HiddenState, max_ticks: int) -> None:
        self._steps = goal.steps
        self._max_ticks = max_ticks
        self._targets = [which(start, step) for step in goal.steps]
        self._alive = {thing.id for thing in start.things}
        self._used = {thing.id for thing in start.fixtures if thing.used}
        self._ticks = 0
        # What an earlier step was about is no wrong thing any more.
        self._past: set[int] = set()
        self._begin(start, 0)

    @property
    def step(self) -> int:
        """Which step is to be done now, from 0; the number of steps when all are done."""
        return self._at

    def _begin(self, state: HiddenState, step: int) -> None:
        self._at = step
        self._start = self._last = state
        self._turned = self._gone = 0.0
        self._held: tuple[int | None, int] = (None, 0)

    def see(self, state: HiddenState, asked_deg: float) -> Outcome | None:
        """Look at the state after one more tick; return the verdict or None.

        ``asked_deg`` is the turn to the right that was asked for in the tick.
        """
        self._ticks += 1
        verdict = self._step_verdict(state, asked_deg)
        if verdict is True and self._at + 1 < len(self._steps):
            done = self._targets[self._at]
            self._past |= set() if done is None else {done.id}
            self._begin(state, self._at + 1)
            verdict = None
        self._last = state
        if verdict is not None:
            return Outcome.SUCCESS if verdict else Outcome.FAILURE
        if state.health <= 0:
            return Outcome.FAILURE
        return Outcome.TIMEOUT if self._ticks >= self._max_ticks else None

    def _step_verdict(self, state: HiddenState, asked_deg: float) -> bool | None:
        """Return True for done, False for done wrong, None while it goes on."""
        step, target = self._steps[self._at], self._targets[self._at]
        alive = {thing.id for thing in state.things}
        used = {thing.id for thing in state.fixtures if thing.used}
        touched = (self._alive - alive) | (used - self._used)
        self._alive, self._used = alive, used
        if touched:
            asked = step.verb in (goals.PICK_UP, goals.SHOOT, goals.OPEN, goals.PRESS)
            # Who runs up to what lies on the floor has it in his pocket in the same tick.
            asked |= (
                step.verb == goals.GO_TO and step.kind is not None and (step.kind.family in CARRIED)
            )
            return asked and target is not None and touched == {target.id}
        turn = (self._last.angle_deg - state.angle_deg + 180.0) % 360.0 - 180.0
        # Two angles tell no half turn to the right from one to the left.
        turn += 360.0 * round((asked_deg - turn) / 360.0)
        moved = math.hypot(state.x - self._last.x, state.y - self._last.y)
        self._turned += turn
        if step.verb in goals.TURNS:
            return self._turn_verdict(state, step)
        if step.verb in goals.WALKS:
            return self._walk_verdict(state, step)
        if step.verb == goals.SWITCH_TO:
            if state.weapon == step.slot:
                return True
            return None if state.weapon in (0, self._start.weapon) else False
        if target is None:
            return None
        if step.verb == goals.GO_TO:
            near = self._near(state, REACH)
            return near == {target.id} if near else None
        if step.verb == goals.STAND_STILL:
            still = moved < STILL_UNITS and abs(turn) < STILL_DEG
            near = self._near(state, STAND_REACH)
            at = next(iter(near)) if still and len(near) == 1 else None
            return self._hold(at, target.id, STAND_TICKS)
        if step.verb == goals.FACE:
            aimed = _aimed_at(state, target.id)
            return self._hold(None if aimed in self._past else aimed, target.id, FACE_TICKS)
        if step.verb == goals.KEEP_AWAY:
            there = next((thing for thing in state.things if thing.id == target.id), None)
            if there is not None and state.distance(there) < DANGER:
                return False
            gone = math.hypot(state.x - self._start.x, state.y - self._start.y)
            self._gone = max(self._gone, gone)
            kept = self._ticks >= KEEP_AWAY_TICKS and self._gone >= AWAY_UNITS
            return True if kept else None
        return None

    def _near(self, state: HiddenState, reach: float) -> set[int]:
        """Return the ids of what is near, without what an earlier step was about."""
        near = {thing.id for thing in state.everything if state.distance(thing) <= reach}
        return near - self._past

    def _hold(self, thing_id: int | None, wanted: int, ticks: int) -> bool | None:
        """Count for how many ticks in a row one thing was held to."""
        held, count = self._held
        count = count + 1 if held == thing_id else 1
        count = 0 if thing_id is None else count
        self._held = (thing_id, count)
        return thing_id == wanted if count >= ticks else None

    def _turn_verdict(self, state: HiddenState, step: Step) -> bool | None:
        if math.hypot(state.x - self._start.x, state.y - self._start.y) > ASTRAY_UNITS:
            return False
        if step.verb == goals.TURN_AROUND:
            return True if abs(self._turned) >= TURN_AROUND_DEG else None
        rightwards = self._turned if step.verb == goals.TURN_RIGHT else -self._turned
        if rightwards >= TURN_DEG:
            return True
        return False if rightwards <= -ASTRAY_DEG else None

    def _walk_verdict(self, state: HiddenState, step: Step) -> bool | None:
        if abs(self._turned) > ASTRAY_DEG:
            return False
        heading = math.radians(self._start.angle_deg)
        dx, dy = state.x - self._start.x, state.y - self._start.y
        ahead = dx * math.cos(heading) + dy * math.sin(heading)
        right = dx * math.sin(heading) - dy * math.cos(heading)
        along, across = {
            goals.WALK_FORWARD: (ahead, right),
            goals.WALK_BACK: (-ahead, right),
            goals.WALK_SIDEWAYS: (-right if step.relation == goals.LEFT else right, ahead),
        }[step.verb]
        if along >= WALK_UNITS:
            return True
        return False if along <= -ASTRAY_UNITS or abs(across) > ASTRAY_UNITS else None


def _aimed_at(state: HiddenState, wanted: int) -> int | None:
    """Return the id of what the player looks straight at; of two things, the wanted one."""
    ahead = {
        thing.id: abs(state.bearing(thing))
        for thing in state.everything
        if abs(state.bearing(thing)) <= FACE_DEG and not state.hidden_by_pillar(thing)
    }
    if wanted in ahead or not ahead:
        return wanted if ahead else None
    return min(ahead, key=lambda thing_id: ahead[thing_id])
