"""The person's keys, buttons and mouse counts, turned into one action per tick.  No Qt."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from recorder.games.base import Bindings
from recorder.input.keys import TWINS, canonical
from recorder.types import BUTTON_CONTROLS, MAX_CAMERA_DEG, Action, InputEvent

HOTBAR_PREFIX = "hotbar."
MAX_EVENTS = 256
"""Raw events kept per tick; what a person can do in a twentieth of a second is far below."""


@dataclass(slots=True)
class _Heard:
    """What was done in one stretch of time: taps in the order of pressing, turns, raw events."""

    tapped: dict[str, None] = field(default_factory=dict)
    pitch_deg: float = 0.0
    yaw_deg: float = 0.0
    events: list[InputEvent] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        """Whether a press or a turn is in it; a release alone is nothing."""
        return bool(self.tapped) or bool(self.pitch_deg) or bool(self.yaw_deg)

    def add(self, later: _Heard) -> None:
        """Append what was done after it."""
        for name in later.tapped:
            self.tapped.pop(name, None)
            self.tapped[name] = None
        self.pitch_deg += later.pitch_deg
        self.yaw_deg += later.yaw_deg
        self.events.extend(later.events[: MAX_EVENTS - len(self.events)])


class HeldControls:
    """What is held down, what was tapped and how far the mouse went since the last tick.

    Safe from any thread: one hears events, another takes the action of each tick.  In a game
    that hears the person itself, :meth:`picture_read` marks what came before a picture, and
    :meth:`take_shown` takes just that; elsewhere :meth:`take` takes everything.
    """

    def __init__(self, bindings: Bindings) -> None:
        self._lock = threading.Lock()
        self._yaw_per_count = bindings.degrees_per_count
        self._pitch_per_count = bindings.pitch_per_count
        self._controls = _controls_by_key(bindings)
        # Insertion order is the order of pressing: the newest hotbar key wins.
        self._down: dict[str, None] = {}
        # Since the newest picture, and between the newest taken tick and that picture.
        self._now = _Heard()
        self._shown = _Heard()
        self._down_shown: dict[str, None] = {}

    def use_bindings(self, bindings: Bindings) -> None:
        """Change what keys mean; everything held is released."""
        with self._lock:
            self._clear()
            self._yaw_per_count = bindings.degrees_per_count
            self._pitch_per_count = bindings.pitch_per_count
            self._controls = _controls_by_key(bindings)

    @property
    def keys_held(self) -> frozenset[str]:
        """Names of the bound keys and buttons that are down."""
        with self._lock:
            return frozenset(self._down)

    @property
    def turned_deg(self) -> float:
        """The larger of the two turns, in degrees, that the next tick will carry."""
        with self._lock:
            parts = (self._shown, self._now)
            pitch, yaw = sum(each.pitch_deg for each in parts), sum(each.yaw_deg for each in parts)
            return max(abs(pitch), abs(yaw))

    @property
    def untaken(self) -> bool:
        """Whether a press or a turn of the person's is in no tick yet."""
        with self._lock:
            return self._shown.anything or self._now.anything

    def key(self, name: str, down: bool, mono_ns: int) -> bool:
        """Hear a key or button; return whether anything changed.

        Unbound names, repeats of a key that is down and releases of one that is not
        change nothing.
        """
        with self._lock:
            name = canonical(name)
            controls = self._controls.get(name)
            if controls is None or down is (name in self._down):
                return False
            if down:
                self._down[name] = None
                # Pressed again within the tick: it counts as the newest press.
                self._now.tapped.pop(name, None)
                self._now.tapped[name] = None
            else:
                del self._down[name]
            device = "button" if name.endswith("Button") else "key"
            for control in controls:
                self._note(InputEvent(mono_ns, device, control, float(down)))
            return True

    def motion(self, dx_counts: float, dy_counts: float, mono_ns: int) -> None:
        """Hear a mouse move: right and down are positive counts."""
        with self._lock:
            yaw = dx_counts * self._yaw_per_count
            pitch = dy_counts * self._pitch_per_count
            self._now.yaw_deg += yaw
            self._now.pitch_deg += pitch
            if yaw:
                self._note_motion("yaw", yaw, mono_ns)
            if pitch:
                self._note_motion("pitch", pitch, mono_ns)

    def take(self) -> tuple[Action, tuple[InputEvent, ...]]:
        """Return this tick's action and the raw events in it, and begin the next tick.

        A key that went down and up within the tick counts.  A turn beyond 180 degrees
        is cut there; the rest belongs to the next tick.
        """
        with self._lock:
            self._mark()
            done = self._shown
            taken = self._take_shown()
            pitch, yaw = taken[0].camera
            self._shown.pitch_deg, self._shown.yaw_deg = done.pitch_deg - pitch, done.yaw_deg - yaw
            return taken

    def picture_read(self) -> None:
        """Mark that a picture was read: what is heard from now on cannot be in it."""
        with self._lock:
            self._mark()

    def take_shown(self) -> tuple[Action, tuple[InputEvent, ...]]:
        """Return the action from the last tick's end to the newest picture, as :meth:`take` does.

        What came after that picture belongs to the next tick.  Of a turn beyond 180 degrees the
        rest belongs to none: the pictures of the ticks after it show the whole turn already.
        """
        with self._lock:
            return self._take_shown()

    def forget_shown(self) -> None:
        """Forget what was done before the newest picture and is in no tick; what is held stays."""
        with self._lock:
            self._shown = _Heard()

    def _mark(self) -> None:
        self._shown.add(self._now)
        self._now = _Heard()
        self._down_shown = dict(self._down)

    def _take_shown(self) -> tuple[Action, tuple[InputEvent, ...]]:
        done, self._shown = self._shown, _Heard()
        active = {**self._down_shown, **done.tapped}
        pressed = [control for key in active for control in self._controls[key]]
        buttons = {name: True for name in pressed if name in BUTTON_CONTROLS}
        slots = [
            int(name.removeprefix(HOTBAR_PREFIX))
            for name in pressed
            if name.startswith(HOTBAR_PREFIX)
        ]
        turn = (_cut(done.pitch_deg), _cut(done.yaw_deg))
        action = Action(hotbar=slots[-1] if slots else 0, camera=turn, **buttons)
        return action, tuple(done.events)

    def release_keys(self) -> None:
        """Take what is held for released; what was done since the last tick stays to be taken."""
        with self._lock:
            self._down = {}

    def release_all(self) -> None:
        """Let everything go; taps, turns and events that nobody took are forgotten."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        self._down = {}
        self._down_shown = {}
        self._now = _Heard()
        self._shown = _Heard()

    def _note(self, event: InputEvent) -> None:
        if len(self._now.events) < MAX_EVENTS:
            self._now.events.append(event)

    def _note_motion(self, axis: str, degrees: float, mono_ns: int) -> None:
        # A mouse reports up to a thousand times a second; what lies between two key
        # events is one motion per axis, stamped with its end.
        events = self._now.events
        for index in range(len(events) - 1, -1, -1):
            event = events[index]
            if event.device != "motion":
                break
            if event.code == axis:
                total = event.value + degrees
                events[index] = InputEvent(mono_ns, "motion", axis, total)
                return
        self._note(InputEvent(mono_ns, "motion", axis, degrees))


def is_games(bindings: Bindings, key: str, modifiers: Iterable[str]) -> bool:
    """Return whether ``key``, pressed with ``modifiers`` held, is the game's.

    It is where the key and all that is held with it are bound: a person who sneaks with
    Ctrl and drops with Q does not mean the window's Ctrl+Q.
    """
    bound = _controls_by_key(bindings)
    return all(canonical(name) in bound for name in (key, *modifiers))


def _controls_by_key(bindings: Bindings) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for control, key in bindings.keys.items():
        if key:
            name = canonical(key)
            found[name] = (*found.get(name, ()), control)
    # The right-hand Shift does what the left one does, unless it does something else.
    for name, twin in TWINS.items():
        if name in found:
            found.setdefault(twin, found[name])
    return found


def _cut(degrees: float) -> float:
    """Return what of a turn one tick can carry."""
    return max(-MAX_CAMERA_DEG, min(MAX_CAMERA_DEG, degrees))
