"""Which moments of a person's driving are standing still that nobody wants taught.

A hand pauses: it looks, aims and decides.  Imitated, those pauses are an agent that stands still.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

PAUSE_S = 0.3
"""A pause is longer; a shorter one belongs to what was done."""

_ASKED = re.compile(
    r"\b(still|stand|stay|wait|stop|halt|hold|freeze|remain|rest|pause|motionless|idle|guard|"
    r"away|avoid|distance|(do not|don't|dont|without) mov(e|ing))\b",
    re.IGNORECASE,
)


def asks_to_stand_still(sentence: str) -> bool:
    """Whether standing still may be what the sentence asks for ("wait at the door").

    Who is far enough from what they are to keep away from stands still too.
    """
    return _ASKED.search(sentence) is not None


def pauses(still: Sequence[bool], tick_rate_hz: float) -> frozenset[int]:
    """Return the indices of ``still`` that lie in a run of more than PAUSE_S.

    ``still`` has one entry for each tick of a person's driving in a row, in order.
    """
    found: list[int] = []
    at = 0
    for nothing, run in groupby(still):
        ticks = sum(1 for _ in run)
        if nothing and ticks > PAUSE_S * tick_rate_hz:
            found.extend(range(at, at + ticks))
        at += ticks
    return frozenset(found)
