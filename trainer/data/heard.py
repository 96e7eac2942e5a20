"""Recorded sentences as the model hears them in play.

Where the model hears a sentence part by part (:mod:`model.language.subgoals`) or in other words
(:mod:`model.language.paraphrase`), it has to be taught so too.  Nobody says when a part was
done, so the model itself is asked of every recorded picture, as it is in play.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from model.actions.tokens import decode_ids
from model.language.paraphrase import Sayings
from model.language.prompts import clean_instruction
from model.language.subgoals import Plan, done_question, plan_of, yes_no_ids
from model.vla.preprocess import CheckpointSpec
from recorder.types import RGBImage
from trainer.data.examples import Example, Passed, Sides

Restate = Callable[[str], str]
JustDone = Callable[[RGBImage, str], float]
"""How probably (0 to 1) a picture shows that what a sentence wants has just been done."""


def by_part(
    examples: Sequence[Example], just_done: JustDone, restate: Restate = str
) -> tuple[Example, ...]:
    """Return the examples with what the model is told: the part that each belongs to.

    ``examples`` of an episode are in the order of their ticks.  The ticks that are not learnt
    from are followed too, or a correction in the second part would be taught as the first.
    ``restate`` puts a part into the words that the model was taught.
    """
    heard: list[Example] = []
    for _, group in groupby(examples, key=_sentence_of):
        own = list(group)
        plan = plan_of(clean_instruction(own[0].instruction))
        told = restate(plan.now)

        def seen(tick: Example | Passed, plan: Plan = plan) -> None:
            nonlocal told
            if plan.more:
                done = just_done(tick.image, told) if plan.asks else 0.0
                if plan.follow(done, decode_ids(tick.answer)[0]):
                    told = restate(plan.now)

        for example in own:
            for tick in example.passed:
                seen(tick)
            acts = () if len(plan.parts) > 1 else example.acts
            heard.append(replace(example, instruction=told, passed=(), acts=acts))
            seen(example)
    return tuple(heard)


def _sentence_of(example: Example) -> tuple[int | None, int, str]:
    return example.episode_id, example.sentence, example.instruction


def as_heard(
    sides: Sides, model: Any, tokenizer: Any, spec: CheckpointSpec, folder: Path | None
) -> Sides:
    """Return a round's examples as a checkpoint hears them in play.

    ``folder`` is the checkpoint's, None where sentences are told as they were typed.
    """
    sayings = None if folder is None else Sayings.load(folder)
    restate: Restate = str if sayings is None else sayings.restate
    if not spec.told_in_parts:
        told = cache(lambda said: restate(clean_instruction(said)))
        return sides.changed(lambda examples: _told(examples, told))
    ask = asker(model, tokenizer, spec)
    return sides.changed(lambda examples: by_part(examples, ask, restate))


def _told(examples: Sequence[Example], told: Restate) -> tuple[Example, ...]:
    return tuple(replace(each, instruction=told(each.instruction)) for each in examples)


def asker(model: Any, tokenizer: Any, spec: CheckpointSpec) -> JustDone:
    """Return how a model is asked whether something has just been done."""
    import torch

    from model.vla.preprocess import patches
    from trainer.data.forward_pass import Sequences

    sequences = Sequences(model, tokenizer, spec)
    first = yes_no_ids(tokenizer)

    @torch.no_grad()
    def just_done(image: RGBImage, said: str) -> float:
        pixels = torch.from_numpy(patches(np.ascontiguousarray(image)[None], spec))
        vision = sequences.see(pixels.to(model.device))
        logits = sequences.next_logits(vision, done_question(said), [])
        return float(logits[first].float().softmax(-1)[0])

    return just_done
