"""``playteach demonstrate``: the teacher plays through the same input path as a person."""

from __future__ import annotations

import argparse
import contextlib
from dataclasses import asdict
from typing import Any

from app.cli.common import data_folder, emit, say
from recorder.errors import ExitCode, UsageError


def run(options: argparse.Namespace) -> int:
    """Record one demonstration for every seed; each is an episode of its own."""
    from app.headless import attempt
    from app.person import Demonstrator
    from app.session.parts import store_recording
    from app.session.session import LiveSession
    from model.prompts import clean_instruction
    from recorder.clock import ManualClock, MonotonicClock
    from recorder.games import find_task, open_game
    from recorder.store import Store
    from trainer.players import PlayerSpec, make_policy

    text = clean_instruction(options.instruction)
    done: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        game = open_game(options.game)
        stack.callback(game.close)
        if not find_task(game, text).judged:
            raise UsageError(
                f"The game {options.game!r} has no task {text!r}, so its teacher does not know "
                f"what to do; see `playteach games show {options.game}`."
            )
        store = stack.enter_context(Store.open(data_folder(options)))
        session_id, recording = store_recording(store, game, policy="teacher", wait_when_full=True)
        stack.callback(store.end_session, session_id)
        # The teacher needs no time to think, so the clock jumps from tick to tick.
        clock = ManualClock(MonotonicClock().now_ns())
        teacher = make_policy(PlayerSpec("teacher"), game)
        person = Demonstrator(teacher, game.bindings, clock)
        session = LiveSession(
            game,
            make_recording=recording,
            clock=clock,
            threaded=False,
            hands=person.hands,
        )
        stack.callback(session.close)
        session.start()
        for seed in options.seeds:

            def begin() -> None:
                person.sit_down(session, text)
                session.demonstrate(text)

            result = attempt(session, begin, seed=seed)
            say(f"seed {seed}: {result.outcome} after {result.ticks} ticks")
            facts = asdict(result)
            del facts["latencies_ms"]
            done.append(facts)
    good = sum(each["outcome"] == "success" for each in done)
    ticks = sum(each["ticks"] for each in done)
    document = {
        "instruction": text,
        "n": len(done),
        "success": good,
        "ticks": ticks,
        "episodes": done,
    }
    emit(
        options,
        document,
        [f"Recorded {len(done)} demonstrations ({ticks} ticks), {good} of them succeeded."],
    )
    return int(ExitCode.OK)
