"""For the small default models: a typed sentence told in the words that they were taught.

A checkpoint may bring a file of the ways in which it was spoken to (``taught.json``): frames
such as "walk to the {thing}", each with what it stands for, and the names of things.  A
sentence in another form is told to the model in one of these:

1. what only makes a request polite goes;
2. the longest known name in it is found, with at most one letter wrong in a word, and
   whatever tells two of a kind apart ("on your left", "the closest");
3. the words around the name are compared with the frames; what the most similar one stands
   for is said, if no word of substance in the sentence is unknown, and if it is something that
   can be done to the thing: nobody switches to an imp.

A sentence that was taught stays letter for letter, and so does one of which nothing similar
was taught.  The person is shown what is said, and can switch it off.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from model.language.familiarity import DENYING, denies, likely_typo, one_letter_apart, words
from model.language.instructions import bare_request
from model.language.subgoals import split_instruction
from recorder import json_values
from recorder.errors import ModelError
from recorder.games.sentences import ARTICLES, leaves_out

TAUGHT_FILE = "taught.json"
THING = "{thing}"
LEAST_ALIKE = 0.6
"""A frame less similar than this (cosine, 0 to 1) is none that may be meant."""
SEVERAL = frozenset({
    "all", "every", "each", "both", "everything", "everyone", "two", "three", "four", "five", "six",
    "seven", "eight", "nine", "ten", "several", "many", "few", "couple", "none", "no", "any",
    "twice", "again",
})  # fmt: skip
"""They ask for more than the one thing and the one deed that a taught sentence is about."""
JOINING = frozenset({"or", "but", "nor", "without", "except", "then"})
"""They join another thing or another deed to the first; so does "and", if not one after another:
"turn and look at the imp" is one deed."""
_SAME_DEED = frozenset({THING, "it", "there", "move"})
"""What follows an "and" that joins no second thing."""
_ONE_ALL_THE_SAME = (("all", "the", "way"), ("of", "the", "two"), ("at", "all"))
"""Words of SEVERAL that ask for no more than one thing."""
_TURNING_WORDS = frozenset({
    "left", "right", "from", "away", "clear", "not", "don't", "dont", "never", "open", "back",
    "backwards", "backward", "behind", "around", "other", "forward", "forwards", "sideways",
    "out", "still", "wait", "stop", "stay",
    # More than one thing, or more than one deed.
    *SEVERAL, *JOINING,
})  # fmt: skip
"""They turn what is asked into something else: both have them, or neither."""
_SMALL_WORDS = frozenset({
    "a", "an", "the", "this", "that", "these", "those", "some", "any", "my", "your", "its",
    "it", "to", "at", "of", "on", "in", "over", "up", "down", "there", "here", "and", "or",
    "with", "for", "from", "by", "me", "you", "i", "we", "is", "be", "s", "t", "please",
    "pls", "thx", "right", "now", "just", "so", "then", "one", "will", "can", "could",
    "would", "should", "which", "whichever", "thats", "that's", "thing", "dude", "guy",
    "floor", "wall", "hand", "bit", "little", "all", "well",
})  # fmt: skip
_LIGHT_VERBS = frozenset({"take", "make", "get", "have", "do", "give", "put", "bring", "go"})
"""What is done is said by the words behind them: "take a left turn", "make a left turn"."""
_ARTICLES = frozenset({
    "a", "an", "the", "this", "that", "some", "any", "my", "your", "those", "these", "one",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Frame:
    said: str
    means: str
    features: Mapping[str, float]
    length: float
    turns: frozenset[str]
    denies: bool


class Sayings:
    """The frames and names of one checkpoint.

    ``frames`` maps what is said to the model to the other ways that it was taught; a frame
    has ``{thing}`` in it or is about nothing.  ``understood`` are ways that it was not taught,
    by the same sentences.  ``relations`` maps a name's pattern ("left {noun}") to what means
    the same anywhere in a sentence ("on your left").  ``takes`` maps what is said to the nouns
    that it may be about; what is not in it is said of everything.
    """

    def __init__(
        self,
        frames: Mapping[str, Sequence[str]],
        names: Iterable[str],
        understood: Mapping[str, Sequence[str]] | None = None,
        relations: Mapping[str, Sequence[str]] | None = None,
        takes: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._names = sorted(
            {tuple(words(name)) for name in names} - {()}, key=lambda name: (-len(name), name)
        )
        self._ranks: dict[str, list[int]] = defaultdict(list)
        for rank, name in enumerate(self._names):
            self._ranks[name[0]].append(rank)
        self._near: dict[str, frozenset[str]] = {}
        self._name_words = {word for name in self._names for word in name}
        self._relations = sorted(
            (
                (tuple(words(way)), pattern)
                for pattern, ways in (relations or {}).items()
                for way in ways
            ),
            key=lambda pair: (-len(pair[0]), pair[0]),
        )
        self._takes = {
            means: frozenset(tuple(words(noun)) for noun in nouns)
            for means, nouns in (takes or {}).items()
        }
        taught = [(way, means) for means, ways in frames.items() for way in (means, *ways)]
        more = [(way, means) for means, ways in (understood or {}).items() for way in ways]
        self._sentences = tuple(way for way, _ in taught)
        self._means: dict[str, set[str]] = defaultdict(set)
        for way, means in taught:
            self._means[_key(way)].add(means)
        said = {way: _frame_words(way) for way, _ in (*more, *taught)}
        self._known = {word for each in said.values() for word in each} | _SMALL_WORDS
        count = Counter(feature for each in said.values() for feature in set(_features(each)))
        self._verbs = {each[0] for each in said.values()} | _SMALL_WORDS | _LIGHT_VERBS | {THING}
        self._rarity = {key: math.log(len(said) / n) + 1 for key, n in count.items()}
        self._frames = [
            _Frame(way, means, *self._weighed(said[way]), _turning(said[way]), denies(said[way]))
            for way, means in dict((*more, *taught)).items()
        ]
        self._of_nothing = [
            (frame.means, _without_articles(words(frame.said)))
            for frame in self._frames
            if THING not in frame.said
        ]

    @classmethod
    def load(cls, folder: Path) -> Sayings | None:
        """Read a checkpoint folder's; None where it brings none.

        Raises ModelError for a file that is none.
        """
        path = folder / TAUGHT_FILE
        if not path.exists():
            return None
        try:
            raw = json_values.parse(path.read_text(encoding="utf-8"))
            return cls(
                _lists(raw["frames"]),
                [str(name) for name in raw["names"]],
                _lists(raw.get("understood", {})),
                _lists(raw.get("relations", {})),
                _lists(raw.get("takes", {})),
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelError(
                f"{path.name} of the checkpoint {folder.name!r} cannot be read, so the model was "
                "not loaded; take a fresh copy of the checkpoint."
            ) from error

    @property
    def sentences(self) -> tuple[str, ...]:
        """Every sentence that was taught; none where the frames are about things."""
        return () if self._name_words else self._sentences

    def restate(self, sentence: str) -> str:
        """Return what the model is told for a sentence (cleaned, not empty)."""
        typed = words(sentence)
        frame, name = self._taken_apart(typed)
        if " ".join(frame) in self._means:
            return self._said(sentence, typed, frame, name)
        typed = words(bare_request(sentence))
        frame, name = self._taken_apart(typed)
        if " ".join(frame) in self._means:
            return self._said(sentence, typed, frame, name)
        if name:
            frame, name = self._told_apart(frame, name)
        frame = [self._spelt(word) for word in frame]
        if any(word not in self._known for word in _of_one(frame)):
            return sentence
        if frame and frame[0] not in self._verbs:
            # "Close the door" is not what "get close to the door" means.
            return sentence
        if self._leaves_open(frame) or self._joins(frame):
            return sentence
        best = self._closest(frame, name)
        return sentence if best is None else best.means.replace(THING, " ".join(name))

    def outside(self, told: str) -> bool:
        """Return whether familiar words ask for what was never asked in them.

        Something is not to be done, in a form that was not taught; or is to be done to a thing
        of a sort that it was never taught of: "pick up the red torch".
        """
        frame, name = self._taken_apart(words(told))
        means = self._means.get(" ".join(frame))
        if means is None:
            # "Stop at it and don't move" says the same twice.
            return any(
                word in DENYING and after != "move" for word, after in pairwise([*frame, ""])
            )
        return not any(self._may_take(each, name) for each in means)

    def _leaves_open(self, frame: Sequence[str]) -> bool:
        """Return whether a sentence without a known name leaves words out that tell two apart.

        Of "go to the red post" and "go to the blue post", none is what "go to the post" means.
        """
        bare = _without_articles(frame)
        return len({means for means, other in self._of_nothing if leaves_out(bare, other)}) > 1

    def of_several(self, told: str) -> bool:
        """Return whether familiar words ask for more than the one thing of a taught sentence.

        "Take all medkits", "take the medkits", "pick up the medkit and the shotgun".
        """
        frame, _ = self._taken_apart(words(told))
        if " ".join(frame) in self._means or len(split_instruction(told)) > 1:
            # Parts that are done one after the other are looked at one by one.
            return False
        several = not SEVERAL.isdisjoint(_of_one(frame)) or any(map(self._is_plural, frame[1:]))
        if several or self._joins(frame):
            return True
        # "Turn and look at it" is one deed, and "stop at it and don't move" says the same twice.
        after = _without_articles(frame[frame.index("and") + 1 :]) if "and" in frame else ("it",)
        return after[:1] == (THING,) or _SAME_DEED.isdisjoint(after)

    def _joins(self, frame: Sequence[str]) -> bool:
        """Return whether a frame is about a second thing."""
        if self._name_words:
            return THING in frame and bool(self._around(frame, exactly=True)[1])
        return "and" in frame

    def _is_plural(self, word: str) -> bool:
        """Return whether a word is the plural of a known one, and not known itself."""
        known = self._name_words or self._known
        return word not in known and word not in self._known and word.removesuffix("s") in known

    def _said(
        self, sentence: str, typed: Sequence[str], frame: Sequence[str], name: Sequence[str]
    ) -> str:
        """Return a taught frame with its name, the sentence itself where it is just that."""
        plain = " ".join(frame).replace(THING, " ".join(name))
        return sentence if plain == " ".join(typed) == " ".join(words(sentence)) else plain

    def _taken_apart(self, said: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
        """Return a sentence's frame, and the known name in it (none: empty)."""
        strict = self._around(said, exactly=True)
        loose = self._around(self._joined(said), exactly=False)
        # "blue key card" is a blue keycard rather than the card of a blue key.
        return strict if strict[1] and len(strict[0]) <= len(loose[0]) else loose

    def _around(self, said: Sequence[str], *, exactly: bool) -> tuple[list[str], tuple[str, ...]]:
        may_be = [self._may_be(word, exactly=exactly) for word in said]
        found = [
            (rank, at)
            for at, first in enumerate(may_be)
            for known in first
            for rank in self._ranks.get(known, ())
            if len(self._names[rank]) <= len(said) - at
            and all(word in may_be[at + k] for k, word in enumerate(self._names[rank]))
        ]
        if not found:
            return list(said), ()
        # The longest name, and where it comes first.
        rank, at = min(found)
        name, before = self._names[rank], list(said[:at])
        if before and before[-1] in _ARTICLES:
            before[-1] = "the"
        return [*before, THING, *said[at + len(name) :]], name

    def _may_be(self, word: str, *, exactly: bool) -> frozenset[str]:
        """Return the words of names that a word is, perhaps with one letter wrong."""
        own = frozenset((word,)) & self._name_words
        if exactly or len(word) <= 3:
            return own
        if word not in self._near:
            # "Medkits" is no mistyped "medkit": it asks for several.
            near = (
                known
                for known in self._name_words
                if one_letter_apart(word, known) and word != f"{known}s"
            )
            self._near[word] = own | frozenset(near)
        return self._near[word]

    def _told_apart(
        self, frame: Sequence[str], name: tuple[str, ...]
    ) -> tuple[list[str], tuple[str, ...]]:
        """Take what tells two of a kind apart out of the frame and into the name."""
        for way, pattern in self._relations:
            for at in range(len(frame) - len(way) + 1):
                if tuple(frame[at : at + len(way)]) == way:
                    whole = tuple(words(pattern.format(noun=" ".join(name))))
                    if whole in self._names:
                        return [*frame[:at], *frame[at + len(way) :]], whole
        return list(frame), name

    def _joined(self, said: Sequence[str]) -> list[str]:
        """Put two words together that are one in a name: "key card"."""
        found: list[str] = []
        for word in said:
            if found and found[-1] + word in self._name_words:
                found[-1] += word
            else:
                found.append(word)
        return found

    def _spelt(self, word: str) -> str:
        """Return the known word that this is, perhaps mistyped."""
        of_several = word in SEVERAL or word in JOINING or self._is_plural(word)
        if word in self._known or len(word) < 3 or of_several:
            return word
        return min((w for w in self._known if likely_typo(word, w)), default=word)

    def _may_take(self, means: str, name: Sequence[str]) -> bool:
        """Return whether what is said was taught of such a thing."""
        nouns = self._takes.get(means)
        return nouns is None or not nouns.isdisjoint(
            tuple(name[at:end]) for at in range(len(name)) for end in range(at + 1, len(name) + 1)
        )

    def _closest(self, frame: Sequence[str], name: Sequence[str]) -> _Frame | None:
        features, length = self._weighed(frame)
        like = _turning(frame), denies(frame)
        best, most = None, LEAST_ALIKE
        for other in self._frames:
            if (other.turns, other.denies) != like:
                continue
            shared = sum(weight * other.features.get(key, 0.0) for key, weight in features.items())
            alike = shared / (length * other.length) if length and other.length else 0.0
            # Asked last: hardly any frame comes so far.
            if alike > most and self._may_take(other.means, name):
                best, most = other, alike
        return best

    def _weighed(self, frame: Sequence[str]) -> tuple[dict[str, float], float]:
        weighed = {
            key: count * self._rarity.get(key, 1.0) for key, count in _features(frame).items()
        }
        return weighed, math.sqrt(sum(weight * weight for weight in weighed.values()))


