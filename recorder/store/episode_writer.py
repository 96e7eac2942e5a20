"""One episode on its way into the database; lives on the writer thread.

Ticks gather until a segment is full (0.75 s of them, or 0.75 s since its first
arrived), then pictures and rows go in together in one transaction.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from recorder.clock import Clock
from recorder.errors import DiskFullError, KnownError
from recorder.store.connect import Whereabouts, as_known, full_sentence
from recorder.store.frames.h264 import CODEC_NAME, SEGMENT_S, SegmentEncoder, frames_per_segment
from recorder.store.labelling import give_side, label_end, write_segments
from recorder.store.rows import EpisodeKind, LabelSource
from recorder.store.segments import SHORTCUT
from recorder.store.tick_codec import TICK_COLUMNS, TICK_PLACES, tick_values
from recorder.store.worker import transaction
from recorder.types import Outcome, RGBImage, Tick

logger = logging.getLogger(__name__)
_KEPT_DELAYS = 100

OnError = Callable[[KnownError], None]


@dataclass(frozen=True, slots=True)
class EpisodeFacts:
    """What is known of an episode when it begins."""

    id: int
    session_id: int
    task_id: str
    seed: int
    kind: EpisodeKind
    lock_step: bool
    policy: str
    adapter_id: int | None
    tick_rate_hz: float
    began_mono_ns: int
    blocky: bool = False


class Counters:
    """Totals of a store since it was opened, and its newest trouble.  Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._committed = 0
        self._lost = 0
        self._sentence = ""
        self._delays_ms: deque[float] = deque(maxlen=_KEPT_DELAYS)

    def committed(self, ticks: int, delay_ms: float) -> None:
        """Count ticks that are safe, ``delay_ms`` after the last of them came.

        Trouble is over once something could be stored.
        """
        with self._lock:
            self._committed += ticks
            self._sentence = ""
            self._delays_ms.append(delay_ms)

    def lost(self, ticks: int) -> None:
        """Count ticks that could not be stored."""
        with self._lock:
            self._lost += ticks

    def trouble(self, sentence: str) -> None:
        """Remember what is wrong."""
        with self._lock:
            self._sentence = sentence

    def worst_delay_ms(self) -> float:
        """Return the longest of the newest commits' delays, 0 before the first."""
        with self._lock:
            return max(self._delays_ms, default=0.0)

    def read(self) -> tuple[int, int, str]:
        """Return (committed, lost, sentence)."""
        with self._lock:
            return self._committed, self._lost, self._sentence


@dataclass(slots=True)
class _Pending:
    """What the unfinished segment holds."""

    size: tuple[int, int]
    began_ns: int
    newest_ns: int = 0
    encoder: SegmentEncoder | None = None
    ticks: list[tuple[Tick, int]] = field(default_factory=list)


