"""A scripted player of Luanti that may read the mod's hidden state.

It acts only by one action a tick, which goes the way of every other player's: keys and
mouse of the game's window.  Outside of screens it decides from the present state alone, and
holds what it presses: a click now and then cannot be imitated, since no picture says when it is
due.  In a screen it works a list of clicks off.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from model.play.policy import ActionChunk, Observation
from recorder.games.luanti.game import LuantiGame
from recorder.games.luanti.judge import Near, PlayerState
from recorder.games.luanti.layouts import ORIGIN, Spot
from recorder.games.luanti.tasks import Goal
from recorder.types import NO_ACTION, Action
from trainer.experts.luanti_forms import Click, Move, Rest, cook_moves, craft_moves

EYE = 1.47
MAX_TURN_DEG = 10.0
TURN_GAIN = 0.6
VIEW_DEG = 36.0
"""A thing further off the middle than this is taken as out of view."""
WALK_CONE_DEG = 20.0
DIG_REACH = 2.7
HIT_REACH = 2.4
PICK_REACH = 2.0
AIM_DEG = 2.5
CLEARANCE = 1.2
POST_CLEARANCE = 2.7
"""Sideways room kept to what is not the target, in nodes."""
OPEN_TICKS = 8
STUCK_TICKS = 6
APPROACH_TICKS = 20
"""From any slot to any other the pointer takes at most eight."""


@dataclass(frozen=True, slots=True)
class Aim:
    """Where something is from the eye: bearing and drop in degrees, distance in nodes."""

    bearing_deg: float
    drop_deg: float
    distance: float


def aim_at(state: PlayerState, angles: tuple[float, float], x: float, y: float, z: float) -> Aim:
    """Return where a point of the map is seen; bearing positive to the right, drop downwards."""
    dx, dz = x - state.x, z - state.z
    distance = math.hypot(dx, dz)
    yaw, pitch = angles
    needed = math.degrees(math.atan2(-dx, dz))
    bearing = (yaw - needed + 180.0) % 360.0 - 180.0
    drop = math.degrees(math.atan2(state.y + EYE - y, max(distance, 0.05)))
    return Aim(bearing, drop - pitch, distance)


class LuantiExpert:
    """The expert behind the policy protocol; it reads the game that it was given."""

    name = "expert"

    def __init__(self, game: LuantiGame) -> None:
        self._game = game
        self._begin()

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin an episode."""
        del instruction, seed
        self._begin()

    def propose(self, observation: Observation) -> ActionChunk:
        """Return the expert's action; in a free task it stands still."""
        started = time.perf_counter()
        goal = self._game.goal
        self._tick += 1
        action = NO_ACTION if goal is None else self._act(goal, self._game.hidden_state())
        return ActionChunk(
            actions=(action,),
            frame_id=observation.frame.id,
            latency_ms=(time.perf_counter() - started) * 1e3,
            confidence=1.0,
        )

    def _begin(self) -> None:
        self._tick = 0
        self._pressed_at = -100
        self._slow_ticks = 0
        self._moves: Iterator[Move] | None = None
        self._move: Move | None = None
        self._opened_at: int | None = None
        self._clicked = False
        self._settled = False
        self._approach_ticks = 0

    def _act(self, goal: Goal, state: PlayerState) -> Action:
        match goal.verb:
            case "mine":
                return self._mine(goal, state)
            case "craft":
                return self._craft(goal, state)
            case "smelt" | "cook":
                return self._cook(goal, state)
            case "kill":
                return self._kill(goal, state)
            case "place":
                return self._place(goal, state)
            case "go_to":
                return self._go_to(state)
        return self._collect(goal, state)

    # What the verbs need

    def _mine(self, goal: Goal, state: PlayerState) -> Action:
        if goal.key == "iron" and (change := self._choose("default:pick_stone", state)):
            return change
        spots = self._game.layout.targets
        if not spots:
            # Dirt is under the feet everywhere.
            _, pitch = self._game.angles
            down = 58.0 - pitch
            return Action(attack=abs(down) < 8, camera=(_clip(down * TURN_GAIN), 0.0))
        # The second node of a heap or a trunk is nearest to the eye's height.
        spot = spots[min(1, len(spots) - 1)]
        x, y, z = _middle(spot)
        aim = aim_at(state, self._game.angles, x, y, z)
        if aim.distance > DIG_REACH:
            return self._walk(state, aim, spot)
        aimed = abs(aim.bearing_deg) < AIM_DEG * 2 and abs(aim.drop_deg) < AIM_DEG * 2
        return Action(attack=aimed, camera=_turn(aim))

    def _kill(self, goal: Goal, state: PlayerState) -> Action:
        prey = self._nearest(state, goal.target)
        if prey is None:
            return Action(camera=(0.0, MAX_TURN_DEG))
        aim = aim_at(state, self._game.angles, prey.x, prey.y, prey.z)
        if aim.distance > HIT_REACH:
            return self._walk(state, aim, None)
        aimed = abs(aim.bearing_deg) < 7 and abs(aim.drop_deg) < 7
        # The game strikes again and again by itself while the button is down.
        return Action(attack=aimed, camera=_turn(aim))

    def _collect(self, goal: Goal, state: PlayerState) -> Action:
        items = [near for near in state.near if near.item.split(" ")[0] == goal.target]
        if not items:
            return Action(camera=(0.0, MAX_TURN_DEG))
        item = min(items, key=lambda near: math.hypot(near.x - state.x, near.z - state.z))
        aim = aim_at(state, self._game.angles, item.x, item.y, item.z)
        if aim.distance > PICK_REACH:
            return self._walk(state, aim, None)
        aimed = abs(aim.bearing_deg) < AIM_DEG and abs(aim.drop_deg) < AIM_DEG
        return Action(attack=aimed, camera=_turn(aim))

    def _place(self, goal: Goal, state: PlayerState) -> Action:
        if change := self._choose(goal.target, state):
            return change
        _, pitch = self._game.angles
        down = 38.0 - pitch
        return Action(use=abs(down) < 4, camera=(_clip(down * TURN_GAIN), 0.0))

    def _go_to(self, state: PlayerState) -> Action:
        spot = self._game.layout.targets[0]
        x, _, z = _middle(spot)
        aim = aim_at(state, self._game.angles, x, state.y + EYE - 0.2, z)
        return self._walk(state, aim, spot)

    def _craft(self, goal: Goal, state: PlayerState) -> Action:
        if self._opened_at is None:
            if self._tick - self._pressed_at < OPEN_TICKS:
                return NO_ACTION
            self._opened_at = self._tick
            return Action(inventory=True)
        if self._tick - self._opened_at < OPEN_TICKS:
            return NO_ACTION
        if self._moves is None:
            self._moves = craft_moves(goal, self._game.hidden_state)
        return self._work_off()

    def _cook(self, goal: Goal, state: PlayerState) -> Action:
        if self._opened_at is None:
            if self._tick - self._pressed_at < OPEN_TICKS:
                return NO_ACTION
            spot = self._game.layout.targets[0]
            x, y, z = _middle(spot)
            aim = aim_at(state, self._game.angles, x, y, z)
            if aim.distance > DIG_REACH:
                return self._walk(state, aim, spot)
            if abs(aim.bearing_deg) > AIM_DEG * 2 or abs(aim.drop_deg) > AIM_DEG * 2:
                return Action(camera=_turn(aim))
            self._opened_at = self._tick
            return Action(use=True)
        if self._tick - self._opened_at < OPEN_TICKS:
            return NO_ACTION
        if self._moves is None:
            self._moves = cook_moves(goal, self._game.hidden_state)
        return self._work_off()

    # Screens

    def _work_off(self) -> Action:
        if self._move is None and self._moves is not None:
            self._move = next(self._moves, None)
            self._clicked = False
            self._approach_ticks = 0
            self._settled = False
        match self._move:
            case Rest(ticks):
                self._move = Rest(ticks - 1) if ticks > 1 else None
                return NO_ACTION
            case Click() as click:
                return self._click(click)
        return self._close()

    def _click(self, click: Click) -> Action:
        if self._clicked:
            # The button comes up for a tick, so that the next press is a press.
            self._move = None
            return NO_ACTION
        x, y = self._game.pointer_in_window()
        dx, dy = click.x - x, click.y - y
        per_count = self._game.bindings.degrees_per_count
        if max(abs(dx), abs(dy)) > 4:
            self._approach_ticks += 1
            if self._approach_ticks > APPROACH_TICKS:
                # The game keeps putting the pointer back: there is no screen, since the key that
                # was to open it got lost or closed it.
                return self._forget_screen()
            return Action(camera=(_clip(dy * per_count), _clip(dx * per_count)))
        if not self._settled:
            # The game reads the pointer once a picture: a click now could be where it was before.
            self._settled = True
            return NO_ACTION
        self._clicked = True
        return Action(use=True) if click.right else Action(attack=True)

    def _close(self) -> Action:
        """Close the screen; what is not done is begun anew."""
        self._forget_screen()
        return Action(inventory=True)

    def _forget_screen(self) -> Action:
        self._opened_at = None
        self._moves = self._move = None
        self._pressed_at = self._tick
        return NO_ACTION

    # Walking and looking

    def _walk(self, state: PlayerState, aim: Aim, target: Spot | None) -> Action:
        if abs(aim.bearing_deg) > VIEW_DEG:
            right = MAX_TURN_DEG if aim.bearing_deg > 0 else -MAX_TURN_DEG
            return Action(camera=(0.0, right))
        bearing = self._around(state, aim, target)
        forward = abs(bearing) < WALK_CONE_DEG
        self._slow_ticks = self._slow_ticks + 1 if forward and state.speed < 1.0 else 0
        level = 8.0 - self._game.angles[1]
        return Action(
            forward=forward,
            jump=self._slow_ticks > STUCK_TICKS,
            camera=(
                _clip(aim.drop_deg * TURN_GAIN) if aim.distance < 5 else _clip(level * TURN_GAIN),
                _clip(bearing * TURN_GAIN),
            ),
        )

    def _around(self, state: PlayerState, aim: Aim, target: Spot | None) -> float:
        """Bend the way round the nearest thing that stands in it."""
        nearest: tuple[float, float] | None = None
        for spot in self._game.layout.obstacles:
            if target is not None and (spot.x, spot.z) == (target.x, target.z):
                continue
            if spot.y > 1:
                continue
            room = POST_CLEARANCE if "post" in spot.node else CLEARANCE
            other = aim_at(state, self._game.angles, *_middle(spot))
            off = math.radians(other.bearing_deg - aim.bearing_deg)
            ahead, sideways = other.distance * math.cos(off), other.distance * math.sin(off)
            if not 0 < ahead < aim.distance or abs(sideways) >= room:
                continue
            if nearest is None or ahead < nearest[0]:
                side = -1.0 if sideways > 0 else 1.0
                missing = room - abs(sideways)
                bend = math.degrees(math.atan2(missing, max(ahead, 0.7)))
                nearest = (ahead, side * min(bend, 70.0))
        return aim.bearing_deg if nearest is None else aim.bearing_deg + nearest[1]

    def _nearest(self, state: PlayerState, name: str) -> Near | None:
        found = [near for near in state.near if near.name == name]
        return min(
            found, key=lambda near: math.hypot(near.x - state.x, near.z - state.z), default=None
        )

    def _choose(self, item: str, state: PlayerState) -> Action | None:
        """Return what puts ``item`` into the hand, None where it is there."""
        if state.wield == item:
            return None
        slot = next((slot for slot, name, _ in state.main if name == item), 0)
        if not 1 <= slot <= 8:
            return None
        return Action(hotbar=slot)


def _middle(spot: Spot) -> tuple[float, float, float]:
    return ORIGIN[0] + spot.x, ORIGIN[1] + spot.y, ORIGIN[2] + spot.z


def _turn(aim: Aim) -> tuple[float, float]:
    return _clip(aim.drop_deg * TURN_GAIN), _clip(aim.bearing_deg * TURN_GAIN)


def _clip(degrees: float) -> float:
    return max(-MAX_TURN_DEG, min(MAX_TURN_DEG, degrees))
