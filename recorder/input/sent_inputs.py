"""Remembers the inputs that the agent sent, so that they are not taken for the person's."""

from __future__ import annotations

import threading
from collections import deque

from recorder.clock import Clock, MonotonicClock

FORGET_NS = 500_000_000
"""A key that was sent so long before another one happened is not that one: it was never heard."""
FORGET_MOVE_NS = 2_000_000_000
"""The same for moves, whose way to a busy server nobody waits for."""


class Ledger:
    """The agent's own events that have not come back yet.  Safe from any thread.

    The sender writes an event down before it sends it; the listener strikes it out when it
    hears one like it.  What is not in the ledger is the person's.  Keys and buttons are codes of
    :mod:`recorder.input.keys`, which the layout does not change.  How late an event is heard
    does not matter: its own time, monotonic nanoseconds, is compared to that of the sending.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = clock if clock is not None else MonotonicClock()
        self._lock = threading.Lock()
        self._keys: dict[tuple[int, bool], deque[int]] = {}
        self._moves: deque[tuple[int, int, int]] = deque()
        self.sent = 0
        """Events ever written down."""
        self.last_sent_ns = 0

    def expect_key(self, code: int, down: bool) -> None:
        """Write down that a key or button is about to be sent."""
        with self._lock:
            self._keys.setdefault((code, down), deque()).append(self._note())

    def expect_move(self, dx: int, dy: int) -> None:
        """Write down that the pointer is about to be moved."""
        with self._lock:
            self._moves.append((dx, dy, self._note()))

    def strike_key(self, code: int, down: bool, mono_ns: int) -> bool:
        """Strike a key of ``mono_ns`` out; return whether it was the agent's."""
        with self._lock:
            waiting = self._keys.get((code, down))
            oldest = mono_ns - FORGET_NS
            while waiting and waiting[0] < oldest:
                waiting.popleft()
            if not waiting:
                return False
            waiting.popleft()
            return True

    def strike_move(self, dx: float, dy: float, mono_ns: int) -> bool:
        """Strike a move of ``mono_ns`` out; return whether it was the agent's."""
        with self._lock:
            oldest = mono_ns - FORGET_MOVE_NS
            while self._moves and self._moves[0][2] < oldest:
                self._moves.popleft()
            for place, (sent_dx, sent_dy, _) in enumerate(self._moves):
                if (sent_dx, sent_dy) == (dx, dy):
                    # Moves come back in order: those before it were heard or are lost.
                    for _ in range(place + 1):
                        self._moves.popleft()
                    return True
            return False

    def _note(self) -> int:
        self.sent += 1
        self.last_sent_ns = self._clock.now_ns()
        return self.last_sent_ns
