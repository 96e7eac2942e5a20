"""From a profile to a game that is sat down at: its window is found, or its command run."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable

from recorder.capture.base import WindowInfo, WindowSystem
from recorder.errors import GameError
from recorder.games.desktop.game import DesktopGame
from recorder.games.desktop.hands import open_hands
from recorder.games.desktop.profile import Profile, confirm_launch

APPEAR_S = 120.0
"""How long a game that was started may take to show its window."""
LOOK_S = 0.25


def find_window(windows: WindowSystem, profile: Profile) -> WindowInfo | None:
    """Return the topmost window that is the profile's, None where there is none."""
    for window in windows.windows():
        if profile.matches(window.title, window.process):
            return window
    return None


def needs_launch(profile: Profile) -> bool:
    """Return whether playing it would run its command: it has one, and no window is there.

    Raises GameError or NoDisplayError where windows cannot be looked at.
    """
    from recorder.capture.system import open_windows

    if not profile.launch:
        return False
    windows = open_windows()
    try:
        return find_window(windows, profile) is None
    finally:
        windows.close()


def find_or_start(
    windows: WindowSystem,
    profile: Profile,
    *,
    confirmed: tuple[str, ...] | None = None,
    start: Callable[[tuple[str, ...]], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> WindowInfo:
    """Return the game's window; without one its command is run and waited for.

    ``confirmed`` is the command that the person was shown and agreed to; the game is the
    person's own and goes on when Playteach ends.  Raises GameError where there is no
    window, UsageError for a command that nobody agreed to.
    """
    found = find_window(windows, profile)
    if found is not None:
        return found
    if not profile.launch:
        raise GameError(
            f"No window of {profile.title} is open, so there is nothing to play; start the game, "
            "leave it in a window on this screen, and try again."
        )
    confirm_launch(profile, confirmed)
    (start or _start)(profile.launch)
    for _ in range(int(APPEAR_S / LOOK_S)):
        found = find_window(windows, profile)
        if found is not None:
            return found
        sleep(LOOK_S)
    raise GameError(
        f"{profile.title} was started but shows no window that its profile describes, so it "
        "cannot be played; look at the profile's window_title and window_process."
    )


def _start(command: tuple[str, ...]) -> None:
    try:
        subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise GameError(
            f"The game's command {list(command)!r} could not be run ({error.strerror}), so it was "
            "not started; correct `launch` in its profile, or start the game yourself."
        ) from error


def open_profile(profile: Profile, *, confirmed: tuple[str, ...] | None = None) -> DesktopGame:
    """Sit down at a game in a window of its own; nobody judges it but the person.

    Raises GameError, NoDisplayError or UsageError with the reason and what to do.
    """
    from recorder.capture.grab import MssGrabber
    from recorder.capture.system import open_windows

    with contextlib.ExitStack() as opened:
        windows = open_windows()
        opened.callback(windows.close)
        window = find_or_start(windows, profile, confirmed=confirmed)
        hands = open_hands(profile, window.id)
        opened.callback(hands.close)
        game = DesktopGame(profile, window.id, windows, MssGrabber(), hands)
        opened.pop_all()
        return game
