"""Decides whether a game waits for the model's answer, and for how long."""

from __future__ import annotations

from collections.abc import Callable

from app.session.control_loop import LiveSession
from app.session.wiring import MakeRunner
from model.play.policy import Policy
from model.play.runner import BackgroundRunner, WaitingRunner
from recorder.games.base import Game, OwnWindowGame


def runner_of(game: Game, session: Callable[[], LiveSession]) -> MakeRunner:
    """Return what runs a model in ``game``: the world waits for every answer if it can.

    In a game in real time it cannot: there an answer is played when it comes.  ``session`` is
    asked for when the first answer is waited for.
    """

    def make(policy: Policy) -> BackgroundRunner:
        if game.realtime:
            return BackgroundRunner(policy)
        return WaitingRunner(policy, interrupted=lambda: not_waited_for(session()))

    return make


def not_waited_for(session: LiveSession) -> bool:
    """Return whether a world that stands still must not go on waiting for the agent's thought."""
    game = session.game
    touched = isinstance(game, OwnWindowGame) and game.silenced
    return touched or not session.waits_for_thoughts
