"""The only crossing between other threads and Qt.

A request runs in a worker of a thread pool and its result is applied on the GUI thread.
A round's news arrives from any thread and leaves as a signal on the GUI thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal, Slot

from app.backend.ports import Backend, PracticeWish, RoundHandle, RoundUpdate
from recorder.errors import KnownError

log = logging.getLogger(__name__)
Result = TypeVar("Result")


class _Call(QRunnable):
    def __init__(self, run: Callable[[], None]) -> None:
        super().__init__()
        self._run = run

    def run(self) -> None:
        """Run in the pool's thread."""
        self._run()


class Bridge(QObject):
    """Runs blocking calls off the GUI thread.

    Signals: problem(str) with one sentence for the person; idle() when nothing is under way.
    """

    problem = Signal(str)
    idle = Signal()
    _finished = Signal(object)

    def __init__(self, *, threads: int = 2) -> None:
        super().__init__()
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(threads)
        self._pending = 0
        self._closed = False
        self._latest: dict[str, int] = {}
        # What must be done and has not had its turn yet, in order.
        self._promised: dict[int, Callable[[], None]] = {}
        self._asked = 0
        self._finished.connect(self._on_finished, Qt.ConnectionType.QueuedConnection)

    @property
    def pending(self) -> int:
        """Requests whose result has not been applied yet."""
        return self._pending

    def ask(
        self,
        call: Callable[[], Result],
        apply: Callable[[Result], None] | None = None,
        *,
        replaces: str = "",
        failed: Callable[[str], None] | None = None,
        promised: bool = False,
    ) -> None:
        """Run ``call`` in a worker, then ``apply`` its result on the GUI thread.

        Requests of the same ``replaces`` name answer only for the newest of them.  A
        ``promised`` one is done even if the window is closed before it had its turn.  A
        KnownError's sentence goes to ``failed``, by default to ``problem``; any other
        exception is a bug of ours: it is logged with its traceback and told in brief.
        """
        if self._closed:
            return
        ticket = self._latest.get(replaces, 0) + 1
        self._latest[replaces] = ticket
        self._pending += 1
        self._asked += 1
        number = self._asked

        def work() -> None:
            self._promised.pop(number, None)
            sentence = ""
            value: Result | None = None
            try:
                value = call()
            except KnownError as error:
                sentence = error.sentence
                if self._closed:
                    log.warning("%s", sentence)
            except Exception:
                log.exception("a request of the window failed")
                sentence = (
                    "Something inside Playteach went wrong, so this was not done; "
                    "please copy the diagnostics from the menu and report it."
                )

            def deliver() -> None:
                if replaces and self._latest[replaces] != ticket:
                    return
                if sentence:
                    (failed or self.problem.emit)(sentence)
                elif apply is not None:
                    apply(value)  # type: ignore[arg-type]

            self._finished.emit(deliver)

        if promised:
            self._promised[number] = work
        self._pool.start(_Call(work))

    def close(self) -> None:
        """Wait for what runs, do what was promised, and apply nothing more."""
        self._closed = True
        self._pool.clear()
        self._pool.waitForDone()
        for work in list(self._promised.values()):
            work()

    @Slot(object)
    def _on_finished(self, deliver: Callable[[], None]) -> None:
        self._pending -= 1
        if not self._closed:
            deliver()
        if self._pending == 0:
            self.idle.emit()


class RoundBridge(QObject):
    """One round at a time, its news as a signal on the GUI thread.

    Signals: updated(RoundUpdate); the final one has ``finished`` set.
    """

    updated = Signal(object)
    _arrived = Signal(object)

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self._backend = backend
        self._handle: RoundHandle | None = None
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)

    @property
    def running(self) -> bool:
        """Whether a round is under way."""
        return self._handle is not None

    def start(self, practice: PracticeWish | None = None) -> None:
        """Begin a round, or practice; a KnownError becomes a final update with its sentence."""
        if self._handle is not None:
            return
        try:
            self._handle = self._backend.start_round(self._arrived.emit, practice)
        except KnownError as error:
            self.updated.emit(RoundUpdate(problem=error.sentence, finished=True))

    def cancel(self) -> None:
        """Ask the round to stop."""
        if self._handle is not None:
            self._handle.cancel()

    @Slot(object)
    def _on_arrived(self, update: RoundUpdate) -> None:
        if update.finished:
            self._handle = None
        self.updated.emit(update)
