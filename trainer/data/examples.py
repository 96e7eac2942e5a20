"""From recorded episodes to training examples: pictures, what was asked, what was done.

Which ticks may be learnt from is decided in :mod:`trainer.data.material`, how often each is
seen in :mod:`trainer.data.sampling`.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.actions.tokens import encode, encode_ids, turn_is_cut
from model.language.action_memory import ActionMemory, Remembers, told_acts
from model.language.prompts import clean_instruction
from model.language.subgoals import plan_of
from model.vla.preprocess import CheckpointSpec, resize
from recorder.store import EpisodeRow, Reader, SegmentRow, Split, TickRow
from recorder.types import NO_ACTION, Action
from trainer.data.material import taught_rows, usable_of


@dataclass(frozen=True, slots=True, eq=False)
class Passed:
    """A tick that is not learnt from: its resized picture and the token numbers of its action."""

    image: NDArray[np.uint8]
    answer: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One picture, what was asked, what to do.

    ``image`` is resized for the checkpoint; ``answer`` holds the token numbers of one action
    or of several in a row, never over a hand-over.  ``kind`` is "correction", "demonstration",
    "rollout" or "replay"; what was made anew for replay has no ``episode_id``.  ``weight`` is
    above 0 and counts within the kind only.  ``earlier`` are the pictures before it, oldest
    first, each with the answer that was given to it, for prompts that hold them.  ``turn_cut``
    says that the person turned further in the tick than an answer can say: the farthest is told.
    ``words`` answer a question about the picture; such an example has no ``answer``.
    ``sentence`` tells the episode's sentences apart, and ``passed`` are the ticks of this one that
    are not learnt from, between the example before and this: a sentence with parts is followed
    through them.  A ``mirror`` has left and right exchanged (:mod:`trainer.data.mirror`).
    ``acts`` is what had been done before, as far as it is told
    (:mod:`model.language.action_memory`).
    """

    image: NDArray[np.uint8]
    instruction: str
    answer: tuple[int, ...]
    kind: str
    episode_id: int | None = None
    tick: int = 0
    weight: float = 1.0
    earlier: tuple[tuple[NDArray[np.uint8], str], ...] = ()
    turn_cut: bool = False
    words: str = ""
    sentence: int = 0
    passed: tuple[Passed, ...] = ()
    mirror: bool = False
    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sides:
    """Examples by side: to learn from, to choose by, and to be judged on.

    No start of a lesson is on two sides.
    """

    train: tuple[Example, ...] = ()
    select: tuple[Example, ...] = ()
    gate: tuple[Example, ...] = ()

    def __len__(self) -> int:
        return len(self.train) + len(self.select) + len(self.gate)

    def changed(self, change: Callable[[tuple[Example, ...]], tuple[Example, ...]]) -> Sides:
        """Return the sides with ``change`` done to each."""
        return Sides(change(self.train), change(self.select), change(self.gate))

    def remembered(self, remembers: Remembers) -> Sides:
        """Return the sides with the acts alone that each sentence is told."""
        return self.changed(lambda examples: remembered(examples, remembers))

    def judged_without(self, sentences: Collection[str]) -> Sides:
        """Return the sides with no example of ``sentences`` to choose by or to be judged on.

        What is taught now is to change; whether it got better, its own play tells.
        """

        def others(examples: tuple[Example, ...]) -> tuple[Example, ...]:
            return tuple(each for each in examples if each.instruction not in sentences)

        return Sides(self.train, others(self.select), others(self.gate))


def remembered(examples: Iterable[Example], remembers: Remembers) -> tuple[Example, ...]:
    """Return examples with the acts alone that each sentence is told."""

    def told(example: Example) -> Example:
        acts = told_acts(remembers, example.instruction, example.acts)
        return example if acts == example.acts else replace(example, acts=acts)

    return tuple(map(told, examples))


def taught_actions(chunk: int) -> int:
    """Return how many actions an answer holds in training where ``chunk`` of them are played.

    One more than is played, where more than one is: JARVIS-VLA played best with two actions
    of an answer after training on three.
    """
    return chunk + 1 if chunk > 1 else 1


def chunk_answers(
    ticks: Sequence[TickRow],
    segments: Sequence[SegmentRow],
    usable: Iterable[int],
    actions: int,
) -> dict[int, tuple[int, ...]]:
    """Return the answer of every usable tick: its action and those of the ticks after it.

    At most ``actions``, fewer where the segment, the instruction or what may be cloned ends:
    no answer reaches over a hand-over or another sentence.
    """
    segment_of = {
        tick: number
        for number, segment in enumerate(segments)
        for tick in range(segment.start, segment.stop)
    }
    by_index = {tick.index: tick for tick in ticks}
    wanted = set(usable)

    def belongs(first: int, tick: int) -> bool:
        return (
            tick in wanted
            and segment_of.get(tick) == segment_of.get(first)
            and by_index[tick].instruction_id == by_index[first].instruction_id
        )

    answers = {}
    for first in wanted:
        count = 1
        while count < actions and belongs(first, first + count):
            count += 1
        answers[first] = tuple(
            number
            for tick in range(first, first + count)
            for number in encode_ids(by_index[tick].executed)
        )
    return answers


