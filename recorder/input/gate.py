"""The stop flag between the person and the agent's hands, and a clock that wakes for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from recorder.clock import Clock


class StopGate:
    """Shut by any thread the moment the agent must be silent; looked at before every event.

    Only the control thread opens it again.
    """

    def __init__(self) -> None:
        self._shut = threading.Event()
        self._lock = threading.Lock()
        self._shut_ns = 0
        self._why = ""

    @property
    def shut(self) -> bool:
        """Whether nothing may be sent."""
        return self._shut.is_set()

    @property
    def why(self) -> str:
        """The reason it was shut for first: "person", "panic", "focus", "guard" or ""."""
        with self._lock:
            return self._why

    @property
    def shut_ns(self) -> int:
        """When it was shut, CLOCK_MONOTONIC in nanoseconds; 0 while it is open."""
        with self._lock:
            return self._shut_ns

    def shut_for(self, why: str) -> None:
        """Shut it; the first reason stays."""
        with self._lock:
            if not self._shut.is_set():
                self._why = why
                self._shut_ns = time.monotonic_ns()
                self._shut.set()

    def open(self) -> None:
        """Let the agent act again."""
        with self._lock:
            self._why = ""
            self._shut_ns = 0
            self._shut.clear()

    def wait(self, seconds: float) -> bool:
        """Wait until it is shut, at most so long; return whether it is."""
        return self._shut.wait(max(0.0, seconds))


class GateClock:
    """The machine's clock, whose sleeper gets up to let go the moment the gate is shut.

    ``let_go`` runs on the sleeping thread, so the control thread stays the only one that
    sends.
    """

    def __init__(self, gate: StopGate, let_go: Callable[[], None]) -> None:
        self._gate = gate
        self._let_go = let_go

    def now_ns(self) -> int:
        """Return CLOCK_MONOTONIC in nanoseconds."""
        return time.monotonic_ns()

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Sleep until the deadline, letting go in between where the gate is shut."""
        told = False
        while (left_ns := deadline_ns - time.monotonic_ns()) > 0:
            if told:
                time.sleep(left_ns / 1e9)
            elif self._gate.wait(left_ns / 1e9):
                told = True
                self._let_go()


def as_clock(clock: GateClock) -> Clock:
    """Return the same clock as the protocol that the episode loop takes."""
    return clock
