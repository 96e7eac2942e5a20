"""What a player has done so far, in words behind its sentence.

One picture does not tell whether the jump that a sentence asks for has been made.  So for sentences
that it was taught with it, a player is told which acts it has done since it hears them: "jump
before you open the red door, after jump".  Walking, turning and the manner of walking are not told.
"""

from __future__ import annotations

from collections.abc import Sequence

from recorder.types import Action

ACTS = ("jump", "use", "attack", "drop", "inventory")
"""The button controls that are told, in the order in which they are."""
HELD_TICKS = 4
"""An act that lasts so long has been done, though its key is still down."""


class ActionMemory:
    """Follows the actions of one sentence from its beginning."""

    def __init__(self) -> None:
        self._down: dict[str, int] = {}
        self._done: set[str] = set()

    @property
    def acts(self) -> tuple[str, ...]:
        """The controls of ``ACTS`` that were let go of or held for long, in that order."""
        return tuple(name for name in ACTS if name in self._done)

    def see(self, action: Action) -> None:
        """Take the next tick's action."""
        held = action.held
        self._done |= self._down.keys() - held
        self._down = {name: self._down.get(name, 0) + 1 for name in held}
        self._done |= {name for name, ticks in self._down.items() if ticks >= HELD_TICKS}


def with_memory(sentence: str, acts: Sequence[str]) -> str:
    """Return what is told of a sentence after those acts.

    >>> with_memory("jump before you open the red door", ("jump",))
    'jump before you open the red door, after jump'
    """
    return f"{sentence}, after {' '.join(acts)}" if acts else sentence
