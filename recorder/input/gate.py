"""The stop flag between the person and the agent's hands, and a clock that wakes for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection

FIRMER = ("chat", "panic")
"""Reasons that take the place of every other, the firmer one last: who touched the game may still
press the panic key, and must not be overruled by the touch's being over."""


class StopGate:
    """Shut by any thread the moment the agent must be silent; looked at before every event.

    Only the control thread opens it again.
    """

    def __init__(self) -> None:
        self._shut = threading.Event()
        self._lock = threading.Lock()
        self._why = ""

    @property
    def shut(self) -> bool:
        """Whether nothing may be sent."""
        return self._shut.is_set()

    @property
    def why(self) -> str:
        """Why it is shut: "person", "focus", "guard", "pause", "chat", "panic", or "" while open.

        Of several reasons the firmest counts (:data:`FIRMER`), else the first.
        """
        with self._lock:
            return self._why

    def shut_for(self, why: str) -> None:
        """Shut it; the first reason stays unless the new one is firmer."""
        with self._lock:
            if not self._shut.is_set() or _firmness(why) > _firmness(self._why):
                self._why = why
            self._shut.set()

    def open(self, *, but_for: Collection[str] = ()) -> bool:
        """Let the agent act again, unless it is shut ``but_for`` one of these; say if it is open.

        Asked and opened in one: a reason that comes meanwhile is not overlooked.
        """
        with self._lock:
            if self._why in but_for:
                return False
            self._why = ""
            self._shut.clear()
            return True

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


def _firmness(why: str) -> int:
    return FIRMER.index(why) + 1 if why in FIRMER else 0
