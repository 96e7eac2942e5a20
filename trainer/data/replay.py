"""What the base was taught, made anew: the anti-forgetting part of every round on the yard's model.

The practice yard is free to play, so nothing has to be shipped or stored: the expert answers
sentences on fresh training states.  They are drawn over all that was taught, two steps and the
question whether something is done included, so that no verb and no sentence is passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.actions.tokens import encode_ids
from model.language.prompts import clean_instruction
from model.language.subgoals import NO, YES, done_question, plan_of
from model.vla.preprocess import CheckpointSpec, resize
from recorder.games.base import Task
from recorder.games.doom.game import DoomGame
from recorder.games.doom.tasks import TRAINED_TASKS
from trainer.data.examples import Example, Sides
from trainer.data.sampling import GATE_SHARE, SELECT_SHARE
from trainer.data.yard_states import AskedState, explore_asking
from trainer.experts.yard_answers import Answer

KEEP_EVERY = 3
"""Neighbouring ticks look alike; one of three is kept."""
ASKED = 10
"""So many sentences the expert answers in a state; the rarest of them so far are kept."""
KEPT = 2
"""So many sentences are kept of a state."""
DONE_SHARE = 0.1
"""Part of the examples that ask whether something is done, if the base was taught to say it."""
BARE_SHARE = 0.3
"""Part of the states with nothing in view that are used."""
MOST_STATES = 40
"""So many states are looked at for an example that is wanted, at most."""


@dataclass(slots=True)
class _Side:
    """Examples of one side on their way to ``wanted``; whole yards belong to it."""

    wanted: int
    examples: list[Example] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def filled(self) -> float:
        """How much of what is wanted is there, 1 for all."""
        return len(self.examples) / self.wanted if self.wanted else 1.0


def replay_examples(
    spec: CheckpointSpec, count: int, *, seed: int, tasks: Sequence[Task] = TRAINED_TASKS
) -> Sides:
    """Return about ``count`` examples to learn from, an eighth to choose by, a quarter to judge on.

    A sentence's part is one over the root of its verb's number of ``tasks``: all of them come up,
    and no verb is lost among "face" and "go to".
    """
    sides = (
        _Side(count),
        _Side(max(1, round(SELECT_SHARE * count))),
        _Side(max(1, round(GATE_SHARE * count))),
    )
    verbs = Counter(task.verb for task in tasks)
    parts = {task.id: verbs[task.verb] ** -0.5 for task in tasks}
    rng = np.random.default_rng(seed)
    side = sides[0]
    game = DoomGame(labels=True)
    try:
        states = explore_asking(game, rng, tasks, questions=ASKED, bare_share=BARE_SHARE)
        for number, state in enumerate(states):
            if all(each.filled >= 1 for each in sides) or number >= MOST_STATES * max(count, 10):
                break
            if state.episode_start:
                side = min(sides, key=lambda each: each.filled)
            just_done = any(over for _, over in state.done)
            if (number % KEEP_EVERY and not just_done) or side.filled >= 1:
                continue
            _take(side, state, spec, parts, rng)
    finally:
        game.close()
    return Sides(*(tuple(each.examples[: each.wanted]) for each in sides))


def _take(
    side: _Side,
    state: AskedState,
    spec: CheckpointSpec,
    parts: dict[str, float],
    rng: np.random.Generator,
) -> None:
    """Put a state's rarest sentences on a side, and whether something is done in it."""
    image = resize(state.frame.rgb, spec)
    fitting = [answer for answer in state.answers if answer.task.id in parts]
    order = rng.permutation(len(fitting))

    def heard_often(index: int) -> float:
        task = fitting[index].task
        return (side.said[task.id] + 1) / parts[task.id]

    for index in sorted(order.tolist(), key=heard_often)[:KEPT]:
        answer: Answer = fitting[index]
        side.said[answer.task.id] += 1
        side.examples.append(
            Example(image, _told(answer.task, spec), encode_ids(answer.action), "replay")
        )
    if spec.told_in_parts:
        _ask(side, state, image)


def _told(task: Task, spec: CheckpointSpec) -> str:
    """Return what the model is told for a sentence at its beginning, as in play."""
    if not spec.told_in_parts:
        return task.instruction
    return plan_of(clean_instruction(task.instruction)).now


def _ask(side: _Side, state: AskedState, image: NDArray[np.uint8]) -> None:
    """Ask whether a part is done, as often with either answer as there are states for it."""
    for task, over in state.done:
        words = YES if over else NO
        many = sum(side.asked.values()) >= DONE_SHARE * (len(side.examples) + 1)
        if many or side.asked[words] > min(side.asked[YES], side.asked[NO]):
            continue
        side.asked[words] += 1
        side.examples.append(
            Example(image, done_question(task.instruction), (), "replay", words=words)
        )
