"""Reads what a round learns from and is checked on, worded as the model is told in play."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recorder.errors import DataError, UsageError
from trainer.data.sampling import GATE_SHARE, SELECT_SHARE, stratified
from trainer.rounds import protocol
from trainer.rounds.inputs import chosen_episodes, parent_tensors, reach_of, remembered_by

if TYPE_CHECKING:
    from pathlib import Path

    from model.vla.device import DeviceChoice
    from model.vla.preprocess import CheckpointSpec
    from trainer.data.examples import Example, Sides
    from trainer.data.material import Material
    from trainer.rounds.round import RoundPlan
    from trainer.rounds.training.lora import LoraTask

EARLIER_SHARE = 0.5
"""So many examples of earlier lessons are replayed, at most, for one of what the base knew."""
STOPPED_BY = 40
"""So many examples of what is to be kept are there to stop by, at least."""
PRACTISED_EXAMPLES = 200
"""So many pictures with sentences that were practised, in all."""
Say = Callable[[protocol.Message], None]


@dataclass(frozen=True, slots=True)
class Read:
    """What a round was read of: the lessons, what the base knew, what earlier rounds taught.

    ``practised`` are the sentences that the parent has practised: nothing shows them.
    ``games`` are those of the lessons' episodes.
    """

    material: Material
    taught: Sides
    known: Sides
    earlier: Sides
    practised: tuple[str, ...] = ()
    games: frozenset[str] = frozenset()

    def pictures(self, replay: int) -> int:
        """Return how many examples the model will see, at most; ``replay`` are asked for."""
        most = round(replay * (1 + SELECT_SHARE + GATE_SHARE))
        return len(self.taught) + len(self.known) + min(most, len(self.earlier))


def read_lessons(plan: RoundPlan, spec: CheckpointSpec, *, released: bool, say: Say) -> Read:
    """Read what is taught, and what the agent could before.

    That is what the base brings with it, or what the practice yard's expert does; of a
    ``released`` base all earlier episodes stand for it.  Beside it stand the lessons of the
    parent's round and of those before.  Raises DataError where too little was driven by a person.
    """
    from recorder.store import Reader
    from trainer.data.earlier_lessons import (
        earlier_examples,
        earlier_rows,
        practised_by,
        taught_by,
    )
    from trainer.data.examples import Sides, read_examples, taught_actions
    from trainer.data.material import material_of
    from trainer.data.replay import replay_examples
    from trainer.data.shipped_replay import shipped_replay

    actions = taught_actions(spec.chunk)
    say(protocol.Stage("reading", "Reading what you recorded."))
    with Reader.open(plan.data) as reader:
        rows = chosen_episodes(reader, plan.query, plan.round)
        material = material_of(reader, rows)
        if material.lack:
            raise DataError(material.lack)
        say(protocol.Stage("reading", material.sentence))
        taught = read_examples(reader, rows, spec, actions)
        # For a released base every other episode is what it can be said to know.
        learnt = None if released else taught_by(reader, plan.parent)
        before = earlier_rows(reader, rows, learnt, reach_of(reader, plan.round))
        if before:
            say(protocol.Stage("replay", "Reading what you taught before."))
        earlier = earlier_examples(
            reader, before, spec, plan.replay, actions=actions, seed=plan.seed + 1
        )
        practised = practised_by(reader, plan.parent)
    known = shipped_replay(plan.base, spec, plan.replay, seed=plan.seed + 1)
    if known is None and released:
        known = Sides()
    if known is None:
        say(protocol.Stage("replay", "Playing what it knew before."))
        known = replay_examples(spec, plan.replay, seed=plan.seed + 1)
    games = frozenset(row.game for row in rows)
    return Read(material, taught, known, earlier, practised, games)


@dataclass(frozen=True, slots=True)
class Lesson:
    """A model that is to learn, and the examples as it hears them in play.

    ``practised`` are sentences that it has practised, as it hears them too.
    """

    task: LoraTask
    taught: Sides
    known: Sides
    earlier: Sides
    practised: tuple[str, ...] = ()

    @property
    def to_learn(self) -> list[Example]:
        """What it learns on: the lessons, and what is to be kept."""
        from trainer.data.mirror import mirrored
        from trainer.data.other_sentences import (
            sentences_of,
            sentences_shown,
            with_other_sentences,
        )
        from trainer.data.sampling import balanced

        taught = list(self.taught.train)
        if self.task.config.mirror:
            taught += mirrored(taught)
        kept = [*self.known.train, *self.earlier.train]
        if self.task.keeps:
            count = round(self.task.config.others * len(kept))
            rng = np.random.default_rng(self.task.config.seed + 4)
            # What is taught now is to change, in front of every picture.
            now = sentences_shown(self.taught.train)
            said = [each for each in sentences_of(kept) if each not in now]
            before = [each for each in self.practised if each not in now]
            shown = [*self.taught.train, *kept]
            kept += with_other_sentences(self.taught.train, said, count, rng)
            kept += with_other_sentences(shown, before, PRACTISED_EXAMPLES, rng)
        return [*balanced(taught), *kept]

    @property
    def to_stop_by(self) -> list[Example]:
        """The examples by which training stops: of the lesson, with as many of what is to be kept.

        Of that every sentence gives as many, if it has them: the first are of a few only.
        None without any of the lesson: the state that forgets least would be the one that has
        learnt nothing.
        """
        if not self.taught.select:
            return []
        earlier, known = self.earlier.select, self.known.select
        there = len(earlier) + len(known)
        most = min(there, max(STOPPED_BY, len(self.taught.select)))
        of_earlier = round(most * len(earlier) / max(1, there))
        rng = np.random.default_rng(self.task.config.seed + 3)
        return [
            *self.taught.select,
            *stratified(earlier, of_earlier, rng),
            *stratified(known, most - of_earlier, rng),
        ]


def prepare(
    plan: RoundPlan,
    spec: CheckpointSpec,
    choice: DeviceChoice,
    read: Read,
    *,
    released: bool,
    say: Say,
) -> Lesson:
    """Load the model and put what was read into the words that it hears."""
    import torch

    from model.adapters.folders import fingerprint
    from model.vla.memory import is_small
    from model.vla.vla import load_weights
    from trainer.data.earlier_lessons import thinned
    from trainer.data.examples import Sides
    from trainer.data.heard import as_heard
    from trainer.data.other_sentences import sentences_shown
    from trainer.rounds.training.lora import LoraTask
    from trainer.rounds.training.lora_config import usual_config, with_settings

    say(protocol.Stage("seeing", "Looking at every picture once."))
    model, tokenizer = load_weights(
        plan.base, getattr(torch, choice.dtype), choice.device, plan.precision
    )
    folder = plan.base if plan.options.rewrite else None
    taught = as_heard(read.taught, model, tokenizer, spec, folder)
    most = plan.replay if released else round(EARLIER_SHARE * plan.replay)
    earlier = thinned(
        as_heard(read.earlier, model, tokenizer, spec, folder), most, seed=plan.seed + 2
    )
    # A person's words may mean what the base was taught: then that is what is to change.
    known = read.known.judged_without(
        shown := sentences_shown([*taught.train, *taught.select, *taught.gate])
    )
    if released:
        # Nothing else stands for what it could.
        known, earlier = earlier, Sides()
    else:
        earlier = earlier.judged_without(shown)
    large = not is_small(plan.base)
    config = usual_config(large=large, seed=plan.seed, max_steps=plan.max_steps)
    config = with_settings(config, plan.settings)
    if large and config.head:
        raise UsageError(
            f"head=true is for small models, and {plan.base.name!r} is a large one that would not "
            "play such an adapter, so no round was begun; leave it out."
        )
    task = LoraTask(model, tokenizer, spec, config, plan.options, base=fingerprint(plan.base))
    if plan.parent is not None:
        task.start_from(parent_tensors(plan.parent))
    hears = _remember(task, plan, read.games, taught)
    taught, known, earlier = (each.remembered(hears) for each in (taught, known, earlier))
    return Lesson(task, taught, known, earlier, heard_first(read.practised, folder))


def _remember(
    task: LoraTask, plan: RoundPlan, games: frozenset[str], taught: Sides
) -> dict[str, list[str]]:
    """Settle which acts the adapter is told with its sentences; return those of this round."""
    from trainer.data.memory import acts_to_tell

    task.remembers = remembered_by(plan.parent)
    # Play tells them in this form of prompt alone, and a server tells none.
    if task.spec.prompt != "picture" or task.spec.history or plan.served:
        return {}
    if task.config.memory:
        task.remembers |= acts_to_tell(taught.train, plan.data, games)
    return task.remembers


def heard_first(sentences: Sequence[str], folder: Path | None) -> tuple[str, ...]:
    """Return sentences as a checkpoint hears them at their beginning.

    ``folder`` is the checkpoint's, None where sentences are told as they were typed.
    """
    from model.language.prompts import clean_instruction
    from model.language.subgoals import plan_of

    return _restated([plan_of(clean_instruction(each)).now for each in sentences], folder)


def heard_in_all(
    sentences: Sequence[str], spec: CheckpointSpec, folder: Path | None
) -> frozenset[str]:
    """Return all that a checkpoint hears of sentences in play: every part, or each as a whole.

    ``folder`` as in :func:`heard_first`.
    """
    from model.language.prompts import clean_instruction
    from model.language.subgoals import plan_of

    said = [clean_instruction(each) for each in sentences]
    if spec.told_in_parts:
        said = [part for each in said for part in plan_of(each).parts]
    return frozenset(_restated(said, folder))


def _restated(said: Sequence[str], folder: Path | None) -> tuple[str, ...]:
    from model.language.paraphrase import Sayings

    sayings = None if folder is None or not said else Sayings.load(folder)
    return tuple(said if sayings is None else map(sayings.restate, said))
