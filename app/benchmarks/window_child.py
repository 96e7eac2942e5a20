"""The window in a process of its own, watched: ``python -m app.benchmarks.window_child``.

Writes JSON lines on stdout: one when the window is visible, one when the agent acts (both
with CLOCK_MONOTONIC in seconds), and at the end how long the GUI thread was blocked.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

WATCH_MS = 5
SENTENCE = "look around the yard"
"""No task of the game: the attempt goes on until it is stopped."""


def main(arguments: list[str] | None = None) -> int:
    """Open the window in ``--folder``, play, and quit ``--seconds`` after the first action."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=0.0)
    options = parser.parse_args(arguments)

    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from app.application import run_window

    gaps_ms: list[float] = []
    newest_s = 0.0

    def watch() -> None:
        nonlocal newest_s
        now_s = time.monotonic()
        if newest_s:
            # What the timer is late by is what something else held the thread for.
            gaps_ms.append(max(0.0, (now_s - newest_s) * 1e3 - WATCH_MS))
        newest_s = now_s

    def milestone(name: str) -> None:
        tell({"milestone": name, "at_s": time.monotonic()})
        if name != "playing":
            return
        application = QApplication.instance()
        timer = QTimer(application)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(watch)
        timer.start(WATCH_MS)
        QTimer.singleShot(round(options.seconds * 1000), QApplication.quit)

    code = run_window(
        options.folder / "data",
        config=options.folder / "config",
        play=SENTENCE,
        milestone=milestone,
    )
    tell({"gaps_ms": [round(gap, 2) for gap in gaps_ms]})
    return code


def tell(message: dict[str, object]) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
