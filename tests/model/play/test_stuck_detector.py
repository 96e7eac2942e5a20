"""Loops are noticed, answered by heat or by asking, and forgotten when the picture moves."""

from __future__ import annotations

import numpy as np
from scripted import ScriptedPolicy

from model.play.policy import Observation, Policy
from model.play.sampling import Sampling
from model.play.stuck_detector import (
    PRACTICE_WATCH,
    STUCK,
    StuckWatch,
    WatchedPolicy,
    WatchSettings,
)
from recorder.types import Action, Frame

HIT = Action(attack=True)
SETTINGS = WatchSettings(answers=3, step=0.4, hottest=1.0)


def seen(shade: int) -> Observation:
    return Observation(Frame(0, 0, np.full((64, 96, 3), shade, np.uint8)), "go")


class Sampled(ScriptedPolicy):
    def __init__(self, actions: list[Action]) -> None:
        super().__init__(actions)
        self.sampling = Sampling(0.0)
        self.notice = "own"


def test_equal_answers_before_a_resting_picture_are_a_loop() -> None:
    watch = StuckWatch(SETTINGS)
    picture = seen(9).frame.rgb
    assert [watch.look(picture, HIT) for _ in range(7)] == [0, 0, 1, 1, 1, 2, 2]
    assert watch.look(picture, Action(jump=True)) == 0


def test_a_moving_picture_is_no_loop() -> None:
    watch = StuckWatch(SETTINGS)
    assert not any(watch.look(seen(shade).frame.rgb, HIT) for shade in range(0, 200, 5))


def test_heat_rises_to_its_bound_and_ends_with_the_loop() -> None:
    policy = Sampled([HIT] * 12 + [Action(jump=True)] * 2)
    watched = WatchedPolicy(policy, SETTINGS)
    assert isinstance(watched, Policy)
    watched.reset("go")
    heats = []
    for _ in range(12):
        watched.propose(seen(3))
        heats.append(policy.sampling.temperature)
    assert heats == [0, 0, 0.4, 0.4, 0.4, 0.8, 0.8, 0.8, 1, 1, 1, 1]
    assert "more at random" in watched.notice
    assert watched.stuck == 1
    watched.propose(seen(3))
    assert policy.sampling == Sampling(0.0)
    assert watched.notice == "own"


def test_without_heat_the_person_is_asked() -> None:
    watched = WatchedPolicy(ScriptedPolicy([HIT] * 9), SETTINGS)
    watched.reset("go")
    for _ in range(4):
        watched.propose(seen(3))
    assert "take over" in watched.notice
    watched.reset("go")
    assert (watched.notice, watched.stuck, watched.name) == ("", 0, "scripted")


LEFT, RIGHT = Action(camera=(0.0, -5.0)), Action(camera=(0.0, 5.0))


def test_who_swings_between_two_views_is_stuck_though_no_action_repeats() -> None:
    watch = StuckWatch(PRACTICE_WATCH)
    swings = [(40, LEFT), (90, RIGHT)] * 10
    found = [watch.look(seen(shade).frame.rgb, action) for shade, action in swings]
    assert found[: PRACTICE_WATCH.window] == [0] * PRACTICE_WATCH.window
    assert found[-1] == 1
    # A new view is the way out.
    fresh = range(100, 200, 8)
    assert [watch.look(seen(shade).frame.rgb, LEFT) for shade in fresh][-1] == 0


def test_what_takes_its_time_before_a_resting_picture_is_no_loop() -> None:
    watch = StuckWatch(PRACTICE_WATCH)
    assert not any(watch.look(seen(9).frame.rgb, HIT) for _ in range(72))
    assert not any(watch.look(seen(20 + 4 * n).frame.rgb, LEFT) for n in range(50))


def test_the_practice_model_is_watched_without_another_temperature() -> None:
    policy = Sampled([LEFT, RIGHT] * 12)
    watched = WatchedPolicy(policy, PRACTICE_WATCH)
    watched.reset("go")
    for shade in (40, 90) * 10:
        watched.propose(seen(shade))
    assert (watched.notice, policy.sampling) == (STUCK, Sampling(0.0))
    watched.reset("go")
    assert watched.notice == "own"
