"""How far a typed sentence is from those that an agent was taught.

The score is lexical: unknown words, and pairs of words that were never said together.  It
knows nothing of what words mean, which is what makes it honest for a model that learnt its
words from these sentences alone.  Typing mistakes of one letter count little.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from model.language.instructions import bare_request
from model.language.subgoals import split_instruction
from recorder.games.base import Task
from recorder.games.sentences import possible_tasks

UNFAMILIAR_FROM = 0.2
"""Scores from here on are called unfamiliar: an unknown word in five."""
LEAST_ALIKE = 0.2
"""A sentence less alike than this is not worth naming as what may be meant."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_GRAMS = (3, 4)
_GRAM_WEIGHT = 0.35
_TYPO_COST = 0.25
_ARTICLES = frozenset({"the", "a", "an"})
DENYING = frozenset({"not", "don't", "dont", "never"})
"""They ask for the opposite, which the words that were taught do not say of themselves."""
_NONE = np.empty(0, np.int64)
_NO_SHARES = np.empty(0, np.float64)
_SAID_KEPT = 1024
"""What so many sentences were put into is remembered."""
_LONGEST_SCORED = 64
"""Words looked at; more say nothing new about whether a sentence is known."""


@dataclass(frozen=True, slots=True)
class Unfamiliar:
    """A sentence that was not taught: ``closest`` is the one that may be meant, "" for none.

    ``meanings`` are the tasks between which it does not decide, two or more, or none.
    """

    sentence: str
    closest: str = ""
    meanings: tuple[Task, ...] = ()


