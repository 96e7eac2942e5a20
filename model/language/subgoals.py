"""Sentences with several parts, heard one part after the other.

One picture does not tell what was done before it, and the model keeps no memory.  So a
sentence such as "pick up the blue keycard, then shoot the imp" is cut where it says "then",
and the model is asked about the newest picture whether the part it plays has just been
done.  Only checkpoints that were taught that question are asked (``parts`` in their spec).

Where the answer never is yes, a look all the way round that ends nowhere moves on too, a
short one after a shot or a use: what was taken or shot is gone, and what is gone is
searched for without end.

What stands "behind you" is such a sentence as well: to turn around, then to do it to the one
that is in front now.  Half-way round, one picture does not tell which of two it shows.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from recorder.types import Action

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SURE = 0.7
RISE = 0.4
BEFORE = 6
"""A part is done where the model says so with at least the probability SURE, and it was less
by RISE within the BEFORE ticks before: yellow light can look like the flash of what is taken.

Chosen on 48 sentences of the yard done by the expert (seeds from 2,500,000): told within
four ticks of the end in 34 and too early in 6, against 17 and 29 at 0.5 alone.
"""
IN_A_ROW = 2
"""So many ticks in a row it has to be so: what is carried past can flash for one."""
SHOTS = 3
"""So often, where it attacks: a shot's flash on a monster looks like its fall, and what is asked
for is mostly down with the third.  Where fewer do, the short search ends the part.

Chosen on two-step sentences (120 attempts, seeds from 2,000,500): 70 % succeed and 16 % touch
a wrong thing with one tick and one shot, 79 and 11 % with two and two, 82 and 9 % with these.
"""
ROUND_DEG = 400.0
"""So far it turns the same way, doing nothing else, before it gives a part up."""
ACTED_DEG = 60.0
"""So far, once it has attacked or used something: what it searches for is gone by that."""
TURN_AROUND = "turn around"
AROUND_DEG = 150.0
"""So far the model's own turning goes before a part that is to turn around has been done."""
_CUT = re.compile(
    r"\s*(?:[,;.]\s*(?:and\s+)?|\s+and\s+)(?:then|after that|after this|afterwards|next|finally)"
    r"\b[,:]?\s+|\s+then\s+",
    re.IGNORECASE,
)
_FRONT = re.compile(
    r"^(?:first(?:ly)?|start with|start by|to begin with)\s*[,:]?\s+", re.IGNORECASE
)
_BACK = re.compile(r"[\s,]+first\s*$", re.IGNORECASE)
_BEHIND = re.compile(
    r"\s+(?:(?:that|which|who)(?:'s|\s+is|\s+stands)\s+)?"
    r"(?:behind\s+(?:you|me)|(?:at|in|behind)\s+(?:your|my)\s+back)(?![\w'])",
    re.IGNORECASE,
)
_THING = re.compile(r"\b(?:the|an?|that|this)\s+\w", re.IGNORECASE)
_SHUNNING = re.compile(r"\b(?:away|avoid|clear|distance|from|flee|not|don't|dont)\b", re.IGNORECASE)
"""Nobody turns around to what is to be kept away from."""


def done_question(said: str) -> str:
    """Return how the model is asked whether what a sentence wants has just been done."""
    return f"Is this done: {said}"


YES, NO = "Yes.", "No."
"""How it answers."""


def yes_no_ids(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the first token of either answer, by a transformers tokenizer."""
    return [tokenizer(said, add_special_tokens=False).input_ids[0] for said in (YES, NO)]


def split_instruction(text: str) -> tuple[str, ...]:
    """Return the parts of a sentence in their order; one where nothing parts it.

    >>> split_instruction("first press the red switch, then go to the barrel")
    ('press the red switch', 'go to the barrel')
    """
    pieces = [piece.strip(" ,;") for piece in _CUT.split(text)]
    if len(pieces) < 2 or not all(pieces):
        return (text,)
    pieces[0] = _BACK.sub("", _FRONT.sub("", pieces[0]))
    return tuple(pieces) if pieces[0] else (text,)


def turned_first(part: str) -> tuple[str, ...]:
    """Return what is told for a part: for a thing behind you to turn around, then the rest.

    >>> turned_first("pick up the medkit behind you")
    ('turn around', 'pick up the medkit')
    """
    rest = _BEHIND.sub("", part, count=1).strip(" ,;")
    if rest == part or not _THING.search(rest) or _SHUNNING.search(rest):
        return (part,)
    return (TURN_AROUND, rest)


class Plan:
    """Which part of a sentence is being played."""

    def __init__(self, parts: tuple[str, ...]) -> None:
        self.parts = parts
        self._at = 0
        self._begin()

    def _begin(self) -> None:
        self._turned = 0.0
        self._acted = self._shot = False
        self._yeses = self._in_a_row = 0
        self._heard: deque[float] = deque(maxlen=BEFORE)

    @property
    def now(self) -> str:
        """The part that is to be done."""
        return self.parts[self._at]

    @property
    def more(self) -> bool:
        """Whether another part comes after this one."""
        return self._at + 1 < len(self.parts)

    @property
    def place(self) -> str:
        """Where it is, for the person: "2 of 3"."""
        return f"{self._at + 1} of {len(self.parts)}"

    @property
    def asks(self) -> bool:
        """Whether the model has to be asked if the part is done: not how far it has turned."""
        return self.more and self.now != TURN_AROUND

    def follow(self, done: float, action: Action) -> bool:
        """Take how probably the part is done (0 to 1), and what is done now.

        Returns whether the next part has begun.
        """
        around = self.now == TURN_AROUND
        searching = around or action.with_camera(0.0, 0.0).is_noop
        yaw = action.camera[1]
        onward = yaw * self._turned >= 0
        self._turned = (self._turned if onward else 0.0) + yaw if searching else 0.0
        self._acted |= action.attack or action.use
        self._shot |= action.attack
        # The newest but one may be of the same rise.
        earlier = list(self._heard)[:-1] or list(self._heard)
        self._heard.append(done)
        rises = bool(earlier) and done >= SURE and done - min(earlier) >= RISE
        self._in_a_row = self._in_a_row + 1 if rises or (self._in_a_row and done >= SURE) else 0
        self._yeses += self._in_a_row == IN_A_ROW
        sure = self._yeses >= (SHOTS if self._shot else 1)
        enough = ACTED_DEG if self._acted else ROUND_DEG
        if around:
            sure, enough = False, AROUND_DEG
        if not sure and abs(self._turned) < enough:
            return False
        self._at += 1
        self._begin()
        return True


def plan_of(text: str) -> Plan:
    """Return the plan for a whole sentence."""
    return Plan(tuple(told for part in split_instruction(text) for told in turned_first(part)))
