"""The person beside a game that is measured in a window of its own.

There is one keyboard: a touch of theirs is in the game's window too, and the attempt that it
falls into measures nothing.  It is played anew once they leave the game alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from recorder.errors import GameError, GameSuspendedError, StoppedError
from recorder.games.base import OwnWindowGame
from recorder.types import Outcome

AGAIN_S = 1.0
"""So long the game must be left alone before an attempt is played anew."""
TOUCHED = (
    "The game was touched while it was measured, so this start is played anew; leave keyboard "
    "and mouse alone until its window closes."
)
TOUCHES = 10
"""So many attempts in a row may be touched, unless somebody sits there and does it."""
WAITS = 60
"""So often it is waited in a row, :data:`AGAIN_S` each, for what is no hand to leave the game."""
ENDLESS = (
    "The game was touched again and again, and by no keyboard or mouse of this machine, so there "
    "is no result; end programs that type or move the mouse (remote desktops, key remappers, "
    "autoclickers), then start the measurement again."
)
RESTLESS = (
    f"The game was touched in {TOUCHES} attempts in a row, so there is no result; start the "
    "measurement again when keyboard and mouse can be left alone."
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
        game: OwnWindowGame,
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
        self._touches = self._hand_touches = 0
        game.listen(self)

    def begin(self) -> None:
        """Forget what was before an attempt."""
        self._touched = False

    def played(self) -> None:
        """Hear that an attempt was played to its end."""
        self._touches = 0

    def look(self) -> None:
        """Raise TouchedError after a touch, StoppedError once the person has stopped it all."""
        self._check()
        self._game.hear()
        if self._stopped:
            raise StoppedError(STOPPED)
        if self._touched:
            raise TouchedError(TOUCHED)

    def wait(self, sentence: str) -> None:
        """Say why nothing goes on, and wait until the game is left alone.

        A person's hand is waited for as long as they like if they sit there.  What else touches
        the game (the agent itself, heard wrongly; another program) never leaves it alone: that
        raises GameError, after :data:`TOUCHES` attempts or :data:`WAITS` waits in a row.
        """
        self._game.let_go()
        self._count(self._touched, self._by_hand())
        self._tell(sentence)
        waits_left = WAITS
        while True:
            self._touched = False
            time.sleep(AGAIN_S)
            try:
                self.look()
            except TouchedError:
                waits_left = WAITS if self._by_hand() else waits_left - 1
                if not waits_left:
                    raise GameError(ENDLESS) from None
                continue
            # What the agent pressed would be typed into an open chat.
            if not self._game.chatting and (not self.patient or self._game.in_front()):
                return

    def _count(self, touched: bool, by_hand: bool) -> None:
        if not touched:
            return
        self._touches = 0 if by_hand and self.patient else self._touches + 1
        if self._touches >= TOUCHES:
            raise GameError(RESTLESS if by_hand else ENDLESS)

    def _by_hand(self) -> bool:
        """Whether a device that the agent does not type on was touched since this was asked."""
        before = self._hand_touches
        self._hand_touches = self._game.hand_touches
        return self._hand_touches != before

    # What the listener tells

    def key(self, name: str, down: bool, mono_ns: int) -> None:
        """Nothing: a key is a touch already."""

    def mouse_move(self, dx_counts: float, dy_counts: float, mono_ns: int) -> None:
        """Nothing: what is more than a trembling hand is a touch already."""

    def picture_read(self) -> None:
        """Nothing: what the person does is recorded nowhere."""

    def take_over(self) -> None:
        """Hear a touch."""
        self._touched = True

    def focus_lost(self) -> None:
        """Nothing: the game says so itself."""

    def pause(self) -> None:
        """Hear the panic key or the pause key, which stop it all, or a chat that was opened.

        In a chat only the panic key stops it.
        """
        if self._game.chatting and not self._game.panicked:
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
