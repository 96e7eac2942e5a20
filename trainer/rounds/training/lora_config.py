"""The hyper-parameters of a round; ``usual_config`` has those of small models."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from recorder.errors import UsageError
from trainer.data.sampling import MAX_VISITS, REPLAY_SHARE

MAX_STEPS = 160
KEPT_VOCABULARY = 8192
"""The answers before are kept whole, one number a word of the vocabulary and token."""


@dataclass(frozen=True, slots=True)
class LoraConfig:
    """Hyper-parameters of a round (reference: peers' recipes, docs/decisions.md).

    With ``head`` the output layer learns too: a control that the base was never taught to use has
    an output that all its training has pushed down.  ``checkpointing`` recomputes activations in
    the backward pass: less memory, a third more time; rounds switch it on for large models.  What
    is taught is seen ``visits`` times on average, or more often for there to be ``min_steps``.
    With ``mirror`` what is taught is learnt with left and right exchanged too, if its sentence
    names no side. With ``memory`` a sentence that is new to the base is told with what was done
    since it is heard (:mod:`model.language.action_memory`); not to a base that is shown earlier
    pictures, has another prompt than "picture" or plays on a server. With ``keep`` above 0 the
    answers to what is replayed are held to all that the model would have said before the round,
    by so much times their divergence (Kullback-Leibler, in nats a token), rather than to what was
    done there; not with a vocabulary of more than KEPT_VOCABULARY words. Then there are
    ``others`` times as many of the lesson's pictures with other sentences among what is replayed
    (:mod:`trainer.data.other_sentences`). By more than the part ``most_rise`` no loss of what is
    to be kept may surely rise, where the strength is chosen.
    """

    rank: int = 16
    alpha: int = 16
    learning_rate: float = 6e-4
    batch: int = 24
    min_steps: int = 20
    max_steps: int = MAX_STEPS
    visits: int = 6
    warmup_steps: int = 10
    check_every: int = 20
    patience: int = 3
    save_every_s: float = 30.0
    seed: int = 0
    checkpointing: bool = False
    mirror: bool = False
    memory: bool = True
    keep: float = 0.0
    others: float = 0.0
    head: bool = False
    most_rise: float = 0.05


def usual_config(*, large: bool, seed: int, max_steps: int = MAX_STEPS) -> LoraConfig:
    """Return how a ``large`` base is usually taught, or a small one.

    A small one learns faster than it forgets at a high rate, if what it knew is held hard
    (docs/log.md, 2026-11-30).  Of a large one that was not tried.
    """
    config = LoraConfig(seed=seed, max_steps=max_steps, checkpointing=large)
    return (
        config if large else replace(config, learning_rate=3e-3, keep=20.0, others=1.0, head=True)
    )


def with_settings(config: LoraConfig, settings: Mapping[str, str]) -> LoraConfig:
    """Return the hyper-parameters with some set, as they are written in a command ("mirror=true").

    Raises UsageError for a name that is none, and for a value of another kind.
    """
    found: dict[str, Any] = {}
    for name, text in settings.items():
        before = getattr(config, name, None)
        try:
            if isinstance(before, bool):
                found[name] = {"true": True, "false": False}[text]
            elif isinstance(before, int | float):
                found[name] = type(before)(text)
            else:
                raise ValueError(name)
        except (ValueError, KeyError) as error:
            known = ", ".join(each.name for each in fields(config))
            raise UsageError(
                f"{name}={text} is no setting of a round, so none was begun; the settings are: "
                f"{known}."
            ) from error
    return replace(config, **found)


def plan_steps(persons: int, config: LoraConfig) -> int:
    """Return the number of steps in which ``persons`` samples are seen ``visits`` times."""
    wanted = math.ceil(persons * config.visits / ((1 - REPLAY_SHARE) * config.batch))
    return max(1, min(config.max_steps, max(config.min_steps, wanted)))


def most_visits(persons: int, config: LoraConfig) -> int:
    """Return how often a round sees one of ``persons`` samples at most.

    A third more than on average in all its steps, and MAX_VISITS at least.
    """
    own = (1 - REPLAY_SHARE) * config.batch * plan_steps(persons, config)
    return max(MAX_VISITS, int(own / max(1, persons) * 4 / 3))
