"""Which task of a game a typed sentence asks for: the one place that decides it.

The window, every command, the demo and the rounds use :func:`judged_task`, so that a sentence
that is judged in one of them is judged in all of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from recorder.errors import UsageError
from recorder.games.base import Task

ARTICLES = frozenset({"a", "an", "the"})
POINTING = frozenset({"that", "this"})
"""Words that point at the one thing that an article would name."""
MOST_NAMED = 8
"""So many things are named in one sentence for a person."""
MAX_MEANINGS = 24
"""Searching for further tasks that a sentence may mean stops at so many."""
_PICTURES = frozenset({"So", "Sk", "Cf"})
"""Unicode's categories of emoji, their skin tones, and what joins them."""
_SEVERAL_PARTS = re.compile(r"\bthen\b|[,;]|\bafter that\b")


def judged_task(tasks: Iterable[Task], sentence: str) -> Task | None:
    """Return the task that a sentence asks for, None if the game cannot judge it.

    Every phrasing of a task is its sentence, also one that is held out from training.  Case,
    surrounding space, emoji and a final full stop do not matter, and neither does an article, or
    "that" in its place, if only one task is left without it.
    """
    return _index(tuple(tasks)).task(sentence)


def possible_tasks(tasks: Iterable[Task], sentence: str) -> tuple[Task, ...]:
    """Return the tasks that a sentence may mean because it leaves words out, in their order.

    "Go to the torch" may mean the red torch or the green one.  The verb has to be there.  The
    tuple is empty for a sentence of one task, and for one that is no shortened sentence of a
    task.  At most MAX_MEANINGS tasks are returned.
    """
    return _index(tuple(tasks)).possible(sentence)


def required_task(game: str, tasks: Iterable[Task], sentence: str, so: str) -> Task:
    """Return the task that a sentence asks for in the game called ``game``.

    ``so`` is what follows if there is none ("nothing was played").  Raises UsageError then,
    which names the tasks that may be meant.
    """
    known = tuple(tasks)
    task = judged_task(known, sentence)
    if task is not None:
        return task
    meant = possible_tasks(known, sentence)
    if meant:
        raise UsageError(
            f"The sentence {sentence!r} leaves open whether {either(quoted(meant))} is meant, so "
            f"nobody can judge it and {so}; say the whole sentence."
        )
    raise UsageError(
        f"The game {game!r} has no task {sentence!r}, so nobody can judge it and {so}; choose one "
        f"of `playteach tasks --game {game}`."
    )


def quoted(tasks: Sequence[Task]) -> list[str]:
    """Return the own sentences of tasks in quotation marks."""
    return [f"\u201c{task.instruction}\u201d" for task in tasks]


def either(names: Sequence[str]) -> str:
    """Return names as a choice for a sentence: "a, b or c"; of many only the first few."""
    if len(names) > MOST_NAMED:
        names = [*names[: MOST_NAMED - 1], "something else of its kind"]
    return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def sentences_of(tasks: Iterable[Task]) -> Iterator[tuple[Task, str]]:
    """Yield every task with each of its sentences, its own one first."""
    for task in tasks:
        for each in (task.instruction, *task.phrasings, *task.heldout_phrasings):
            yield task, each


def normalise_instruction(text: str) -> str:
    """Fold case, white space, curly apostrophes and a final full stop; leave emoji out."""
    text = "".join(" " if unicodedata.category(each) in _PICTURES else each for each in text)
    return " ".join(text.lower().replace("\u2019", "'").strip().rstrip(".!").split())


def without_articles(text: str) -> str:
    """Return a normalised sentence without its articles, and what may stand for them."""
    return " ".join(word for word in text.split() if word not in ARTICLES | POINTING)


