"""Windows as the rest sees them, whatever system draws them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from recorder.types import RGBImage


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of the screen in physical pixels; the corner may be negative."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.top + self.height

    @property
    def centre(self) -> tuple[int, int]:
        """The middle pixel, (x, y)."""
        return self.left + self.width // 2, self.top + self.height // 2

    def contains(self, x: int, y: int) -> bool:
        """Return whether a pixel lies in it."""
        return self.left <= x < self.right and self.top <= y < self.bottom

    def overlaps(self, other: Rect) -> bool:
        """Return whether the two share a pixel."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def inside(self, other: Rect) -> bool:
        """Return whether every pixel of it lies in ``other``."""
        return (
            other.left <= self.left
            and other.top <= self.top
            and self.right <= other.right
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True, slots=True)
class WindowInfo:
    """A window that could be a game's.  ``process`` is the program's file name or ""."""

    id: int
    title: str
    process: str
    pid: int | None
    rect: Rect


class Trouble(StrEnum):
    """Why a window can neither be seen nor played right now."""

    GONE = "gone"
    MINIMISED = "minimised"
    LOCKED = "locked"
    UNFOCUSED = "unfocused"
    OFF_SCREEN = "off_screen"
    COVERED = "covered"


SENTENCES: dict[Trouble, str] = {
    Trouble.GONE: "The game's window is gone, so the attempt cannot go on; start the game again.",
    Trouble.MINIMISED: "The game's window is minimised, so it cannot be seen; bring it back.",
    Trouble.LOCKED: "The screen is locked, so nothing is sent and nothing recorded; unlock it.",
    Trouble.UNFOCUSED: (
        "The game's window does not have the focus, so nothing is sent and nothing recorded; "
        "click into it and go on."
    ),
    Trouble.OFF_SCREEN: (
        "A part of the game's window lies outside the screen, so it cannot be recorded; move it "
        "back onto one screen."
    ),
    Trouble.COVERED: (
        "Another window covers a part of the game, so recording has stopped; move that window away."
    ),
}


@dataclass(frozen=True, slots=True)
class WindowState:
    """How a window is right now; ``trouble`` None where it can be seen and played."""

    rect: Rect
    trouble: Trouble | None = None

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, "" where nothing is."""
        return "" if self.trouble is None else SENTENCES[self.trouble]


class WindowSystem(Protocol):
    """Looks at windows.  One thread at a time; no call blocks for longer than a tick."""

    def windows(self) -> tuple[WindowInfo, ...]:
        """Return the visible windows that have a title, topmost first."""
        ...

    def look(self, window_id: int) -> WindowState:
        """Return how a window is; a window that is gone has trouble GONE."""
        ...

    def focus(self, window_id: int) -> None:
        """Raise a window and give it the keyboard; raises GameError where it is gone."""
        ...

    def lower(self, window_id: int) -> None:
        """Put a window behind all others, where the window manager lets it."""
        ...

    def dock(self, window_id: int) -> None:
        """Put a window into the top right corner of its monitor, where one may."""
        ...

    def pointer(self) -> tuple[int, int]:
        """Return where the mouse pointer is, in screen pixels."""
        ...

    def screen(self) -> Rect:
        """Return the whole desktop over all monitors."""
        ...

    def close(self) -> None:
        """Let the system go; may be called twice."""
        ...


class Grabber(Protocol):
    """Takes pictures of the screen.  One thread at a time."""

    def grab(self, rect: Rect) -> RGBImage:
        """Return what is shown in ``rect``: uint8, height x width x 3; it is not shared.

        Raises GameError where the screen cannot be read.
        """
        ...

    def close(self) -> None:
        """Let the screen go; may be called twice."""
        ...
