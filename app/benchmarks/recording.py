"""``playteach benchmark recording``: real pictures of the embedded game through the store."""

from __future__ import annotations

import tempfile
from pathlib import Path

from app.benchmarks.common import Say, Target, report
from app.benchmarks.recording_measure import measure_recording, play_frames
from recorder.games import open_game

FRAMES = 600
PACED_FRAMES = 200
RATE_HZ = 20.0
TARGETS = {
    "gb_per_hour": Target(1.2),
    "psnr_y_db": Target(38.0, at_least=True),
    "psnr_rgb_db": Target(36.0, at_least=True),
    "core_share": Target(0.25),
    "lost_ticks": Target(0),
}


def measure(runs: int, say: Say) -> dict[str, object]:
    """Record ``runs`` times; size, truth and processor time unpaced, delays at 20 Hz."""
    each = []
    for run in range(runs):
        say(f"run {run + 1} of {runs}: playing {FRAMES} pictures")
        game = open_game("doom")
        try:
            frames = play_frames(game, FRAMES, seed=run)
        finally:
            game.close()
        with tempfile.TemporaryDirectory(prefix="playteach-measure-") as folder:
            say("recording them")
            fast = measure_recording(Path(folder) / "fast", frames, tick_rate_hz=RATE_HZ)
            say(f"recording {PACED_FRAMES} at {RATE_HZ:g} a second")
            paced = measure_recording(
                Path(folder) / "paced", frames[:PACED_FRAMES], tick_rate_hz=RATE_HZ, paced=True
            )
        each.append(
            {
                "gb_per_hour": fast.gb_per_hour,
                "bytes_per_frame": fast.bytes_per_frame,
                "psnr_y_db": fast.psnr_y_db,
                "psnr_rgb_db": fast.psnr_rgb_db,
                "cpu_ms_per_frame": fast.cpu_ms_per_frame,
                "core_share": fast.core_share,
                "lost_ticks": float(fast.lost_ticks + paced.lost_ticks),
                "tick_ms_worst": paced.tick_ms_worst,
                "commit_delay_ms": paced.commit_delay_ms,
            }
        )
    return report("recording", each, TARGETS, extra={"width": 640, "height": 360, "rate_hz": 20})
