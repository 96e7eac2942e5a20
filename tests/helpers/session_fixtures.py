"""Fixtures of a session over the toy game: a plugin, which no test imports."""

from collections.abc import Iterator

import pytest
from toy_game import ToyGame, WalkPolicy
from toy_session import Make

from app.session.control_loop import LiveSession
from app.session.wiring import Player
from model.play.runner import LockStepRunner
from recorder.clock import ManualClock


@pytest.fixture
def game() -> ToyGame:
    return ToyGame(distance=30)


@pytest.fixture
def make(game: ToyGame) -> Iterator[Make]:
    made: list[LiveSession] = []

    def build(**changes: object) -> LiveSession:
        settings: dict[str, object] = {
            "player": Player(WalkPolicy()),
            "make_runner": LockStepRunner,
            "clock": ManualClock(),
            "threaded": False,
        }
        session = LiveSession(game, **{**settings, **changes}).start()  # type: ignore[arg-type]
        made.append(session)
        return session

    yield build
    for session in made:
        session.close()
