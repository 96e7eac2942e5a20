"""Runs commands in processes of their own, a few at a time; SIGTERM reaches all of them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

POLL_S = 0.2


def run_apart(
    commands: Sequence[Sequence[str]], at_once: int, environment: Mapping[str, str] | None = None
) -> bool:
    """Run every command, ``at_once`` of them at any time; return whether all ended with 0.

    A command that ends otherwise, or SIGTERM, keeps those that are left from beginning; on
    SIGTERM the running ones get it too, and are waited for.  ``environment`` is added to this
    process's own.
    """
    waiting = list(reversed(commands))
    running: list[subprocess.Popen[bytes]] = []
    good = True
    stopping: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    told = False
    try:
        while running or (waiting and good and not stopping):
            while waiting and good and not stopping and len(running) < at_once:
                added = {**os.environ, **(environment or {})}
                running.append(subprocess.Popen(waiting.pop(), env=added))
            if stopping and not told:
                told = True
                for process in running:
                    process.terminate()
            ended = [process for process in running if process.poll() is not None]
            good = good and all(process.returncode == 0 for process in ended)
            running = [process for process in running if process not in ended]
            if not ended:
                time.sleep(POLL_S)
    finally:
        signal.signal(signal.SIGTERM, before)
        for process in running:
            process.terminate()
            process.wait()
    return good and not waiting and not stopping
