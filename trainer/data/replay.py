"""What the base was trained on, made anew: the anti-forgetting part of every round.

The practice yard is free to play, so nothing has to be shipped or stored: the teacher
answers several tasks on fresh training states.
"""

from __future__ import annotations

from itertools import islice

import numpy as np

from model.actions.tokens import encode_ids
from model.vla.preprocess import CheckpointSpec, resize
from recorder.games.doom.game import DoomGame
from recorder.games.doom.tasks import TASKS
from trainer.data.examples import Example
from trainer.data.yard_states import explore

KEEP_EVERY = 3
"""Neighbouring ticks look alike; one of three is kept."""


def replay_examples(
    spec: CheckpointSpec, count: int, *, seed: int
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Return about ``count`` training and ``count / 4`` held-out examples."""
    game = DoomGame(labels=True)
    rng = np.random.default_rng(seed)
    sides: tuple[list[Example], list[Example]] = ([], [])
    episode = 0
    try:
        states = explore(game, rng)
        for number, state in enumerate(islice(states, count * KEEP_EVERY * 2)):
            episode += state.episode_start
            if number % KEEP_EVERY:
                continue
            image = resize(state.frame.rgb, spec)
            present = [i for i, there in enumerate(state.present) if there]
            asked = (
                {state.driven, present[int(rng.integers(len(present)))]}
                if present
                else {state.driven}
            )
            side = sides[episode % 5 == 0]
            side.extend(
                Example(
                    image=image,
                    instruction=TASKS[index].instruction,
                    answer=encode_ids(state.actions[index]),
                    kind="replay",
                )
                for index in sorted(asked)
            )
            if len(sides[0]) >= count:
                break
    finally:
        game.close()
    return tuple(sides[0]), tuple(sides[1])
