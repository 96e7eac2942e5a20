"""Which of the yard's things a sentence names, so that a room can hold them.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from recorder.games.doom.goals import parse_goal
from recorder.games.doom.tasks import ALL_TASKS, SORTS
from recorder.games.doom.things import ALL_KINDS, DOOR, KIND_BY_KEY, MONSTER, SWITCH, Kind
from recorder.games.sentences import ARTICLES, normalise_instruction, sentences_of

MOST_THINGS, MOST_FIXTURES = 3, 2
"""So many named things, and so many doors and switches, have room together."""
_Names = dict[tuple[str, ...], tuple[Kind, ...]]
_WORD = re.compile(r"[^\W_]+")
_ALSO = {
    "health": ("medkit",),
    "health pack": ("medkit",),
    "enemy": MONSTER,
    "enemies": MONSTER,
    "creature": MONSTER,
    "green gun": ("bfg",),
    "gate": DOOR,
    "button": SWITCH,
}
"""Words of people's that no task is said in: a kind, or all of a family."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a sentence names: its word for it, and the kinds that it may mean."""

    word: str
    kinds: tuple[Kind, ...]


def named_things(sentence: str) -> tuple[Named, ...]:
    """Return what a sentence names, in its order; the longest names first where they overlap."""
    # "Switch to the shotgun" names no switch.
    said = _WORD.findall(normalise_instruction(sentence).replace("switch to ", "take "))
    names = _names()
    longest = max(map(len, names))
    found: list[Named] = []
    at = 0
    while at < len(said):
        for size in range(min(longest, len(said) - at), 0, -1):
            words = tuple(said[at : at + size])
            kinds = names.get(words) or names.get((*words[:-1], words[-1].removesuffix("s")))
            if kinds:
                found.append(Named(" ".join(words), kinds))
                at += size
                break
        else:
            at += 1
    return tuple(found)


def chosen_kinds(sentence: str, seed: int) -> tuple[Kind, ...]:
    """Return a kind for each thing that a sentence names: the same for the same seed.

    At most MOST_THINGS things and MOST_FIXTURES doors and switches, the first ones.
    """
    rng = np.random.default_rng(seed)
    chosen: list[Kind] = []
    for each in named_things(sentence):
        kind = each.kinds[int(rng.integers(len(each.kinds)))]
        fixed = kind.family in (DOOR, SWITCH)
        alike = sum((one.family in (DOOR, SWITCH)) is fixed for one in chosen)
        if kind not in chosen and alike < (MOST_FIXTURES if fixed else MOST_THINGS):
            chosen.append(kind)
    return tuple(chosen)


def missing_thing(sentence: str, there: Iterable[str]) -> str:
    """Return the first word for a thing of which no kind is ``there`` (keys), "" for none."""
    present = frozenset(there)
    for each in named_things(sentence):
        if present.isdisjoint(kind.key for kind in each.kinds):
            return each.word
    return ""


@cache
def _names() -> _Names:
    """Return every name of every kind, and the words for several of them, as words."""
    found: _Names = {}
    for word, means in _ALSO.items():
        family = tuple(kind for kind in ALL_KINDS if kind.family == means)
        found[tuple(word.split())] = family or tuple(KIND_BY_KEY[key] for key in means)
    for sort in SORTS:
        found[(sort,)] = tuple(kind for kind in ALL_KINDS if kind.family == sort)
    for kind in ALL_KINDS:
        # "The torch" is any of the torches.
        last = kind.phrase.lower().split()[-1:]
        alike = (other for other in ALL_KINDS if other.phrase.lower().split()[-1:] == last)
        found.setdefault(tuple(last), tuple(alike))
    own: _Names = {tuple(kind.phrase.lower().split()): (kind,) for kind in ALL_KINDS}
    return {**_said_otherwise(own), **found, **own}


def _said_otherwise(own: _Names) -> _Names:
    """Return the names that the tasks' sentences have for their things."""
    found: _Names = {}
    for task, sentence in sentences_of(ALL_TASKS):
        goal = parse_goal(task.id)
        step = goal.steps[0] if goal is not None and len(goal.steps) == 1 else None
        if step is None or step.kind is None or step.relation:
            continue
        words = normalise_instruction(sentence).split()
        last = max((at for at, word in enumerate(words) if word in ARTICLES), default=0)
        name = tuple(words[last + 1 :])
        if 0 < last < len(words) - 1:
            found[name] = (step.kind,)
    # "The barrel and stand still" is no name: it begins with one.
    return {name: kinds for name, kinds in found.items() if not _goes_on(name, found, own)}


def _goes_on(name: Sequence[str], *known: _Names) -> bool:
    return any(tuple(name[:size]) in names for size in range(1, len(name)) for names in known)
