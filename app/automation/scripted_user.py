"""A scripted user: wants an action, and presses the keys and moves the mouse for it.

It reaches a session only by what a real person's window calls (``key``, ``mouse_move``),
so what it does is recorded, counted and handed back like a person's play.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from app.session.api import Phase, Snapshot
from app.session.wiring import Reopen, clock_of
from model.play.policy import Observation, Policy
from recorder.clock import Clock
from recorder.games.base import Bindings, Game
from recorder.types import Action, Frame

TURN_DIFFERS_DEG = 5.0
"""A turn that is off by more than this is another turn."""
STUMBLE_CHANCE = 0.08
"""Of a stumble's beginning in a tick."""
STUMBLE_TICKS = 3
STUMBLE_DEG = (4.0, 10.0)
"""Largest pitch and yaw of a stumble, in degrees a tick."""
DOUBT_WINDOW_TICKS = 10
DOUBT_LIMIT = 7
"""So many ticks of the window must be wrong before the person steps in."""


class Keyboard(Protocol):
    """What hears the person: a session."""

    def key(self, name: str, down: bool, mono_ns: int) -> None:
        """Hear a key or a button."""
        ...

    def mouse_move(self, dx_counts: float, dy_counts: float, mono_ns: int) -> None:
        """Hear a mouse move."""
        ...


class Typist:
    """Turns wanted actions into key presses, releases and mouse moves."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._down: set[str] = set()

    def want(self, action: Action, keyboard: Keyboard, mono_ns: int) -> None:
        """Press and release what differs from before, and move the mouse.

        A wanted control without a key is left out.
        """
        keys = self._bindings.keys
        controls = [*action.held, *([f"hotbar.{action.hotbar}"] if action.hotbar else [])]
        wanted = {keys[control] for control in controls if keys.get(control)}
        for name in sorted(self._down - wanted):
            keyboard.key(name, False, mono_ns)
        for name in sorted(wanted - self._down):
            keyboard.key(name, True, mono_ns)
        self._down = wanted
        pitch, yaw = action.camera
        if pitch or yaw:
            across, along = self._bindings.degrees_per_count, self._bindings.pitch_per_count
            keyboard.mouse_move(yaw / across, pitch / along, mono_ns)

    def let_go(self, keyboard: Keyboard, mono_ns: int) -> None:
        """Take the hands off."""
        self.want(Action(), keyboard, mono_ns)


class ScriptedUser:
    """Plays every tick as a policy says, from the first to the last, by keys and mouse.

    Give ``hands`` to the session as its scripted hands.  With ``stumbles`` a jerk of the
    mouse turns the view away now and then, so that the way back is shown too.
    """

    def __init__(
        self,
        policy: Policy,
        bindings: Bindings,
        clock: Clock,
        *,
        stumbles: random.Random | None = None,
    ) -> None:
        self._policy = policy
        self._stumbles = stumbles
        self._stumble = Action()
        self._stumble_ticks = 0
        self._typist = Typist(bindings)
        self._clock = clock
        self._keyboard: Keyboard | None = None
        self._instruction = ""

    def sit_down(self, keyboard: Keyboard, instruction: str) -> None:
        """Begin an attempt at a session's keyboard."""
        self._keyboard = keyboard
        self._instruction = instruction
        self._stumble_ticks = 0
        self._typist = Typist(self._typist._bindings)
        self._policy.reset(instruction)

    def opens_again(
        self, opens: Reopen, expert: Callable[[Game], Policy], *, own_clock: bool
    ) -> Reopen:
        """Return what opens a session's game again, with an expert that knows the new one.

        ``own_clock`` says that the user's clock is the game's own.
        """

        def again() -> Game:
            game = opens()
            self._policy = expert(game)
            self._typist = Typist(game.bindings)
            if own_clock:
                self._clock = clock_of(game)
            if self._keyboard is not None:
                # Sat down already, while the game before was there.
                self._policy.reset(self._instruction)
            return game

        return again

    def hands(self, frame: Frame) -> None:
        """Press what the policy says for this frame."""
        if self._keyboard is not None:
            self._typist.want(self.wanted(frame), self._keyboard, self._clock.now_ns())

    def wanted(self, frame: Frame) -> Action:
        """Return the policy's action for a frame, or the jerk of a stumble."""
        action = self._policy.propose(Observation(frame, self._instruction)).actions[0]
        if self._stumbles is None:
            return action
        if self._stumble_ticks == 0 and self._stumbles.random() < STUMBLE_CHANCE:
            self._stumble_ticks = self._stumbles.randint(1, STUMBLE_TICKS)
            most_pitch, most_yaw = STUMBLE_DEG
            turn = (
                self._stumbles.uniform(-most_pitch, most_pitch),
                self._stumbles.uniform(-most_yaw, most_yaw),
            )
            self._stumble = replace(action, camera=turn)
        if self._stumble_ticks == 0:
            return action
        self._stumble_ticks -= 1
        return self._stumble


class Watcher:
    """A person who watches, steps in when the policy goes wrong, and then plays to the end.

    Wrong means that the policy did something else than the person would have done in
    ``DOUBT_LIMIT`` of the last ``DOUBT_WINDOW_TICKS`` ticks.
    """

    def __init__(self, user: ScriptedUser, newest: Newest) -> None:
        self._user = user
        self._newest = newest
        self._doubts: deque[bool] = deque(maxlen=DOUBT_WINDOW_TICKS)
        self._wanted_before: Action | None = None
        self.took_over_at: int | None = None

    def sit_down(self, keyboard: Keyboard, instruction: str) -> None:
        """Begin an attempt."""
        self._user.sit_down(keyboard, instruction)
        self._doubts.clear()
        self._wanted_before = None
        self.took_over_at = None

    def hands(self, frame: Frame) -> None:
        """Watch, or drive once the doubts are too many."""
        snapshot = self._newest.snapshot()
        if self.took_over_at is not None or snapshot.phase is Phase.CORRECTING:
            self._user.hands(frame)
            return
        if self._wanted_before is not None:
            self._doubts.append(differs(self._wanted_before, snapshot.executed))
        self._wanted_before = self._user.wanted(frame)
        if sum(self._doubts) >= DOUBT_LIMIT:
            self.took_over_at = snapshot.tick
            self._user.hands(frame)


class Newest(Protocol):
    """Something that can be looked at."""

    def snapshot(self) -> Snapshot:
        """Return the newest state."""
        ...


def differs(wanted: Action, done: Action) -> bool:
    """Return whether an action is not what a person would call the same."""
    turn = abs(wanted.camera[1] - done.camera[1])
    return wanted.held != done.held or turn > TURN_DIFFERS_DEG
