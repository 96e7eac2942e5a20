"""How actions are written: two codecs of the same team behind one interface.

:class:`TokenCodec` is JARVIS-VLA's (:mod:`model.actions.tokens`).  :class:`TextCodec` is the one of
its OpenHA successors, which write what a hand does: ``Action: move(19, 0) and press(w)``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from model.actions.tokens import ACTION_BEGIN, CODEC_VERSION, decode, encode, token_string
from recorder.types import NO_ACTION, Action

DEGREES_PER_COUNT = 0.15
MAX_COUNTS = 1200
"""Half a turn; a larger number is no move of one tick."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """The actions of an answer, at least one; ``invalid`` counts parts that were none."""

    actions: tuple[Action, ...]
    invalid: int = 0


class ActionCodec(Protocol):
    """Actions to text and back; ``tokens_per_action`` bounds an action's length."""

    name: str
    version: int
    tokens_per_action: int

    def encode(self, actions: Sequence[Action]) -> str:
        """Return the text of a chunk."""
        ...

    def decode(self, text: str) -> Parsed:
        """Return what a model's text says; never raises."""
        ...


class TokenCodec:
    """Special tokens, one for every group of controls that is not at rest."""

    name = "tokens"
    version = CODEC_VERSION
    tokens_per_action = 14

    def encode(self, actions: Sequence[Action]) -> str:
        """Return the action tokens as text."""
        return "".join(map(encode, actions))

    def decode(self, text: str) -> Parsed:
        """Return every whole action; an answer without any does nothing and is invalid."""
        found = tuple(decode(text))
        broken = max(0, text.count(token_string(ACTION_BEGIN)) - len(found))
        return Parsed(found, broken) if found else Parsed((NO_ACTION,), max(1, broken))


_KEYS = {
    "w": "forward", "s": "back", "a": "left", "d": "right", "left.control": "sprint",
    "left.shift": "sneak", "space": "jump", "q": "drop", "e": "inventory",
}  # fmt: skip
_NAMES = {control: key for key, control in _KEYS.items()}
_CLICKS = {"left": "attack", "right": "use"}
_LINE = re.compile(r"Action:[ \t]*([^\n]*)")
_PART = re.compile(r"(move|press|click)\(([^()]*)\)|(no_op)")


class TextCodec:
    """OpenHA's words: ``move(dx, dy)`` in mouse counts, ``press(keys)``, ``click(buttons)``.

    A count turns 0.15 degrees, as in the recordings; so a turn comes back to the nearest
    0.15 degrees.  Each action is a line that begins with ``Action:``.
    """

    name = "text"
    version = 1
    tokens_per_action = 48

    def encode(self, actions: Sequence[Action]) -> str:
        """Return one line for each action."""
        return "\n".join(f"Action: {_words(action)}" for action in actions)

    def decode(self, text: str) -> Parsed:
        """Return the action of every line that is one; other lines count as invalid."""
        actions: list[Action] = []
        invalid = 0
        for line in _LINE.findall(text):
            action = _from_words(line.strip())
            if action is None:
                invalid += 1
            else:
                actions.append(action)
        if not actions:
            return Parsed((NO_ACTION,), max(1, invalid))
        return Parsed(tuple(actions), invalid)


def _words(action: Action) -> str:
    pitch, yaw = action.camera
    down, right = round(pitch / DEGREES_PER_COUNT), round(yaw / DEGREES_PER_COUNT)
    parts = [f"move({right}, {down})"] if right or down else []
    keys = [_NAMES[control] for control in _NAMES if getattr(action, control)]
    if action.hotbar:
        keys.append(str(action.hotbar))
    if keys:
        parts.append(f"press({', '.join(keys)})")
    clicks = [button for button, control in _CLICKS.items() if getattr(action, control)]
    if clicks:
        parts.append(f"click({', '.join(clicks)})")
    return " and ".join(parts) or "no_op"


def _from_words(line: str) -> Action | None:
    """Return a line's action, None where any part of it is no word of this codec."""
    action = NO_ACTION
    hotbar = 0
    for part in line.split(" and "):
        match = _PART.fullmatch(part.strip().rstrip("."))
        if match is None:
            return None
        if match[3]:
            continue
        given = [word.strip() for word in match[2].split(",") if word.strip()]
        if match[1] == "move":
            if len(given) != 2 or not all(re.fullmatch(r"-?\d{1,4}", word) for word in given):
                return None
            right, down = (max(-MAX_COUNTS, min(MAX_COUNTS, int(word))) for word in given)
            action = action.with_camera(down * DEGREES_PER_COUNT, right * DEGREES_PER_COUNT)
            continue
        names = _CLICKS if match[1] == "click" else _KEYS
        for word in given:
            if match[1] == "press" and re.fullmatch(r"[1-9]", word):
                hotbar = int(word)
            elif word in names:
                action = action.pressing(names[word])
            else:
                return None
    return replace(action, hotbar=hotbar) if hotbar else action


CODECS: dict[str, ActionCodec] = {"tokens": TokenCodec(), "text": TextCodec()}
