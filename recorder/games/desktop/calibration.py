"""Making a profile for a game that nobody described: its window, its keys, its mouse.  No Qt.

A wizard shows what these say: it offers :func:`candidates`, feeds what the person presses
to a :class:`KeyLesson` and what the mouse moves to a :class:`TurnLesson`, and has the result
tried by :func:`check_turn`.
"""

from __future__ import annotations

import itertools
import math
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from recorder.capture.base import Grabber, Rect, WindowInfo, WindowSystem
from recorder.errors import GameError, UsageError
from recorder.games.base import Bindings
from recorder.games.desktop.profile import CONTROLS, Profile, parse_profile, profile_toml
from recorder.input.hearing import DEFAULT_HOTKEYS
from recorder.input.keys import canonical, code_of
from recorder.types import BUTTON_CONTROLS, RGBImage

THUMBNAIL = (240, 135)
ORDER: tuple[str, ...] = (*BUTTON_CONTROLS, *(f"hotbar.{n}" for n in range(1, 10)))
"""The order in which controls are asked for."""
SKIP_KEY = "Esc"
"""Pressed where a game has no such control."""
MIN_COUNTS, MAX_COUNTS = 60.0, 60_000.0
"""A turn once around that took fewer or more mouse counts was none."""
TURN_STEPS = 60
MIN_APART = 2.0
"""A view behind that differs by less than this, in mean levels of 255, is no other view."""
MOST_SHIFT = 10
"""So many pixels of a thumbnail, about four degrees, a turn may end beside where it began."""
RESTS = 0.5
"""Two views that differ by less are one, seen twice."""
REST_TRIES = 12
STALLS = 60
"""So many more moments a turn may wait for a game that has not drawn its last step yet."""
CAME_BACK = 0.5
"""A view that is off by less, see :func:`check_turn`, is the one in which the turn began."""
TURNS = 3
"""So often a turn that did not come back is made anew: a busy game loses some of a mouse's way."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A window that could be the game's; ``picture`` is a small one, None where it is covered."""

    window: WindowInfo
    picture: RGBImage | None


def candidates(windows: WindowSystem, grabber: Grabber) -> tuple[Candidate, ...]:
    """Return every window with a thumbnail, topmost first."""
    screen = windows.screen()
    found: list[Candidate] = []
    above: list[Rect] = []
    for window in windows.windows():
        hidden = any(window.rect.overlaps(other) for other in above)
        above.append(window.rect)
        picture = None
        # What lies over a window is not the window's: no picture is better than a wrong one.
        if not hidden and window.rect.inside(screen):
            picture = _small(grabber.grab(window.rect))
        found.append(Candidate(window, picture))
    return tuple(found)


class KeyLesson:
    """Asks for one control after the other and takes the key that is pressed for it.

    ``shown`` says what stands on a key, by the name of its place.
    """

    def __init__(self, order: Sequence[str] = ORDER, *, shown: Callable[[str], str] = str) -> None:
        if not set(order) <= CONTROLS:
            raise ValueError("there is no such control")
        self._order = tuple(order)
        self._shown = shown
        self._place = 0
        self._keys: dict[str, str] = {}
        self.problem = ""
        """One sentence on why the last key was not taken, "" where it was."""

    @property
    def asking(self) -> str | None:
        """The control that is asked for, None when all were."""
        return self._order[self._place] if self._place < len(self._order) else None

    @property
    def keys(self) -> dict[str, str]:
        """What was learnt so far."""
        return dict(self._keys)

    def press(self, name: str) -> None:
        """Take a place on the keyboard for the control that is asked for; Esc: there is none."""
        control = self.asking
        self.problem = ""
        if control is None:
            return
        if name == SKIP_KEY:
            self._place += 1
            return
        name = canonical(name)
        if code_of(name) is None or name.startswith("Button"):
            self.problem = (
                f"{self._shown(name)} is no key that can be sent, so it was not taken; press "
                "another."
            )
            return
        taken = next((other for other, key in self._keys.items() if key == name), None)
        if taken is not None:
            self.problem = (
                f"{self._shown(name)} is {taken} already, so it was not taken for {control}; press "
                f"another key, or {SKIP_KEY} where the game has no such control."
            )
        elif name in DEFAULT_HOTKEYS.values():
            self.problem = (
                f"{self._shown(name)} is one of Playteach's own keys, so it was not taken; press "
                "another one."
            )
        else:
            self._keys[control] = name
            self._place += 1

    def back(self) -> None:
        """Ask for the control before once more."""
        if self._place > 0:
            self._place -= 1
            self._keys.pop(self._order[self._place], None)
            self.problem = ""


class TurnLesson:
    """Counts the mouse while the person turns once around, in either direction."""

    def __init__(self) -> None:
        self._right = 0.0

    @property
    def counts(self) -> float:
        """How far the mouse is to the right of where it began, in counts."""
        return self._right

    def move(self, dx_counts: float) -> None:
        """Hear a mouse move; turning too far and back again is right."""
        self._right += dx_counts


