"""What readers get and writers give: one frozen dataclass a table row.

Wall times are Unix seconds (``*_wall_s``); ``mono_ns`` is CLOCK_MONOTONIC of the
machine that recorded.  Tick ranges are half open: ``start`` counts, ``stop`` does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from recorder.errors import DataBusyError
from recorder.types import Action, Driver, Outcome, SegmentKind

CHOSEN = "chosen"
"""In a round's manifest: the episodes that it learns from, fixed when it begins."""
DriverStrip = tuple[tuple[Driver, int], ...]
"""Who drove, as (driver, ticks) runs in order."""


class EpisodeKind(StrEnum):
    """Who was to drive when the episode began."""

    DEMONSTRATION = "demonstration"
    ROLLOUT = "rollout"


class LabelSource(StrEnum):
    """Who said how an episode ended."""

    GAME = "game"
    PERSON = "person"
    EYE = "eye"
    """The agent itself, by what it learnt from the person's marks."""
    RECOVERY = "recovery"
    RECORDER = "recorder"


class Split(StrEnum):
    """What an episode is for in rounds; given when it ends (:mod:`recorder.store.split`)."""

    TRAIN = "train"
    SELECT = "select"
    GATE = "gate"


class RoundStatus(StrEnum):
    """Where a round is, or how it ended."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stepping(StrEnum):
    """How a game was stepped while it was evaluated."""

    LOCK_STEP = "lock_step"
    PACED = "paced"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One run of a game; the two anchors are one moment, in Unix and in monotonic time."""

    id: int
    game: str
    tick_rate_hz: float
    width: int
    height: int
    realtime: bool
    wall_anchor_ns: int
    mono_anchor_ns: int
    ended: bool
    bindings: Mapping[str, object]
    extra: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person wants of an episode when it may be learnt from.

    ``use`` True takes a demonstration however it ended, False nothing of the episode, and None
    goes by the rule (:func:`recorder.store.segments.teaches`).  ``pauses`` keeps the moments in
    which the person stood still.
    """

    use: bool | None = None
    pauses: bool = False


NO_WISH = Wish()


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """One attempt at an instruction, with what its newest labels say.

    ``ticks`` are those committed; ``duration_s`` is ``ticks / tick_rate_hz``.
    ``takeovers`` counts correction segments, ``corrections_s`` their length.
    ``open`` is True while it is being recorded; until then ``split`` is None.  ``lost_ticks``
    could not be stored.  ``instruction`` is the first sentence; ``later_sentences`` took its place
    on the way, in order.
    """

    id: int
    session_id: int
    game: str
    tick_rate_hz: float
    width: int
    height: int
    instruction: str
    task_id: str
    seed: int
    kind: EpisodeKind
    lock_step: bool
    outcome: Outcome
    outcome_source: LabelSource | None
    adapter_id: int | None
    policy: str
    began_wall_s: float
    ticks: int
    missed_ticks: int
    lost_ticks: int
    duration_s: float
    takeovers: int
    corrections_s: float
    driver_strip: DriverStrip
    split: Split | None
    deleted: bool
    open: bool
    wish: Wish = NO_WISH
    later_sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A run of ticks ``start`` to ``stop`` - 1 with one driver and one use in training.

    ``label_version`` counts up each time the episode was labelled anew.  ``label_source`` is
    always "auto": derived from the ticks.
    """

    episode_id: int
    start: int
    stop: int
    driver: Driver
    kind: SegmentKind
    label_source: str
    label_version: int

    @property
    def ticks(self) -> int:
        """Length in ticks."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class TickRow:
    """One control step; fields as in :class:`recorder.types.Tick`.

    ``paired`` is False for a person's tick of an earlier version of which nobody can tell what
    was done after its picture (:mod:`recorder.store.pairing`): it may not be taught.
    """

    episode_id: int
    index: int
    mono_ns: int
    frame_id: int
    frame_mono_ns: int
    driver: Driver
    executed: Action
    shadow: Action | None
    plan_age_ticks: int | None
    latency_ms: float | None
    instruction_id: int
    paired: bool = True


@dataclass(frozen=True, slots=True)
class InstructionRow:
    """The sentence that was active from ``tick`` on."""

    id: int
    episode_id: int
    tick: int
    text: str


@dataclass(frozen=True, slots=True)
class InputEventRow:
    """A raw event of the person's in a tick; see :class:`recorder.types.InputEvent`."""

    episode_id: int
    tick: int
    mono_ns: int
    device: str
    code: str
    value: float


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One version of how an episode ended; the highest version counts."""

    episode_id: int
    version: int
    outcome: Outcome
    source: LabelSource
    made_wall_s: float


@dataclass(frozen=True, slots=True)
class NewAdapter:
    """What :meth:`Store.add_adapter` is told.  ``folder`` is the adapter's own folder.

    A relative ``folder`` counts from where the process stands.  ``base`` names the checkpoint
    it belongs to; ``sha256`` its weight file's digest.
    """

    folder: str
    base: str
    parent_id: int | None = None
    round_id: int | None = None
    title: str = ""
    sha256: str = ""
    passed_gates: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AdapterRow:
    """An adapter as stored; never edited after it is written.

    ``folder`` is absolute.  The database holds it relative to the data folder where it lies
    inside, so it follows the data folder.
    """

    id: int
    folder: str
    base: str
    parent_id: int | None
    round_id: int | None
    title: str
    sha256: str
    passed_gates: bool
    extra: Mapping[str, object]
    made_wall_s: float
    active: bool


@dataclass(frozen=True, slots=True)
class RoundRow:
    """One fine-tuning round.

    ``through_episode_id`` is the newest episode there was when it began; "since the
    last round" means later than that of the newest round that is done.
    """

    id: int
    status: RoundStatus
    parent_adapter_id: int | None
    adapter_id: int | None
    query: str
    config: Mapping[str, Any]
    manifest: Mapping[str, Any]
    metrics: Mapping[str, Any]
    verdict: Mapping[str, Any]
    began_wall_s: float
    ended_wall_s: float | None
    through_episode_id: int

    @property
    def chosen(self) -> tuple[int, ...] | None:
        """The episodes that it learns from; None for a round that was started by hand."""
        ids = self.manifest.get(CHOSEN)
        return None if ids is None else tuple(ids)


@dataclass(frozen=True, slots=True)
class Activation:
    """A wish to put a round's adapter in use.

    It holds only while adapter ``in_place_of`` (None: the bare base) is in use; ``others`` are
    the adapters of other bases, whose use does not count.  ``else_say`` is written into the
    round's metrics as ``not_in_use`` if it does not hold.
    """

    in_place_of: int | None
    others: frozenset[int] = frozenset()
    else_say: str = ""


@dataclass(frozen=True, slots=True)
class RoundEnd:
    """What a finished round has made, to be written down at one stroke.

    ``samples`` are (episode id, tick, weight, visits); ``activation`` None leaves what is in
    use in use.
    """

    adapter: NewAdapter
    samples: Sequence[tuple[int, int, float, int]] = ()
    evaluations: Sequence[EvaluationRow] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    verdict: Mapping[str, Any] = field(default_factory=dict)
    activation: Activation | None = None


@dataclass(frozen=True, slots=True)
class EvaluationRow:
    """One attempt of one policy, made to measure it.

    ``policy_key`` names checkpoint and adapter by content, so that a row stays true
    when folders move.  ``variant`` separates settings that change the outcome
    (temperature, picture size); unique per (policy_key, game, task_id, instruction,
    seed, stepping, variant).
    """

    policy_key: str
    game: str
    task_id: str
    instruction: str
    seed: int
    stepping: Stepping
    outcome: Outcome
    ticks: int
    variant: str = ""
    round_id: int | None = None

    @property
    def success(self) -> bool:
        """Whether the attempt succeeded."""
        return self.outcome is Outcome.SUCCESS


@dataclass(frozen=True, slots=True)
class BinFacts:
    """What is in the bin: episodes and the bytes of their pictures."""

    episodes: int
    bytes: int


@dataclass(frozen=True, slots=True)
class PurgeCounts:
    """What :meth:`Store.purge` erased for good; ``freed_bytes`` of the file.

    ``log_cleared`` is False where a reader kept the write-ahead log in use.
    ``kept_files`` are in the backups' folder and not Playteach's own: they were left there and
    may hold a copy of what was erased.
    """

    episodes: int
    ticks: int
    freed_bytes: int
    log_cleared: bool
    kept_files: int = 0

    def require_cleared(self) -> None:
        """Raise DataBusyError where the log may still hold what was erased."""
        if not self.log_cleared:
            raise DataBusyError(
                f"The bin was emptied ({self.episodes} attempts), but another program is reading "
                "the database, so pictures of theirs are still in its log; close that program, "
                "then Playteach, which empties the log."
            )


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """How the store is doing.

    ``sentence`` is "" while ``ok``.  ``queued`` ticks wait to be written,
    ``committed_ticks`` are safe and ``lost_ticks`` could not be stored, both since the
    store was opened.  ``bytes`` is the database with its log, ``free_bytes`` the disk's.
    ``commit_delay_ms`` is the longest time, among the newest 100 segments, from a
    segment's last tick to its being safe.
    """

    ok: bool
    sentence: str
    queued: int
    committed_ticks: int
    lost_ticks: int
    bytes: int
    free_bytes: int
    commit_delay_ms: float
