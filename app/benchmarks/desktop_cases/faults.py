"""Does anything stay down?  Kill, stop, unfocus and panic, again and again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from app.benchmarks.common import Figures, Say, percentile
from app.benchmarks.desktop_cases.parts import Hand, until
from app.benchmarks.desktop_cases.stage import PlainWindow
from recorder.capture.x11 import X11Windows
from recorder.errors import GameError

_ROOT = Path(__file__).resolve().parents[3]
STUCK_S = 2.0
"""A key that is down so long after a fault is stuck."""
HOLDS_S = 20.0


def measure_faults(times: int, say: Say) -> Figures:
    """Do every fault ``times`` times on the desktop in use; seconds count from the fault."""
    game = PlainWindow("Plain game", left=100, top=60, width=640, height=360)
    other = PlainWindow("Other window", left=800, top=100, width=300, height=200)
    hand, windows = Hand(), X11Windows()
    seconds: dict[str, list[float]] = {"kill": [], "hang": [], "focus": [], "panic": []}
    stuck = 0
    with contextlib.ExitStack() as stack:
        for closing in (hand.close, windows.close, other.close, game.close):
            stack.callback(closing)
        faults = Faults(game, other, hand, windows)
        for kind, found in seconds.items():
            say(f"{times} x {kind}")
            for took_s in faults.run(kind, times):
                if took_s is None:
                    stuck += 1
                    say(f"stuck after {kind}: {hand.down()}")
                else:
                    found.append(took_s)
    quick = [*seconds["kill"], *seconds["focus"], *seconds["panic"]]
    return {
        "faults": float(4 * times),
        "stuck_keys": float(stuck),
        "release_ms_p99": _ms(quick),
        "kill_ms_p99": _ms(seconds["kill"]),
        "focus_ms_p99": _ms(seconds["focus"]),
        "panic_ms_p99": _ms(seconds["panic"]),
        "hang_ms_p99": _ms(seconds["hang"]),
    }


def _ms(seconds: list[float]) -> float | None:
    worst = percentile(seconds, 0.99)
    return None if worst is None else worst * 1e3


class Faults:
    """Starts apps that hold keys, and hurts them."""

    def __init__(
        self, game: PlainWindow, other: PlainWindow, hand: Hand, windows: X11Windows
    ) -> None:
        self._game = game
        self._other = other
        self._hand = hand
        self._windows = windows

    def run(self, kind: str, times: int) -> Iterator[float | None]:
        """Yield how long every key took to come up after each fault; None: it stayed."""
        child: Child | None = None
        try:
            for _ in range(times):
                if child is None:
                    child = Child(self._game.id)
                    child.tell("play")
                else:
                    child.tell("resume")
                self._wait_until_held()
                yield self._hurt(kind, child)
                if kind == "kill":
                    child.end()
                    child = None
        finally:
            if child is not None:
                child.end()

    def _hurt(self, kind: str, child: Child) -> float | None:
        match kind:
            case "kill":
                os.kill(child.pid, signal.SIGKILL)
            case "hang":
                os.kill(child.pid, signal.SIGSTOP)
            case "focus":
                self._windows.focus(self._other.id)
            case "panic":
                self._hand.press("F12", True)
        took_s = self._hand.wait_until_up(STUCK_S)
        if took_s is not None:
            # What comes up must stay up.
            time.sleep(0.15 if kind in {"kill", "focus", "panic"} else 0.05)
            if self._hand.down():
                took_s = None
        if kind == "panic":
            self._hand.press("F12", False)
        if kind == "hang":
            os.kill(child.pid, signal.SIGCONT)
        return took_s

    def _wait_until_held(self) -> None:
        for _ in until(HOLDS_S):
            if {"W", "LeftButton"} <= set(self._hand.down()):
                # Anywhere in a tick, not always at its beginning.
                time.sleep(time.monotonic_ns() % 50 / 1e3)
                if "W" in self._hand.down():
                    return
        raise GameError("The measured player pressed no key, so nothing was measured; try again.")


class Child:
    """One app of :mod:`app.benchmarks.desktop_cases.child`."""

    def __init__(self, window_id: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "app.benchmarks.desktop_cases.child", str(window_id)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            text=True,
        )
        self._expect("ready")

    @property
    def pid(self) -> int:
        """The app's process."""
        return self._process.pid

    def tell(self, word: str) -> None:
        """Say a word and wait until the agent plays."""
        if self._process.stdin is None:
            raise RuntimeError("the child has no stdin")
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        self._expect("playing")

    def end(self) -> None:
        """End it, if it is not dead yet."""
        if self._process.poll() is None and self._process.stdin is not None:
            self._process.stdin.close()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _expect(self, word: str) -> None:
        if self._process.stdout is None:
            raise RuntimeError("the child has no stdout")
        for line in self._process.stdout:
            if line.strip() == word:
                return
        raise GameError("The measured player ended by itself, so nothing was measured.")
