"""Time limits of a session: the agent has its own, and the person's ticks do not count."""

from __future__ import annotations

from toy_game import ToyGame, WalkPolicy
from toy_session import RED, Make, run

from app.session.api import Phase
from app.session.wiring import Player
from recorder.types import Outcome

pytest_plugins = ("session_fixtures",)


def test_the_agent_has_its_time_limit_and_the_persons_ticks_do_not_count(
    make: Make, game: ToyGame
) -> None:
    game.distance = 50
    session = make(player=Player(WalkPolicy("left")), idle_handback_s=None)
    session.play(RED)
    run(session, 59)
    assert session.snapshot().outcome is None
    run(session, 1)
    assert (session.snapshot().outcome, session.snapshot().tick) == (Outcome.TIMEOUT, 60)
    # Taken over at the last moment, there is time to do it.
    session.play(RED)
    run(session, 59)
    session.key("D", True, 0)
    run(session, 108)
    assert session.snapshot().outcome is None
    run(session, 1)
    assert session.snapshot().outcome is Outcome.SUCCESS
    session.key("D", False, 0)


def test_who_shows_it_may_look_around_first_but_not_for_ever(make: Make, game: ToyGame) -> None:
    session = make()
    session.demonstrate(RED)
    run(session, 300)
    assert session.snapshot().phase is Phase.DEMONSTRATING
    session.key("D", True, 0)
    run(session, 30)
    assert session.snapshot().outcome is Outcome.SUCCESS
    session.key("D", False, 0)
    session.demonstrate(RED)
    run(session, 60 + 120 * 20)
    assert session.snapshot().outcome is Outcome.TIMEOUT