def write_sayings(folder: Path, sentences: Mapping[str, Sequence[str]]) -> None:
    """Write a checkpoint's sentences, each with other ways to say it, into its folder."""
    told: dict[str, object] = {
        "frames": {said: [] for said in sentences},
        "understood": {said: list(ways) for said, ways in sentences.items()},
        "names": [],
    }
    text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    (folder / TAUGHT_FILE).write_text(text, encoding="utf-8")


def _lists(table: Any) -> dict[str, list[str]]:
    return {str(key): [str(entry) for entry in entries] for key, entries in table.items()}


_TOKEN = re.compile(r"\{thing\}|[^\W_]+(?:'[^\W_]+)?")


def _frame_words(frame: str) -> list[str]:
    return _TOKEN.findall(frame.lower())


def _key(frame: str) -> str:
    return " ".join(_frame_words(frame))


def _without_articles(frame: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in frame if word not in ARTICLES)


def _turning(frame: Sequence[str]) -> frozenset[str]:
    return frozenset(word for word in _of_one(frame) if word in _TURNING_WORDS or word == THING)


def _of_one(frame: Sequence[str]) -> list[str]:
    """Return a frame without the words that only seem to ask for several."""
    found = list(frame)
    for words_of_one in _ONE_ALL_THE_SAME:
        size = len(words_of_one)
        for at in range(len(found) - size, -1, -1):
            if tuple(found[at : at + size]) == words_of_one:
                del found[at : at + size]
    return found


def _features(frame: Sequence[str]) -> dict[str, float]:
    """Return the words and neighbours of a frame; words of little meaning count little."""
    found: dict[str, float] = {}
    for word in frame:
        if word != THING:
            found[word] = found.get(word, 0.0) + (0.3 if word in _SMALL_WORDS else 1.0)
    for first, second in pairwise(frame):
        found[f"{first} {second}"] = 0.4
    if frame and frame[0] not in _LIGHT_VERBS:
        # The verb.
        found[f"first {frame[0]}"] = 0.8
    return found