class EpisodeWriter:
    """Writes one episode.  ``on_error`` is told once, on the writer thread, of a failure.

    After a failure every further tick counts as lost: a hole in the middle of an
    episode would pair pictures with the wrong moments.
    """

    def __init__(
        self,
        facts: EpisodeFacts,
        instruction: str,
        *,
        path: Path,
        whereabouts: Whereabouts,
        clock: Clock,
        counters: Counters,
        min_free_bytes: int,
        on_error: OnError | None,
    ) -> None:
        self.facts = facts
        self.failed = threading.Event()
        self.committed_ticks = 0
        self.lost_ticks = 0
        self._unseen_ticks = 0
        self._path = path
        self._whereabouts = whereabouts
        self._clock = clock
        self._counters = counters
        self._min_free_bytes = min_free_bytes
        self._on_error = on_error
        self._instructions: list[tuple[int, str]] = [(0, instruction)]
        self._instruction_ids: list[int] = []
        self._pending: _Pending | None = None
        self._per_segment = frames_per_segment(facts.tick_rate_hz)
        self._ended = False

    def instruct(self, _connection: sqlite3.Connection, tick: int, text: str) -> None:
        """Take a sentence that counts from tick ``tick`` on."""
        self._instructions.append((tick, text))

    def take_back(self, connection: sqlite3.Connection, tick: int) -> None:
        """Note that the person's driving from ``tick`` on, which was taken, teaches nothing."""
        self.flush(connection)
        if self.failed.is_set() or self.committed_ticks <= tick:
            return
        with self._noting_trouble(), transaction(connection):
            connection.execute(
                "INSERT INTO input_event (episode_id, tick, mono_ns, device, code, value) "
                "VALUES (?, ?, ?, ?, '', 1)",
                (self.facts.id, tick, self._clock.now_ns(), SHORTCUT),
            )

    def add(
        self, connection: sqlite3.Connection, tick: Tick, rgb: RGBImage, offered_ns: int
    ) -> None:
        """Take a tick that came at ``offered_ns``; ``rgb`` is its picture, this writer's own."""
        if self.failed.is_set() or self._ended:
            self._lose(1)
            return
        height, width = rgb.shape[:2]
        if self._pending is not None and self._pending.size != (width, height):
            self.flush(connection)
        if not self.failed.is_set():
            with self._stopping_at_trouble(connection):
                self._take(tick, rgb, offered_ns)
        elif self._pending is None:
            self._lose(1)
        pending = self._pending
        if pending is None:
            return
        # By when the ticks came, not by now: a writer that is behind must not fall further
        # behind by closing a segment for every late tick.
        spanned_s = (offered_ns - pending.began_ns) / 1e9
        if len(pending.ticks) >= self._per_segment or spanned_s >= SEGMENT_S:
            self.flush(connection)

    def flush_if_old(self, connection: sqlite3.Connection) -> None:
        """Close a segment that began 0.75 s ago, however few ticks came since."""
        pending = self._pending
        if pending is not None and self._clock.now_ns() - pending.began_ns >= SEGMENT_S * 1e9:
            self.flush(connection)

    def flush(self, connection: sqlite3.Connection) -> None:
        """Commit what is pending."""
        pending = self._pending
        if pending is None:
            return
        with self._stopping_at_trouble(connection):
            self._whereabouts.check(connection)
            if shutil.disk_usage(self._path.parent).free < self._min_free_bytes:
                raise DiskFullError(full_sentence(self._path))
            data = b"" if pending.encoder is None else pending.encoder.finish()
            with transaction(connection):
                ids = self._write(connection, pending, data)
            self._pending = None
            self._instruction_ids = ids
            self.committed_ticks += len(pending.ticks)
            delay_ms = (self._clock.now_ns() - pending.newest_ns) / 1e6
            self._counters.committed(len(pending.ticks), delay_ms)

    def end(
        self,
        connection: sqlite3.Connection,
        outcome: Outcome,
        source: LabelSource,
        missed_ticks: int = 0,
        unseen_ticks: int = 0,
    ) -> None:
        """Commit the rest, derive the segments, write the label.

        ``unseen_ticks`` were lost before they came here.  Where recording stopped
        earlier only the loss is noted, or the episode closed as interrupted if it could
        not be then.
        """
        self._unseen_ticks = unseen_ticks
        self.flush(connection)
        if self.failed.is_set():
            outcome, source, missed_ticks = Outcome.INTERRUPTED, LabelSource.RECORDER, 0
        self._close(connection, outcome, source, missed_ticks)

    def abort(self, connection: sqlite3.Connection, error: KnownError) -> None:
        """Give up recording: what is there stays, as an interrupted episode."""
        self.flush(connection)
        if not self.failed.is_set():
            self.failed.set()
            self._counters.trouble(error.sentence)
            self._close(connection, Outcome.INTERRUPTED, LabelSource.RECORDER, 0)

    def _close(
        self,
        connection: sqlite3.Connection,
        outcome: Outcome,
        source: LabelSource,
        missed_ticks: int,
    ) -> None:
        if self.committed_ticks == 0:
            return
        lost = self.lost_ticks + self._unseen_ticks
        if self._ended:
            with self._noting_trouble(), transaction(connection):
                connection.execute(
                    "UPDATE episode SET lost_ticks = ? WHERE id = ?", (lost, self.facts.id)
                )
            return
        # Where this fails it is tried again when the attempt ends, and at the next start.
        with self._noting_trouble():
            with transaction(connection):
                write_segments(connection, self.facts.id)
                label_end(connection, self.facts.id, outcome, source)
                give_side(connection, self.facts.id)
                connection.execute(
                    "UPDATE episode SET ended_mono_ns = ?, missed_ticks = ?, lost_ticks = ? "
                    "WHERE id = ?",
                    (self._clock.now_ns(), missed_ticks, lost, self.facts.id),
                )
            self._ended = True

    def _take(self, tick: Tick, rgb: RGBImage, offered_ns: int) -> None:
        height, width = rgb.shape[:2]
        if self._pending is None:
            self._pending = _Pending((width, height), offered_ns)
        self._pending.newest_ns = offered_ns
        # Counted before anything can go wrong with it.
        self._pending.ticks.append((tick, len(self._instructions) - 1))
        if self._pending.encoder is None:
            self._pending.encoder = SegmentEncoder(
                width, height, self.facts.tick_rate_hz, blocky=self.facts.blocky
            )
        self._pending.encoder.add(rgb)

    def _write(self, connection: sqlite3.Connection, pending: _Pending, data: bytes) -> list[int]:
        episode_id = self.facts.id
        if self.committed_ticks == 0:
            self._write_episode(connection)
        ids = list(self._instruction_ids)
        for tick, text in self._instructions[len(ids) :]:
            cursor = connection.execute(
                "INSERT INTO instruction (episode_id, tick, text) VALUES (?, ?, ?)",
                (episode_id, tick, text),
            )
            ids.append(int(cursor.lastrowid or 0))
        connection.executemany(
            f"INSERT INTO tick ({TICK_COLUMNS}) VALUES ({TICK_PLACES})",
            (tick_values(episode_id, ids[number], tick) for tick, number in pending.ticks),
        )
        connection.executemany(
            "INSERT INTO input_event (episode_id, tick, mono_ns, device, code, value) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                (episode_id, tick.index, event.mono_ns, event.device, event.code, event.value)
                for tick, _ in pending.ticks
                for event in tick.events
            ),
        )
        connection.execute(
            "INSERT INTO video_segment "
            "(episode_id, start, frames, width, height, codec, crc32, bytes, data) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                episode_id,
                pending.ticks[0][0].index,
                len(pending.ticks),
                *pending.size,
                CODEC_NAME,
                zlib.crc32(data),
                len(data),
                data,
            ),
        )
        connection.execute(
            "UPDATE episode SET ticks = ticks + ? WHERE id = ?", (len(pending.ticks), episode_id)
        )
        return ids

    def _write_episode(self, connection: sqlite3.Connection) -> None:
        facts = self.facts
        connection.execute(
            "INSERT INTO episode (id, session_id, task_id, seed, kind, lock_step, policy, "
            "adapter_id, began_mono_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                facts.id,
                facts.session_id,
                facts.task_id,
                facts.seed,
                facts.kind.value,
                facts.lock_step,
                facts.policy,
                facts.adapter_id,
                facts.began_mono_ns,
            ),
        )

    def _lose(self, ticks: int) -> None:
        self.lost_ticks += ticks
        self._counters.lost(ticks)

    @contextlib.contextmanager
    def _stopping_at_trouble(self, connection: sqlite3.Connection) -> Iterator[None]:
        failed_before = self.failed.is_set()
        with self._noting_trouble():
            yield
        if self.failed.is_set() and not failed_before and not self._ended:
            self._close(connection, Outcome.INTERRUPTED, LabelSource.RECORDER, 0)

    @contextlib.contextmanager
    def _noting_trouble(self) -> Iterator[None]:
        try:
            yield
        # Whatever it is: it must end this recording visibly, not the thread.
        except Exception as error:  # noqa: BLE001
            first = not self.failed.is_set()
            self.failed.set()
            self._lose(0 if self._pending is None else len(self._pending.ticks))
            self._pending = None
            self._report(error, tell=first)

    def _report(self, error: Exception, *, tell: bool) -> None:
        known = as_known(error, self._path)
        if known is None:
            logger.error("a tick could not be stored", exc_info=error)
            known = KnownError(
                "A mistake inside Playteach stopped the recording of this attempt; what was "
                "stored is safe; start a new attempt and report the log file."
            )
        self._counters.trouble(known.sentence)
        if tell and self._on_error is not None:
            self._on_error(known)
