"""Time limits of a session: the agent has its own, and the person's ticks do not count."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from toy_game import ToyGame, WalkPolicy

from app.session.api import Phase
from app.session.parts import Player
from app.session.session import LiveSession
from model.runner import LockStepRunner
from recorder.clock import ManualClock
from recorder.types import Outcome

RED = "reach the red dot"
Make = Callable[[str], LiveSession]


@pytest.fixture
def game() -> ToyGame:
    return ToyGame(distance=30)


@pytest.fixture
def make(game: ToyGame) -> Iterator[Make]:
    made: list[LiveSession] = []

    def build(walks: str) -> LiveSession:
        session = LiveSession(
            game,
            player=Player(WalkPolicy(walks)),
            make_runner=LockStepRunner,
            clock=ManualClock(),
            threaded=False,
            idle_handback_s=None,
        )
        made.append(session.start())
        return session

    yield build
    for session in made:
        session.close()


def run(session: LiveSession, ticks: int) -> None:
    for _ in range(ticks):
        session.step()


def test_the_agent_has_its_time_limit_and_the_persons_ticks_do_not_count(
    make: Make, game: ToyGame
) -> None:
    game.distance = 50
    session = make("left")
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
    session = make("right")
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