def leaves_out(short: Sequence[str], whole: Sequence[str]) -> bool:
    """Return whether ``short`` is ``whole`` with the same first word and some words left out."""
    return bool(short) and short[0] == whole[0] and _within(short, whole)


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to say a task, as words without articles."""

    task: Task
    words: tuple[str, ...]

    def narrows(self, other: _Way) -> bool:
        """Return whether this says all that ``other`` says, and more."""
        return leaves_out(other.words, self.words) or leaves_out(
            _bare(other.task.instruction), _bare(self.task.instruction)
        )


class _Nouns:
    """The names of things in a game's sentences, and what is said in front of them."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._verbs: dict[tuple[str, ...], set[str]] = {}
        self._things: dict[tuple[str, ...], set[str]] = {}
        self._sorts: dict[tuple[str, ...], set[str]] = {}
        self._done: dict[tuple[str, str], Task] = {}
        for task in tasks:
            if not task.thing or not task.instruction.lower().endswith(f" {task.thing.lower()}"):
                continue
            self._done[(task.verb, task.thing)] = task
            self._sorts.setdefault((task.sort,), set()).add(task.thing)
            for _, each in sentences_of([task]):
                words = normalise_instruction(each).split()
                last = max((at for at, word in enumerate(words) if word in ARTICLES), default=0)
                # "Go to the torch and stand still" ends in no name.
                if 0 < last < len(words) - 1 and "and" not in words[last:]:
                    before = tuple(word for word in words[:last] if word not in ARTICLES)
                    self._verbs.setdefault(before, set()).add(task.verb)
                    self._things.setdefault(tuple(words[last + 1 :]), set()).add(task.thing)

    def whole(self, said: tuple[str, ...]) -> bool:
        """Return whether ``said`` asks something of a thing by one of its full names."""
        cuts = range(1, len(said))
        return any(said[:cut] in self._verbs and said[cut:] in self._things for cut in cuts)

    def shortened(self, said: tuple[str, ...]) -> list[Task]:
        """Return the tasks about things whose name is cut short at the end of ``said``."""
        found: dict[str, Task] = {}
        for cut in range(1, len(said)):
            verbs, rest = self._verbs.get(said[:cut], ()), said[cut:]
            things = self._cut_short(rest) if verbs else set()
            pairs = ((verb, thing) for verb in verbs for thing in things)
            found.update(
                (self._done[each].id, self._done[each]) for each in pairs if each in self._done
            )
        return list(found.values())

    def _cut_short(self, rest: tuple[str, ...]) -> set[str]:
        """Return the things that ``rest`` names in part, or by a word for all of their sort."""
        found = set(self._sorts.get(rest, ()))
        for name, things in self._things.items():
            if _within(rest, name):
                found |= things
        return found


class _Index:
    """The sentences of a game's tasks, looked up by their words."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._by_text: dict[str, Task] = {}
        self._by_bare: dict[str, dict[str, Task]] = {}
        self._ways: dict[str, list[_Way]] = {}
        for task, each in sentences_of(tasks):
            text = normalise_instruction(each)
            bare = without_articles(text)
            self._by_text.setdefault(text, task)
            self._by_bare.setdefault(bare, {})[task.id] = task
            if bare and not _SEVERAL_PARTS.search(text):
                way = _Way(task, tuple(bare.split()))
                self._ways.setdefault(way.words[0], []).append(way)

    @cached_property
    def _nouns(self) -> _Nouns:
        return _Nouns(self._tasks)

    def task(self, sentence: str) -> Task | None:
        """Return the task whose sentence this is."""
        wanted = normalise_instruction(sentence)
        if wanted in self._by_text:
            return self._by_text[wanted]
        meant = self._by_bare.get(without_articles(wanted), {})
        return next(iter(meant.values())) if len(meant) == 1 else None

    def possible(self, sentence: str) -> tuple[Task, ...]:
        """Return the tasks that a sentence may mean, none if it is the sentence of one."""
        said = _bare(sentence)
        if not said or self.task(sentence) is not None or self._nouns.whole(said):
            return ()
        meant = self._by_bare.get(" ".join(said))
        if meant is not None:
            # Only the article tells them apart, and it is missing or another one.
            return tuple(meant.values())[:MAX_MEANINGS]
        kept: list[_Way] = []
        for way in sorted(self._longer(said), key=lambda way: len(way.words)):
            # "The left red torch" says more than the red torch, which may be meant already.
            if not any(way.narrows(other) for other in kept):
                kept.append(way)
            if len(kept) == MAX_MEANINGS:
                break
        place = {task.id: at for at, task in enumerate(self._tasks)}
        return tuple(sorted((way.task for way in kept), key=lambda task: place[task.id]))

    def _longer(self, said: tuple[str, ...]) -> list[_Way]:
        """Return of every task that ``said`` is cut short of the shortest such way to say it."""
        about = self._nouns.shortened(said)
        if about:
            # By its own name: a red skull key is no narrower sort of red key.
            return [_Way(task, _bare(task.instruction)) for task in about]
        shortest: dict[str, _Way] = {}
        for way in self._ways.get(said[0], ()):
            known = shortest.get(way.task.id)
            longer = known is not None and len(known.words) <= len(way.words)
            if not longer and leaves_out(said, way.words):
                shortest[way.task.id] = way
        return list(shortest.values())


def _bare(sentence: str) -> tuple[str, ...]:
    return tuple(without_articles(normalise_instruction(sentence)).split())


def _within(short: Sequence[str], whole: Sequence[str]) -> bool:
    """Return whether ``short`` is ``whole`` with some words left out."""
    rest = iter(whole)
    return len(short) < len(whole) and all(word in rest for word in short)


@lru_cache(maxsize=8)
def _index(tasks: tuple[Task, ...]) -> _Index:
    """Return the index of a game's tasks, made once: a game has thousands of sentences."""
    return _Index(tasks)
