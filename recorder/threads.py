"""Background threads, each with one owner that starts, stops and joins it.

No other module constructs a thread, so that every one has a name, is listed while it runs, says
what went wrong in it, and is waited for when the program ends.  Qt's own threads are Qt's.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable
from typing import Self

log = logging.getLogger(__name__)

LAST_S = 2.0
"""How long the program's end waits for each thread that its owner did not stop."""

_lock = threading.Lock()
_running: list[BackgroundThread] = []


class BackgroundThread:
    """One thread that runs ``run`` once.

    ``stop`` makes ``run`` return soon; without one it returns by itself.  An exception in ``run``
    is logged and ends the thread, never the program.  A daemon only so that a mistake in its
    owner cannot keep the program from ending: the owner joins it, or :func:`stop_all` does.
    """

    def __init__(
        self, name: str, run: Callable[[], None], *, stop: Callable[[], None] | None = None
    ) -> None:
        self.name = name
        self._work = run
        self._stop = stop
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Self:
        """Start the thread; returns itself.  Raises RuntimeError if it was started before."""
        with _lock:
            self._thread.start()
            _running.append(self)
        return self

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        return self._thread.is_alive()

    @property
    def is_current(self) -> bool:
        """Whether the caller runs on this thread."""
        return threading.current_thread() is self._thread

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until it has ended; False if it still runs after ``timeout_s`` seconds.

        Returns at once if it was never started, or if the caller is the thread itself.
        """
        if self._thread.ident is None or self.is_current:
            return not self.is_current
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def stop(self, timeout_s: float | None = None) -> bool:
        """Ask it to end and wait for that; returns what :meth:`join` returns."""
        if self._stop is not None and self.alive:
            self._stop()
        return self.join(timeout_s)

    def _run(self) -> None:
        try:
            self._work()
        except Exception:
            log.exception("the thread %r ended by a mistake inside Playteach", self.name)
        finally:
            # Waits for the start to be written down, so that no ended thread stays listed.
            with _lock:
                _running.remove(self)


def running() -> tuple[BackgroundThread, ...]:
    """Return the threads that run now, in the order of their start."""
    with _lock:
        return tuple(_running)


def stop_all(timeout_s: float = LAST_S) -> tuple[str, ...]:
    """Stop every thread that still runs; return the names of those that do not end.

    Each is waited for at most ``timeout_s`` seconds.  Called at the interpreter's end.
    """
    left = []
    for thread in reversed(running()):
        try:
            ended = thread.stop(timeout_s)
        except Exception:
            log.exception("the thread %r could not be stopped", thread.name)
            ended = False
        if not ended:
            left.append(thread.name)
    if left:
        log.warning("threads that did not end: %s", ", ".join(left))
    return tuple(left)


atexit.register(stop_all)
