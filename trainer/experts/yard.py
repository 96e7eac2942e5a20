"""A scripted player of the practice yard that may read the game's hidden state.

It has no memory: what it does depends on the present state only, and on things out of
view only in that it looks for them by turning.  So a policy that sees one picture can
learn to do the same, and the expert can label any state that a policy reaches.
"""

from __future__ import annotations

import math
import time

from model.play.policy import ActionChunk, Observation
from recorder.games.doom import goals
from recorder.games.doom.game import DoomGame
from recorder.games.doom.goals import Goal, Step
from recorder.games.doom.layout import bearing_deg, within
from recorder.games.doom.state import HiddenState, SeenThing
from recorder.games.doom.things import KIND_BY_KEY
from recorder.types import NO_ACTION, Action

VIEW_DEG = 50.0
"""A thing further off the centre than this is taken as out of view."""
TURN_GAIN = 0.5
MAX_TURN_DEG = 10.0
WALK_CONE_DEG = 18.0
SHOOT_RANGE = 420.0
CLEARANCE = 62.0
"""Sideways room kept to everything that is not the target."""
FIXTURE_ROOM = 80.0
"""Room kept to the middle of doors and switches."""
LOOK_AHEAD = 230.0
FACED_DEG = 2.5
STOP_AT = 92.0
"""So near a thing it stops to stand there."""
USE_AT = 62.0
USE_CONE_DEG = 25.0
BACK_OFF_AT = 210.0
"""It backs off from what comes nearer than this."""
WALL_ROOM = 24.0
DOORWAY = 14.0


def teach(state: HiddenState, goal: Goal) -> Action:
    """Return what a good player does in ``state`` for ``goal``.

    A goal whose target is not in the scene is searched for without end.
    """
    step = step_to_do(state, goal)
    if step.kind is None:
        return _motion(step)
    target = target_of(state, step)
    # Walls keep the player's middle further off; nearer is a doorway.
    if step.verb != goals.KEEP_AWAY and not within(
        state.scene.plan.room, state.x, state.y, DOORWAY
    ):
        return _back_to_room(state)
    if target is None:
        # The right one of two comes into view first when one looks for it to the left.
        return _search(left=step.relation == goals.RIGHT)
    if step.verb == goals.KEEP_AWAY:
        return _keep_away(state, target)
    return _at_target(state, step, target)


def step_to_do(state: HiddenState, goal: Goal) -> Step:
    """Return the step that is to be done in this state.

    The first of two is over when its thing is gone from the yard, open or pressed.
    """
    first = goal.steps[0]
    if len(goal.steps) == 1 or first.kind is None:
        return first
    key = first.kind.key
    if first.fixture:
        done = any(thing.used for thing in state.fixtures if thing.key == key)
    else:
        done = all(thing.key != key for thing in state.things)
        # In a yard that never had it there is nothing to be done with.
        done = done and any(placed.kind.key == key for placed in state.scene.things)
    return goal.steps[1] if done else first


def target_of(state: HiddenState, step: Step) -> SeenThing | None:
    """Return the thing to act on as far as one picture tells, None where it is to be found.

    Where two of a kind stand, the relation is that of this moment: the nearest now, the
    left one of those in view.
    """
    if step.kind is None:
        return None
    of_kind = [thing for thing in state.everything if thing.key == step.kind.key]
    if step.relation == goals.FARTHEST:
        of_kind.sort(key=state.distance, reverse=True)
    elif step.relation not in goals.SIDES:
        of_kind.sort(key=state.distance)
    else:
        of_kind = [thing for thing in of_kind if _in_view(state, thing)]
        of_kind.sort(key=state.bearing, reverse=step.relation == goals.RIGHT)
    if not of_kind or not _in_view(state, of_kind[0]):
        return None
    return of_kind[0]


def _in_view(state: HiddenState, thing: SeenThing) -> bool:
    return abs(state.bearing(thing)) <= VIEW_DEG


def _search(*, left: bool = False) -> Action:
    return Action(camera=(0.0, -MAX_TURN_DEG if left else MAX_TURN_DEG))


def _motion(step: Step) -> Action:
    """Turn, walk or change weapons; nothing has to be looked for."""
    if step.verb == goals.SWITCH_TO:
        return Action(hotbar=step.slot)
    if step.verb in goals.TURNS:
        return _search(left=step.verb == goals.TURN_LEFT)
    control = {goals.WALK_FORWARD: "forward", goals.WALK_BACK: "back"}.get(step.verb)
    return NO_ACTION.pressing(control or step.relation)


