"""A round beside the window: on a thread of its own, with an end that can be waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from recorder.threads import BackgroundThread
from trainer.rounds.client import RoundClient


class RoundInProgress:
    """A round on a thread of its own, which does ``work``."""

    def __init__(self, client: RoundClient, work: Callable[[RoundInProgress], None]) -> None:
        self.client = client
        self.cancelled = threading.Event()
        self.left = threading.Event()
        self._thread = BackgroundThread("round", lambda: work(self), stop=self.cancel)

    def start(self) -> RoundInProgress:
        """Begin; returns itself."""
        self._thread.start()
        return self

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self._thread.alive

    def cancel(self) -> None:
        """Ask it to stop; its final update follows."""
        self.cancelled.set()
        self.client.cancel()

    def end(self) -> None:
        """Cancel it and wait until its books are done; nobody looks at it any more."""
        self.left.set()
        self.cancel()
        self._thread.join()
