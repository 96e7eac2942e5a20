"""A session over a game in a window of its own, on a fake screen."""

from __future__ import annotations

from fake_desktop import PROFILE, Desk
from toy_game import WalkPolicy

from app.session.control_loop import LiveSession
from app.session.wiring import Player
from model.play.runner import LockStepRunner
from recorder.games.desktop.profile import Profile
from recorder.input.keys import CODES


class Room(Desk):
    def __init__(self, profile: Profile = PROFILE) -> None:
        super().__init__(profile)
        self.session = LiveSession(
            self.game,
            player=Player(WalkPolicy("forward")),
            make_runner=LockStepRunner,
            clock=self.clock,
            idle_handback_s=None,
            threaded=False,
        )
        self.game.listen(self.session)
        assert self.hearing is not None
        self.ears = self.hearing
        self.ears.focus(True)
        self.session.start()

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.session.step()

    def hear_own(self) -> None:
        """Let the listener hear what was sent."""
        for name, down in self.device.events:
            self.ears.key(CODES[name], down, self.clock.now_ns(), shared=True)
        self.device.events.clear()
