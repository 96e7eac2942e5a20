"""Starts the watched window and reads what it tells; shared by two benchmarks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from app.setup.display import has_display
from recorder.errors import KnownError

LONGEST_START_S = 120.0


@dataclass(frozen=True, slots=True)
class WindowRun:
    """Seconds from the start of the process; gaps are blocked times of the GUI thread."""

    visible_s: float
    playing_s: float
    gaps_ms: tuple[float, ...]
    platform: str


def run_window_child(watch_s: float) -> WindowRun:
    """Open a window in a fresh process and data folder, let it play ``watch_s`` seconds.

    Without a display Qt's offscreen platform draws it.  Raises KnownError where the
    window does not come to play.
    """
    environment = dict(os.environ)
    if not has_display():
        environment["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory(prefix="playteach-window-") as name:
        config = Path(name) / "config"
        config.mkdir()
        # The introduction is a person's first start; here it would cover the view.
        (config / "settings.toml").write_text("schema = 1\nseen_welcome = true\n", encoding="utf-8")
        command = [
            sys.executable, "-m", "app.benchmarks.window_child",
            "--folder", name, "--seconds", str(watch_s),
        ]  # fmt: skip
        began_s = time.monotonic()
        try:
            done = subprocess.run(
                command,
                env=environment,
                capture_output=True,
                text=True,
                timeout=LONGEST_START_S + watch_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise KnownError(
                f"The window did not come to play within {LONGEST_START_S:.0f} s, so it was not "
                "measured; see `playteach doctor`."
            ) from error
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    at = {each["milestone"]: each["at_s"] - began_s for each in told if "milestone" in each}
    gaps = next((each["gaps_ms"] for each in told if "gaps_ms" in each), None)
    if done.returncode != 0 or gaps is None or not {"visible", "playing"} <= at.keys():
        reason = done.stderr.strip().splitlines()[-1:] or [f"code {done.returncode}"]
        raise KnownError(f"The window could not be measured ({reason[0]}); see `playteach doctor`.")
    return WindowRun(
        round(at["visible"], 3),
        round(at["playing"], 3),
        tuple(gaps),
        environment.get("QT_QPA_PLATFORM", "") or "the desktop's",
    )
