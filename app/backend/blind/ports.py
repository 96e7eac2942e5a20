"""What the window knows of a blind comparison, and what it may ask of it.  No Qt here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from recorder.types import RGBImage
from trainer.evaluation.verdicts.verdict import Choice, VerdictKind


@dataclass(frozen=True, slots=True)
class BlindResult:
    """What a blind comparison came to, told when it is decided and not before.

    ``before`` and ``after`` are the clips marked done of ``n`` a side.  ``points``, ``low`` and
    ``high`` are the difference in percentage points and its 95 % interval, without the person's
    errors.  ``alike`` of ``twice`` clips that came twice were marked the same.  ``follows`` says
    what becomes of the agent; ``next_sentence`` is one that waits to be judged too, "" for none.
    """

    kind: VerdictKind
    before: int
    after: int
    n: int
    points: float
    low: float
    high: float
    alike: int
    twice: int
    follows: str
    choice: Choice
    in_use: bool = False
    next_sentence: str = ""


@dataclass(frozen=True, slots=True)
class BlindState:
    """How far a blind comparison is.

    ``number`` says the how-manieth clip comes now, of at most ``most``.  ``clip`` is what is shown,
    None while it is not played yet or if all is decided.  ``ready`` of ``wanted`` clips are played
    while ``playing``.  ``asks_screen`` says that ``wanted`` clips more have to be played on the
    person's screen, once they say so, for about ``screen_s`` seconds; while that is ``playing`` no
    clip is shown, and ``notice`` is what the person has to know meanwhile.  ``problem`` is why no
    clips come, "" while all is well.
    """

    sentence: str
    number: int
    most: int
    clip: int | None = None
    may_go_back: bool = False
    may_skip: bool = False
    playing: bool = False
    ready: int = 0
    wanted: int = 0
    asks_screen: bool = False
    screen_s: float = 0.0
    notice: str = ""
    problem: str = ""
    result: BlindResult | None = None


class Clip(Protocol):
    """A clip, picture by picture.  Calls come from one worker thread."""

    frames: int
    tick_rate_hz: float

    def frame(self, index: int) -> RGBImage:
        """Return picture ``index`` (0 to ``frames`` - 1); raises DataError if it is damaged."""
        ...


class BlindComparison(Protocol):
    """A comparison under way.  Every method may wait for another thread.

    Nothing here says which side a clip is of before there is a result.
    """

    def state(self) -> BlindState:
        """Return how far it is."""
        ...

    def play(self) -> BlindState:
        """Begin to play what is missing: once the person gives their screen, or tries again."""
        ...

    def open_clip(self, clip: int) -> Clip:
        """Return what is shown; raises DataError if it was not played."""
        ...

    def mark(self, clip: int, done: bool | None) -> BlindState:
        """Say whether a clip shows the sentence done; None shows it again later.

        A clip that is not the one shown (a key pressed twice) changes nothing.
        """
        ...

    def back(self) -> BlindState:
        """Take the newest mark back."""
        ...

    def put_off(self) -> None:
        """Stop playing soon; it can be taken up again.  Returns at once, may be called twice."""
        ...
