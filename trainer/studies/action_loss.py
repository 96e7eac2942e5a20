"""The loss of a checkpoint's actions on fixed states that no training saw.

Nats a token of the expert's answers, on unseen seeds, so that checkpoints and trainings
are compared on the same states; the loss that a training logs is that of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.actions.tokens import encode_ids
from model.vla.preprocess import load_spec, patches, resize
from recorder.games.base import Task
from recorder.games.doom.game import DoomGame
from recorder.games.doom.tasks import TASK_BY_ID
from recorder.games.seeds import SeedRange
from recorder.types import Action
from trainer.data.forward_pass import Sequences, load_checkpoint
from trainer.data.yard_states import Noise
from trainer.experts.yard_answers import answer
from trainer.pretraining.losses import Trainee

FIRST_SEED = SeedRange.VALIDATION.first + 500_000
"""Far from the seeds that are played for a success rate."""
SEEDS = 4
EVERY = 4
"""Of an episode every so many-th state; its neighbours look alike."""
NOISE = 0.1
BATCH = 16
INSTRUCTIONS: tuple[Task, ...] = tuple(
    TASK_BY_ID[name]
    for name in (
        "go_to:barrel",
        "pick_up:medkit",
        "shoot:demon",
        "face:green_torch",
        "keep_away_from:imp",
        "open:blue_door",
        "press:red_switch",
        "stand_still:tree",
        "switch_to:shotgun",
        "turn_left",
        "turn_around",
        "walk_forward",
    )
)
"""What trainings are compared by: one each of twelve verbs, all but turn right, walk back and
walk sideways."""


@dataclass(frozen=True, slots=True, eq=False)
class TaughtState:
    """A picture (H x W x 3, uint8), what was asked for, and what the expert does."""

    rgb: NDArray[np.uint8]
    instruction: str
    action: Action


def taught_states(
    tasks: Sequence[Task], *, seeds: int = SEEDS, every: int = EVERY
) -> list[TaughtState]:
    """Return states of the expert's noisy play of every task on ``seeds`` unseen seeds."""
    states = []
    game = DoomGame(labels=True)
    try:
        for number, task in enumerate(tasks):
            for seed in range(FIRST_SEED, FIRST_SEED + seeds):
                noise = Noise(np.random.default_rng((seed, number)), NOISE)
                frame = game.reset(task, seed)
                for tick in range(task.max_ticks):
                    done = answer(game.hidden_state(), task).action
                    if tick % every == 0:
                        states.append(TaughtState(frame.rgb.copy(), task.instruction, done))
                    frame = game.step(noise.disturb(done))
                    if game.outcome() is not None:
                        break
    finally:
        game.close()
    return states


def action_loss(checkpoint: Path, states: Sequence[TaughtState]) -> float:
    """Return the mean loss (nats a token) of the expert's actions in ``states``.

    Raises ModelError where the checkpoint does not load, ValueError without states.
    """
    if not states:
        raise ValueError("a loss needs at least one state")
    import torch

    model, tokenizer = load_checkpoint(checkpoint)
    spec = load_spec(checkpoint)
    sequences = Sequences(model, tokenizer, spec)
    trainee = Trainee(model, tokenizer).eval()
    trainee.sequences = sequences
    total, tokens = 0.0, 0
    for first in range(0, len(states), BATCH):
        chosen = states[first : first + BATCH]
        blocks = [
            sequences.action_block(state.instruction, list(encode_ids(state.action)))
            for state in chosen
        ]
        batch = np.zeros(
            len(chosen),
            [
                ("actions", np.uint16, (1, max(len(block.tokens) for block in blocks))),
                ("action_start", np.uint8, (1,)),
                ("action_length", np.uint8, (1,)),
            ],
        )
        for row, block in zip(batch, blocks, strict=True):
            row["actions"][0, : len(block.tokens)] = block.tokens
            row["action_start"], row["action_length"] = block.start, len(block.tokens)
        images = np.stack([resize(state.rgb, spec) for state in chosen])
        with torch.no_grad():
            vision = sequences.see(torch.from_numpy(patches(images, spec)))
            loss, _ = trainee.asked(vision, batch, "action")
        answered = sum(len(block.tokens) - block.start for block in blocks)
        total += float(loss) * answered
        tokens += answered
    return total / tokens
