"""Demonstrations by the scripted expert, recorded through the input path of a person."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable
from functools import partial

from app.automation.headless import Attempted, attempt, played_anew, require_kept
from app.automation.scripted_user import ScriptedUser
from app.session.control_loop import LiveSession
from app.session.wiring import clock_of, store_recording
from recorder.clock import Clock, ManualClock, MonotonicClock
from recorder.games import open_game, required_task
from recorder.store import Store
from trainer.evaluation.players import PlayerSpec, make_policy


def record_demonstrations(
    store: Store,
    game_name: str,
    instruction: str,
    seeds: Iterable[int],
    on_done: Callable[[Attempted], None] = lambda done: None,
    *,
    slowed: bool = False,
    stumbles: bool = False,
    tell: Callable[[str], None] = lambda sentence: None,
) -> list[Attempted]:
    """Let the expert play ``instruction`` on every seed; each is an episode of its own.

    ``slowed`` lets a game in a window of its own wait for every step; with ``stumbles``
    the view is jerked away now and then, so that the way back is shown too.  ``tell`` hears why
    a demonstration is played anew: its game had ended.

    Raises UsageError for a sentence that the game cannot judge, since its expert would
    not know what to do, and DataError as soon as something could not be stored.
    """
    done: list[Attempted] = []
    with contextlib.ExitStack() as stack:
        opens = partial(open_game, game_name, slowed=slowed)
        game = opens()
        # The session closes the game too, but it may never come to a session.
        stack.callback(game.close)
        required_task(game_name, game.tasks(), instruction, "its expert does not know what to do")
        session_id, recording = store_recording(store, game, policy="expert", wait_when_full=True)
        stack.callback(store.end_session, session_id)
        # The expert needs no time to think, so the clock jumps from tick to tick; a game in a
        # window of its own does not wait, so there it is the real one.
        clock: Clock | None = None if game.realtime else ManualClock(MonotonicClock().now_ns())
        expert = partial(make_policy, PlayerSpec("expert"))
        user = ScriptedUser(
            expert(game),
            game.bindings,
            clock or clock_of(game),
            stumbles=random.Random(f"{instruction}/stumbles") if stumbles else None,
        )
        session = LiveSession(
            game,
            make_recording=recording,
            clock=clock,
            threaded=False,
            hands=user.hands,
            reopen=user.opens_again(opens, expert, own_clock=clock is None),
        )
        stack.callback(session.close)
        session.start()

        def begin() -> None:
            user.sit_down(session, instruction)
            session.demonstrate(instruction)

        for seed in seeds:
            result = played_anew(session, partial(attempt, session, begin, seed=seed), tell)
            require_kept(store)
            done.append(result)
            on_done(result)
    return done
