"""``playteach benchmark play``: speed of the default model, and of the window beside it.

Also how long the model takes to load, and how much memory the headless player holds.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path

from app.automation.headless import Attempted, attempt
from app.benchmarks.common import Say, Target, percentile, report
from app.benchmarks.headless_child import run_headless_child
from app.benchmarks.window import run_window_child
from app.session.control_loop import LiveSession
from app.session.wiring import Player, store_recording
from model.paths import default_checkpoint
from model.play.policy import Observation, Policy
from recorder.games import free_task, open_game
from recorder.store import Store
from recorder.types import Frame
from trainer.evaluation.players import PlayerSpec, make_policy

SENTENCE = "look around the yard"
MANY_PARTS = ", then ".join(["go to the red torch"] * 15)
"""At each picture but for those of the last part, the model is asked whether a part is done."""
TICKS = 350
THOUGHTS = 100
WINDOW_S = 20.0
TARGETS = {
    "actions_per_s": Target(20.0, at_least=True),
    "latency_ms_p95": Target(50.0),
    "missed_share": Target(0.01),
    "gui_blocked_ms_p99_9": Target(50.0),
    "model_load_s": Target(3.0),
    "resident_gb": Target(1.2),
}


def measure(runs: int, say: Say) -> dict[str, object]:
    """Measure ``runs`` times: thinking alone, recorded play at the tick rate, the window.

    ``actions_per_s`` is how many actions the model gives when it never waits;
    ``asked_ms_p50`` is what an answer takes to a sentence of many parts, of which it is asked
    whether each is done, and ``unasked_ms_p50`` what it takes to one part on the same pictures;
    ``resident_gb`` the player's own memory, ``engine_resident_gb`` that of the game's process.
    """
    each = []
    for run in range(runs):
        say(f"run {run + 1} of {runs}: {TICKS} ticks of recorded play")
        figures = _paced(run)
        say(f"run {run + 1} of {runs}: the headless player, anew")
        headless = run_headless_child()
        say(f"run {run + 1} of {runs}: the window, {WINDOW_S:g} s")
        window = run_window_child(WINDOW_S)
        gaps = window.gaps_ms
        each.append(
            {
                **figures,
                **headless,
                "gui_blocked_ms_p99_9": percentile(gaps, 0.999),
                "gui_blocked_ms_max": max(gaps, default=None),
            }
        )
    return report("play", each, TARGETS, extra={"qt_platform": window.platform})


def _paced(seed: int) -> dict[str, float | None]:
    with contextlib.ExitStack() as stack:
        game = open_game("doom")
        stack.callback(game.close)
        policy = make_policy(PlayerSpec("base", default_checkpoint()), game)
        frames = [game.reset(free_task(SENTENCE), seed)]
        policy.reset(SENTENCE, seed=seed)
        actions, seconds = 0, 0.0
        for number in range(THOUGHTS):
            frame = frames[-1]
            began_s = time.perf_counter()
            # A new id for every thought: nothing may be taken from a cache of frames.
            seen = Frame(frame.id + number, frame.mono_ns, frame.rgb)
            chunk = policy.propose(Observation(seen, SENTENCE))
            seconds += time.perf_counter() - began_s
            actions += len(chunk.actions)
            frames.append(game.step(chunk.actions[0]))
        unasked_ms, asked_ms = (
            _thoughts_ms(policy, frames, text) for text in (SENTENCE, MANY_PARTS)
        )
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="playteach-play-"))
        store = stack.enter_context(Store.open(Path(folder)))
        _, recording = store_recording(store, game)
        session = LiveSession(game, player=Player(policy), make_recording=recording, threaded=False)
        stack.callback(session.close)
        session.start()
        done: Attempted = attempt(
            session, lambda: session.play(SENTENCE), seed=seed, max_free_ticks=TICKS
        )
    deadlines = done.ticks + done.missed_ticks
    return {
        "actions_per_s": actions / seconds,
        "ticks_per_s": done.ticks / done.seconds,
        "missed_share": done.missed_ticks / deadlines,
        "latency_ms_p50": percentile(done.latencies_ms, 0.5),
        "latency_ms_p95": percentile(done.latencies_ms, 0.95),
        "unplanned_share": 1 - len(done.latencies_ms) / done.ticks,
        "lost_ticks": float(done.lost_ticks),
        "unasked_ms_p50": percentile(unasked_ms, 0.5),
        "asked_ms_p50": percentile(asked_ms, 0.5),
        "asked_ms_p95": percentile(asked_ms, 0.95),
    }


def _thoughts_ms(policy: Policy, frames: list[Frame], sentence: str) -> list[float]:
    """Return how long each of the pictures takes, told ``sentence``."""
    policy.reset(sentence, seed=0)
    return [policy.propose(Observation(frame, sentence)).latency_ms for frame in frames]
