"""Thinking beside the game: the newest frame wins, old plans go, and errors come out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.play.policy import ActionChunk, Observation
from model.play.runner import (
    MAX_PLAN_AGE_TICKS,
    BackgroundRunner,
    LockStepRunner,
    WaitingRunner,
    action_for,
)
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
    history_frames = 0

    def __init__(self, length: int = 1, *, invalid: int = 0) -> None:
        self.length = length
        self.invalid = invalid
        self.error: BaseException | None = None
        self.seen: list[tuple[int, str]] = []
        self.resets: list[tuple[str, int | None]] = []
        self._begun = threading.Semaphore(0)
        self._go = threading.Semaphore(0)

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        self.resets.append((instruction, seed))

    def propose(self, observation: Observation) -> ActionChunk:
        self.seen.append((observation.frame.id, observation.instruction))
        self._begun.release()
        assert self._go.acquire(timeout=ENOUGH_S)
        if self.error is not None:
            raise self.error
        return chunk(observation.frame.id, self.length, invalid=self.invalid)

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


def test_a_stale_plan_is_no_plan(start: Start) -> None:
    policy = GatedPolicy()
    runner = start(policy)
    plan(runner, policy, 0)
    held = runner.proposal(MAX_PLAN_AGE_TICKS)
    assert held is not None
    assert held.plan_age_ticks == MAX_PLAN_AGE_TICKS
    assert runner.proposal(MAX_PLAN_AGE_TICKS + 1) is None


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
    late = runner.proposal(MAX_PLAN_AGE_TICKS)
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
    made = runner.last_chunk()
    assert made is not None
    assert made.frame_id == 1
    assert policy.seen[-1] == (5, "shoot")


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
    # A new sentence drops the rest of a plan.
    runner.offer(frame(4), 4)
    runner.proposal(4)
    runner.set_instruction("shoot")
    policy.let_go()
    runner.offer(frame(5), 5)
    assert runner.proposal(5) is not None
    assert policy.seen[-1] == (5, "shoot")


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


def test_an_error_ends_the_wait_for_a_thought(patient: Patient) -> None:
    runner, policy, _ = patient
    policy.error = ModelError("It broke.")
    runner.offer(frame(1), 1)
    policy.let_go()
    with pytest.raises(ModelError):
        runner.proposal(1)


@given(st.integers(1, 6), st.integers(0, 20), st.integers(0, 40), st.integers(0, 12))
def test_the_action_of_a_tick(length: int, made_at: int, tick: int, max_age: int) -> None:
    made = chunk(0, length)
    proposal = action_for(made, made_at, tick, max_age)
    age = tick - made_at
    if not 0 <= age <= max_age + length - 1:
        assert proposal is None
    else:
        assert proposal is not None
        assert proposal.plan_age_ticks == age
        assert proposal.action.camera[1] == min(age, length - 1)
