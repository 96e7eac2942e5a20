"""What a round will learn from, in ticks: asked by the window's card, the command and the round.

One rule for every pipeline says which recorded ticks may be learnt from; what is left out for how
it ended says :func:`recorder.store.segments.teaches`, and ``Why`` has words for it here.  No
pictures are read and no torch is imported: the window asks after every attempt.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from model.actions.tokens import CAMERA_MAX_DEG, turn_is_cut
from recorder.store import EpisodeRow, LabelSource, Reader, SegmentRow, Split, TickRow, Wish
from recorder.store.segments import teaches
from recorder.store.standing import ALL_MEANT, NONE_MEANT, Standing, pauses, standing_of
from recorder.types import Driver, Outcome, SegmentKind

REACTION_S = 0.2
"""After a takeover the hands are still on their way: ticks without input are left out."""
IDLE_WEIGHT = 0.2
MEANT_S = 1.0
"""In a correction up to this long, standing still is taken as meant."""
MIN_PERSON_TICKS = 50
PERSONS = ("correction", "demonstration")
"""The kinds of ticks in which the person drove."""


class Why(StrEnum):
    """Why ticks are left out, as it is said to the person."""

    FAILED = "demonstrations that failed"
    LATE = "demonstrations that ran out of time"
    STOPPED = "demonstrations that were stopped"
    CUT_OFF = "demonstrations that were interrupted"
    AGENT = "the agent's own driving without success"
    LEAD_UP = "the agent's moments before you took over"
    NOBODY = "moments in which nobody drove"
    STILL = "moments in which you stood still"
    UNWANTED = "attempts that you ticked off"
    UNPAIRED = "moments of which nobody can tell what followed their picture"


_NOT_SHOWN: Mapping[Outcome, Why] = {
    Outcome.FAILURE: Why.FAILED,
    Outcome.TIMEOUT: Why.LATE,
    Outcome.ABANDONED: Why.STOPPED,
    Outcome.INTERRUPTED: Why.CUT_OFF,
}
_DEMONSTRATIONS = frozenset(_NOT_SHOWN.values())


@dataclass(frozen=True, slots=True)
class UsableTick:
    """A tick that may be learnt from; ``weight`` is 1, or less where nothing was done."""

    index: int
    kind: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Usable:
    """The ticks of an episode that may be learnt from, in order, and how many may not, by why.

    ``turns_cut`` of them hold a turn that is taught as far as an answer can say.
    """

    usable: tuple[UsableTick, ...]
    left_out: Mapping[Why, int]
    turns_cut: int = 0


def usable_ticks(
    ticks: Sequence[TickRow],
    segments: Sequence[SegmentRow],
    outcome: Outcome,
    tick_rate_hz: float,
    event_ticks: frozenset[int] = frozenset(),
    *,
    standing: Standing = NONE_MEANT,
    use: bool | None = None,
) -> Usable:
    """Return which ticks of an episode may be learnt from.

    By who drove and how the episode ended (:func:`recorder.store.segments.teaches`); the ticks
    before a takeover, and nobody's, never do, nor one whose action cannot be told from what its
    picture shows.  A pause of the person's (:mod:`recorder.store.standing`) does not, unless it
    is ``standing`` that the sentence, or the person, asks for.  ``use`` is the person's own wish
    (:class:`recorder.store.rows.Wish`).  ``event_ticks`` are those with input of the person's.
    """
    reaction = math.ceil(REACTION_S * tick_rate_hz)
    chosen: list[UsableTick] = []
    left_out: Counter[Why] = Counter()
    turns_cut = 0
    for segment in segments:
        why = _why_not(segment.kind, outcome, use)
        if why is not None:
            left_out[why] += segment.ticks
            continue
        correction = segment.kind is SegmentKind.CORRECTION
        short = correction and segment.ticks <= MEANT_S * tick_rate_hz
        meant = ALL_MEANT if short else standing
        driven = ticks[segment.start : segment.stop]
        cut: frozenset[int] = frozenset()
        if segment.kind in PERSONS:
            cut = pauses([tick.executed.is_noop for tick in driven], tick_rate_hz, meant)
        for place, tick in enumerate(driven):
            still = tick.executed.is_noop
            early = correction and tick.index < segment.start + reaction
            if not tick.paired:
                left_out[Why.UNPAIRED] += 1
            elif tick.driver is Driver.NOBODY or (
                early and still and tick.index not in event_ticks
            ):
                left_out[Why.NOBODY] += 1
            elif place in cut:
                left_out[Why.STILL] += 1
            else:
                weight = IDLE_WEIGHT if still and not meant.any else 1.0
                chosen.append(UsableTick(tick.index, str(segment.kind), weight))
                turns_cut += turn_is_cut(tick.executed)
    return Usable(tuple(chosen), left_out, turns_cut)


def _why_not(kind: SegmentKind, outcome: Outcome, use: bool | None) -> Why | None:
    """Return why a segment is left out as a whole, None if it is not."""
    wanted = use is True and kind is SegmentKind.DEMONSTRATION
    if not teaches(kind, outcome) and not wanted:
        return _why(kind, outcome)
    return Why.UNWANTED if use is False else None


def _why(kind: SegmentKind, outcome: Outcome) -> Why:
    if kind is SegmentKind.DEMONSTRATION:
        return _NOT_SHOWN[outcome]
    if kind is SegmentKind.ROLLOUT:
        return Why.AGENT
    return Why.LEAD_UP if kind is SegmentKind.PRE_TAKEOVER else Why.NOBODY


def usable_of(reader: Reader, row: EpisodeRow) -> Usable:
    """Return which ticks of a recorded episode may be learnt from."""
    events = frozenset(event.tick for event in reader.input_events(row.id))
    segments = reader.segments(row.id)
    # What only its own eye called done is no lesson: it would learn that eye's errors.
    by_eye = row.outcome_source is LabelSource.EYE
    return usable_ticks(
        reader.ticks(row.id),
        segments,
        Outcome.UNKNOWN if by_eye else row.outcome,
        row.tick_rate_hz,
        events,
        standing=ALL_MEANT if row.wish.pauses else _standing(reader, row.id),
        use=row.wish.use,
    )  # fmt: skip


def _standing(reader: Reader, episode_id: int) -> Standing:
    """Return which standing still an episode's sentences ask for, any of them."""
    asked = [standing_of(each.text) for each in reader.instructions(episode_id)]
    return Standing(
        any(each.first for each in asked),
        any(each.between for each in asked),
        any(each.last for each in asked),
    )