class Repertoire:
    """The sentences that an agent was taught.

    ``restate`` puts what was typed into the words that the agent is told: how familiar these
    are is what counts.  ``outside`` says of such words that, well known as they are, they ask
    for what was never asked in them; ``several``, that they ask for more than one thing.
    ``tasks`` are the game's: a sentence that leaves out which of them is meant is none that was
    taught.
    """

    def __init__(
        self,
        sentences: Iterable[str],
        restate: Callable[[str], str] | None = None,
        outside: Callable[[str], bool] | None = None,
        several: Callable[[str], bool] | None = None,
        tasks: Iterable[Task] = (),
    ) -> None:
        self._several = several
        self._tasks = tuple(tasks)
        self._restate = None if restate is None else lru_cache(_SAID_KEPT)(restate)
        self._outside = outside
        self._sentences: Sequence[str] = tuple(dict.fromkeys(s for s in sentences if words(s)))
        self._known = {word for sentence in self._sentences for word in words(sentence)}
        self._plain = {tuple(words(sentence)) for sentence in self._sentences}
        self._together = {
            (first, later)
            for said in self._plain
            for at, first in enumerate(said)
            for later in said[at + 1 :]
        }
        self._asking = {said[0] for said in self._plain}
        self._names = {
            said[at + 1 :] for said in self._plain for at, word in enumerate(said) if word == "the"
        }
        self._near_words: dict[str, str] = {}

    def check(self, sentence: str) -> Unfamiliar | None:
        """Return what is unfamiliar about a sentence, None where it is well known.

        A sentence with several parts is as well known as each of them.
        """
        if not self._sentences:
            return None
        if tuple(words(sentence)) in self._plain:
            return None
        parts = split_instruction(sentence)
        for part in parts:
            if meanings := self._meanings(part):
                return Unfamiliar(sentence, meanings=meanings)
        strange = [part for part in parts if self.score(part) >= UNFAMILIAR_FROM]
        if not strange:
            return None
        # What is not to be done is like what is, and means the opposite.
        denied = denies(words(bare_request(strange[0])))
        return Unfamiliar(sentence, "" if denied else self.closest(strange[0]))

    def score(self, sentence: str) -> float:
        """Return how unfamiliar a sentence is: 0 (was taught) to 1 and a little beyond.

        The mean over its words of: unknown (1; a quarter where one letter makes it
        known), plus half the share of its word pairs that no taught sentence holds; and
        UNFAMILIAR_FROM more where it only names a thing, or asks for what was never asked; at
        least UNFAMILIAR_FROM if it asks for several things.
        """
        told = sentence if self._restate is None else self._restate(sentence)
        said = words(told)[:_LONGEST_SCORED]
        if not said:
            return 1.0
        if tuple(said) in self._plain:
            return 0.0
        meant = [self._meant(word) for word in said]
        unknown = sum(
            0.0 if word == known else _TYPO_COST if known else 1.0
            for word, known in zip(said, meant, strict=True)
        )
        apart = sum(
            (first, later) not in self._together
            for at, first in enumerate(meant)
            for later in meant[at + 1 :]
        )
        score = (unknown + 0.5 * apart / max(1, len(said) - 1)) / len(said)
        # What only names a thing asks for nothing.
        if self._only_names(meant) or (self._outside is not None and self._outside(told)):
            score += UNFAMILIAR_FROM
        if self._several is not None and self._several(told):
            score = max(score, UNFAMILIAR_FROM)
        return score

    def _meanings(self, part: str) -> tuple[Task, ...]:
        """Return the tasks of which a part of a sentence leaves open which is meant."""
        told = part if self._restate is None else self._restate(part)
        said = (part, bare_request(part)) if told == part else (told,)
        if any(tuple(words(each)) in self._plain for each in said):
            return ()
        for each in said:
            meant = possible_tasks(self._tasks, " ".join(words(each)))
            if len(meant) > 1:
                return meant
        return ()

    def closest(self, sentence: str) -> str:
        """Return the taught sentence most like this one, "" where none is like it.

        Alike is the cosine of words, word pairs and letter groups, weighted by rarity.  One part
        is like no two.
        """
        found = self.nearest(sentence, 1)
        return found[0] if found else ""

    def nearest(self, sentence: str, most: int) -> list[str]:
        """Return at most ``most`` taught sentences that are like this one, the likest first."""
        said = _features(sentence)
        unseen = math.log(len(self._sentences) + 1) + 1
        likeness = np.zeros(len(self._sentences), np.float64)
        square = 0.0
        for key, count in said.items():
            rarity, holders, shares = self._index.get(key, (unseen, _NONE, _NO_SHARES))
            square += (count * rarity) ** 2
            likeness[holders] += count * rarity * shares
        if len(split_instruction(sentence)) == 1:
            likeness[self._in_parts] = 0.0
        enough = LEAST_ALIKE * math.sqrt(square)
        # The first of equals, as they were taught.
        order = np.argsort(-likeness, kind="stable")[:most]
        return [self._sentences[at] for at in order.tolist() if 0 < enough <= likeness[at]]

    def _only_names(self, said: Sequence[str]) -> bool:
        """Return whether a sentence names a thing and asks for nothing: "the red switch".

        Some verbs are also words of names, so the longest known name does not count, and
        neither does the last word: "first aid kit", "the pistol at your back".
        """
        bare = tuple(word for word in said if word not in _ARTICLES)
        found = (
            (at, at + size)
            for size in range(len(bare), 0, -1)
            for at in range(len(bare) - size + 1)
            if bare[at : at + size] in self._names
        )
        start, end = next(found, (0, 0))
        around = (*bare[:start], *bare[end:])
        return not self._asking.intersection(around if end == len(bare) else around[:-1])

    def _meant(self, word: str) -> str:
        """Return the known word that this is, perhaps with one letter wrong; "" for none."""
        if word in self._known:
            return word
        if word not in self._near_words:
            near = (known for known in sorted(self._known) if likely_typo(word, known))
            self._near_words[word] = next(near, "") if len(word) > 3 else ""
        return self._near_words[word]

    @cached_property
    def _in_parts(self) -> NDArray[np.bool_]:
        """Which sentences have several parts."""
        parts = [len(split_instruction(sentence)) for sentence in self._sentences]
        return np.array(parts, np.int64) > 1

    @cached_property
    def _index(self) -> dict[str, tuple[float, NDArray[np.int64], NDArray[np.float64]]]:
        """By feature: its rarity, which sentences have it, and its share of their length."""
        features = [_features(sentence) for sentence in self._sentences]
        count = Counter(key for found in features for key in found)
        rarity = {key: math.log(len(self._sentences) / n) + 1 for key, n in count.items()}
        holders: dict[str, list[int]] = {key: [] for key in rarity}
        shares: dict[str, list[float]] = {key: [] for key in rarity}
        for at, found in enumerate(features):
            weighted = {key: n * rarity[key] for key, n in found.items()}
            norm = math.sqrt(sum(n * n for n in weighted.values()))
            for key, n in weighted.items():
                holders[key].append(at)
                shares[key].append(n / norm)
        return {key: (rarity[key], np.array(holders[key]), np.array(shares[key])) for key in rarity}


