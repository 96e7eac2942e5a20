"""From recorded episodes to training examples: who may be learnt from, and how often.

Classes and shares follow Sirius and IWR (docs/decisions.md): corrections are worth half
of a round, what the base was trained on at least a quarter, the moments before a
takeover nothing.  Held-out episodes are fixed when they are recorded; no episode is on
both sides.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.actions.tokens import CAMERA_MAX_DEG, encode, encode_ids, turn_is_cut
from model.vla.preprocess import CheckpointSpec, resize
from recorder.errors import DataError
from recorder.store import EpisodeRow, Reader, SegmentRow, TickRow
from recorder.store import Split as RowSplit
from recorder.types import NO_ACTION, Action, Driver, Outcome, SegmentKind

REPLAY_SHARE = 0.4
"""Part of a round's samples that is what the base was trained on; at least a quarter."""
MAX_VISITS = 8
REACTION_S = 0.2
"""After a takeover the hands are still on their way: ticks without input are left out."""
IDLE_WEIGHT = 0.2
PAUSE_S = 1.0
"""In a correction up to this long, standing still is taken as meant."""
HALF_LIFE_ROUNDS = 5
"""After so many rounds a correction or a rollout counts half."""
MIN_PERSON_TICKS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One picture, what was asked, what to do.

    ``image`` is resized for the checkpoint; ``answer`` holds the token numbers of one action
    or of several in a row, never over a hand-over.  ``kind`` is "correction", "demonstration",
    "rollout" or "replay"; what was made anew for replay has no ``episode_id``.  ``weight`` is
    above 0 and counts within the kind only.  ``earlier`` are the pictures before it, oldest
    first, each with the answer that was given to it, for prompts that hold them.  ``turn_cut``
    says that the person turned further in the tick than an answer can say: the farthest is told.
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


@dataclass(frozen=True, slots=True)
class UsableTick:
    """A tick that may be cloned; ``weight`` is 1, or less where nothing was done."""

    index: int
    kind: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Split:
    """The examples of a round, by side.

    ``left_out`` counts the person's ticks that an earlier version recorded so that nobody can
    tell what followed their picture; they are on neither side.
    """

    train: tuple[Example, ...]
    held_out: tuple[Example, ...]
    left_out: int = 0

    @property
    def turns_cut(self) -> int:
        """How many examples tell a smaller turn than was made."""
        return sum(each.turn_cut for each in (*self.train, *self.held_out))

    @property
    def verified(self) -> bool:
        """Whether anything is held out to check against."""
        return bool(self.held_out)


def usable_ticks(
    ticks: Sequence[TickRow],
    segments: Sequence[SegmentRow],
    outcome: Outcome,
    tick_rate_hz: float,
    event_ticks: frozenset[int] = frozenset(),
) -> list[UsableTick]:
    """Return every tick that may be cloned, in order.

    A rollout counts only where the episode succeeded; the ticks before a takeover, and
    nobody's, never do, nor one whose action cannot be told from what its picture shows.
    ``event_ticks`` are those with input of the person's.
    """
    reaction = int(np.ceil(REACTION_S * tick_rate_hz))
    chosen = []
    for segment in segments:
        if segment.kind in (SegmentKind.PRE_TAKEOVER, SegmentKind.IDLE):
            continue
        if segment.kind is SegmentKind.ROLLOUT and outcome is not Outcome.SUCCESS:
            continue
        for tick in ticks[segment.start : segment.stop]:
            if tick.driver is Driver.NOBODY or not tick.paired:
                continue
            early = tick.index < segment.start + reaction
            if (
                segment.kind is SegmentKind.CORRECTION
                and early
                and tick.executed.is_noop
                and tick.index not in event_ticks
            ):
                continue
            meant = (
                segment.kind is SegmentKind.CORRECTION and segment.ticks <= PAUSE_S * tick_rate_hz
            )
            idle = tick.executed.is_noop and not meant
            chosen.append(UsableTick(tick.index, str(segment.kind), IDLE_WEIGHT if idle else 1.0))
    return chosen


