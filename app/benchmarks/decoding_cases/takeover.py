"""How many ticks a person's key needs to silence a policy that never stops thinking."""

from __future__ import annotations

import threading
import time

from app.session.control_loop import LiveSession
from app.session.wiring import Player
from model.play.policy import ActionChunk, Observation
from recorder.games import open_game
from recorder.types import Action, Driver


class _Stubborn:
    """Gives one plan, then thinks until it is let go."""

    name = "stubborn"

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self._answered = False

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Nothing to begin."""
        del instruction, seed

    def propose(self, observation: Observation) -> ActionChunk:
        """Press attack and forward; the second thought does not end."""
        if self._answered:
            self.let_go.wait()
        self._answered = True
        return ActionChunk((Action(forward=True, attack=True),) * 40, observation.frame.id, 1.0)


def takeover_ticks() -> float:
    """Return the ticks from a key until the person drives, while the policy thinks on."""
    policy = _Stubborn()
    game = open_game("doom")
    try:
        session = LiveSession(game, player=Player(policy), threaded=False)
        session.start()
        session.play("look around the yard")
        while session.snapshot().driver is not Driver.POLICY:
            session.step()
        session.key("S", True, time.monotonic_ns())
        ticks = 0
        while session.snapshot().driver is Driver.POLICY:
            session.step()
            ticks += 1
        policy.let_go.set()
        session.close()
    finally:
        policy.let_go.set()
        game.close()
    return float(ticks)
