"""Who drives: one transition table, pure.

Every request that the table does not name for a phase changes nothing.  Pausing is
possible from every phase in one step; going on returns to the phase before.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.session.api import Phase
from recorder.types import Driver


class Wish(StrEnum):
    """What may be asked of the hands."""

    PLAY = "play"
    DEMONSTRATE = "demonstrate"
    TAKE_OVER = "take_over"
    HAND_BACK = "hand_back"
    PAUSE = "pause"
    RESUME = "resume"
    END = "end"


TABLE: dict[tuple[Phase, Wish], Phase] = {
    (Phase.WATCHING, Wish.PLAY): Phase.PLAYING,
    (Phase.WATCHING, Wish.DEMONSTRATE): Phase.DEMONSTRATING,
    (Phase.DEMONSTRATING, Wish.PLAY): Phase.PLAYING,
    (Phase.DEMONSTRATING, Wish.END): Phase.WATCHING,
    (Phase.PLAYING, Wish.TAKE_OVER): Phase.CORRECTING,
    (Phase.PLAYING, Wish.END): Phase.WATCHING,
    (Phase.CORRECTING, Wish.HAND_BACK): Phase.PLAYING,
    (Phase.CORRECTING, Wish.PLAY): Phase.PLAYING,
    (Phase.CORRECTING, Wish.END): Phase.WATCHING,
    (Phase.PAUSED, Wish.PLAY): Phase.PLAYING,
    (Phase.PAUSED, Wish.DEMONSTRATE): Phase.DEMONSTRATING,
    (Phase.PAUSED, Wish.END): Phase.WATCHING,
    **{(phase, Wish.PAUSE): Phase.PAUSED for phase in Phase},
}

_OWNER = {
    Phase.WATCHING: Driver.NOBODY,
    Phase.DEMONSTRATING: Driver.PERSON,
    Phase.PLAYING: Driver.POLICY,
    Phase.CORRECTING: Driver.PERSON,
    Phase.PAUSED: Driver.NOBODY,
}


@dataclass(frozen=True, slots=True)
class Hands:
    """The phase, and where a pause goes on to (the phase itself while not paused)."""

    phase: Phase = Phase.WATCHING
    resume_to: Phase = Phase.WATCHING

    @property
    def owner(self) -> Driver:
        """Whose actions are executed."""
        return _OWNER[self.phase]

    @property
    def driving(self) -> bool:
        """Whether the tick loop runs."""
        return self.owner is not Driver.NOBODY


def move(hands: Hands, wish: Wish) -> Hands:
    """Return the hands after a wish."""
    if hands.phase is Phase.PAUSED and wish is Wish.RESUME:
        return Hands(hands.resume_to, hands.resume_to)
    phase = TABLE.get((hands.phase, wish))
    if phase is None or phase is hands.phase:
        return hands
    if phase is Phase.PAUSED:
        return Hands(Phase.PAUSED, hands.phase)
    return Hands(phase, phase)
