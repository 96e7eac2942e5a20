"""Sentences with several parts, heard one part after the other.

One picture does not tell what was done before it, and the model keeps no memory.  So a
sentence such as "pick up the blue keycard, then shoot the imp" is cut where it says "then",
and the model is asked about the newest picture whether the part it plays has just been
done.  Only checkpoints that were taught that question are asked (``parts`` in their spec).

Where the answer never is yes, a look all the way round that ends nowhere moves on too, a
short one after a shot or a use: what was taken or shot is gone, and what is gone is
searched for without end.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from recorder.types import Action

SURE = 0.7
RISE = 0.4
BEFORE = 6
"""A part is done where the model says so with at least the probability SURE, and it was less
by RISE within the BEFORE ticks before: yellow light can look like the flash of what is taken.

Chosen on 48 sentences of the yard done by the teacher (seeds from 2,500,000): told within
four ticks of the end in 34 and too early in 6, against 17 and 29 at 0.5 alone.
"""
ROUND_DEG = 400.0
"""So far it turns the same way, doing nothing else, before it gives a part up."""
ACTED_DEG = 60.0
"""So far, once it has attacked or used something: what it searches for is gone by that."""
_CUT = re.compile(
    r"\s*(?:[,;.]\s*(?:and\s+)?|\s+and\s+)(?:then|after that|after this|afterwards|next|finally)"
    r"\b[,:]?\s+|\s+then\s+",
    re.IGNORECASE,
)
_FRONT = re.compile(
    r"^(?:first(?:ly)?|start with|start by|to begin with)\s*[,:]?\s+", re.IGNORECASE
)
_BACK = re.compile(r"[\s,]+first\s*$", re.IGNORECASE)


def done_question(said: str) -> str:
    """Return how the model is asked whether what a sentence wants has just been done."""
    return f"Is this done: {said}"


YES, NO = "Yes.", "No."
"""How it answers."""


def yes_no_ids(tokenizer: Any) -> list[int]:
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


class Plan:
    """Which part of a sentence is being played."""

    def __init__(self, parts: tuple[str, ...]) -> None:
        self.parts = parts
        self._at = 0
        self._begin()

    def _begin(self) -> None:
        self._turned = 0.0
        self._acted = False
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

    def follow(self, done: float, action: Action) -> bool:
        """Take how probably the part is done (0 to 1), and what is done now.

        Returns whether the next part has begun.
        """
        searching = action.with_camera(0.0, 0.0).is_noop
        yaw = action.camera[1]
        onward = yaw * self._turned >= 0
        self._turned = (self._turned if onward else 0.0) + yaw if searching else 0.0
        self._acted |= action.attack or action.use
        # The newest but one may be of the same rise.
        earlier = list(self._heard)[:-1] or list(self._heard)
        self._heard.append(done)
        sure = bool(earlier) and done >= SURE and done - min(earlier) >= RISE
        if not sure and abs(self._turned) < (ACTED_DEG if self._acted else ROUND_DEG):
            return False
        self._at += 1
        self._begin()
        return True
