"""The scripted user: what it wants is what the session's controls make of its keys."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_game import ToyGame, WalkPolicy

from app.automation.headless import attempt
from app.automation.scripted_user import DOUBT_LIMIT, ScriptedUser, Typist, Watcher, differs
from app.session.control_loop import LiveSession
from app.session.wiring import Player
from model.play.runner import LockStepRunner
from model.play.scripted_policies import IdlePolicy
from recorder.clock import ManualClock
from recorder.errors import KnownError
from recorder.games.controls import HeldControls
from recorder.types import Action, Driver, Frame, Outcome

BINDINGS = ToyGame.bindings
RED = "reach the red dot"
ACTIONS = st.builds(
    Action,
    hotbar=st.integers(0, 2),
    forward=st.booleans(),
    left=st.booleans(),
    attack=st.booleans(),
    camera=st.tuples(st.floats(-170, 170), st.floats(-170, 170)),
)


@given(st.lists(ACTIONS, max_size=12))
def test_wanted_actions_come_out_of_the_controls(actions: list[Action]) -> None:
    controls = HeldControls(BINDINGS)

    class Keyboard:
        def key(self, name: str, down: bool, mono_ns: int) -> None:
            controls.key(name, down, mono_ns)

        def mouse_move(self, dx: float, dy: float, mono_ns: int) -> None:
            controls.motion(dx, dy, mono_ns)

    typist = Typist(BINDINGS)
    for number, wanted in enumerate(actions):
        typist.want(wanted, Keyboard(), number)
        made, _ = controls.take()
        assert made.held == wanted.held
        assert made.hotbar == wanted.hotbar
        assert made.camera == pytest.approx(wanted.camera, abs=1e-9)


def test_a_demonstration_is_the_persons_from_its_first_tick() -> None:
    clock = ManualClock()
    game = ToyGame()
    user = ScriptedUser(WalkPolicy(), BINDINGS, clock)
    session = LiveSession(game, clock=clock, threaded=False, hands=user.hands).start()

    def begin() -> None:
        user.sit_down(session, RED)
        session.demonstrate(RED)

    done = attempt(session, begin, seed=5)
    assert done.outcome is Outcome.SUCCESS
    assert session.snapshot().drivers == ((Driver.PERSON, done.ticks),)
    assert ("reach:red", 5) in game.resets
    session.close()


def test_the_watcher_steps_in_when_the_policy_does_nothing() -> None:
    clock = ManualClock()
    user = ScriptedUser(WalkPolicy(), BINDINGS, clock)
    watchers: list[Watcher] = []

    def drive(frame: Frame) -> None:
        watchers[0].hands(frame)

    session = LiveSession(
        ToyGame(),
        player=Player(IdlePolicy()),
        make_runner=LockStepRunner,
        clock=clock,
        idle_handback_s=None,
        threaded=False,
        hands=drive,
    ).start()
    watchers.append(Watcher(user, session))

    def begin() -> None:
        watchers[0].sit_down(session, RED)
        session.play(RED)

    done = attempt(session, begin, seed=1)
    assert done.outcome is Outcome.SUCCESS
    assert watchers[0].took_over_at is not None
    assert watchers[0].took_over_at >= DOUBT_LIMIT
    assert [driver for driver, _ in session.snapshot().drivers] == [Driver.POLICY, Driver.PERSON]
    session.close()


def test_an_attempt_that_nobody_judges_ends_as_unknown() -> None:
    session = LiveSession(
        ToyGame(),
        player=Player(IdlePolicy()),
        make_runner=LockStepRunner,
        clock=ManualClock(),
        threaded=False,
    ).start()
    done = attempt(session, lambda: session.play("dance"), seed=0, max_free_ticks=7)
    assert (done.outcome, done.ticks) == (Outcome.UNKNOWN, 7)
    session.close()


def test_a_broken_game_is_told_as_it_is() -> None:
    game = ToyGame()
    session = LiveSession(
        game,
        player=Player(IdlePolicy()),
        make_runner=LockStepRunner,
        clock=ManualClock(),
        threaded=False,
    ).start()
    game.break_at = 2
    with pytest.raises(KnownError, match="The toy broke"):
        attempt(session, lambda: session.play(RED), seed=0)
    session.close()


def test_small_differences_are_none() -> None:
    assert not differs(Action(camera=(0, 4)), Action(camera=(3, 0)))
    assert differs(Action(camera=(0, 8)), Action())
    assert differs(Action(forward=True), Action())


def test_a_stumbling_person_jerks_the_view_and_finds_back() -> None:
    policy = WalkPolicy()
    user = ScriptedUser(policy, BINDINGS, ManualClock(0), stumbles=random.Random(1))
    steady = ScriptedUser(WalkPolicy(), BINDINGS, ManualClock(0))
    frames = [Frame(n, n, np.zeros((4, 4, 3), dtype=np.uint8)) for n in range(400)]
    pairs = [(steady.wanted(frame), user.wanted(frame)) for frame in frames]
    jerked = [done for wished, done in pairs if done.camera != wished.camera]
    assert 0.05 < len(jerked) / len(pairs) < 0.3
    assert all(done.held == wished.held for wished, done in pairs)
    assert all(abs(done.camera[1]) <= 10.0 for done in jerked)
