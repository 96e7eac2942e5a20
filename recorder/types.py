"""The values that cross every boundary: frames, actions, outcomes, ticks.

All of them are frozen.  Nothing here knows a game, a database, torch or Qt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

RGBImage = NDArray[np.uint8]
"""Height x width x 3, uint8, RGB."""

MAX_FRAME_WIDTH = 640
MAX_FRAME_HEIGHT = 360
MAX_CAMERA_DEG = 180.0
"""Largest camera turn of one tick that can be stored, per axis."""

BUTTON_CONTROLS: tuple[str, ...] = (
    "forward",
    "back",
    "left",
    "right",
    "sprint",
    "sneak",
    "use",
    "drop",
    "attack",
    "jump",
    "inventory",
)


class Driver(StrEnum):
    """Whose action was executed in a tick."""

    POLICY = "policy"
    PERSON = "person"
    NOBODY = "nobody"


class SegmentKind(StrEnum):
    """What a run of ticks with one driver is good for in training."""

    ROLLOUT = "rollout"
    DEMONSTRATION = "demonstration"
    CORRECTION = "correction"
    PRE_TAKEOVER = "pre_takeover"
    IDLE = "idle"


class Outcome(StrEnum):
    """How an episode ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    ABANDONED = "abandoned"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Action:
    """What is done in one tick, in controls (never keys).

    ``hotbar`` is 0 (no change) to 9.  ``camera`` is (pitch, yaw) in degrees of this
    tick: pitch positive looks down, yaw positive turns right.
    """

    hotbar: int = 0
    forward: bool = False
    back: bool = False
    left: bool = False
    right: bool = False
    sprint: bool = False
    sneak: bool = False
    use: bool = False
    drop: bool = False
    attack: bool = False
    jump: bool = False
    inventory: bool = False
    camera: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if not 0 <= self.hotbar <= 9:
            raise ValueError(f"hotbar must be 0 to 9, got {self.hotbar}")
        if not all(math.isfinite(v) for v in self.camera):
            raise ValueError(f"camera must be finite degrees, got {self.camera}")

    @property
    def is_noop(self) -> bool:
        """True where nothing is pressed and the camera rests."""
        return self == NO_ACTION

    @property
    def held(self) -> frozenset[str]:
        """Names of the button controls that are pressed."""
        return frozenset(name for name in BUTTON_CONTROLS if getattr(self, name))

    def pressing(self, control: str) -> Action:
        """Return the same action with one more button control held."""
        if control not in BUTTON_CONTROLS:
            raise ValueError(f"{control!r} is no button control")
        pressed: dict[str, Any] = {control: True}
        return replace(self, **pressed)

    def with_camera(self, pitch_deg: float, yaw_deg: float) -> Action:
        """Return the same action with another camera turn."""
        return replace(self, camera=(pitch_deg, yaw_deg))


NO_ACTION = Action()


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What the player sees at a tick.

    ``rgb`` is uint8 H x W x 3, at most 360 x 640, and must not be written to.
    ``mono_ns`` is CLOCK_MONOTONIC when the picture was taken; ``id`` counts up
    within one game session.
    """

    id: int
    mono_ns: int
    rgb: RGBImage

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self.rgb.shape[0])


@dataclass(frozen=True, slots=True)
class InputEvent:
    """A raw event of the person's, as heard.

    ``device`` is "key", "button" or "motion"; ``code`` the control's name (never an
    unbound key); ``value`` 1 down, 0 up, or the motion in degrees.
    """

    mono_ns: int
    device: str
    code: str
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Tick:
    """One control step as it happened, handed to every observer of an episode.

    ``frame`` is what was seen before ``executed`` was done.  ``shadow`` is what the
    policy would have done (None where it had no plan); while the policy drives it
    equals ``executed``.  ``plan_age_ticks`` counts the ticks since the frame that the
    policy's plan was made from; ``latency_ms`` is how long that plan took.
    """

    index: int
    mono_ns: int
    frame: Frame
    executed: Action
    driver: Driver
    shadow: Action | None = None
    plan_age_ticks: int | None = None
    latency_ms: float | None = None
    events: tuple[InputEvent, ...] = ()