def taught_rows(episodes: Iterable[EpisodeRow]) -> list[EpisodeRow]:
    """Return those that can be learnt from at all: over, not in the bin, with ticks."""
    return [row for row in episodes if not row.deleted and not row.open and row.ticks]


@dataclass(frozen=True, slots=True)
class Shown:
    """One episode in which the person drove: what is taken of it, in seconds, and what is not.

    ``taken_s`` is the person's driving that may be learnt from or checked by, ``still_s`` what was
    cut because they stood still.  ``why`` is the reason if the driving is left out as a whole,
    ``wish`` what the person wants of it.
    """

    episode_id: int
    sentence: str
    outcome: Outcome
    taken_s: float
    still_s: float
    why: Why | None
    wish: Wish


@dataclass(frozen=True, slots=True)
class Material:
    """What the chosen episodes hold for a round.

    ``ticks`` are by side and kind ("train/correction"): the very samples of a round.  ``left_out``
    are ticks by why, ``episodes_left_out`` the episodes that they are of; ``turns_cut`` samples
    tell a smaller turn than was made.  ``attempts`` are episodes, ``takeovers`` the person's;
    ``tick_rate_hz`` is the newest episode's.  ``shown`` are the episodes in which the person drove.
    """

    ticks: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[Why, int] = field(default_factory=dict)
    episodes_left_out: Mapping[Why, int] = field(default_factory=dict)
    turns_cut: int = 0
    attempts: int = 0
    takeovers: int = 0
    tick_rate_hz: float = 20.0
    shown: tuple[Shown, ...] = ()

    def on(self, side: Split) -> dict[str, int]:
        """Return the ticks of a side by kind."""
        head = f"{side}/"
        return {key[len(head) :]: n for key, n in self.ticks.items() if key.startswith(head)}

    def persons(self, *sides: Split) -> int:
        """Return the person's ticks on these sides (none named: on all)."""
        wanted = sides or tuple(Split)
        return sum(self.on(side).get(kind, 0) for side in wanted for kind in PERSONS)

    @property
    def lack(self) -> str:
        """Why a round cannot begin, as a sentence; "" where there is enough to learn from."""
        ticks = self.persons(Split.TRAIN)
        if ticks >= MIN_PERSON_TICKS:
            return ""
        missing = max(1, round((MIN_PERSON_TICKS - ticks) / self.tick_rate_hz))
        more = "".join(f" {sentence}" for sentence in self.asides)
        return (
            f"There is too little to learn from ({ticks / self.tick_rate_hz:.1f} s of yours), so "
            f"no round can begin; drive about {missing} s more.{more}"
        )

    @property
    def sentence(self) -> str:
        """What a round learns from and what it leaves out, for a person."""
        taught = self._seconds(self.persons(Split.TRAIN))
        return " ".join([f"It learns from {taught} of yours.", *self.asides])

    @property
    def asides(self) -> tuple[str, ...]:
        """What of the person's a round does not learn from and why, one sentence each."""
        sentences = []
        kept = self.persons(Split.SELECT, Split.GATE)
        if kept:
            sentences.append(
                f"{self._seconds(kept)} of yours are kept to check by and are not learnt from."
            )
        if still := self.left_out.get(Why.STILL, 0):
            sentences.append(f"{self._seconds(still)} in which you stood still are left out.")
        for why in Why:
            if why in _DEMONSTRATIONS and self.left_out.get(why):
                count, ticks = self.episodes_left_out[why], self.left_out[why]
                sentences.append(f"Left out: {why} ({count}, {self._seconds(ticks)}).")
        if said := self.not_as_done:
            sentences.append(said)
        return tuple(sentences)

    @property
    def not_as_done(self) -> str:
        """What is not taught as the person did it, "" if all of it is."""
        return left_out_sentence(self.left_out.get(Why.UNPAIRED, 0), self.turns_cut)

    def _seconds(self, ticks: int) -> str:
        return f"{max(0.1, ticks / self.tick_rate_hz):.1f} s"

    def document(self) -> dict[str, Any]:
        """Return the counts as plain JSON values."""
        return {
            "turns_cut": self.turns_cut,
            "ticks": dict(sorted(self.ticks.items())),
            "left_out": {str(why): count for why, count in sorted(self.left_out.items())},
        }


