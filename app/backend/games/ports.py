"""What the window knows of games, and what making a profile of one needs.  No Qt here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from recorder.capture.base import WindowInfo
from recorder.games.desktop.calibration import Candidate
from recorder.games.desktop.profile import Profile


@dataclass(frozen=True, slots=True)
class GameFacts:
    """A game in the list.

    ``detail`` is one sentence on it.  ``command`` is what playing it would run and nobody
    has agreed to yet, () where nothing is run or it shipped with Playteach.  ``problem``
    is why it cannot be played here, "" where it can.  ``slowable`` games can wait for a slow
    agent's every thought, unless ``slow_problem`` says what that lacks here; ``slowed`` is
    whether the open game does.
    """

    name: str
    title: str
    detail: str = ""
    in_use: bool = False
    command: tuple[str, ...] = ()
    problem: str = ""
    slowable: bool = False
    slow_problem: str = ""
    slowed: bool = False


@dataclass(frozen=True, slots=True)
class GameWish:
    """The person wants another game; ``confirmed`` is the command that they agreed to.

    ``slowed`` lets the game stand still while the agent thinks.
    """

    name: str
    confirmed: tuple[str, ...] | None = None
    slowed: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """How a trial turn went.

    ``off`` 0 is the very same view again, 1 is any other.  ``delay_ms`` is the measured time
    from a mouse move to the first changed picture, None where none changed.
    """

    off: float
    delay_ms: float | None = None


class Calibration(Protocol):
    """Where the profile of a game that nobody described is made.

    Every method may wait for the screen: it is called from worker threads.  Known problems
    raise KnownError.
    """

    def candidates(self) -> Sequence[Candidate]:
        """Return the windows that could be a game's, topmost first; never Playteach's own."""
        ...

    def begin_turn(self, window: WindowInfo) -> None:
        """Give a window the keyboard and count the mouse while it has it."""
        ...

    def turned_counts(self) -> float:
        """Return the counts (to the right) since :meth:`begin_turn`."""
        ...

    def end_turn(self) -> None:
        """Stop counting; may be called twice."""
        ...

    def check(self, profile: Profile, window: WindowInfo) -> Trial:
        """Turn once around by a profile, and measure how late the picture follows."""
        ...

    def taken_names(self) -> frozenset[str]:
        """Return the names that a new profile cannot have."""
        ...

    def save(self, profile: Profile) -> Path:
        """Keep a profile; return its file."""
        ...

    def close(self) -> None:
        """Let the screen go; may be called twice."""
        ...
