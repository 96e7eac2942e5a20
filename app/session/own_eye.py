"""The agent's own eye in live play: ends an attempt as done at a sentence that no game judges.

Whether an eye may do that is said in :mod:`trainer.evaluation.eye.kept`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.session.wiring import AnyRunner, Judge
from model.play.episode import Decide, Decision, Proposal
from recorder.types import Action, Driver, Frame, Tick


class OwnEye:
    """Follows one attempt for as long as the agent alone drives.

    It was measured on such attempts only: once the person drives, or a picture is acted on that
    nobody looked at, it says no more.  Control thread only.
    """

    def __init__(self, judge: Judge, runner: AnyRunner) -> None:
        """``runner``'s answers tell what the pictures look like."""
        self._judge: Judge | None = judge
        self._runner = runner
        self._glance: NDArray[np.float32] | None = None
        self._before: Action | None = None
        self.account = judge.account
        """How good it is, in a few words."""
        self.seen_done = False
        """Whether it calls the attempt done."""

    def looking(self, decide: Decide) -> Decide:
        """Return ``decide``, at which the picture's glance is kept: later, a newer one is there."""

        def look(frame: Frame, proposal: Proposal | None) -> Decision:
            chunk = self._runner.last_chunk()
            fresh = chunk is not None and chunk.frame_id == frame.id
            self._glance = chunk.glance if chunk is not None and fresh else None
            return decide(frame, proposal)

        return look

    def follow(self, tick: Tick) -> None:
        """Take a tick: its picture shows what the action of the tick before came to."""
        if self._judge is None or self.seen_done:
            return
        before, self._before = self._before, tick.executed
        blind = self._glance is None and before is not None
        if tick.driver is not Driver.POLICY or blind or tick.index > self._judge.ticks:
            self._judge = None
        elif before is not None and self._glance is not None:
            self.seen_done = self._judge.done(self._glance, before)
