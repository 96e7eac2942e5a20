"""``playteach benchmark startup``: from a new process to the window, and to the first action."""

from __future__ import annotations

from app.benchmarks.common import Say, Target, report
from app.benchmarks.window import run_window_child

TARGETS = {"visible_s": Target(1.5), "playing_s": Target(8.0)}


def measure(runs: int, say: Say) -> dict[str, object]:
    """Start the window ``runs`` times in a fresh process with an empty data folder.

    The files are in the system's cache but for the first run, if they were not used before.
    """
    each = []
    platform = ""
    for run in range(runs):
        found = run_window_child(0.0)
        platform = found.platform
        say(
            f"run {run + 1} of {runs}: visible after {found.visible_s:.2f} s, playing after "
            f"{found.playing_s:.2f} s"
        )
        each.append({"visible_s": found.visible_s, "playing_s": found.playing_s})
    return report("startup", each, TARGETS, extra={"qt_platform": platform})
