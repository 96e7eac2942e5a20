"""The recorder as an observer of an episode: takes ticks, never makes the loop wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol

import numpy as np

from recorder.errors import DataError, KnownError
from recorder.games.base import Task
from recorder.store.episode_writer import Counters, EpisodeFacts, EpisodeWriter, OnError
from recorder.store.rows import EpisodeKind, LabelSource
from recorder.store.worker import Worker
from recorder.types import Outcome, RGBImage, Tick

_NO_PICTURE = np.empty((0, 0, 3), np.uint8)


class EpisodeStartLike(Protocol):
    """What is told when an episode begins (:class:`model.play.episode.EpisodeStart`)."""

    @property
    def task(self) -> Task:
        """The task to do."""
        ...

    @property
    def seed(self) -> int:
        """The start's seed."""
        ...

    @property
    def instruction(self) -> str:
        """The sentence that was typed."""
        ...

    @property
    def tick_rate_hz(self) -> float:
        """Ticks per second."""
        ...

    @property
    def lock_step(self) -> bool:
        """Whether the world waited for every action."""
        ...

    @property
    def policy(self) -> str:
        """Who plays."""
        ...


class EpisodeEndLike(Protocol):
    """What is told when an episode is over (:class:`model.play.episode.EpisodeEnd`)."""

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        ...

    @property
    def missed_ticks(self) -> int:
        """Deadlines that were skipped."""
        ...


class EpisodeRecorder:
    """Records episodes, one after the other.  Made by :meth:`Store.episode_recorder`.

    Its ``on_...`` methods belong on the control thread and return at once: a tick costs
    a copy of its picture.  Where recording has to stop (queue full, disk full), ticks
    from there on are counted in :attr:`lost_ticks`, :attr:`problem` says why, and
    ``on_error`` is told once an episode, on the control or the writer thread.  The next
    episode starts afresh.
    """

    def __init__(
        self,
        worker: Worker,
        counters: Counters,
        next_id: Callable[[], int],
        session_id: int,
        *,
        kind: EpisodeKind,
        adapter_id: int | None,
        policy: str,
        min_free_bytes: int,
        wait_when_full: bool,
        on_error: OnError | None,
        open_recorders: set[EpisodeRecorder],
        blocky: bool = False,
    ) -> None:
        self._worker = worker
        self._counters = counters
        self._next_id = next_id
        self._session_id = session_id
        self._kind = kind
        self._adapter_id = adapter_id
        self._policy = policy
        self._min_free_bytes = min_free_bytes
        self._wait = wait_when_full
        self._blocky = blocky
        self._on_error = on_error
        # In here from an episode's start to its end, so that the store can end it.
        self._open_recorders = open_recorders
        self._lock = threading.Lock()
        self._problem: KnownError | None = None
        self._writer: EpisodeWriter | None = None
        self._open = False
        self._overflowed = False
        self._offered = 0
        self._lost_here = 0
        self._source = LabelSource.GAME
        self._rate_hz = 1.0

    @property
    def episode_id(self) -> int | None:
        """Id of the newest episode; its row appears with its first ticks."""
        return None if self._writer is None else self._writer.facts.id

    @property
    def recorded_s(self) -> float:
        """Seconds of the newest episode that were taken (queued or stored)."""
        return self._offered / self._rate_hz

    @property
    def lost_ticks(self) -> int:
        """Ticks of the newest episode that could not be stored."""
        return self._lost_here + (0 if self._writer is None else self._writer.lost_ticks)

    @property
    def problem(self) -> KnownError | None:
        """Why recording of the newest episode stopped, None while all is well."""
        with self._lock:
            return self._problem

    def outcome_from(self, source: LabelSource) -> None:
        """Say who will have given this episode's outcome (default: the game)."""
        self._source = source

    def on_start(self, start: EpisodeStartLike) -> None:
        """Begin an episode; one that was not ended is closed as interrupted."""
        self._close(Outcome.INTERRUPTED, LabelSource.RECORDER, 0)
        with self._lock:
            self._problem = None
        self._overflowed = False
        self._offered = 0
        self._lost_here = 0
        self._source = LabelSource.GAME
        self._rate_hz = start.tick_rate_hz
        self._writer = EpisodeWriter(
            EpisodeFacts(
                id=self._next_id(),
                session_id=self._session_id,
                task_id=start.task.id,
                seed=start.seed,
                kind=self._kind,
                lock_step=start.lock_step,
                policy=self._policy or start.policy,
                adapter_id=self._adapter_id,
                tick_rate_hz=start.tick_rate_hz,
                began_mono_ns=self._worker.clock.now_ns(),
                blocky=self._blocky,
            ),
            start.instruction,
            path=self._worker.path,
            whereabouts=self._worker.whereabouts,
            clock=self._worker.clock,
            counters=self._counters,
            min_free_bytes=self._min_free_bytes,
            on_error=self._remember,
        )
        self._open = True
        self._open_recorders.add(self)
        self._worker.add_poller(self._writer.flush_if_old)

    def on_instruction(self, tick: int, text: str) -> None:
        """Note that the sentence changed before tick ``tick``."""
        self._worker.post(partial(self._running().instruct, tick=tick, text=text))

    def take_back(self, tick: int) -> None:
        """Note that the person's driving from ``tick`` on was no correction but a shortcut."""
        self._worker.post(partial(self._running().take_back, tick=tick))

    def on_tick(self, tick: Tick) -> None:
        """Take a tick; a picture that may be written to is copied: the game may use it again."""
        writer = self._running()
        if writer.failed.is_set() or self._overflowed:
            self._lose()
            return
        # The tick waits for its whole segment; only the copy waits for the encoder.
        work = partial(
            writer.add,
            tick=replace(tick, frame=replace(tick.frame, rgb=_NO_PICTURE)),
            rgb=_own(tick.frame.rgb),
            offered_ns=self._worker.clock.now_ns(),
        )
        if self._worker.offer_tick(work, wait=self._wait):
            self._offered += 1
            return
        self._overflowed = True
        self._lose()
        error = DataError(
            "The disk or the encoder could not keep up, so the recording of this attempt "
            "stopped; what was stored is safe; close other programs, then start a new attempt."
        )
        self._worker.post(partial(writer.abort, error=error))
        self._remember(error)

    def on_end(self, end: EpisodeEndLike) -> None:
        """Close the episode with its outcome."""
        self._close(end.outcome, self._source, end.missed_ticks)

    def close(self) -> None:
        """Close an episode that was not ended, as interrupted; may be called twice."""
        self._close(Outcome.INTERRUPTED, LabelSource.RECORDER, 0)

    def _close(self, outcome: Outcome, source: LabelSource, missed_ticks: int) -> None:
        writer = self._writer
        if writer is None or not self._open:
            return
        self._open = False
        self._open_recorders.discard(self)
        self._worker.remove_poller(writer.flush_if_old)
        self._worker.post(
            partial(
                writer.end,
                outcome=outcome,
                source=source,
                missed_ticks=missed_ticks,
                unseen_ticks=self._lost_here,
            )
        )

    def _running(self) -> EpisodeWriter:
        if self._writer is None or not self._open:
            raise RuntimeError("on_start() was not called")
        return self._writer

    def _lose(self) -> None:
        self._lost_here += 1
        self._counters.lost(1)

    def _remember(self, error: KnownError) -> None:
        with self._lock:
            self._problem = error
        if self._on_error is not None:
            self._on_error(error)


def _own(rgb: RGBImage) -> RGBImage:
    """Return a picture that nobody writes to any more."""
    return rgb if rgb.flags.owndata and not rgb.flags.writeable else rgb.copy()
