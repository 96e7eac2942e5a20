"""Does on the real screen what the game wizard asks for: finds windows, hears the mouse, turns.

What the turns say is worked out in ``recorder/games/desktop/calibration.py``.  No Qt.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.backend.games.ports import Trial
from recorder.capture.base import Grabber, Rect, Trouble, WindowInfo, WindowSystem
from recorder.errors import GameError
from recorder.games import GAME_NAMES, own_window_profiles
from recorder.games.desktop.calibration import Candidate, TurnLesson, candidates, check_turn
from recorder.games.desktop.hands import open_hands
from recorder.games.desktop.offset import LIMIT_S, first_change_ms, median_ms
from recorder.games.desktop.profile import Profile, profiles_folder, save_profile

if TYPE_CHECKING:
    from recorder.input.x11_listener import X11Listener

FOCUS_S = 5.0
SHOWN_S = 0.4
"""How long uncovered windows have to draw themselves."""
NUDGES = 8
NUDGE_DEG = 3.0
TURN_TICK_S = 0.05
TURN_MOVES = 8
"""Between two parts of the trial turn: a tick of the game's, and its picture."""


class _TurnEars:
    """Hears only how far the mouse moved while the game has the focus; no key, ever."""

    def __init__(self) -> None:
        self.lesson = TurnLesson()
        self._focused = False

    def focus(self, has: bool) -> None:
        """Count from now on, or no longer."""
        self._focused = has

    def key(self, code: int, down: bool, mono_ns: int, *, shared: bool) -> None:
        """Keep nothing."""

    def motion(self, dx: float, dy: float, mono_ns: int, *, shared: bool) -> None:
        """Count."""
        del dy, mono_ns, shared
        if self._focused:
            self.lesson.move(dx)

    def wheel(self) -> None:
        """Keep nothing."""


class DesktopCalibration:
    """Implements :class:`app.backend.games.ports.Calibration` on this machine's screen."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._lock = threading.Lock()
        self._windows: WindowSystem | None = None
        self._grabber: Grabber | None = None
        self._ears: _TurnEars | None = None
        self._listener: X11Listener | None = None

    def candidates(self) -> Sequence[Candidate]:
        """Return the windows of other programs with their pictures, topmost first.

        Playteach's own windows go behind them for it: what is covered has no picture.
        """
        with self._lock:
            windows, grabber = self._open()
            own = [each.id for each in windows.windows() if each.pid == os.getpid()]
            for window_id in own:
                windows.lower(window_id)
            if own:
                time.sleep(SHOWN_S)
            found = candidates(windows, grabber)
        return [each for each in found if each.window.id not in own]

    def begin_turn(self, window: WindowInfo) -> None:
        """Give a window the keyboard and count the mouse while it has it."""
        from recorder.input.x11_listener import X11Listener

        self.end_turn()
        with self._lock:
            self._focus(window)
            self._ears = _TurnEars()
            listener = X11Listener(window.id, self._ears)
            try:
                self._listener = listener.start()
            except GameError:
                listener.close()
                raise

    def turned_counts(self) -> float:
        """Return the counts (to the right) since :meth:`begin_turn`."""
        ears = self._ears
        return 0.0 if ears is None else ears.lesson.counts

    def end_turn(self) -> None:
        """Stop counting."""
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    def check(self, profile: Profile, window: WindowInfo) -> Trial:
        """Turn once around by the profile, by the way that the agent will turn."""
        self.end_turn()
        with self._lock:
            windows, grabber = self._open()
            self._focus(window)
            state = windows.look(window.id)
            hands = open_hands(profile, window.id)
            try:
                hands.gate.open()

                def move(counts: int) -> None:
                    if not hands.sender.move(counts, 0):
                        raise GameError(
                            "The trial turn was interrupted, so the calibration was not checked; "
                            "leave mouse and keyboard alone while the game turns, and try again."
                        )
                    hands.sender.beat()

                def turn(counts: int) -> None:
                    # In small moves: a busy game loses one now and then.
                    for part in range(TURN_MOVES):
                        move(counts * (part + 1) // TURN_MOVES - counts * part // TURN_MOVES)
                        time.sleep(TURN_TICK_S / TURN_MOVES)
                    hands.sender.beat()

                def nudge(counts: int) -> None:
                    # Nothing more is heard of this thread until the picture has changed.
                    hands.guard_wait(2 * LIMIT_S)
                    move(counts)

                per_count = profile.bindings.degrees_per_count
                off = check_turn(grabber, state.rect, turn, per_count)
                return Trial(off, _delay_ms(grabber, state.rect, nudge, per_count))
            finally:
                hands.close()

    def taken_names(self) -> frozenset[str]:
        """Return the names of games that are there."""
        return frozenset((*GAME_NAMES, *own_window_profiles(self._data)))

    def save(self, profile: Profile) -> Path:
        """Write the profile into the data folder."""
        try:
            return save_profile(profile, profiles_folder(self._data))
        except OSError as error:
            raise GameError(
                f"The profile could not be saved ({error.strerror}), so the game is not offered; "
                "check the disk and the data folder's permissions."
            ) from error

    def close(self) -> None:
        """Let the screen go."""
        self.end_turn()
        with self._lock:
            for part in (self._grabber, self._windows):
                if part is not None:
                    part.close()
            self._grabber = self._windows = None

    def _open(self) -> tuple[WindowSystem, Grabber]:
        from recorder.capture.grab import MssGrabber
        from recorder.capture.system import open_windows

        if self._windows is None or self._grabber is None:
            self._windows = open_windows()
            self._grabber = MssGrabber()
        return self._windows, self._grabber

    def _focus(self, window: WindowInfo) -> None:
        windows, _ = self._open()
        windows.focus(window.id)
        until = time.monotonic() + FOCUS_S
        while True:
            state = windows.look(window.id)
            if state.trouble is None:
                return
            if state.trouble is Trouble.GONE or time.monotonic() > until:
                raise GameError(state.sentence)
            time.sleep(0.05)


def _delay_ms(
    grabber: Grabber, rect: Rect, nudge: Callable[[int], None], degrees_per_count: float
) -> float | None:
    """Nudge the mouse to and fro; return the median ms until the picture shows it."""
    counts = max(4, round(NUDGE_DEG / degrees_per_count))
    delays = []
    for number in range(NUDGES):
        sign = 1 if number % 2 == 0 else -1
        delays.append(first_change_ms(grabber, rect, partial(nudge, sign * counts)))
        # Not in step with the game's pictures.
        time.sleep(0.05 + 0.007 * number)
    return median_ms(delays)
