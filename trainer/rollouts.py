"""States of the practice yard with the teacher's answer to every sentence.

The teacher has no memory, so one picture can be asked about every task at once.  States
come from a noisy teacher, and from the policy itself (DAgger: Ross et al. 2011), so that
the model learns what to do where it really goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from model.policy import Policy
from recorder.games.base import Task
from recorder.games.doom.game import DoomGame, HiddenState
from recorder.games.doom.tasks import TASKS, goal_of
from recorder.types import Action, Frame
from trainer.teacher import teach

FIRST_TRAINING_SEED = 100_000
LAST_TRAINING_SEED = 999_999
"""Seeds below and above are never trained on."""
MAX_EPISODE_TICKS = 110


@dataclass(frozen=True, slots=True, eq=False)
class LabelledState:
    """One state: the frame, where each thing is seen, the teacher's answers.

    ``actions[k]`` answers ``TASKS[k]``; ``present[k]`` says that its target is in the
    scene.  ``boxes`` maps a thing's key to (x, y, w, h) in pixels.  ``driven`` is the
    index of the task that was being played.
    """

    frame: Frame
    boxes: dict[str, tuple[int, int, int, int]]
    actions: tuple[Action, ...]
    present: tuple[bool, ...]
    driven: int
    episode_start: bool


def label_state(state: HiddenState, tasks: tuple[Task, ...] = TASKS) -> tuple[Action, ...]:
    """Return the teacher's action for every task in one state."""
    goals = [goal_of(task) for task in tasks]
    return tuple(teach(state, goal) for goal in goals if goal is not None)


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


def explore(
    game: DoomGame,
    rng: np.random.Generator,
    *,
    learner: Callable[[], Policy | None] = lambda: None,
    learner_share: float = 0.0,
    noise: float = 0.05,
) -> Iterator[LabelledState]:
    """Yield labelled states without end; ``game`` must have labels on.

    In ``learner_share`` of the episodes the policy that ``learner`` returns drives.
    """
    from model.policy import Observation

    while True:
        driven = int(rng.integers(len(TASKS)))
        task = TASKS[driven]
        seed = int(rng.integers(FIRST_TRAINING_SEED, LAST_TRAINING_SEED + 1))
        frame = game.reset(task, seed)
        policy = learner() if rng.random() < learner_share else None
        if policy is not None:
            policy.reset(task.instruction, seed=seed)
        mess = Noise(rng, noise if policy is None else 0.01)
        for tick in range(MAX_EPISODE_TICKS):
            state = game.hidden_state()
            actions = label_state(state)
            keys = {thing.key for thing in state.things}
            goals = [goal_of(each) for each in TASKS]
            yield LabelledState(
                frame=frame,
                boxes={t.key: t.box for t in state.things if t.box is not None},
                actions=actions,
                present=tuple(goal is not None and goal.kind.key in keys for goal in goals),
                driven=driven,
                episode_start=tick == 0,
            )
            if policy is None:
                chosen = actions[driven]
            else:
                chosen = policy.propose(Observation(frame, task.instruction)).actions[0]
            frame = game.step(mess.disturb(chosen))
            if game.outcome() is not None:
                break
