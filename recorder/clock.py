"""Time: a clock that can be replaced, and a pacer that keeps absolute deadlines."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic time in nanoseconds, and a way to wait for a moment of it."""

    def now_ns(self) -> int:
        """Return CLOCK_MONOTONIC in nanoseconds."""
        ...

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Return at ``deadline_ns`` or later; at once where it is past."""
        ...


class MonotonicClock:
    """The machine's own monotonic clock."""

    def now_ns(self) -> int:
        """Return CLOCK_MONOTONIC in nanoseconds."""
        return time.monotonic_ns()

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Sleep until the deadline."""
        left_ns = deadline_ns - time.monotonic_ns()
        if left_ns > 0:
            time.sleep(left_ns / 1e9)


class ManualClock:
    """A clock that moves only when told to; sleeping moves it to the deadline.

    For tests and for lock-step runs that want time stamps without waiting.
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns
        self._lock = threading.Lock()

    def now_ns(self) -> int:
        """Return the time it was moved to."""
        with self._lock:
            return self._now_ns

    def advance_ns(self, delta_ns: int) -> None:
        """Move forward by ``delta_ns``."""
        if delta_ns < 0:
            raise ValueError("time does not run backwards")
        with self._lock:
            self._now_ns += delta_ns

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Jump to the deadline; never back."""
        with self._lock:
            self._now_ns = max(self._now_ns, deadline_ns)


class Pacer:
    """Keeps a fixed rate on absolute deadlines and counts the ticks it missed.

    Deadline k is ``start + k * period``; lateness never accumulates.  A tick whose
    deadline is already more than one period past is *missed*: it is counted and its
    deadline skipped, so that the loop does not race to catch up.
    """

    def __init__(self, clock: Clock, rate_hz: float) -> None:
        if rate_hz <= 0:
            raise ValueError(f"rate must be positive, got {rate_hz}")
        self._clock = clock
        self._period_ns = 1e9 / rate_hz
        self.restart()

    def restart(self) -> None:
        """Start counting anew from now."""
        self.rebase()
        self.missed = 0
        self.ticks = 0

    def rebase(self) -> None:
        """Count deadlines from now on (after a pause); what was counted stays."""
        self._start_ns = self._clock.now_ns()
        self._index = 0

    def stand_still(self, passed_ns: int) -> None:
        """Put every deadline off by a time in which the world stood still: none was missed."""
        self._start_ns += passed_ns

    def wait(self) -> int:
        """Wait for the next deadline; return how many were missed before it."""
        self._index += 1
        late_ns = self._clock.now_ns() - (self._start_ns + self._index * self._period_ns)
        missed = 0
        if late_ns >= self._period_ns:
            missed = int(late_ns // self._period_ns)
            self._index += missed
            self.missed += missed
        self.ticks += 1
        self._clock.sleep_until_ns(int(self._start_ns + self._index * self._period_ns))
        return missed