def read_examples(
    reader: Reader, episodes: Iterable[EpisodeRow], spec: CheckpointSpec, actions: int = 1
) -> Sides:
    """Read the examples of ``episodes`` (the bin's are left out), ``actions`` an answer.

    Each lies on the side that its episode was given when it ended.
    """
    sides: dict[Split, list[Example]] = {side: [] for side in Split}
    for row in taught_rows(episodes):
        if row.split is not None:
            sides[row.split].extend(examples_of(reader, row, spec, actions))
    return Sides(*(tuple(sides[side]) for side in (Split.TRAIN, Split.SELECT, Split.GATE)))


def examples_of(
    reader: Reader, row: EpisodeRow, spec: CheckpointSpec, actions: int
) -> list[Example]:
    """Read what may be learnt from one episode, in the order of its ticks."""
    ticks = reader.ticks(row.id)
    wanted = {each.index: each for each in usable_of(reader, row).usable}
    answers = chunk_answers(ticks, reader.segments(row.id), wanted, actions)
    sentences = {each.id: each.text for each in reader.instructions(row.id)}
    followed = {number for number, text in sentences.items() if _has_parts(text, spec)}
    examples = []
    past = Past(spec)
    passed: list[Passed] = []
    memory = ActionMemory()
    sentence = 0
    for tick, frame in zip(ticks, reader.frames(row.id), strict=False):
        chosen = wanted.get(tick.index)
        if tick.instruction_id != sentence:
            sentence, passed, memory = tick.instruction_id, [], ActionMemory()
        acts = memory.acts
        memory.see(tick.executed)
        if chosen is None and not spec.history and sentence not in followed:
            continue
        image = resize(frame, spec)
        before = past.seen_with(image)
        past.add(image, tick.executed)
        if chosen is None:
            if sentence in followed:
                passed.append(Passed(image, encode_ids(tick.executed)))
            continue
        examples.append(
            Example(
                image=image,
                earlier=before,
                instruction=sentences[tick.instruction_id],
                answer=answers[tick.index],
                kind=chosen.kind,
                episode_id=row.id,
                tick=tick.index,
                weight=chosen.weight,
                turn_cut=turn_is_cut(tick.executed),
                sentence=sentence,
                passed=tuple(passed),
                acts=acts,
            )
        )
        passed = []
    return examples


def _has_parts(text: str, spec: CheckpointSpec) -> bool:
    """Return whether the model is told a sentence one part after the other."""
    return spec.told_in_parts and plan_of(clean_instruction(text)).more


class Past:
    """What a prompt holds of an episode's earlier ticks, as in play.

    There the model is asked anew when its answer is played out, so its earlier pictures lie
    ``spec.chunk`` ticks apart, each with the actions that were done until the next one.  The
    first picture that it was asked about stands for those before, unanswered.
    """

    def __init__(self, spec: CheckpointSpec) -> None:
        self._apart, self._turns = spec.chunk, spec.history
        self._kept: deque[tuple[NDArray[np.uint8], Action]] = deque(
            maxlen=spec.chunk * spec.history
        )

    def add(self, image: NDArray[np.uint8], done: Action) -> None:
        """Take a tick: its resized picture and what was done in it."""
        self._kept.append((image, done))

    def seen_with(self, image: NDArray[np.uint8]) -> tuple[tuple[NDArray[np.uint8], str], ...]:
        """Return the earlier pictures of the tick that comes next, oldest first, with answers."""
        kept, apart = list(self._kept), self._apart
        starts = range(len(kept) - apart, -1, -apart)
        turns = [
            (kept[at][0], "".join(encode(done) for _, done in kept[at : at + apart]))
            for at in reversed(starts[: self._turns])
        ]
        missing = self._turns - len(turns)
        if missing:
            first = turns[0][0] if turns else image
            turns = [(first, encode(NO_ACTION))] * missing + turns
        return tuple(turns)


def manifest(sides: Sides) -> dict[str, Any]:
    """Return what a round has of the person's, in counts, with a hash over every sample."""
    digest = hashlib.sha256()
    counts: dict[str, int] = {}
    named = (("train", sides.train), ("select", sides.select), ("gate", sides.gate))
    for side, examples in named:
        for example in examples:
            key = f"{side}/{example.kind}"
            counts[key] = counts.get(key, 0) + 1
            digest.update(
                json.dumps(
                    [side, example.episode_id, example.tick, example.instruction, example.answer]
                ).encode()
            )
    episodes = {
        side: sorted({e.episode_id for e in examples if e.episode_id is not None})
        for side, examples in named
    }
    return {"counts": counts, "episodes": episodes, "sha256": digest.hexdigest()}