def held_out_episodes(episodes: Sequence[tuple[int, str]], share: float = 0.2) -> frozenset[int]:
    """Choose the held-out side among (episode id, instruction), by a stable hash.

    About ``share`` of them, at least one and never all; none where there is only one.
    """
    if len(episodes) < 2:
        return frozenset()
    ranked = sorted(
        episodes, key=lambda pair: hashlib.sha256(f"held-out/{pair[0]}".encode()).digest()
    )
    count = min(max(1, round(share * len(episodes))), len(episodes) - 1)
    return frozenset(pair[0] for pair in ranked[:count])


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
) -> Split:
    """Read the examples of ``episodes`` (the bin's are left out), ``actions`` an answer.

    Raises DataError where too little was driven by a person.
    """
    rows = [row for row in episodes if not row.deleted and not row.open and row.ticks]
    # Episodes keep the side that they were born on; where that leaves nothing to check
    # against (or to learn from), a few change over.
    held = frozenset(row.id for row in rows if row.split is RowSplit.HELD_OUT)
    chosen_here = not 0 < len(held) < len(rows)
    if chosen_here:
        held = held_out_episodes([(row.id, row.instruction) for row in rows])
    reached = [each.through_episode_id for each in reader.rounds() if each.status == "done"]
    sides: tuple[list[Example], list[Example]] = ([], [])
    for row in rows:
        age = sum(row.id <= through for through in reached)
        sides[row.id in held].extend(examples_of(reader, row, spec, age, actions))
    persons = _persons(sides[0])
    if chosen_here and len(persons) < MIN_PERSON_TICKS <= len(persons) + len(_persons(sides[1])):
        # A first correction is there to be learnt from; there is nothing to check against yet.
        sides = ([*sides[0], *sides[1]], [])
        persons = _persons(sides[0])
    if len(persons) < MIN_PERSON_TICKS:
        rate = rows[0].tick_rate_hz if rows else 20.0
        missing = (MIN_PERSON_TICKS - len(persons)) / rate
        raise DataError(
            f"There is too little to learn from ({len(persons)} ticks of yours), so no round "
            f"was started; drive about {max(1, round(missing))} s more."
        )
    return Split(
        balanced(sides[0]), tuple(sides[1]), sum(unpaired_ticks(reader, row) for row in rows)
    )


def unpaired_ticks(reader: Reader, row: EpisodeRow) -> int:
    """Return how many of a person's ticks are left out of teaching, as nobody can pair them."""
    return sum(not tick.paired for tick in reader.ticks(row.id))


def left_out_sentence(left_out: int, turns_cut: int) -> str:
    """Return what a person is told of what is not taught as they did it, "" if all of it is."""
    told = []
    if left_out:
        told.append(
            f"{left_out} ticks of yours are left out: an earlier version recorded them in the "
            "game's own window, and what followed their pictures cannot be told any more."
        )
    if turns_cut:
        told.append(
            f"{turns_cut} ticks hold a turn of more than {CAMERA_MAX_DEG:g} degrees, which is the "
            "most that an answer can say: so much of it is taught."
        )
    return " ".join(told)


def _persons(examples: Iterable[Example]) -> list[Example]:
    return [each for each in examples if each.kind in ("correction", "demonstration")]


def balanced(examples: Sequence[Example]) -> tuple[Example, ...]:
    """Weigh a sentence's samples by one over the root of its number within the kind.

    So ten episodes of one task and two of another are seen 2.2 : 1, not 5 : 1.
    """
    counts = Counter((each.kind, each.instruction) for each in examples)
    return tuple(
        replace(each, weight=each.weight / math.sqrt(counts[each.kind, each.instruction]))
        for each in examples
    )


