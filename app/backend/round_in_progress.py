"""A round beside the window: on a thread of its own, with an end that can be waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from trainer.rounds.client import RoundClient


class RoundInProgress:
    """A round on a thread of its own, which does ``work``."""

    def __init__(self, client: RoundClient, work: Callable[[RoundInProgress], None]) -> None:
        self.client = client
        self.cancelled = threading.Event()
        self.left = threading.Event()
        # No daemon: the process may not end in the middle of its books.
        self._thread = threading.Thread(target=work, args=(self,), name="round")

    def start(self) -> RoundInProgress:
        """Begin; returns itself."""
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Ask it to stop; its final update follows."""
        self.cancelled.set()
        self.client.cancel()

    def end(self) -> None:
        """Cancel it and wait until its books are done; nobody looks at it any more."""
        self.left.set()
        self.cancel()
        if self._thread is not threading.current_thread():
            self._thread.join()
