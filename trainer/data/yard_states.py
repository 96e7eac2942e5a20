"""States of the practice yard with the expert's answers to chosen sentences.

The expert has no memory, so one picture can be asked about every task.  States come
from a noisy expert, and from the policy itself (DAgger: Ross et al. 2011), so that the
model learns what to do where it really goes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.play.policy import Policy
from recorder.errors import GameEndedError
from recorder.games.base import Task
from recorder.games.doom import goals
from recorder.games.doom.crowd import build_crowd
from recorder.games.doom.game import DoomGame
from recorder.games.doom.state import HiddenState
from recorder.games.doom.tasks import TASK_BY_ID
from recorder.games.doom.things import KINDS, Kind
from recorder.games.seeds import SeedRange
from recorder.types import Action, Frame
from trainer.experts.yard import target_of, teach
from trainer.experts.yard_answers import Answer, TaskChooser, answers, goal_for

log = logging.getLogger(__name__)

FIRST_TRAINING_SEED = 100_000
LAST_TRAINING_SEED = SeedRange.TRAINING.last
"""Seeds below and above are never trained on."""
MAX_EPISODE_TICKS = 110
TURN_MARGIN_TICKS = 14
"""A turn or walk goes on this long in training, though the judge is satisfied earlier."""
DONE_TICKS = 3
"""So long after its end it can be seen that something was just done: the flash of what was
taken, the fall of what was shot, the open door."""
LEAST_OF_A_VERB = 24
"""A verb that is done to things, and has fewer tasks, is played as if it had so many."""
SEEN_DONE_TIMES = 4
"""So often a state is given in which something was just done: there are few of them."""
UNDONE_ASKED = 0.25
"""The share of states that are asked whether what goes on is done already."""
NEARLY_DONE = 160.0
"""So near (map units between centres) what is to be done could be, every state is asked."""


Dones = tuple[tuple[Task, bool], ...]


@dataclass(frozen=True, slots=True, eq=False)
class AskedState:
    """One state with the expert's answers to chosen tasks; the first is being played.

    ``done``: tasks, and whether they have just been done.
    """

    frame: Frame
    state: HiddenState
    answers: tuple[Answer, ...]
    episode_start: bool
    done: Dones = ()


class Noise:
    """Bursts of a person-like mess: a wrong key or turn held for some ticks."""

    def __init__(self, rng: np.random.Generator, rate: float) -> None:
        self._rng = rng
        self._rate = rate
        self._left = 0
        self._action = Action()

    def disturb(self, action: Action) -> Action:
        """Return ``action``, or the mess while a burst lasts."""
        rng = self._rng
        if self._left > 0:
            self._left -= 1
            return self._action
        if rng.random() < self._rate:
            self._left = int(rng.integers(2, 12))
            move = rng.choice(["forward", "back", "left", "right", ""])
            pitch = float(rng.normal(0, 3)) if rng.random() < 0.1 else 0.0
            self._action = Action(camera=(pitch, float(rng.uniform(-10, 10))))
            if move:
                self._action = self._action.pressing(str(move))
            return self._action
        pitch, yaw = action.camera
        return action.with_camera(pitch, float(np.clip(yaw + rng.normal(0, 0.6), -10, 10)))


Drive = Callable[[], Policy | None]


VIEWS_OF_A_CROWD = 5
FEWEST_IN_VIEW = 3


def crowds_asking(
    game: DoomGame,
    rng: np.random.Generator,
    tasks: Sequence[Task],
    *,
    questions: int = 6,
    kinds: Sequence[Kind] = KINDS,
) -> Iterator[AskedState]:
    """Yield views of crowded yards with the expert's answers to a few tasks each, without end.

    One picture shows many things, so that what they look like is learnt from few pictures.
    ``kinds`` are those that the crowds are of.
    """
    chooser = TaskChooser(tasks)
    while True:
        try:
            yield from _views_of_a_crowd(game, rng, chooser, questions, kinds)
        except GameEndedError as error:
            log.warning("a crowd was left early: %s", error.sentence)


def _views_of_a_crowd(
    game: DoomGame,
    rng: np.random.Generator,
    chooser: TaskChooser,
    questions: int,
    kinds: Sequence[Kind],
) -> Iterator[AskedState]:
    """Yield the views of one crowded yard; raises GameEndedError if the engine ends."""
    seed = int(rng.integers(FIRST_TRAINING_SEED, LAST_TRAINING_SEED + 1))
    frame = game.show(build_crowd(seed, kinds), seed)
    for view in range(VIEWS_OF_A_CROWD):
        state = game.hidden_state()
        if sum(thing.box is not None for thing in state.everything) < FEWEST_IN_VIEW:
            frame = game.step(Action(camera=(0.0, float(rng.uniform(50.0, 310.0)) - 180.0)))
            state = game.hidden_state()
        asked = chooser.choose(state, None, rng, questions)
        yield AskedState(frame, state, answers(state, asked), view == 0)
        # Beyond what an action can do at once: the views should have little in common.
        turn = float(rng.uniform(30.0, 100.0) * rng.choice([-1, 1]))
        walk = Action(forward=bool(rng.random() < 0.7), sprint=True)
        for _ in range(int(rng.integers(1, 5))):
            game.step(walk)
        pitch = float(rng.normal(0, 4)) if rng.random() < 0.1 else 0.0
        frame = game.step(Action(camera=(pitch, turn)))


def _nobody() -> Policy | None:
    return None


class Ends:
    """Follows when the steps of what is played are done."""

    def __init__(self, task: Task) -> None:
        self.parts = tuple(TASK_BY_ID[part] for part in task.id.split("+"))
        self._ages: list[int | None] = [None] * len(self.parts)

    def look(self, game: DoomGame) -> Dones:
        """Return which steps were done in the newest ticks, and which is still to be done.

        To be called once a tick.  What was done longer ago cannot be seen any more, so that
        nothing is said of it.
        """
        over = game.steps_done
        found = []
        for number, part in enumerate(self.parts):
            if goal_for(part).steps[0].kind is None:
                # One picture does not tell that one has turned or walked.
                continue
            age = self._ages[number]
            if number < over:
                self._ages[number] = age = 0 if age is None else age + 1
                if age < DONE_TICKS:
                    found.append((part, True))
            elif number == over:
                found.append((part, False))
        return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    """A state before it is acted in: the step that is to be done, and what is done."""

    frame: Frame
    state: HiddenState
    part: Task
    start: bool
    done: Dones


def _shares(groups: Sequence[Sequence[Task]]) -> NDArray[np.float64]:
    """Return how often episodes of each verb begin (adding up to 1).

    A verb fills states in the measure of the square root of its number of tasks.
    """
    shares: list[float] = []
    for group in groups:
        about_things = goal_for(group[0]).steps[0].kind is not None
        count = max(len(group), LEAST_OF_A_VERB) if about_things else len(group)
        ticks = [min(task.max_ticks, MAX_EPISODE_TICKS) for task in group]
        shares.append(count**0.5 * len(ticks) / sum(ticks))
    return np.array(shares, dtype=np.float64) / sum(shares)


def _wander(
    game: DoomGame,
    rng: np.random.Generator,
    tasks: Sequence[Task],
    learner: Drive,
    learner_share: float,
    noise: float,
) -> Iterator[_Moment]:
    """Play tasks on training seeds without end; yield every state before it is acted in."""
    from model.play.policy import Observation

    by_verb: dict[str, list[int]] = {}
    for index, task in enumerate(tasks):
        by_verb.setdefault(task.verb, []).append(index)
    groups = list(by_verb.values())
    shares = _shares([[tasks[index] for index in group] for group in groups])
    while True:
        group = groups[int(rng.choice(len(groups), p=shares))]
        task = tasks[group[int(rng.integers(len(group)))]]
        seed = int(rng.integers(FIRST_TRAINING_SEED, LAST_TRAINING_SEED + 1))
        frame = game.reset(task, seed)
        policy = learner() if rng.random() < learner_share else None
        if policy is not None:
            policy.reset(task.instruction, seed=seed)
        mess = Noise(rng, noise if policy is None else 0.01)
        left = MAX_EPISODE_TICKS
        ends = Ends(task)
        for tick in range(MAX_EPISODE_TICKS):
            state = game.hidden_state()
            part = ends.parts[min(game.steps_done, len(ends.parts) - 1)]
            yield _Moment(frame, state, part, tick == 0, ends.look(game))
            if policy is None:
                chosen = teach(state, goal_for(task))
            else:
                chosen = policy.propose(Observation(frame, part.instruction)).actions[0]
            try:
                frame = game.step(mess.disturb(chosen))
            except GameEndedError as error:
                # The next episode starts another engine; what was seen until here is as good.
                log.warning("an episode of the practice yard was cut short: %s", error.sentence)
                break
            if game.outcome() is not None:
                # A turn has no end that could be seen, so its last picture is any picture.
                endless = goal_for(task).steps[-1].kind is None
                left = min(left - 1, TURN_MARGIN_TICKS if endless else DONE_TICKS)
                if left <= 0:
                    break


def _at_hand(state: HiddenState, task: Task) -> bool:
    """Say whether what a task is about is seen near, or is to be shot or faced and seen."""
    step = goal_for(task).steps[0]
    target = target_of(state, step)
    if target is None:
        return False
    return step.verb in (goals.SHOOT, goals.FACE) or state.distance(target) < NEARLY_DONE


def explore_asking(
    game: DoomGame,
    rng: np.random.Generator,
    tasks: Sequence[Task],
    *,
    questions: int = 6,
    learner: Drive = _nobody,
    learner_share: float = 0.0,
    noise: float = 0.05,
    bare_share: float = 1.0,
) -> Iterator[AskedState]:
    """Yield states with the expert's answers to a few chosen tasks each, without end.

    Made for long lists: only ``questions`` tasks are answered in a state, the one being
    played among them.  Of the states in which nothing is in view only ``bare_share`` (0
    to 1) are yielded; those in which something was just done several times.
    """
    chooser = TaskChooser(tasks)
    for moment in _wander(game, rng, tasks, learner, learner_share, noise):
        state = moment.state
        just_done = any(over for _, over in moment.done)
        bare = not just_done and not any(thing.box for thing in state.everything)
        if bare and rng.random() > bare_share:
            continue
        asks = just_done or _at_hand(state, moment.part) or rng.random() < UNDONE_ASKED
        told = moment.done if asks else ()
        for time in range(SEEN_DONE_TIMES if just_done else 1):
            asked = chooser.choose(state, moment.part, rng, questions)
            start = moment.start and time == 0
            yield AskedState(moment.frame, state, answers(state, asked), start, told)
