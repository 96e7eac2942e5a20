"""Recorded sentences with several parts, put down to the part that was in force.

Where the model hears such a sentence part by part (:mod:`model.parts`), it has to be taught
so too.  Nobody says when a part was done, so the model itself is asked of every recorded
picture, as it is in play.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from model.parts import NO, YES, Plan, done_question, split_instruction
from model.preprocess import CheckpointSpec
from model.tokens import decode_ids
from recorder.types import RGBImage
from trainer.dataset import Example, Split

JustDone = Callable[[RGBImage, str], float]
"""How probably (0 to 1) a picture shows that what a sentence wants has just been done."""


def by_part(examples: Sequence[Example], just_done: JustDone) -> tuple[Example, ...]:
    """Return the examples with the part of their sentence that each belongs to.

    ``examples`` of an episode are in the order of their ticks.
    """
    heard: list[Example] = []
    for _, group in groupby(examples, key=lambda each: (each.episode_id, each.instruction)):
        own = list(group)
        plan = Plan(split_instruction(own[0].instruction))
        for example in own:
            heard.append(replace(example, instruction=plan.now))
            if plan.more:
                plan.follow(just_done(example.image, plan.now), decode_ids(example.answer)[0])
    return tuple(heard)


def hear_by_part(split: Split, model: Any, tokenizer: Any, spec: CheckpointSpec) -> Split:
    """Return a round's examples as the model hears them in play."""
    if not spec.parts:
        return split
    ask = asker(model, tokenizer, spec)
    return Split(by_part(split.train, ask), by_part(split.held_out, ask))


def asker(model: Any, tokenizer: Any, spec: CheckpointSpec) -> JustDone:
    """Return how a model is asked whether something has just been done."""
    import torch

    from model.preprocess import patches
    from trainer.posttrain_forward import Sequences

    sequences = Sequences(model, tokenizer, spec)
    first = [tokenizer(said, add_special_tokens=False).input_ids[0] for said in (YES, NO)]

    @torch.no_grad()
    def just_done(image: RGBImage, said: str) -> float:
        pixels = torch.from_numpy(patches(np.ascontiguousarray(image)[None], spec))
        vision = sequences.see(pixels.to(model.device))
        logits = sequences.next_logits(vision, done_question(said), [])
        return float(logits[first].float().softmax(-1)[0])

    return just_done
