"""The window beside a game that has a window of its own: its place, and who has the keyboard."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize

from app.session.api import Phase, Snapshot
from recorder.types import Driver

NARROW_PX = 1100
"""In a window that is narrower, teaching has a page of its own."""
GAME_PX = 660
"""So wide is a game that has docked itself beside the window, with its frame."""


def takes_back(before: Snapshot, now: Snapshot) -> bool:
    """Return whether the window wants the keyboard back from the game, which holds the pointer.

    It does once a new start is laid out and when an attempt has ended; not under the person's
    hands, for what they press in the game would be typed here.
    """
    ended = now.outcome is not None and before.outcome is None
    by_person = bool(now.drivers) and now.drivers[-1][0] is Driver.PERSON
    return _lays_out(before, now) or (ended and not by_person)


def _lays_out(before: Snapshot, now: Snapshot) -> bool:
    waiting = now.phase is Phase.WATCHING and now.outcome is None and now.tick == 0
    return waiting and now.frame is not None and now.frame is not before.frame


def first_place(free: QRect, own_window: bool) -> QRect:
    """Return where the window comes first on a screen with ``free`` to put windows.

    ``own_window``: beside a game that lies in the upper right corner, where there is room.
    """
    # A little is left for the frame and for what lies beside the window.
    room = free.size() - QSize(40, 60)
    beside = room - QSize(GAME_PX, 0)
    if own_window and beside.width() >= NARROW_PX:
        room = beside
    return QRect(free.topLeft(), QSize(1440, 900).boundedTo(room))
