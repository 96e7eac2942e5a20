"""Which moments of a person's driving are standing still that nobody wants taught.

A hand pauses: it looks, aims and decides.  Imitated, those pauses are an agent that stands still.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

PAUSE_S = 0.3
"""A pause is longer; a shorter one belongs to what was done."""

_ASKED = re.compile(
    r"\b(still|stand|stay|wait|stop|halt|hold|freeze|remain|rest|pause|motionless|idle|guard|"
    r"away|avoid|distance|(do not|don't|dont|without) mov(e|ing))\b",
    re.IGNORECASE,
)
_ENDS = frozenset({"stop", "halt"})
"""Who is to stop moves before it and stands still after it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Which standing still is meant: before the first move, between two, after the last."""

    first: bool = False
    between: bool = False
    last: bool = False

    @property
    def any(self) -> bool:
        """Whether any is."""
        return self.first or self.between or self.last


NONE_MEANT = Standing()
ALL_MEANT = Standing(first=True, between=True, last=True)


def standing_of(sentence: str) -> Standing:
    """Return which standing still a sentence asks for ("wait at the door").

    Who is far enough from what they are to keep away from stands still too.  Nobody asks for what
    comes before the first move, unless the sentence begins with it ("wait, then go").
    """
    asked = list(_ASKED.finditer(sentence))
    if not asked:
        return NONE_MEANT
    first = asked[0]
    ends = [match.group().casefold() in _ENDS for match in asked]
    if all(ends):
        return Standing(last=True)
    begins = not ends[0] and not sentence[: first.start()].strip()
    return Standing(first=begins, between=True, last=True)


def pauses(
    still: Sequence[bool],
    tick_rate_hz: float,
    meant: Standing = NONE_MEANT,
) -> frozenset[int]:
    """Return the indices of ``still`` that lie in a run of more than PAUSE_S that is not meant.

    ``still`` has one entry for each tick of a person's driving in a row, in order.
    """
    found: list[int] = []
    at = 0
    for nothing, run in groupby(still):
        ticks = sum(1 for _ in run)
        begins, ends = at == 0, at + ticks == len(still)
        # Who never moves stands still from the beginning to the end.
        kept = meant.last if ends else meant.first if begins else meant.between
        if nothing and not kept and ticks > PAUSE_S * tick_rate_hz:
            found.extend(range(at, at + ticks))
        at += ticks
    return frozenset(found)
