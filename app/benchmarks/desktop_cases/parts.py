"""What the figures of the desktop share: a busy player, a person's hand, a watched keyboard."""

from __future__ import annotations

import time
from collections.abc import Iterator

from app.session.control_loop import LiveSession
from app.session.wiring import MakeRecording, Player
from model.play.policy import ActionChunk, Observation
from recorder.games.base import Bindings
from recorder.games.desktop.game import DesktopGame
from recorder.games.desktop.hands import open_hands
from recorder.games.desktop.profile import Profile
from recorder.input.keys import CODES
from recorder.input.xtest import XTestDevice
from recorder.types import Action

KEYS = ("W", "A", "S", "D", "Space", "Shift", "Q", "I", "LeftButton", "RightButton")
"""What may be down on a watched keyboard."""


def plain_profile() -> Profile:
    """Return a profile for a window that is no game."""
    return Profile(
        name="plain",
        title="Plain window",
        bindings=Bindings(
            {
                "forward": "W", "back": "S", "left": "A", "right": "D", "jump": "Space",
                "sneak": "Shift", "drop": "Q", "inventory": "I", "attack": "LeftButton",
                "use": "RightButton",
            },
            degrees_per_count=0.2,
        ),
        window_title="^Plain",
        chat=frozenset({"T"}),
        forbidden=frozenset({"Esc"}),
    )  # fmt: skip


class BusyPolicy:
    """Holds forward and attack and turns to and fro: as much input as a player makes."""

    name = "busy"

    def __init__(self, *, strafe: bool = False) -> None:
        self._tick = 0
        self._strafe = strafe

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin anew."""
        del instruction, seed
        self._tick = 0

    def propose(self, observation: Observation) -> ActionChunk:
        """Return the next action."""
        self._tick += 1
        phase = self._tick % 40
        yaw = 3.0 if phase < 20 else -3.0
        action = Action(
            forward=True,
            attack=phase % 20 < 15,
            jump=phase == 7,
            right=self._strafe and phase < 10,
            camera=(0.0, yaw),
        )
        return ActionChunk((action,), observation.frame.id, 0.0, 1.0)


def plain_session(window_id: int, make_recording: MakeRecording | None = None) -> LiveSession:
    """Return a session of the busy player in a window, listening to the person."""
    from recorder.capture.grab import MssGrabber
    from recorder.capture.system import open_windows

    profile = plain_profile()
    game = DesktopGame(
        profile, window_id, open_windows(), MssGrabber(), open_hands(profile, window_id)
    )
    session = LiveSession(
        game,
        player=Player(BusyPolicy()),
        make_recording=make_recording,
        idle_handback_s=None,
    )
    game.listen(session)
    return session


class Hand:
    """A person's hand: keys and moves from outside the agent, time-stamped.

    A key is named by what a US keyboard has in its place, whatever the layout.
    """

    def __init__(self) -> None:
        self._device = XTestDevice()

    def press(self, name: str, down: bool) -> int:
        """Press or release; return when it was about to happen, in monotonic nanoseconds."""
        began_ns = time.monotonic_ns()
        self._device.press(CODES[name], down)
        return began_ns

    def move(self, dx: int, dy: int) -> int:
        """Move the mouse; return when it was about to happen."""
        began_ns = time.monotonic_ns()
        self._device.move(dx, dy)
        return began_ns

    def wait_for_server(self) -> int:
        """Return a time by which the server has all that was done."""
        self._device.is_down(CODES["LeftButton"])
        return time.monotonic_ns()

    def down(self, names: tuple[str, ...] = KEYS) -> tuple[str, ...]:
        """Return which of the names the X server takes for pressed."""
        return tuple(name for name in names if self._device.is_down(CODES[name]))

    def wait_until_up(self, timeout_s: float, names: tuple[str, ...] = KEYS) -> float | None:
        """Return after how many seconds nothing was down any more, None where something stays."""
        began_s = time.monotonic()
        while time.monotonic() - began_s < timeout_s:
            if not self.down(names):
                return time.monotonic() - began_s
            time.sleep(0.001)
        return None

    def close(self) -> None:
        """Let the server go."""
        self._device.close()


def until(timeout_s: float, pause_s: float = 0.005) -> Iterator[float]:
    """Yield the seconds gone by until the time is up; the caller breaks out."""
    began_s = time.monotonic()
    while (gone_s := time.monotonic() - began_s) < timeout_s:
        yield gone_s
        time.sleep(pause_s)
