"""One tick of the agent's: its keys are held, its turn is spread over a part of the tick."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from recorder.capture.base import Rect, WindowSystem
from recorder.clock import Clock
from recorder.games.controls import HOTBAR_PREFIX
from recorder.games.desktop.hands import Hands
from recorder.games.desktop.profile import Profile
from recorder.types import Action

TURN_PARTS = 4
TURN_SHARE = 0.5
"""A camera turn is spread over this share of the tick."""
MARGIN = 2
"""Pixels that the pointer keeps from the window's edge."""


class ActionSender:
    """Makes keys and mouse moves of actions; counts the moves.  Control thread only."""

    def __init__(self, profile: Profile, windows: WindowSystem, hands: Hands, clock: Clock) -> None:
        self._bindings = profile.bindings
        self._tick_rate_hz = profile.tick_rate_hz
        self._windows = windows
        self._hands = hands
        self._clock = clock
        self._left_over = (0.0, 0.0)
        self.cut_counts = 0
        """Mouse counts that were asked for and did not fit into a tick."""
        self.turned_counts = (0, 0)
        """(right, down) mouse counts that were sent since :meth:`begin`."""

    def begin(self) -> None:
        """Forget the last attempt."""
        self._left_over = (0.0, 0.0)
        self.turned_counts = (0, 0)

    def forget_fractions(self) -> None:
        """Forget the part of a count that was still to be turned: the person turned meanwhile."""
        self._left_over = (0.0, 0.0)

    def act(self, action: Action, rect: Rect, began_ns: int) -> Action:
        """Send an action; return what of it the game got.

        That is all, but for keys that are not there, for what the window's edge cut of a turn, and
        for what was to come when the gate was shut.
        ``rect`` is the window's, ``began_ns`` when the tick began, by the clock.
        """
        sender = self._hands.sender
        held = self._hands.hold(_keys_of(action, self._bindings.keys))
        sent = _held_of(action, self._bindings.keys, self._hands.held)
        if not held:
            return sent
        moves = self._moves(action)
        if not any(moves):
            return sent.with_camera(*action.camera)
        part_ns = int(1e9 / self._tick_rate_hz * TURN_SHARE / TURN_PARTS)
        # A game puts the pointer back into the middle whenever it likes.  A turn that fits from
        # there and from here fits from anywhere on the way.
        fits = all(
            _reachable(*moves, rect, at) == moves for at in (self._windows.pointer(), rect.centre)
        )
        asked, done = (0, 0), (0, 0)
        for part in range(1, TURN_PARTS + 1):
            dx, dy = step = [moves[axis] * part // TURN_PARTS - asked[axis] for axis in (0, 1)]
            if not fits:
                dx, dy = _reachable(dx, dy, rect, self._windows.pointer())
            self.cut_counts += abs(step[0] - dx) + abs(step[1] - dy)
            if not sender.move(dx, dy):
                break
            asked = (asked[0] + step[0], asked[1] + step[1])
            done = (done[0] + dx, done[1] + dy)
            self.turned_counts = (self.turned_counts[0] + dx, self.turned_counts[1] + dy)
            if part < TURN_PARTS:
                self._clock.sleep_until_ns(began_ns + part * part_ns)
        if done == moves:
            # Fractions of a count are turned later.
            return sent.with_camera(*action.camera)
        yaw, pitch = (counts * self._bindings.degrees_per_count for counts in done)
        return sent.with_camera(pitch, yaw)

    def _moves(self, action: Action) -> tuple[int, int]:
        """Whole counts (right, down) of a turn; fractions are kept for the next one."""
        pitch, yaw = action.camera
        per_count = self._bindings.degrees_per_count
        x, y = self._left_over[0] + yaw / per_count, self._left_over[1] + pitch / per_count
        # A whole number of counts but for floating point is that number.
        dx, dy = (math.trunc(round(value, 6)) for value in (x, y))
        self._left_over = (x - dx, y - dy)
        return dx, dy


def _held_of(action: Action, keys: Mapping[str, str], down: Collection[str]) -> Action:
    """Return the part of an action whose keys are down, without its turn."""
    slot = keys.get(f"{HOTBAR_PREFIX}{action.hotbar}")
    sent = Action(hotbar=action.hotbar if slot in down else 0)
    for control in action.held:
        if keys.get(control) in down:
            sent = sent.pressing(control)
    return sent


def _keys_of(action: Action, keys: Mapping[str, str]) -> list[str]:
    controls = [control for control in keys if control in action.held]
    if action.hotbar:
        controls.append(f"{HOTBAR_PREFIX}{action.hotbar}")
    return list(dict.fromkeys(keys[each] for each in controls if each in keys))


def _reachable(dx: int, dy: int, rect: Rect, at: tuple[int, int]) -> tuple[int, int]:
    """Cut a move from ``at`` at the window's edge: beyond it lies what is not the game's."""
    left, right = rect.left + MARGIN - at[0], rect.right - 1 - MARGIN - at[0]
    up, down = rect.top + MARGIN - at[1], rect.bottom - 1 - MARGIN - at[1]
    return max(min(left, 0), min(max(right, 0), dx)), max(min(up, 0), min(max(down, 0), dy))
