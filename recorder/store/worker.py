"""The writer thread: one queue, one connection, nothing else writes.

Work is done in the order it was handed in.  Ticks are bounded in number; calls of
others wait for their turn and get their result or their error back.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from recorder.clock import Clock
from recorder.errors import DataError
from recorder.store.connect import Whereabouts, as_known
from recorder.threads import BackgroundThread

logger = logging.getLogger(__name__)
_T = TypeVar("_T")
Work = Callable[[sqlite3.Connection], None]
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class _Item:
    run: Work
    is_tick: bool


class Worker:
    """Runs work on the writer's connection, one after the other.

    ``queue_limit`` bounds the ticks that wait.  ``pollers`` are asked while nothing
    else is to do, so that an old unfinished segment gets written.
    """

    def __init__(
        self, connection: sqlite3.Connection, path: Path, *, clock: Clock, queue_limit: int
    ) -> None:
        if queue_limit < 1:
            raise ValueError(f"the queue must hold at least one tick, got {queue_limit}")
        self.path = path
        self.clock = clock
        self._connection = connection
        self.whereabouts = Whereabouts(path)
        self._limit = queue_limit
        self._items: deque[_Item] = deque()
        self._ticks = 0
        self._condition = threading.Condition()
        self._stopping = False
        self._pollers: list[Work] = []
        self._thread = BackgroundThread("store-writer", self._run, stop=self._stop).start()

    @property
    def queued_ticks(self) -> int:
        """Ticks that wait."""
        with self._condition:
            return self._ticks

    def offer_tick(self, run: Work, *, wait: bool = False) -> bool:
        """Queue a tick's work; False where the queue is full (and ``wait`` is False)."""
        with self._condition:
            while self._ticks >= self._limit and not self._stopping:
                if not wait:
                    return False
                self._condition.wait()
            if self._stopping:
                return False
            self._ticks += 1
            self._items.append(_Item(run, is_tick=True))
            self._condition.notify_all()
            return True

    def post(self, run: Work) -> None:
        """Queue other work that handles its own errors; never blocks."""
        with self._condition:
            if self._stopping:
                raise RuntimeError("the store is closed")
            self._items.append(_Item(run, is_tick=False))
            self._condition.notify_all()

    def call(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do ``work`` in one transaction and return its result once that is committed.

        Blocks; not for the control thread.  Raises KnownError for a problem of the
        world, with nothing written.
        """

        def steps(connection: sqlite3.Connection) -> Iterator[_T | None]:
            with transaction(connection):
                result = work(connection)
            yield result

        return self.call_steps(steps)

    def call_steps(self, work: Callable[[sqlite3.Connection], Iterator[_T | None]]) -> _T:
        """Do long work bit by bit, letting ticks through between; return what it yields last.

        ``work`` opens its own transactions and has none open when it yields.
        """
        if self._thread.is_current:
            raise RuntimeError("the writer thread cannot wait for itself")
        future: Future[_T] = Future()
        pending: list[Iterator[_T | None]] = []
        newest: list[_T | None] = [None]

        def step(connection: sqlite3.Connection) -> None:
            try:
                self.whereabouts.check(connection)
                if not pending:
                    pending.append(work(connection))
                newest[0] = next(pending[0])
            except StopIteration:
                # The last yield is the result by contract, whatever its type is.
                future.set_result(newest[0])  # type: ignore[arg-type]
                return
            except BaseException as error:
                future.set_exception(as_known(error, self.path) or error)
                if not isinstance(error, Exception):
                    raise
                return
            with self._condition:
                self._items.append(_Item(step, is_tick=False))

        self.post(step)
        return future.result()

    def add_poller(self, poller: Work) -> None:
        """Have ``poller`` asked on the writer thread while the queue is empty."""
        with self._condition:
            self._pollers.append(poller)
            self._condition.notify_all()

    def remove_poller(self, poller: Work) -> None:
        """Ask it no more; unknown ones are fine."""
        with self._condition:
            if poller in self._pollers:
                self._pollers.remove(poller)

    def close(self, last: Work) -> None:
        """Finish what is queued, do ``last``, end thread and connection; only once."""
        self.post(last)
        self._thread.stop()
        self._connection.close()

    def _stop(self) -> None:
        """Let the thread end once it has done what is queued."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()

    def check_open(self) -> None:
        """Raise DataError where the store was closed already."""
        with self._condition:
            if self._stopping:
                raise DataError(
                    "The database was closed already, so nothing more can be stored; "
                    "start Playteach again."
                )

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._items and not self._stopping and not self._pollers:
                    self._condition.wait()
                if not self._items and not self._stopping:
                    self._condition.wait(_POLL_S)
                item = self._items.popleft() if self._items else None
                pollers = [] if item is not None else list(self._pollers)
                if item is None and self._stopping:
                    return
            self._do(pollers if item is None else [item.run])
            if item is not None and item.is_tick:
                with self._condition:
                    self._ticks -= 1
                    self._condition.notify_all()
            # While this thread waits it keeps no tick's picture.
            del item, pollers

    def _do(self, works: list[Work]) -> None:
        for work in works:
            try:
                work(self._connection)
            except Exception as error:
                known = as_known(error, self.path)
                if known is None:
                    logger.exception("work for the database ended in a mistake of ours")
                else:
                    logger.warning("%s", known.sentence)


class transaction:  # noqa: N801 - reads as the statement it is
    """``with transaction(connection):`` commits on success and undoes everything else."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                self._undo()
                raise
        else:
            self._undo()

    def _undo(self) -> None:
        # A full disk makes SQLite undo by itself; a second time would be an error.
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
