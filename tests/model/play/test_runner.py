"""Thinking beside the game: the newest frame wins, old plans go, and errors come out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.play.policy import ActionChunk, Observation
from model.play.runner import HOLD_TICKS, BackgroundRunner, LockStepRunner, WaitingRunner
from recorder.errors import ModelError
from recorder.types import Action, Frame

ENOUGH_S = 10.0
"""Only a failing test waits this long."""


def frame(number: int) -> Frame:
    rgb = np.zeros((8, 8, 3), np.uint8)
    rgb.flags.writeable = False
    return Frame(number, number, rgb)


def chunk(number: int, length: int = 1, *, invalid: int = 0) -> ActionChunk:
    """Actions that carry their frame and place: hotbar is the frame, yaw the place."""
    actions = tuple(Action(hotbar=number, camera=(0.0, float(place))) for place in range(length))
    return ActionChunk(actions, number, 1.0, 1.0, invalid=invalid)


class GatedPolicy:
    """Finishes a thought only when the test lets it."""

    name = "gated"

    def __init__(self, length: int = 1, *, invalid: int = 0) -> None:
        self.length = length
        self.invalid = invalid
        self.error: BaseException | None = None
        self.reset_error: BaseException | None = None
        self.latency_ms = 1.0
        self.notice = ""
        self.seen: list[tuple[int, str]] = []
        self.resets: list[tuple[str, int | None]] = []
        self._begun = threading.Semaphore(0)
        self._go = threading.Semaphore(0)

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        self.resets.append((instruction, seed))
        self.notice = f"told {instruction}"
        if self.reset_error is not None:
            raise self.reset_error

    def propose(self, observation: Observation) -> ActionChunk:
        self.seen.append((observation.frame.id, observation.instruction))
        self._begun.release()
        assert self._go.acquire(timeout=ENOUGH_S)
        if self.error is not None:
            raise self.error
        self.notice = f"plays {observation.instruction}"
        made = chunk(observation.frame.id, self.length, invalid=self.invalid)
        return replace(made, latency_ms=self.latency_ms)

    def wait_until_thinking(self) -> None:
        assert self._begun.acquire(timeout=ENOUGH_S)

    def let_go(self) -> None:
        self._go.release()


@pytest.fixture
def start() -> Iterator[Callable[[GatedPolicy], BackgroundRunner]]:
    started: list[tuple[BackgroundRunner, GatedPolicy]] = []

    def make(policy: GatedPolicy) -> BackgroundRunner:
        runner = BackgroundRunner(policy)
        started.append((runner, policy))
        runner.reset("go", seed=1)
        return runner

    yield make
    for runner, policy in started:
        for _ in range(10):
            policy.let_go()
        runner.close()


Start = Callable[[GatedPolicy], BackgroundRunner]


def plan(runner: BackgroundRunner, policy: GatedPolicy, tick: int) -> None:
    """Let the runner think about the frame of ``tick`` to the end."""
    runner.offer(frame(tick), tick)
    policy.wait_until_thinking()
    policy.let_go()
    # The next thought begins only after the plan of this one is laid down.
    runner.offer(frame(9), tick + 1)
    policy.wait_until_thinking()


def test_the_newest_frame_wins(start: Start) -> None:
    policy = GatedPolicy()
    runner = start(policy)
    runner.offer(frame(1), 1)
    policy.wait_until_thinking()
    for number in (2, 3, 4):
        runner.offer(frame(number), number)
    policy.let_go()
    policy.wait_until_thinking()
    assert [number for number, _ in policy.seen] == [1, 4]


def test_it_never_waits_for_a_thought(start: Start) -> None:
    policy = GatedPolicy()
    runner = start(policy)
    runner.offer(frame(1), 1)
    policy.wait_until_thinking()
    assert runner.proposal(1) is None
    assert runner.last_chunk() is None


def test_a_late_plan_skips_its_past_and_counts_it(start: Start) -> None:
    policy = GatedPolicy(length=4)
    runner = start(policy)
    plan(runner, policy, 0)
    late = runner.proposal(2)
    assert late is not None
    assert (late.action.camera[1], late.plan_age_ticks) == (2.0, 2)
    assert runner.dropped_actions == 2
    following = runner.proposal(3)
    assert following is not None
    assert following.action.camera[1] == 3.0
    # What was dropped is counted once a plan, not once a tick.
    assert runner.dropped_actions == 2


def test_a_plan_in_time_drops_nothing(start: Start) -> None:
    policy = GatedPolicy(length=4)
    runner = start(policy)
    plan(runner, policy, 0)
    assert runner.proposal(0) is not None
    assert runner.dropped_actions == 0


@pytest.mark.parametrize("late", [HOLD_TICKS, HOLD_TICKS + 1, 40])
def test_every_answer_is_played_however_late_it_comes(start: Start, late: int) -> None:
    policy = GatedPolicy(length=2)
    runner = start(policy)
    plan(runner, policy, 0)
    first = runner.proposal(late)
    assert first is not None
    assert (first.action.camera[1], first.plan_age_ticks) == (1.0, late)


def test_a_stale_plan_is_no_plan(start: Start) -> None:
    policy = GatedPolicy()
    runner = start(policy)
    plan(runner, policy, 0)
    came = 3
    assert runner.proposal(came) is not None
    held = runner.proposal(came + HOLD_TICKS)
    assert held is not None
    assert held.plan_age_ticks == came + HOLD_TICKS
    assert runner.proposal(came + HOLD_TICKS + 1) is None


def test_keys_of_a_late_plan_are_held_but_its_turn_is_made_once(start: Start) -> None:
    policy = GatedPolicy(length=3)
    runner = start(policy)
    plan(runner, policy, 0)
    given = [runner.proposal(tick) for tick in (1, 2, 2, 3, 4)]
    # The action of tick 2 is asked for twice, and is the plan's last.
    assert [each and each.action.camera[1] for each in given] == [1.0, 2.0, 2.0, 0.0, 0.0]
    assert [each and each.action.hotbar for each in given] == [0] * 5
    policy.let_go()
    runner.offer(frame(8), 8)
    policy.wait_until_thinking()
    # The plan made from tick 1's picture is another one: its turn is made.
    fresh = runner.proposal(3)
    assert fresh is not None
    assert (fresh.action.camera[1], fresh.action.hotbar) == (2.0, 9)


def test_a_plan_that_comes_late_still_makes_its_turn(start: Start) -> None:
    policy = GatedPolicy(length=2)
    runner = start(policy)
    plan(runner, policy, 0)
    late = runner.proposal(HOLD_TICKS)
    assert late is not None
    assert late.action.camera == (0.0, 1.0)


def test_a_first_plan_is_waited_for(start: Start) -> None:
    policy = GatedPolicy()
    runner = start(policy)
    runner.offer(frame(1), 0)
    assert not runner.wait_for_plan(ENOUGH_S, interrupted=lambda: True)
    assert not runner.wait_for_plan(0.0)
    policy.let_go()
    assert runner.wait_for_plan(ENOUGH_S)
    assert runner.proposal(0) is not None


def test_a_new_sentence_throws_the_thought_under_way_away(start: Start) -> None:
    policy = GatedPolicy()
    runner = start(policy)
    plan(runner, policy, 1)
    # It thinks about the frame of tick 2 now, for the old sentence.
    runner.set_instruction("shoot")
    policy.let_go()
    runner.offer(frame(5), 5)
    policy.wait_until_thinking()
    assert runner.last_chunk() is None
    assert policy.seen[-1] == (5, "shoot")


def test_no_plan_for_the_old_sentence_is_followed_any_further(start: Start) -> None:
    policy = GatedPolicy()
    runner = start(policy)
    plan(runner, policy, 1)
    assert runner.proposal(2) is not None
    runner.set_instruction("shoot")
    # Nobody acts until the new sentence has its answer.
    for tick in range(3, 3 + HOLD_TICKS):
        assert runner.proposal(tick) is None
    policy.let_go()
    plan(runner, policy, 5)
    assert policy.seen[-2] == (5, "shoot")
    assert runner.proposal(6) is not None


def late_error(runner: BackgroundRunner, policy: GatedPolicy, change: Callable[[], None]) -> None:
    """Have a thought fail after ``change``."""
    runner.offer(frame(1), 1)
    policy.wait_until_thinking()
    change()
    policy.error = ModelError("It broke.")
    policy.let_go()
    runner.offer(frame(2), 2)
    # The thread is done with the error once it has begun the next thought.
    policy.wait_until_thinking()
    policy.error = None


@pytest.mark.parametrize("change", ["attempt", "sentence"])
def test_a_late_error_of_what_is_over_does_not_end_what_is_played_now(
    start: Start, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    policy = GatedPolicy()
    runner = start(policy)
    changes: dict[str, Callable[[], None]] = {
        "attempt": lambda: runner.reset("shoot", seed=2),
        "sentence": lambda: runner.set_instruction("shoot"),
    }
    late_error(runner, policy, changes[change])
    assert runner.proposal(2) is None
    policy.let_go()
    assert runner.wait_for_plan(ENOUGH_S)
    assert runner.proposal(2) is not None
    # It is not lost: a mistake of ours must be found.
    assert "It broke." in caplog.text


def test_an_error_that_nobody_has_asked_for_ends_no_later_attempt(start: Start) -> None:
    policy = GatedPolicy()
    runner = start(policy)
    policy.error = ModelError("It broke.")
    runner.offer(frame(1), 1)
    policy.let_go()
    assert runner.wait_for_plan(ENOUGH_S)
    policy.error = None
    runner.reset("shoot", seed=2)
    runner.offer(frame(2), 0)
    policy.let_go()
    assert runner.wait_for_plan(ENOUGH_S)
    assert runner.proposal(0) is not None


def test_a_policy_that_cannot_begin_ends_its_attempt_whatever_the_sentence(start: Start) -> None:
    policy = GatedPolicy()
    runner = start(policy)
    plan(runner, policy, 1)
    policy.reset_error = ModelError("It does not begin.")
    runner.reset("shoot", seed=2)
    # It still thinks for the attempt before; the sentence changes before it can begin.
    runner.set_instruction("jump")
    policy.let_go()
    assert runner.wait_for_plan(ENOUGH_S)
    with pytest.raises(ModelError, match="does not begin"):
        runner.proposal(0)


def test_what_the_policy_says_is_said_for_the_sentence_it_was_told(start: Start) -> None:
    policy = GatedPolicy()
    runner = start(policy)
    plan(runner, policy, 1)
    assert runner.notice == "plays go"
    runner.set_instruction("shoot")
    assert runner.notice == ""
    policy.let_go()
    plan(runner, policy, 5)
    assert runner.notice == "plays shoot"
    # It is in the middle of a thought, so it has not heard of the new attempt.
    runner.reset("jump")
    assert runner.notice == ""


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (BackgroundRunner, "acts on pictures"),
        (partial(WaitingRunner, interrupted=lambda: False), "the game waits"),
    ],
)
def test_slow_answers_are_told_with_what_they_do_to_the_game(
    make: Callable[[GatedPolicy], BackgroundRunner], words: str
) -> None:
    policy = GatedPolicy()
    policy.latency_ms = 612.0
    runner = make(policy)
    runner.reset("go")
    try:
        plan(runner, policy, 0)
        # One alone may be a hiccup.
        assert runner.notice == "plays go"
        policy.let_go()
        plan(runner, policy, 2)
        assert "0.6 s" in runner.notice
        assert words in runner.notice
        policy.latency_ms = 20.0
        policy.let_go()
        plan(runner, policy, 4)
        policy.let_go()
        plan(runner, policy, 6)
        assert runner.notice == "plays go"
    finally:
        for _ in range(10):
            policy.let_go()
        runner.close()


def test_a_new_episode_forgets_the_plans_of_the_one_before(start: Start) -> None:
    policy = GatedPolicy()
    runner = start(policy)
    plan(runner, policy, 1)
    runner.reset("shoot", seed=7)
    assert runner.proposal(1) is None
    policy.let_go()
    runner.offer(frame(3), 0)
    policy.wait_until_thinking()
    assert runner.last_chunk() is None
    assert policy.resets == [("go", 1), ("shoot", 7)]
    assert policy.seen[-1] == (3, "shoot")


def test_answers_that_are_no_actions_are_counted(start: Start) -> None:
    policy = GatedPolicy(invalid=2)
    runner = start(policy)
    plan(runner, policy, 1)
    assert runner.invalid_outputs == 2
    # Each attempt counts its own, however late the last answer of the one before comes.
    runner.reset("shoot")
    policy.let_go()
    runner.offer(frame(3), 0)
    policy.wait_until_thinking()
    assert runner.invalid_outputs == 0


@pytest.mark.parametrize("error", [ModelError("It broke."), ZeroDivisionError("a bug")])
def test_an_error_comes_out_on_the_next_call_and_play_can_go_on(
    start: Start, error: Exception
) -> None:
    policy = GatedPolicy()
    runner = start(policy)
    policy.error = error
    runner.offer(frame(1), 1)
    policy.wait_until_thinking()
    policy.let_go()
    assert runner.wait_for_plan(ENOUGH_S)
    assert runner.last_chunk() is None
    with pytest.raises(type(error)):
        runner.proposal(1)
    # It is told once; the thread lives on.
    policy.error = None
    assert runner.proposal(1) is None
    plan(runner, policy, 2)
    assert runner.proposal(2) is not None


def test_close_waits_for_the_thought_under_way() -> None:
    policy = GatedPolicy()
    runner = BackgroundRunner(policy)
    runner.offer(frame(1), 1)
    policy.wait_until_thinking()
    closing = threading.Thread(target=runner.close)
    closing.start()
    assert closing.is_alive()
    policy.let_go()
    closing.join(ENOUGH_S)
    assert not closing.is_alive()
    assert not any(t.name == "inference" and t.is_alive() for t in threading.enumerate())


def test_in_lock_step_a_plan_is_used_up_before_the_next_thought() -> None:
    policy = GatedPolicy(length=2)
    runner = LockStepRunner(policy)
    for _ in range(3):
        policy.let_go()
    runner.reset("go")
    assert runner.proposal(0) is None
    yaws = []
    for tick in range(4):
        runner.offer(frame(tick), tick)
        proposal = runner.proposal(tick)
        assert proposal is not None
        yaws.append((proposal.action.hotbar, proposal.action.camera[1]))
    assert yaws == [(0, 0.0), (0, 1.0), (2, 0.0), (2, 1.0)]
    assert runner.notice == "plays go"
    # A new sentence drops the rest of a plan.
    runner.offer(frame(4), 4)
    runner.proposal(4)
    runner.set_instruction("shoot")
    policy.let_go()
    runner.offer(frame(5), 5)
    assert runner.notice == ""
    assert runner.proposal(5) is not None
    assert policy.seen[-1] == (5, "shoot")
    # Nor is a picture of the attempt before looked at.
    runner.reset("jump")
    assert (runner.notice, runner.last_chunk()) == ("told jump", None)
    assert runner.proposal(0) is None


@pytest.fixture
def patient() -> Iterator[tuple[WaitingRunner, GatedPolicy, list[bool]]]:
    policy = GatedPolicy()
    interruptions: list[bool] = []
    runner = WaitingRunner(policy, interrupted=lambda: bool(interruptions))
    runner.reset("go", seed=1)
    yield runner, policy, interruptions
    interruptions.append(True)
    for _ in range(10):
        policy.let_go()
    runner.close()


Patient = tuple[WaitingRunner, GatedPolicy, list[bool]]


def test_a_world_that_stands_still_waits_for_the_thought(patient: Patient) -> None:
    runner, policy, _ = patient
    for tick in range(3):
        runner.offer(frame(tick), tick)
        policy.wait_until_thinking()
        threading.Timer(0.01, policy.let_go).start()
        # It was not there when it was asked for.
        proposal = runner.proposal(tick)
        assert proposal is not None
        assert (proposal.action.hotbar, proposal.plan_age_ticks) == (tick, 0)


def test_a_wait_for_a_thought_can_be_interrupted(patient: Patient) -> None:
    runner, policy, interruptions = patient
    runner.offer(frame(1), 1)
    policy.wait_until_thinking()
    interruptions.append(True)
    assert runner.proposal(1) is None


def test_a_new_sentence_is_thought_about_while_the_world_stands_still(patient: Patient) -> None:
    runner, policy, _ = patient
    runner.offer(frame(1), 1)
    policy.wait_until_thinking()
    runner.set_instruction("shoot")
    policy.let_go()
    policy.wait_until_thinking()
    assert policy.seen == [(1, "go"), (1, "shoot")]
    policy.let_go()
    assert runner.proposal(1) is not None


def test_nothing_that_was_seen_in_the_attempt_before_is_thought_about(patient: Patient) -> None:
    runner, policy, _ = patient
    runner.offer(frame(1), 1)
    policy.wait_until_thinking()
    runner.reset("shoot", seed=2)
    runner.set_instruction("jump")
    policy.let_go()
    runner.offer(frame(3), 0)
    policy.wait_until_thinking()
    assert policy.seen == [(1, "go"), (3, "jump")]


def test_an_error_ends_the_wait_for_a_thought(patient: Patient) -> None:
    runner, policy, _ = patient
    policy.error = ModelError("It broke.")
    runner.offer(frame(1), 1)
    policy.let_go()
    with pytest.raises(ModelError):
        runner.proposal(1)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.lists(st.integers(1, 8), max_size=30), st.integers(0, 30))
def test_the_action_of_a_tick(length: int, steps: list[int], first: int) -> None:
    policy = GatedPolicy(length)
    runner = BackgroundRunner(policy)
    runner.reset("go")
    policy.let_go()
    runner.offer(frame(0), 0)
    assert runner.wait_for_plan(ENOUGH_S)
    last, tick, indices = length - 1, first, []
    for step in [0, *steps]:
        tick += step
        proposal = runner.proposal(tick)
        held_ticks = tick - max(first, last)
        assert (proposal is None) is (held_ticks > HOLD_TICKS)
        if proposal is not None:
            index = min(tick, last)
            assert proposal.plan_age_ticks == tick
            # Its own turn once, in the first tick that the action is given out.
            assert proposal.action.camera[1] == (index if index not in indices or not step else 0)
            indices.append(index)
    runner.close()
