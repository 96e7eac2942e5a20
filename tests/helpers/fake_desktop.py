"""A desktop without a screen: one window, a keyboard that remembers, a guard that listens."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recorder.capture.base import Rect, Trouble, WindowInfo, WindowState
from recorder.clock import ManualClock
from recorder.errors import GameError
from recorder.games.base import Bindings
from recorder.games.desktop.game import DesktopGame
from recorder.games.desktop.hands import Hands, ProfileKeys
from recorder.games.desktop.profile import Profile
from recorder.input.gate import StopGate
from recorder.input.guard import GONE
from recorder.input.hearing import Hearing
from recorder.input.keys import BUTTONS, CODES, X11_OFFSET, is_button, name_of
from recorder.input.layout import US, Layout
from recorder.input.sender import InputSender
from recorder.input.sent_inputs import Ledger
from recorder.types import Outcome, RGBImage

PROFILE = Profile(
    name="fake",
    title="Fake",
    bindings=Bindings(
        {"forward": "W", "back": "S", "attack": "LeftButton", "hotbar.1": "1", "hotbar.2": "2"},
        degrees_per_count=0.2,
    ),
    window_title="^Fake",
    chat=frozenset({"T"}),
    forbidden=frozenset({"Esc", "F12"}),
)


class FakeWindows:
    """One window whose state a test sets; the pointer goes where the device moves it."""

    def __init__(self) -> None:
        self.rect = Rect(100, 50, 640, 360)
        self.trouble: Trouble | None = None
        self.takes_focus = True
        self.focused = 0
        self.where = self.rect.centre
        self.closed = False
        self.lowered: list[int] = []

    def windows(self) -> tuple[WindowInfo, ...]:
        return (WindowInfo(7, "Fake game", "fake", 1, self.rect),)

    def look(self, window_id: int) -> WindowState:
        return WindowState(self.rect, self.trouble)

    def focus(self, window_id: int) -> None:
        if self.trouble is Trouble.GONE:
            raise GameError("gone")
        self.focused += 1
        if self.takes_focus and self.trouble is Trouble.UNFOCUSED:
            self.trouble = None

    def lower(self, window_id: int) -> None:
        self.lowered.append(window_id)

    def dock(self, window_id: int) -> None:
        self.rect = Rect(624, 0, self.rect.width, self.rect.height)

    def pointer(self) -> tuple[int, int]:
        return self.where

    def screen(self) -> Rect:
        return Rect(0, 0, 1280, 720)

    def close(self) -> None:
        self.closed = True


class FakeGrabber:
    def __init__(self) -> None:
        self.grabs: list[Rect] = []
        self.after: Callable[[], None] = lambda: None
        self.closed = False

    def grab(self, rect: Rect) -> RGBImage:
        self.grabs.append(rect)
        self.after()
        return np.full((rect.height, rect.width, 3), len(self.grabs) % 250, np.uint8)

    def close(self) -> None:
        self.closed = True


class RefusedError(Exception):
    """What an X server says to a key code or button that it does not have (BadValue)."""


class FakeDevice:
    """Remembers what was done and what is down, by names; ``on_event`` sees every event.

    It has the places of a usual keyboard (X11's codes 8 to 255) and three mouse buttons, and
    refuses any other code as the server does.  ``layout`` is what a test has set up.
    """

    def __init__(self, windows: FakeWindows | None = None) -> None:
        self.events: list[tuple[str, bool]] = []
        self.layout = US
        self._told: Layout | None = None
        self.moves: list[tuple[int, int]] = []
        self.down: set[str] = set()
        self.on_event: Callable[[], None] = lambda: None
        self.closed = False
        self._windows = windows

    def knows(self, code: int) -> bool:
        if is_button(code):
            return name_of(code) in BUTTONS
        return 8 <= code + X11_OFFSET <= 255

    def new_layout(self) -> Layout | None:
        if self.layout is self._told:
            return None
        self._told = self.layout
        return self.layout

    def press(self, code: int, down: bool) -> None:
        if not self.knows(code):
            raise RefusedError(code)
        name = name_of(code)
        self.events.append((name, down))
        if down:
            self.down.add(name)
        else:
            self.down.discard(name)
        self.on_event()

    def move(self, dx: int, dy: int) -> None:
        self.moves.append((dx, dy))
        if self._windows is not None:
            x, y = self._windows.where
            self._windows.where = (x + dx, y + dy)
        self.on_event()

    def close(self) -> None:
        self.closed = True


class FakeGuard:
    def __init__(self) -> None:
        self.held: set[str] = set()
        self.log: list[tuple[str, bool]] = []
        self.beats = 0
        self.released = False
        self.ended = False

    def note(self, code: int, down: bool) -> None:
        self._tell()
        name = name_of(code)
        self.log.append((name, down))
        if down:
            self.held.add(name)
        else:
            self.held.discard(name)

    def beat(self) -> None:
        self._tell()
        self.beats += 1

    def _tell(self) -> None:
        if self.ended:
            raise GameError(GONE)

    def take_released(self) -> bool:
        was, self.released = self.released, False
        return was


class FakeEars:
    """A session that only writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.paused = False

    def key(self, name: str, down: bool, mono_ns: int) -> None:
        self.told.append(("key", name, down))

    def mouse_move(self, dx_counts: float, dy_counts: float, mono_ns: int) -> None:
        self.told.append(("move", dx_counts, dy_counts))

    def picture_read(self) -> None:
        self.told.append(("picture_read",))

    def take_over(self) -> None:
        self.told.append(("take_over",))

    def focus_lost(self) -> None:
        self.told.append(("focus_lost",))

    def pause(self) -> None:
        self.paused = True
        self.told.append(("pause",))

    def resume(self) -> None:
        self.paused = False
        self.told.append(("resume",))

    def hand_back(self) -> None:
        self.told.append(("hand_back",))

    def mark(self, outcome: Outcome) -> None:
        self.told.append(("mark", outcome))

    def names(self) -> list[object]:
        return [told[0] for told in self.told]


class FakeListener:
    """Hears what a test let happen only when it is asked to."""

    def __init__(self) -> None:
        self.closed = False
        self.unheard: list[Callable[[], None]] = []

    def hear(self) -> None:
        while self.unheard:
            self.unheard.pop(0)()

    def close(self) -> None:
        self.closed = True


class Desk:
    """A desktop game over fakes, and all of its parts."""

    def __init__(self, profile: Profile = PROFILE) -> None:
        self.clock = ManualClock(1_000_000_000)
        self.windows = FakeWindows()
        self.grabber = FakeGrabber()
        self.device = FakeDevice(self.windows)
        self.guard = FakeGuard()
        self.gate = StopGate()
        self.ledger = Ledger(self.clock)
        keys = ProfileKeys(profile)
        self.sender = InputSender(
            self.device, self.gate, self.ledger, self.guard,
            forbidden=keys.forbidden,
        )  # fmt: skip
        self.hearing: Hearing | None = None
        self.listener = FakeListener()
        self.hands = Hands(
            profile, self.gate, self.ledger, self.sender, self._listen, lambda: None, keys=keys
        )
        self.game = DesktopGame(
            profile, 7, self.windows, self.grabber, self.hands, clock=self.clock
        )

    def press(self, name: str, down: bool, *, shared: bool = False) -> None:
        """Press or release the place that a US keyboard calls so, as the listener tells of it."""
        assert self.hearing is not None
        self.hearing.key(CODES[name], down, self.clock.now_ns(), shared=shared)

    def _listen(self, hearing: Hearing) -> FakeListener:
        self.hearing = hearing
        hearing.focus(self.windows.trouble is None)
        return self.listener
