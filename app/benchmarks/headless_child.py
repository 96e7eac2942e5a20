"""The headless player in a process of its own: ``python -m app.benchmarks.headless_child``.

Writes one JSON line: how long the libraries (torch, transformers) took to load, and then
the default model, each in seconds and in seconds of processor time, and the most memory
that was resident while it played and recorded.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from recorder.errors import KnownError

TICKS = 60
SENTENCE = "look around the yard"
LONGEST_S = 600.0


def run_headless_child() -> dict[str, float]:
    """Return the figures of a fresh process; raises KnownError where it fails."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "app.benchmarks.headless_child"],
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise KnownError(
            f"The headless player did not end within {LONGEST_S:.0f} s, so it was not measured; "
            "see `playteach doctor`."
        ) from error
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        reason = done.stderr.strip().splitlines()[-1:] or [f"code {done.returncode}"]
        raise KnownError(
            f"The headless player could not be measured ({reason[0]}); see `playteach doctor`."
        )
    figures: dict[str, float] = json.loads(lines[-1])
    return figures


def main() -> int:
    """Load the model, play and record ``TICKS`` ticks at the game's rate, write the figures."""
    import psutil

    from app.automation.headless import attempt
    from app.session.api import Snapshot
    from app.session.control_loop import LiveSession
    from app.session.wiring import Player, store_recording
    from model.paths import default_checkpoint
    from recorder.games import open_game
    from recorder.store import Store
    from trainer.evaluation.players import PlayerSpec, make_policy

    process = psutil.Process()
    resident = [0]
    with contextlib.ExitStack() as stack:
        game = open_game("doom")
        stack.callback(game.close)
        times = [_now()]
        _load_libraries()
        times.append(_now())
        policy = make_policy(PlayerSpec("base", default_checkpoint()), game)
        times.append(_now())

        def watch(snapshot: Snapshot) -> None:
            del snapshot
            resident.append(int(process.memory_info().rss))

        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="playteach-headless-"))
        store = stack.enter_context(Store.open(Path(folder)))
        _, recording = store_recording(store, game)
        session = LiveSession(game, player=Player(policy), make_recording=recording, threaded=False)
        stack.callback(session.close)
        session.start()
        attempt(
            session, lambda: session.play(SENTENCE), seed=0, max_free_ticks=TICKS, on_tick=watch
        )
        engine = sum(child.memory_info().rss for child in process.children(recursive=True))
    figures = {
        **_between("libraries_load", times[0], times[1]),
        **_between("model_load", times[1], times[2]),
        "resident_gb": round(max(resident) / 1e9, 3),
        "engine_resident_gb": round(engine / 1e9, 3),
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _load_libraries() -> None:
    """Load what the player needs before it can load a model."""
    from transformers import AutoTokenizer, Qwen2VLForConditionalGeneration

    import model.vla.vla

    # Their names are found when they are asked for: that is what loads them.
    _ = (AutoTokenizer, Qwen2VLForConditionalGeneration, model.vla.vla)


def _now() -> tuple[float, float]:
    return time.monotonic(), time.process_time()


def _between(name: str, began: tuple[float, float], ended: tuple[float, float]) -> dict[str, float]:
    return {
        f"{name}_s": round(ended[0] - began[0], 3),
        f"{name}_cpu_s": round(ended[1] - began[1], 3),
    }


if __name__ == "__main__":
    sys.exit(main())
