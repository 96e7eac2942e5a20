"""A scripted player of the practice yard that may read the game's hidden state.

It has no memory: what it does depends on the present state only, and on things out of
view only in that it looks for them by turning right.  So a policy that sees one picture
can learn to do the same, and the teacher can label any state that a policy reaches.
"""

from __future__ import annotations

import math
import time

from model.policy import ActionChunk, Observation
from recorder.games.doom.game import DoomGame, HiddenState, SeenThing
from recorder.games.doom.scene import bearing_deg
from recorder.games.doom.tasks import Goal
from recorder.games.doom.things import KIND_BY_KEY
from recorder.types import NO_ACTION, Action

VIEW_DEG = 43.0
"""A thing further off the centre than this is taken as out of view."""
TURN_GAIN = 0.5
MAX_TURN_DEG = 10.0
WALK_CONE_DEG = 18.0
SHOOT_RANGE = 420.0
CLEARANCE = 62.0
"""Sideways room kept to everything that is not the target."""
LOOK_AHEAD = 230.0


def teach(state: HiddenState, goal: Goal) -> Action:
    """Return what a good player does in ``state`` for ``goal``.

    A goal whose target is not in the scene is searched for without end.
    """
    target = next((thing for thing in state.things if thing.key == goal.kind.key), None)
    if target is None:
        return Action(camera=(0.0, MAX_TURN_DEG))
    bearing = bearing_deg(state.x, state.y, state.angle_deg, target.x, target.y)
    if abs(bearing) > VIEW_DEG:
        return Action(camera=(0.0, MAX_TURN_DEG))
    distance = math.hypot(target.x - state.x, target.y - state.y)
    # The engine's pitch is positive upwards, an action's downwards.
    pitch = _clip(state.pitch_deg * TURN_GAIN) if abs(state.pitch_deg) > 1 else 0.0
    if goal.verb == "shoot" and distance < SHOOT_RANGE:
        half_width_deg = math.degrees(math.atan2(goal.kind.radius * 0.7, distance))
        return Action(
            attack=abs(bearing) < half_width_deg,
            camera=(pitch, _clip(bearing * TURN_GAIN)),
        )
    bearing = _around(state, target, bearing, distance)
    return Action(forward=abs(bearing) < WALK_CONE_DEG, camera=(pitch, _clip(bearing * TURN_GAIN)))


def _clip(degrees: float) -> float:
    return max(-MAX_TURN_DEG, min(MAX_TURN_DEG, degrees))


def _around(state: HiddenState, target: SeenThing, bearing: float, distance: float) -> float:
    """Bend the way to the target around the nearest thing that stands in it."""
    nearest: tuple[float, float] | None = None
    for thing in state.things:
        if thing.id == target.id:
            continue
        off = bearing_deg(state.x, state.y, state.angle_deg, thing.x, thing.y) - bearing
        off = (off + 180.0) % 360.0 - 180.0
        reach = math.hypot(thing.x - state.x, thing.y - state.y)
        ahead = reach * math.cos(math.radians(off))
        sideways = reach * math.sin(math.radians(off))
        needed = CLEARANCE + KIND_BY_KEY[thing.key].radius
        if not 0 < ahead < min(LOOK_AHEAD, distance) or abs(sideways) >= needed:
            continue
        if nearest is None or ahead < nearest[0]:
            missing = needed - abs(sideways)
            side = -1.0 if sideways > 0 else 1.0
            nearest = (ahead, side * math.degrees(math.atan2(missing, max(ahead, 40.0))))
    return bearing if nearest is None else bearing + nearest[1]


class TeacherPolicy:
    """The teacher behind the policy protocol; it reads the game it was given."""

    name = "teacher"
    history_frames = 0

    def __init__(self, game: DoomGame) -> None:
        self._game = game

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Nothing to forget: the teacher looks at the game's state only."""
        del instruction, seed

    def propose(self, observation: Observation) -> ActionChunk:
        """Return the teacher's action; in a free task it stands still."""
        started = time.perf_counter()
        goal = self._game.goal
        action = NO_ACTION if goal is None else teach(self._game.hidden_state(), goal)
        return ActionChunk(
            actions=(action,),
            frame_id=observation.frame.id,
            latency_ms=(time.perf_counter() - started) * 1e3,
            confidence=1.0,
        )