def taught_sentences(tasks: Iterable[Task]) -> list[str]:
    """Return the sentences of a game's tasks; nothing of what is held out from training."""
    return [
        sentence
        for task in tasks
        if task.split != "heldout"
        for sentence in (task.instruction, *task.phrasings)
    ]


def words(sentence: str) -> list[str]:
    """Return a sentence's words in lower case, in order; marks and emoji are none."""
    return _WORD.findall(sentence.lower())


def denies(said: Sequence[str]) -> bool:
    """Return whether words begin with what is not to be done."""
    return not DENYING.isdisjoint(said[:1]) or list(said[:2]) == ["do", "not"]


def _features(sentence: str) -> dict[str, float]:
    said = words(sentence)[:_LONGEST_SCORED]
    counts: Counter[str] = Counter(said)
    found: dict[str, float] = {f"word {word}": float(n) for word, n in counts.items()}
    for first, later in pairwise(said):
        found[f"pair {first} {later}"] = 0.5
    for word in said:
        framed = f"#{word}#"
        for size in _GRAMS:
            for at in range(len(framed) - size + 1):
                key = f"letters {framed[at : at + size]}"
                found[key] = found.get(key, 0.0) + _GRAM_WEIGHT
    return found


_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def likely_typo(typed: str, meant: str) -> bool:
    """Return whether a word looks like another one mistyped rather than a word of its own.

    Two letters swapped, one left out or put in behind the first, or, in words of more than
    three letters, the key beside its own struck: "shoto", "shot", "shooot", "shoor".  "Paint"
    is no mistyped "point", nor "close" a "closer".
    """
    if not one_letter_apart(typed, meant) or typed[:1] != meant[:1]:
        return False
    if len(typed) != len(meant):
        shorter, longer = sorted((typed, meant), key=len)
        # Another ending is another word, but for a plural and a letter struck twice.
        return longer[:-1] != shorter or longer[-1] == "s" or longer[-1] == longer[-2]
    wrong = [pair for pair in zip(typed, meant, strict=True) if pair[0] != pair[1]]
    return len(wrong) != 1 or (len(typed) > 3 and _side_by_side(*wrong[0]))


def _side_by_side(first: str, second: str) -> bool:
    """Return whether two letters' keys touch; each row lies half a key right of the upper."""
    places = [
        (row, column + 0.5 * row)
        for letter in (first, second)
        for row, keys in enumerate(_KEYS)
        if (column := keys.find(letter)) >= 0
    ]
    if len(places) != 2:
        return False
    (row, at), (other_row, other_at) = places
    return abs(row - other_row) <= 1 and abs(at - other_at) <= 1


def one_letter_apart(first: str, second: str) -> bool:
    """Return whether one letter changed, put in, left out or two swapped make them equal."""
    if abs(len(first) - len(second)) > 1:
        return False
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    first, second = first[start:], second[start:]
    if len(first) == len(second):
        swapped = len(first) > 1 and first[1] + first[0] + first[2:] == second
        return first[1:] == second[1:] or swapped
    return first[1:] == second if len(first) > len(second) else first == second[1:]