def _at_target(state: HiddenState, step: Step, target: SeenThing) -> Action:
    """Do what the step says to a target that is in view."""
    bearing, distance = state.bearing(target), state.distance(target)
    pitch = _level(state)
    hidden = state.hidden_by_pillar(target)
    if step.verb == goals.FACE and not hidden:
        return Action(camera=(pitch, 0.0 if abs(bearing) < FACED_DEG else _turn(bearing)))
    if step.verb == goals.STAND_STILL and distance < STOP_AT:
        return Action(camera=(pitch, 0.0))
    if step.verb == goals.SHOOT and distance < SHOOT_RANGE and not hidden:
        half_width_deg = math.degrees(math.atan2(KIND_BY_KEY[target.key].radius * 0.7, distance))
        return Action(attack=abs(bearing) < half_width_deg, camera=(pitch, _turn(bearing)))
    if step.verb in (goals.OPEN, goals.PRESS) and distance < USE_AT:
        return Action(
            use=abs(bearing) < USE_CONE_DEG,
            forward=abs(bearing) < WALK_CONE_DEG,
            camera=(pitch, _turn(bearing)),
        )
    bearing = _around(state, target, bearing, distance)
    return Action(forward=abs(bearing) < WALK_CONE_DEG, camera=(pitch, _turn(bearing)))


def _keep_away(state: HiddenState, target: SeenThing) -> Action:
    """Face what comes, and go back when it is near."""
    near = state.distance(target) < BACK_OFF_AT
    return Action(back=near, camera=(_level(state), _turn(state.bearing(target))))


def _back_to_room(state: HiddenState) -> Action:
    """Leave a hall for the main room, by its mouth."""
    halls = state.scene.plan.halls
    west, south, east, north = state.scene.plan.room
    place = ((west + east) / 2, (south + north) / 2)
    for hall in halls:
        if within(hall.area, state.x, state.y, -WALL_ROOM):
            place = hall.mouth
    bearing = bearing_deg(state.x, state.y, state.angle_deg, *place)
    return Action(forward=abs(bearing) < WALK_CONE_DEG, camera=(_level(state), _turn(bearing)))


def _level(state: HiddenState) -> float:
    # The engine's pitch is positive downwards, its look button upwards (Bindings.pitch_up).
    return _turn(state.pitch_deg) if abs(state.pitch_deg) > 1 else 0.0


def _turn(degrees: float) -> float:
    return max(-MAX_TURN_DEG, min(MAX_TURN_DEG, degrees * TURN_GAIN))


def _around(state: HiddenState, target: SeenThing, bearing: float, distance: float) -> float:
    """Bend the way to the target around what stands most in it."""
    obstacles = [
        (thing.x, thing.y, CLEARANCE + KIND_BY_KEY[thing.key].radius)
        for thing in state.things
        if thing.id != target.id
    ]
    obstacles += [
        (thing.x, thing.y, FIXTURE_ROOM) for thing in state.fixtures if thing.id != target.id
    ]
    for west, south, east, north in state.scene.plan.pillars:
        obstacles.append(((west + east) / 2, (south + north) / 2, 24.0 + (east - west) * 0.71))
    bend = 0.0
    for x, y, needed in obstacles:
        off = bearing_deg(state.x, state.y, state.angle_deg, x, y) - bearing
        off = (off + 180.0) % 360.0 - 180.0
        reach = math.hypot(x - state.x, y - state.y)
        ahead = reach * math.cos(math.radians(off))
        sideways = reach * math.sin(math.radians(off))
        if not 0 < ahead < min(LOOK_AHEAD, distance) or abs(sideways) >= needed:
            continue
        side = -1.0 if sideways > 0 else 1.0
        own = side * math.degrees(math.atan2(needed - abs(sideways), max(ahead, 40.0)))
        # What is most in the way decides.
        bend = own if abs(own) > abs(bend) else bend
    return bearing + bend


class ExpertPolicy:
    """The expert behind the policy protocol; it reads the game it was given."""

    name = "expert"

    def __init__(self, game: DoomGame) -> None:
        self._game = game

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Nothing to forget: the expert looks at the game's state only."""
        del instruction, seed

    def propose(self, observation: Observation) -> ActionChunk:
        """Return the expert's action; in a free task it stands still."""
        started = time.perf_counter()
        goal = self._game.goal
        action = NO_ACTION if goal is None else teach(self._game.hidden_state(), goal)
        return ActionChunk(
            actions=(action,),
            frame_id=observation.frame.id,
            latency_ms=(time.perf_counter() - started) * 1e3,
            confidence=1.0,
        )
