"""What a player has done so far, in words behind its sentence.

One picture does not tell whether the jump that a sentence asks for has been made.  An adapter may
be taught a sentence together with the acts that were done since it was said: "jump before you open
the red door, after jump".  Play then tells it the same.  Walking, turning and the manner of walking
are not told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from model.language.familiarity import words
from recorder.types import Action

ACTS = ("jump", "use", "attack", "drop", "inventory")
"""The button controls that are told, in the order in which they are."""
Remembers = Mapping[str, Collection[str]]
"""The acts that sentences are told with, by :func:`plain` sentence."""
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


def plain(sentence: str) -> str:
    """Return a sentence's words alone: however it is typed, it is the same.

    >>> plain("Jump before you open the red door.")
    'jump before you open the red door'
    """
    return " ".join(words(sentence))


def told_acts(remembers: Remembers, sentence: str, acts: Sequence[str]) -> tuple[str, ...]:
    """Return those of ``acts`` that a sentence is told with."""
    own = remembers.get(plain(sentence), ()) if acts else ()
    return tuple(act for act in acts if act in own)


def with_memory(sentence: str, acts: Sequence[str]) -> str:
    """Return what is told of a sentence after those acts.

    >>> with_memory("jump before you open the red door", ("jump",))
    'jump before you open the red door, after jump'
    """
    return f"{sentence}, after {' '.join(acts)}" if acts else sentence
