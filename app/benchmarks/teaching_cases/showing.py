"""A lesson is shown by a hand, through the same path as a person's: keys and mouse, takeover."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

from app.automation.headless import require_kept
from app.automation.scripted_user import Typist
from app.benchmarks.teaching_cases.hand import Hand
from app.benchmarks.teaching_cases.lessons import TeachingLesson
from app.benchmarks.teaching_cases.person import FeelingSkill, Skill
from app.benchmarks.teaching_cases.yard import LessonYard
from app.session.control_loop import LiveSession
from app.session.wiring import store_recording
from recorder.clock import Clock, ManualClock, MonotonicClock
from recorder.store import Store
from recorder.types import NO_ACTION, Frame, Outcome

DRIVING_S = 60.0
"""So long a person drives for a lesson, at most; what is broken off counts."""
LONGEST_S = 25.0
"""After so long a person gives a try up."""


@dataclass(frozen=True, slots=True)
class Showing:
    """What was shown: the episodes' ids, the seconds of driving, tries, those broken off.

    ``right`` counts the tries that the hidden judge called done.
    """

    episodes: tuple[int, ...]
    driving_s: float
    tries: int
    broken_off: int
    right: int


class HandUser:
    """Sits at a session's keyboard and does a skill with a hand; give ``hands`` to the session."""

    def __init__(self, yard: LessonYard, clock: Clock) -> None:
        self._yard, self._clock = yard, clock
        self._typist = Typist(yard.bindings)
        self._session: LiveSession | None = None
        self._skill: Skill | None = None
        self._hand: Hand | None = None
        self.done = self.ticks = 0

    def sit_down(self, session: LiveSession, skill: Skill, hand: Hand) -> None:
        """Begin a try."""
        self._session, self._skill, self._hand = session, skill, hand
        self._typist = Typist(self._yard.bindings)
        self.done = self.ticks = 0

    def hands(self, frame: Frame) -> None:
        """Press what the hand presses at this frame; once the skill is done, nothing."""
        del frame
        if self._session is None or self._skill is None or self._hand is None:
            return
        self.ticks += 1
        wanted = None if self.done else self._skill.act(self._yard.hidden_state())
        if wanted is None:
            self.done += 1
        action = self._hand.moves(NO_ACTION if wanted is None else wanted)
        if isinstance(self._skill, FeelingSkill):
            self._skill.feel(action)
        self._typist.want(action, self._session, self._clock.now_ns())

    @property
    def over(self) -> Outcome | None:
        """How the person ends the try now, None while it goes on."""
        if self._hand is not None and self._hand.gives_up:
            return Outcome.ABANDONED
        # The finger is on the key a moment after it is done.
        return Outcome.SUCCESS if self.done > 4 else None


def show(store: Store, lesson: TeachingLesson, seeds: Iterator[int], rng: random.Random) -> Showing:
    """Show a lesson on start after start until DRIVING_S are used up.

    A try ends with the person's own verdict: done, or broken off.  Raises DataError as soon as
    something could not be stored.
    """
    with contextlib.ExitStack() as stack:
        yard = LessonYard(lesson)
        stack.callback(yard.close)
        session_id, recording = store_recording(store, yard, policy="hand", wait_when_full=True)
        stack.callback(store.end_session, session_id)
        clock = ManualClock(MonotonicClock().now_ns())
        user = HandUser(yard, clock)
        session = LiveSession(
            yard, make_recording=recording, clock=clock, threaded=False, hands=user.hands
        )
        stack.callback(session.close)
        session.start()
        rate = yard.tick_rate_hz
        left = round(DRIVING_S * rate)
        episodes: list[int] = []
        tries = broken_off = right = 0
        while left > 2 * rate:
            session.reset(next(seeds))
            user.sit_down(session, lesson.skill(), Hand.begin(rng, rate))
            session.demonstrate(lesson.sentence)
            most = min(left, round(LONGEST_S * rate))
            used, ended = _try(session, user, most)
            require_kept(store)
            tries += 1
            left -= used
            snapshot = session.snapshot()
            broken_off += ended is Outcome.ABANDONED
            right += yard.verdict is True
            if snapshot.episode_id is not None:
                episodes.append(snapshot.episode_id)
        return Showing(tuple(episodes), DRIVING_S - left / rate, tries, broken_off, right)


def _try(session: LiveSession, user: HandUser, most: int) -> tuple[int, Outcome]:
    """Do one try; return the ticks that it took, at most ``most``, and how the person ended it."""
    wish: Outcome | None = None
    before = session.snapshot().attempts
    while True:
        session.step()
        snapshot = session.snapshot()
        if snapshot.attempts == before:
            continue
        if snapshot.outcome is not None:
            return user.ticks, wish or snapshot.outcome
        if wish is None:
            wish = user.over or (Outcome.ABANDONED if user.ticks >= most else None)
            if wish is Outcome.SUCCESS:
                session.mark(wish)
            elif wish is not None:
                session.stop(wish)