def left_out_sentence(left_out: int, turns_cut: int) -> str:
    """Return what a person is told of what is not taught as they did it, "" if all of it is."""
    told = []
    if left_out:
        told.append(
            f"{left_out} ticks of yours are left out: an earlier version recorded them in the "
            "game's own window, and what followed their pictures cannot be told any more."
        )
    if turns_cut:
        one = turns_cut == 1
        told.append(
            f"{turns_cut} {'moment' if one else 'moments'} of a faster turn than the agent can "
            f"make ({CAMERA_MAX_DEG:g} degrees) {'is' if one else 'are'} taught as its fastest."
        )
    return " ".join(told)


Tallies = MutableMapping[tuple[int, Outcome, LabelSource | None, int, Wish], Usable]
"""What was found of episodes before, by all that can change it: id, outcome and who said so, ticks
and wish."""


def material_of(
    reader: Reader, episodes: Iterable[EpisodeRow], found: Tallies | None = None
) -> Material:
    """Return what episodes hold for a round; the bin and what is being recorded are left out.

    ``found`` keeps what was read of them, for whoever asks again and again.
    """
    found = {} if found is None else found
    rows = taught_rows(episodes)
    ticks: Counter[str] = Counter()
    left_out: Counter[Why] = Counter()
    episodes_left_out: Counter[Why] = Counter()
    turns_cut = 0
    shown: list[Shown] = []
    for row in rows:
        key = (row.id, row.outcome, row.outcome_source, row.ticks, row.wish)
        if key not in found:
            found[key] = usable_of(reader, row)
        own = found[key]
        if row.split is not None:
            ticks.update(f"{row.split}/{each.kind}" for each in own.usable)
            turns_cut += own.turns_cut
        shown.extend(_shown(row, own))
        left_out.update(own.left_out)
        episodes_left_out.update(own.left_out.keys())
    return Material(
        ticks,
        left_out,
        episodes_left_out,
        turns_cut,
        attempts=len(rows),
        takeovers=sum(row.takeovers for row in rows),
        tick_rate_hz=rows[0].tick_rate_hz if rows else 20.0,
        shown=tuple(shown),
    )


def _shown(row: EpisodeRow, own: Usable) -> list[Shown]:
    """Return what a card says of an episode, nothing if the person did not drive in it."""
    if not any(driver is Driver.PERSON for driver, _ in row.driver_strip):
        return []
    taken = sum(each.kind in PERSONS for each in own.usable)
    reasons = [why for why in (Why.UNWANTED, *_NOT_SHOWN.values()) if own.left_out.get(why)]
    return [
        Shown(
            row.id,
            row.instruction,
            row.outcome,
            taken / row.tick_rate_hz,
            own.left_out.get(Why.STILL, 0) / row.tick_rate_hz,
            reasons[0] if reasons and not taken else None,
            row.wish,
        )
    ]