def degrees_of_turn(counts: float) -> float:
    """Return the camera turn of one count where so many are once around, in either direction.

    Raises UsageError where that is no whole turn of any mouse.
    """
    counts = abs(counts)
    if not MIN_COUNTS <= counts <= MAX_COUNTS:
        raise UsageError(
            f"The mouse moved by {counts:.0f} counts, which is no turn once around, so the "
            "mouse was not calibrated; click into the game, turn around once and try again."
        )
    return 360.0 / counts


def new_profile(
    name: str,
    window: WindowInfo,
    keys: dict[str, str],
    degrees_per_count: float,
    *,
    chat: str = "",
) -> Profile:
    """Return the profile of what was learnt; raises UsageError where it is no whole one.

    ``chat`` is the key that opens the game's chat, "" for none: the agent never presses it.
    """
    # Titles carry versions and file names; the words before them stay.
    words = re.split(r"\s[-–—|(\[]|\s\d", window.title)[0].strip() or window.title
    profile = Profile(
        name=name,
        title=words,
        bindings=Bindings(keys, degrees_per_count=degrees_per_count),
        window_title="^" + re.escape(words),
        window_process=f"^{re.escape(window.process)}$" if window.process else "",
        chat=frozenset({chat} - {""}),
        forbidden=frozenset({"Esc", "Meta", "Alt", chat} - {""} - set(keys.values())),
    )
    try:
        return parse_profile(tomllib.loads(profile_toml(profile)), shipped=False)
    except ValueError as error:
        raise UsageError(
            f"No profile can be made of that ({error}); do the wizard's steps once more."
        ) from error


def check_turn(
    grabber: Grabber,
    rect: Rect,
    turn: Callable[[int], None],
    degrees_per_count: float,
) -> float:
    """Turn once around by the calibration and return how far off the view then is.

    ``turn`` moves the mouse by so many counts to the right and waits for a picture.  0 is
    the very same view; 1 or more is no better than the view behind.  The best of up to
    :data:`TURNS` turns counts, each from where the first began: a wrong calibration comes back in
    none of them.  Raises GameError where nothing turned at all, so that nothing can be said.
    """
    counts = round(360.0 / degrees_per_count)
    best = math.inf
    for tries_left in reversed(range(TURNS)):
        best = min(best, _turned_off(grabber, rect, turn, counts))
        if best < CAME_BACK or not tries_left:
            break
        # Elsewhere one view may be like another: it is tried where the first try was.
        for step in _steps(-counts):
            turn(step)
    return best


def _turned_off(
    grabber: Grabber,
    rect: Rect,
    turn: Callable[[int], None],
    counts: int,
) -> float:
    before = _rested(grabber, rect, turn)
    opposite = drawn = before
    waits = STALLS
    for number, step in enumerate(_steps(counts), 1):
        turn(step)
        newer = _small(grabber.grab(rect))
        # A game that stalls while the mouse goes on loses what leads out of its window.
        while waits and np.array_equal(newer, drawn):
            waits -= 1
            turn(0)
            newer = _small(grabber.grab(rect))
        drawn = newer
        if number == TURN_STEPS // 2:
            opposite = _rested(grabber, rect, turn)
    after = _rested(grabber, rect, turn)
    behind, off = _apart_by_more(before, opposite), _apart_by_more(before, after)
    if behind < MIN_APART:
        raise GameError(
            "The game's picture did not change while the mouse moved, so the calibration cannot "
            "be checked; stand where there is something to see and close the game's menus."
        )
    return off / behind


def _steps(counts: int) -> list[int]:
    parts = [counts * step // TURN_STEPS for step in range(TURN_STEPS + 1)]
    return [after - before for before, after in itertools.pairwise(parts)]


def _rested(grabber: Grabber, rect: Rect, turn: Callable[[int], None]) -> RGBImage:
    """Return the view once it rests: a busy game draws a turn later than it is made."""
    seen = _small(grabber.grab(rect))
    for _ in range(REST_TRIES):
        turn(0)
        newer = _small(grabber.grab(rect))
        if _apart(seen, newer) < RESTS:
            break
        seen = newer
    return seen


def _small(rgb: RGBImage) -> RGBImage:
    return np.asarray(Image.fromarray(rgb).resize(THUMBNAIL, Image.Resampling.BOX), dtype=np.uint8)


def _apart_by_more(one: RGBImage, other: RGBImage) -> float:
    """Return how two views differ apart from a turn by a few degrees.

    A game that is slow to read the mouse loses a count now and then, which is no fault of the
    calibration's.
    """
    width = one.shape[1]
    return min(
        _apart(one[:, max(0, by) : width + min(0, by)], other[:, max(0, -by) : width - max(0, by)])
        for by in range(-MOST_SHIFT, MOST_SHIFT + 1)
    )


def _apart(one: RGBImage, other: RGBImage) -> float:
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())
