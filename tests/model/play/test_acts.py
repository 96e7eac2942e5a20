"""What was done reaches the player, whoever did it and however it is run."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from toy_game import TASKS, ToyGame

from model.play.episode import Decision, EpisodeLoop, Proposal, Runner
from model.play.policy import ActionChunk, Observation
from model.play.runner import BackgroundRunner, LockStepRunner, WaitingRunner
from recorder.types import NO_ACTION, Action, Driver, Frame

ENOUGH_S = 10.0
"""Only a failing test waits this long."""


class Jumper:
    """Wants to jump in every tick, and notes what it was told of each picture."""

    name = "jumper"

    def __init__(self) -> None:
        self.told: dict[int, tuple[str, ...]] = {}

    def reset(self, instruction: str, *, seed: int | None = None) -> None: ...

    def propose(self, observation: Observation) -> ActionChunk:
        self.told[observation.frame.id] = observation.acts
        return ActionChunk((Action(jump=True),), observation.frame.id, 1.0)

    def told_of(self, frame: Frame) -> tuple[str, ...]:
        ends = time.monotonic() + ENOUGH_S
        while frame.id not in self.told and time.monotonic() < ends:
            time.sleep(0.001)
        return self.told[frame.id]


def person(action: Action) -> Callable[[Frame, Proposal | None], Decision]:
    return lambda frame, proposal: Decision(action, Driver.PERSON)


@pytest.mark.parametrize(
    "run",
    [LockStepRunner, BackgroundRunner, lambda p: WaitingRunner(p, interrupted=lambda: False)],
    ids=["lock-step", "background", "waiting"],
)
def test_what_a_person_did_is_told_and_what_was_only_proposed_is_not(
    run: Callable[[Jumper], Runner],
) -> None:
    policy = Jumper()
    runner = run(policy)
    try:
        loop = EpisodeLoop(ToyGame(distance=40), runner, policy_name="jumper")
        loop.begin(TASKS[0], 0)
        for action in (NO_ACTION, Action(use=True), NO_ACTION):
            runner.wait_for_plan()
            loop.tick(person(action))
        runner.proposal(loop.index)
        # It wanted to jump all the time, and nobody let it.
        assert policy.told_of(loop.frame) == ("use",)
        loop.set_instruction("reach the green dot")
        loop.tick(person(Action(attack=True)))
        loop.tick(person(NO_ACTION))
        runner.wait_for_plan()
        runner.proposal(loop.index)
        assert policy.told_of(loop.frame) == ("attack",)
        loop.begin(TASKS[0], 1)
        runner.wait_for_plan()
        runner.proposal(0)
        assert policy.told_of(loop.frame) == ()
    finally:
        runner.close()


def test_a_sentence_changed_has_nothing_done_before_the_next_picture() -> None:
    policy = Jumper()
    loop = EpisodeLoop(ToyGame(distance=40), LockStepRunner(policy), policy_name="jumper")
    loop.begin(TASKS[0], 0)
    for action in (Action(use=True), NO_ACTION):
        loop.tick(person(action))
    loop.set_instruction("reach the green dot")
    loop.tick()
    assert policy.told[max(policy.told)] == ()


@pytest.mark.parametrize(
    "run",
    [LockStepRunner, BackgroundRunner, lambda p: WaitingRunner(p, interrupted=lambda: False)],
    ids=["lock-step", "background", "waiting"],
)
def test_a_sentence_set_again_keeps_what_was_done(run: Callable[[Jumper], Runner]) -> None:
    """After a pause a thought must not begin between the sentence and what was done."""
    policy = Jumper()
    runner = run(policy)
    try:
        game = ToyGame(distance=40)
        frame = game.reset(TASKS[0], 0)
        runner.reset("jump", seed=0)
        runner.offer(frame, 0, ("jump",))
        runner.wait_for_plan()
        runner.proposal(0)
        assert policy.told_of(frame) == ("jump",)
        policy.told.clear()
        runner.set_instruction("jump", ("jump", "use"))
        if isinstance(runner, WaitingRunner):
            # It thinks at once of the newest picture.
            assert policy.told_of(frame) == ("jump", "use")
        after = game.step(NO_ACTION)
        runner.offer(after, 1, ("jump", "use"))
        runner.proposal(1)
        assert policy.told_of(after) == ("jump", "use")
    finally:
        runner.close()
