"""The expert's answers to any sentence in any state of the yard, and which to ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recorder.games.base import Task
from recorder.games.doom import goals
from recorder.games.doom.goals import Goal, Step
from recorder.games.doom.state import HiddenState
from recorder.games.doom.tasks import goal_of
from recorder.types import Action
from trainer.experts.yard import VIEW_DEG, step_to_do, target_of, teach

Counts = Mapping[str, int]


def _begins_here(state: HiddenState, task: Task, counts: Counts) -> bool:
    """Say whether a sentence makes sense and nothing of it has been done yet.

    Of two things, whether the first was done cannot be seen later; a player of sentences
    with two parts hears them one after the other.
    """
    goal = goal_for(task)
    return step_to_do(state, goal) is goal.steps[0] and is_present(state, goal, counts)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the expert does for one task in one state.

    ``present``: all that the task is about is in the yard, in the number that its words
    suppose, so that the sentence makes sense there.  ``visible``: the thing to act on now
    is in view.  ``box`` is where that thing is seen, (x, y, w, h) in pixels, or None.
    """

    task: Task
    action: Action
    present: bool
    visible: bool
    box: tuple[int, int, int, int] | None


def answer(state: HiddenState, task: Task) -> Answer:
    """Return the expert's answer to one task; raises ValueError for a free task."""
    goal = goal_for(task)
    target = target_of(state, step_to_do(state, goal))
    return Answer(
        task=task,
        action=teach(state, goal),
        present=is_present(state, goal),
        visible=target is not None,
        box=None if target is None else target.box,
    )


def answers(state: HiddenState, tasks: Sequence[Task]) -> tuple[Answer, ...]:
    """Return the expert's answers to the given tasks, in their order."""
    return tuple(answer(state, task) for task in tasks)


def is_present(state: HiddenState, goal: Goal, counts: Counts | None = None) -> bool:
    """Say whether a sentence makes sense in a state.

    One of a kind for a plain name, two where a relation tells them apart; for two steps
    what is still to be done of them.  ``counts`` saves counting anew.
    """
    counts = count_kinds(state) if counts is None else counts
    to_do = step_to_do(state, goal)
    begun = goal.steps.index(to_do)
    return all(_fits(step, counts, state) for step in goal.steps[begun:])


def _fits(step: Step, counts: Counts, state: HiddenState) -> bool:
    if step.slot:
        return bool(state.scene.armed)
    if step.kind is None:
        return True
    if step.verb == goals.KEEP_AWAY:
        return any(t.stalks and t.key == step.kind.key for t in state.things)
    if step.verb in (goals.OPEN, goals.PRESS):
        return any(not t.used and t.key == step.kind.key for t in state.fixtures)
    return counts.get(step.kind.key, 0) == (2 if step.relation else 1)


def count_kinds(state: HiddenState) -> dict[str, int]:
    """Return how many of each kind stand in the yard."""
    counts: dict[str, int] = {}
    for thing in state.everything:
        counts[thing.key] = counts.get(thing.key, 0) + 1
    return counts


_GOALS: dict[str, Goal] = {}


def goal_for(task: Task) -> Goal:
    """Return what a task wants; raises ValueError for one that the yard cannot judge."""
    goal = _GOALS.get(task.id)
    if goal is None:
        goal = goal_of(task)
        if goal is None:
            raise ValueError(f"{task.id!r} is no task that the yard can judge")
        _GOALS[task.id] = goal
    return goal


class TaskChooser:
    """Chooses which sentences a state is asked about: those that make sense come first."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tuple(tasks)
        self._by_key: dict[str, list[Task]] = {}
        self._anywhere: list[Task] = []
        for task in self._tasks:
            kind = goal_for(task).steps[0].kind
            if kind is None:
                self._anywhere.append(task)
            else:
                self._by_key.setdefault(kind.key, []).append(task)

    def choose(
        self, state: HiddenState, driven: Task | None, rng: np.random.Generator, count: int
    ) -> tuple[Task, ...]:
        """Return up to ``count`` different tasks, ``driven`` first if there is one.

        Of the others about four of five are about what stands in the yard, visible things
        sixteen times as often; the rest are turns and walks, and things that are not there
        (they are searched for).  Looking for what cannot be seen is soon learnt, which of the
        things in view has that name is not.
        """
        chosen = {} if driven is None else {driven.id: driven}
        candidates: list[Task] = []
        weights: list[float] = []
        counts = count_kinds(state)
        in_view = {t.key for t in state.everything if abs(state.bearing(t)) < VIEW_DEG}
        for key in counts:
            fitting = [t for t in self._by_key.get(key, ()) if _begins_here(state, t, counts)]
            seen = key in in_view
            candidates += fitting
            weights += [(16.0 if seen else 1.0) / max(1, len(fitting))] * len(fitting)
        ends = np.cumsum(weights)
        for _ in range(4 * count):
            if len(chosen) >= count:
                break
            draw = rng.random()
            if draw < 0.8 and candidates:
                at = np.searchsorted(ends, rng.random() * ends[-1], side="right")
                task = candidates[int(at)]
            elif draw < 0.9 and self._anywhere:
                task = self._anywhere[int(rng.integers(len(self._anywhere)))]
                if not is_present(state, goal_for(task), counts):
                    continue
            else:
                task = self._tasks[int(rng.integers(len(self._tasks)))]
                # To keep away from what does not come, or to draw what is not owned, is
                # no search.
                if goal_for(task).verb in (goals.KEEP_AWAY, goals.SWITCH_TO):
                    continue
            chosen.setdefault(task.id, task)
        return tuple(chosen.values())