def examples_of(
    reader: Reader, row: EpisodeRow, spec: CheckpointSpec, age: int, actions: int
) -> list[Example]:
    """Read one episode; ``age`` counts the finished rounds since it was recorded."""
    ticks = reader.ticks(row.id)
    events = frozenset(event.tick for event in reader.input_events(row.id))
    segments = reader.segments(row.id)
    usable = usable_ticks(ticks, segments, row.outcome, row.tick_rate_hz, events)
    wanted = {each.index: each for each in usable}
    answers = chunk_answers(ticks, segments, wanted, actions)
    faded = 0.5 ** (age / HALF_LIFE_ROUNDS)
    sentences = {each.id: each.text for each in reader.instructions(row.id)}
    examples = []
    past = Past(spec)
    for tick, frame in zip(ticks, reader.frames(row.id), strict=False):
        chosen = wanted.get(tick.index)
        if chosen is None and not spec.history:
            continue
        image = resize(frame, spec)
        before = past.seen_with(image)
        past.add(image, tick.executed)
        if chosen is None:
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
                weight=chosen.weight * (1.0 if chosen.kind == "demonstration" else faded),
                turn_cut=turn_is_cut(tick.executed),
            )
        )
    return examples


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


def class_shares(counts: dict[str, int], draws: int) -> dict[str, float]:
    """Return how much of a round's ``draws`` samples each class gets (sums to 1).

    Corrections aim at half, replay keeps its share, demonstrations and rollouts take the
    rest by their numbers; no class gets more than MAX_VISITS draws a sample, and what is
    left over goes to replay.
    """
    shares = dict.fromkeys(counts, 0.0)
    shares["replay"] = REPLAY_SHARE
    rest = 1.0 - REPLAY_SHARE
    cap = {kind: MAX_VISITS * count / draws for kind, count in counts.items()}
    if counts.get("correction"):
        shares["correction"] = min(0.5, rest, cap["correction"])
        rest -= shares["correction"]
    own = {kind: counts.get(kind, 0) for kind in ("demonstration", "rollout")}
    total = sum(own.values())
    for kind, count in own.items():
        if count:
            shares[kind] = min(rest * count / total, cap[kind])
    if not total and counts.get("correction"):
        shares["correction"] = min(shares["correction"] + rest, cap["correction"])
    shares["replay"] = 1.0 - sum(v for k, v in shares.items() if k != "replay")
    return shares


def draw_plan(
    examples: Sequence[Example], draws: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return ``draws`` indices into ``examples`` in random order.

    Within a class samples are drawn by weight; one of an episode at most MAX_VISITS times, so
    that there may be fewer.  Where there is nothing to replay, its share goes to the others.
    """
    by_kind: dict[str, list[int]] = {}
    for index, example in enumerate(examples):
        by_kind.setdefault(example.kind, []).append(index)
    shares = class_shares({kind: len(indices) for kind, indices in by_kind.items()}, draws)
    there = sum(shares.get(kind, 0.0) for kind in by_kind) or 1.0
    chosen: list[int] = []
    for kind, indices in by_kind.items():
        count = round(shares.get(kind, 0.0) / there * draws)
        weights = np.array([examples[i].weight for i in indices])
        # What can be made anew without end is drawn without one; of lessons there are few.
        endless = kind == "replay" and examples[indices[0]].episode_id is None
        visits = _visits(weights, count, rng, None if endless else MAX_VISITS)
        chosen.extend(np.repeat(indices, visits).tolist())
    plan = np.array(chosen, dtype=np.int64)
    rng.shuffle(plan)
    return plan


def _visits(
    weights: NDArray[np.float64], count: int, rng: np.random.Generator, cap: int | None
) -> NDArray[np.int64]:
    """Spread ``count`` draws over samples by weight, none above ``cap``."""
    visits = np.zeros(len(weights), dtype=np.int64)
    left = count
    while left > 0:
        open_ = visits < cap if cap is not None else np.ones(len(weights), dtype=bool)
        if not open_.any():
            break
        p = np.where(open_, weights, 0.0)
        drawn = rng.multinomial(left, p / p.sum())
        visits += drawn
        if cap is not None:
            visits = np.minimum(visits, cap)
        left = count - int(visits.sum())
    return visits


def manifest(split: Split) -> dict[str, Any]:
    """Return what a round trained on, in counts, with a hash over every sample."""
    digest = hashlib.sha256()
    counts: dict[str, int] = {}
    for side, examples in (("train", split.train), ("held_out", split.held_out)):
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
        for side, examples in (("train", split.train), ("held_out", split.held_out))
    }
    return {
        "counts": counts,
        "episodes": episodes,
        "left_out": split.left_out,
        "turns_cut": split.turns_cut,
        "sha256": digest.hexdigest(),
    }
