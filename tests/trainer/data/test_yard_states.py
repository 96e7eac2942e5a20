"""The expert's labels: honest, cheap, and about what a picture can tell."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import psutil
import pytest

from recorder.games.base import free_task
from recorder.games.doom.game import DoomGame
from recorder.games.doom.tasks import TASK_BY_ID, TASKS, TRAINED_TASKS, goal_of
from recorder.types import Action
from trainer.data.yard_states import (
    DONE_TICKS,
    MAX_EPISODE_TICKS,
    AskedState,
    Ends,
    _shares,
    crowds_asking,
    explore_asking,
)
from trainer.experts.yard import teach
from trainer.experts.yard_answers import TaskChooser, answer, answers, is_present


@pytest.fixture(scope="module")
def yard() -> Iterator[DoomGame]:
    game = DoomGame(width=160, height=120, labels=True)
    yield game
    game.close()


def test_an_answer_is_the_experts_and_tells_what_is_there(yard: DoomGame) -> None:
    yard.reset(TASK_BY_ID["go_to:nearest:tree"], 150_000)
    state = yard.hidden_state()
    nearest, plain, absent, turn = answers(
        state,
        [TASK_BY_ID[t] for t in ("go_to:nearest:tree", "go_to:tree", "open:red_door", "turn_left")],
    )
    goal = goal_of(nearest.task)
    assert goal is not None
    assert nearest.action == teach(state, goal)
    assert nearest.present
    # "the tree" says nothing where two stand.
    assert not plain.present
    if not any(fixture.key == "red_door" for fixture in state.fixtures):
        assert (absent.present, absent.visible, absent.box) == (False, False, None)
        assert absent.action == Action(camera=(0.0, 10.0))
    assert turn.present
    assert turn.action == Action(camera=(0.0, -10.0))
    with pytest.raises(ValueError, match="no task that the yard can judge"):
        answer(state, free_task("dance"))


def test_a_label_depends_on_the_state_only(yard: DoomGame) -> None:
    """Asked in any order, at any time, the expert says the same."""
    yard.reset(TASKS[0], 150_001)
    states = []
    for _ in range(6):
        states.append(yard.hidden_state())
        yard.step(Action(forward=True, camera=(0.0, 6.0)))
    asked = TRAINED_TASKS[::17]
    forwards = [answers(state, asked) for state in states]
    backwards = [answers(state, asked) for state in reversed(states)]
    assert forwards == backwards[::-1]


def test_after_the_first_of_two_steps_the_second_is_to_be_done(yard: DoomGame) -> None:
    task = TASK_BY_ID["pick_up:space_suit+shoot:imp"]
    goal = goal_of(task)
    assert goal is not None
    yard.reset(task, 150_002)
    while yard.step_to_do == 0:
        state = yard.hidden_state()
        first = answer(state, TASK_BY_ID["pick_up:space_suit"])
        assert answer(state, task).action == first.action
        assert is_present(state, goal)
        yard.step(teach(state, goal))
        assert yard.outcome() is None
    after = yard.hidden_state()
    assert answer(after, task).action == answer(after, TASK_BY_ID["shoot:imp"]).action
    assert is_present(after, goal)


def test_chosen_tasks_differ_and_begin_with_the_played_one(yard: DoomGame) -> None:
    chooser = TaskChooser(TRAINED_TASKS)
    rng = np.random.default_rng(0)
    task = TASK_BY_ID["open:red_door"]
    yard.reset(task, 150_003)
    present = []
    for _ in range(40):
        chosen = chooser.choose(yard.hidden_state(), task, rng, 6)
        assert chosen[0] == task
        assert len({each.id for each in chosen}) == len(chosen) == 6
        for each in chosen[1:]:
            goal = goal_of(each)
            assert goal is not None
            present.append(is_present(yard.hidden_state(), goal))
    assert 0.55 < np.mean(present) < 0.95


def test_what_was_just_done_is_told_for_as_long_as_it_can_be_seen(yard: DoomGame) -> None:
    task = TASK_BY_ID["pick_up:space_suit+shoot:imp"]
    goal = goal_of(task)
    assert goal is not None
    yard.reset(task, 150_002)
    ends, told = Ends(task), []
    over = 0
    while over < DONE_TICKS + 2:
        told.append(dict(ends.look(yard)))
        yard.step(teach(yard.hidden_state(), goal))
        over += yard.outcome() is not None
    first, second = TASK_BY_ID["pick_up:space_suit"], TASK_BY_ID["shoot:imp"]
    assert told[0] == {first: False}
    said = [states.get(first) for states in told]
    begun = said.index(True)
    assert said == [False] * begun + [True] * DONE_TICKS + [None] * (len(told) - begun - DONE_TICKS)
    # The second part is asked about from the moment at which it is to be done.
    assert [states.get(second) for states in told[:begun]] == [None] * begun
    assert [states.get(second) for states in told[begun:]].count(True) == DONE_TICKS


def test_turning_has_no_end_that_a_picture_shows(yard: DoomGame) -> None:
    task = TASK_BY_ID["turn_left"]
    yard.reset(task, 150_002)
    ends = Ends(task)
    for _ in range(20):
        assert ends.look(yard) == ()
        yard.step(Action(camera=(0.0, -10.0)))
    assert yard.outcome() is not None


def test_verbs_with_few_tasks_are_played_as_if_they_had_more() -> None:
    groups = [
        [task for task in TRAINED_TASKS if task.verb == verb]
        for verb in ("go to", "open", "stand still", "turn left")
    ]
    shares = _shares(groups)
    assert shares.sum() == pytest.approx(1.0)
    ticks = shares * [min(group[0].max_ticks, MAX_EPISODE_TICKS) for group in groups]
    go, opened, stood, turned = ticks / ticks[0]
    assert go == 1.0
    assert opened == pytest.approx(stood) == pytest.approx((24 / 72) ** 0.5)
    assert turned == pytest.approx((1 / 72) ** 0.5)


def test_exploring_is_reproducible_and_stays_on_training_seeds(
    yard: DoomGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = []
    reset = yard.reset
    monkeypatch.setattr(
        yard, "reset", lambda task, seed: seeds.append((task.split, seed)) or reset(task, seed)
    )
    runs = []
    for _ in range(2):
        states = explore_asking(yard, np.random.default_rng(3), TRAINED_TASKS, questions=4)
        runs.append([(state.episode_start, state.answers) for state in islice(states, 320)])
    assert runs[0] == runs[1]
    assert runs[0][0][0]
    assert len(seeds) >= 6
    assert all(split == "train" and 100_000 <= seed < 1_000_000 for split, seed in seeds)


@pytest.mark.parametrize("what", ["play", "crowds"])
def test_an_engine_that_ends_costs_an_episode_and_not_the_training(
    yard: DoomGame, what: str
) -> None:
    rng = np.random.default_rng(4)
    states: Iterator[AskedState] = (
        explore_asking(yard, rng, TRAINED_TASKS, questions=2)
        if what == "play"
        else crowds_asking(yard, rng, TRAINED_TASKS, questions=2)
    )
    next(states)
    holder = yard._room.engine
    assert holder is not None
    (engine,) = psutil.Process(holder.pid).children()
    engine.kill()
    psutil.wait_procs([engine], timeout=30)
    assert next(states).episode_start
    assert yard._room.engine is not holder


def test_a_crowd_shows_many_things_and_asks_about_them(yard: DoomGame) -> None:
    states = crowds_asking(yard, np.random.default_rng(5), TRAINED_TASKS, questions=6)
    some = [next(states) for _ in range(15)]
    assert np.mean([sum(t.box is not None for t in one.state.everything) for one in some]) > 3
    for one in some:
        assert answers(one.state, [each.task for each in one.answers]) == one.answers
    assert len({task.task.id for one in some for task in one.answers}) > 20
