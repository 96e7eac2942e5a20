"""The person beside a game that is measured in a window of its own.

There is one keyboard: a touch of theirs is in the game's window too, and the attempt that it
falls into measures nothing.  It is played anew once they leave the game alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from recorder.errors import GameError, GameSuspendedError
from recorder.games.desktop.game import DesktopGame
from recorder.types import Outcome

AGAIN_S = 1.0
"""So long the game must be left alone before an attempt is played anew."""
TOUCHED = (
    "The game was touched while it was measured, so this start is played anew; leave keyboard "
    "and mouse alone until its window closes."
)
STOPPED = (
    "The measurement was stopped by its key, so it has no result; start it again when keyboard "
    "and mouse can be left alone."
)


class TouchedError(GameSuspendedError):
    """The person touched the game in an attempt that is measured."""


class Bystander:
    """Implements :class:`recorder.input.hearing.Ears` for a game that is measured.

    ``tell`` says a sentence to the person; with ``patient`` a game that has lost the keyboard
    is waited for until they bring it back, else it takes the keyboard again.  ``check`` is
    called at every tick and may raise to stop.
    """

    paused = False

    def __init__(
        self,
        game: DesktopGame,
        *,
        tell: Callable[[str], None],
        patient: bool,
        check: Callable[[], None],
    ) -> None:
        self.patient = patient
        self._game = game
        self._tell = tell
        self._check = check
        # Written by the listener's thread, read by the one that plays.
        self._touched = False
        self._stopped = False
        game.listen(self)

    def begin(self) -> None:
        """Forget what was before an attempt."""
        self._touched = False

    def look(self) -> None:
        """Raise TouchedError after a touch, GameError once the person has stopped it all."""
        self._check()
        self._game.hear()
        if self._stopped:
            raise GameError(STOPPED)
        if self._touched:
            raise TouchedError(TOUCHED)

    def wait(self, sentence: str) -> None:
        """Say why nothing goes on, and wait until the game is left alone."""
        self._game.let_go()
        self._tell(sentence)
        while True:
            self._touched = False
            time.sleep(AGAIN_S)
            try:
                self.look()
            except TouchedError:
                continue
            if not self.patient or self._game.in_front:
                return

    # What the listener tells

    def key(self, name: str, down: bool, mono_ns: int) -> None:
        """Nothing: a key is a touch already."""

    def mouse_move(self, dx_counts: float, dy_counts: float, mono_ns: int) -> None:
        """Nothing: what is more than a trembling hand is a touch already."""

    def take_over(self) -> None:
        """Hear a touch."""
        self._touched = True

    def focus_lost(self) -> None:
        """Nothing: the game says so itself."""

    def pause(self) -> None:
        """Hear the panic key or the pause key, which stop it all, or a chat that was opened."""
        hearing = self._game.hands.hearing
        if hearing is not None and hearing.chatting:
            self._touched = True
        else:
            self._stopped = True

    def resume(self) -> None:
        """Hear that a chat was closed."""
        self._touched = True

    def hand_back(self) -> None:
        """Hear a key of Playteach's own, which the game has heard too."""
        self._touched = True

    def mark(self, outcome: Outcome) -> None:
        """Hear a key of Playteach's own, which the game has heard too."""
        self._touched = True
