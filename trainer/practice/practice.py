"""Practice from start to end, inside its own process.

The agent plays fresh starts of the practice range by itself, told the sentence or one that it knows
(:mod:`trainer.practice.known_words`), and learns from what succeeded.  Like a round
(:mod:`trainer.rounds.round`) it opens the database read-only, speaks JSON lines on stdout, and
writes only its working folder and, at the very end, the adapter's folder.  SIGTERM cancels; a
killed one goes on from its working folder.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from model.vla.play_options import PlayOptions
from recorder.errors import KnownError, UsageError
from recorder.games import task_list
from recorder.games.base import Task
from recorder.games.seeds import SeedRange
from recorder.types import Outcome
from trainer.data.earlier_lessons import PRACTISED
from trainer.evaluation.starts import Start
from trainer.practice.config import PracticeConfig
from trainer.practice.fit import nobody_judges, practicable, unfit
from trainer.practice.known_words import OWN, choose, known_words
from trainer.rounds import protocol
from trainer.rounds.child import OPTION_NAMES, add_option_arguments, place, speak, write_learnt
from trainer.rounds.inputs import parent_of, parent_tensors, remembered_by
from trainer.rounds.measuring.eyes import TaughtEye, not_believed, paths_of, teach_eyes
from trainer.rounds.working_folder import PRACTICE_FILE

if TYPE_CHECKING:
    from model.vla.preprocess import CheckpointSpec
    from trainer.data.examples import Sides
    from trainer.practice.account import Account
    from trainer.practice.collector import Collector, Moment, Tried, Try
    from trainer.practice.learner import Learner
    from trainer.practice.strips import Strips
    from trainer.rounds.gates import Offline
    from trainer.rounds.training.lora import LoraTask

REPLAY_EXAMPLES = 600
SEEDS_A_PRACTICE = 20_000
"""So many seeds of the practice range each practice has for itself, before they come round."""
_FOLDERS = {
    "data": "the data folder",
    "base": "the base checkpoint's folder",
    "out": "the new adapter's folder",
    "work": "where a killed practice resumes",
    "parent": "the adapter to start from",
}
EYE_FAILED = (
    "The agent's own eye could not be taught, as its process ended too soon, so nothing was "
    "practised and what was learnt before is kept; try again, with other programs closed if memory "
    "is short."
)
Say = Callable[[protocol.Message], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PracticePlan:
    """What is to be practised.

    ``sentences`` are such as ``game`` can judge, or the agent's own eye; ``minutes`` is how long it
    plays and learns.  ``number`` sets its starts apart from those of other practices; ``parent`` is
    the adapter that it goes on from.  Folders are as in :class:`trainer.rounds.round.RoundPlan`.
    """

    data: Path
    base: Path
    out: Path
    work: Path
    game: str
    sentences: tuple[str, ...]
    minutes: float
    number: int = 0
    parent: Path | None = None
    replay: int = REPLAY_EXAMPLES
    workers: int | None = None
    options: PlayOptions = field(default_factory=PlayOptions)


def practise(plan: PracticePlan, say: Say, config: PracticeConfig | None = None) -> protocol.Done:
    """Practise; returns what is said last.  Raises KnownError for problems of the world."""
    from model.torch_state import torch_threads

    if why := unfit(plan.game, plan.data, plan.base, plan.options):
        raise UsageError(why)
    every = task_list(plan.game, plan.data)
    asked = practicable(plan.data, plan.game, plan.base, every, plan.sentences)
    plan.work.mkdir(parents=True, exist_ok=True)
    eyes = _eyes(plan, [each.heard for each in asked if not each.task.judged], say)
    tasks = [(each.task, each.heard) for each in asked]
    with torch_threads(None):
        return _practise(plan, tasks, eyes, say, config or PracticeConfig(seed=plan.number))


def _eyes(plan: PracticePlan, sentences: Sequence[str], say: Say) -> list[TaughtEye]:
    """Teach the eyes that judge while nobody is there; raises UsageError for one not believed."""
    try:
        eyes = teach_eyes(
            plan.data, plan.base, plan.game, plan.options, sentences, plan.work,
            tell=lambda sentence: say(protocol.Stage("reading", sentence)),
        )  # fmt: skip
    except RuntimeError as error:
        log.exception("no eye could be taught")
        raise KnownError(EYE_FAILED) from error
    found = {each.sentence: each for each in eyes}
    for sentence in sentences:
        eye = found.get(sentence)
        if eye is None or not eye.believed:
            raise UsageError(nobody_judges(sentence, "" if eye is None else not_believed(eye)))
    return eyes


def _practise(
    plan: PracticePlan,
    tasks: Sequence[tuple[Task, str]],
    eyes: Sequence[TaughtEye],
    say: Say,
    config: PracticeConfig,
) -> protocol.Done:
    from model.adapters.folders import fingerprint
    from model.vla.preprocess import load_spec
    from trainer.practice.account import identity_of, resumed
    from trainer.practice.collector import LocalCollector, Player
    from trainer.practice.learner import Learner
    from trainer.practice.strips import Strips
    from trainer.rounds.gates import Checks, CheckSet, offline_gates

    base = fingerprint(plan.base)
    parent = parent_of(plan.parent, base)
    spec = plan.options.applied_to(load_spec(plan.base))
    task, known, earlier = _prepared(plan, spec, config, say)
    checks = Checks(
        task,
        CheckSet(known=known.select, earlier=earlier.select),
        CheckSet(known=known.gate, earlier=earlier.gate),
        remembers=task.remembers,
    )
    learner = Learner(task, [*known.train, *earlier.train], config)
    judges = [each.digest for each in eyes]
    identity = identity_of(base, plan.parent, plan.game, plan.sentences, config, judges)
    account = resumed(plan.work, identity, task, learner)
    player = Player(plan.base, plan.options, config.temperature, config.moments, paths_of(eyes))
    # As long as its account, or successes of another practice would be shown.
    strips = Strips.kept_in(plan.work, config.seed) if account.iterations else Strips(config.seed)
    with closing(LocalCollector(plan.game, player, plan.workers)) as collector:
        met = partial(_meet, strips, plan.work)
        words = _words(plan, tasks, config)
        iterate(plan, tasks, words, collector, learner, account, say, config, base, met=met)
    if not account.steps:
        # The next one has its whole time before it again.
        (plan.work / PRACTICE_FILE).unlink(missing_ok=True)
        raise KnownError(_nothing_learnt(account))
    say(protocol.Stage("gates", "Checking what it kept."))
    offline = checks.choose_scale()
    # What it learnt only play can tell.
    gate = next(each for each in offline_gates(offline, kinds=()) if each.name == "old tasks")
    say(gate)
    metrics = _metrics(plan, account, config, offline, gate)
    write_learnt(plan.out, task, task.tensors(), base, parent, metrics)
    _save(strips, plan.out)
    return protocol.Done(str(plan.out), gate.passed is not False, metrics)


def _words(
    plan: PracticePlan, tasks: Sequence[tuple[Task, str]], config: PracticeConfig
) -> dict[str, list[str]]:
    """Return for each sentence those that the base knows and that are like it."""
    every, rewrite = task_list(plan.game, plan.data), plan.options.rewrite
    return {
        heard: known_words(plan.base, every, heard, config.known, rewrite=rewrite)
        for _, heard in tasks
    }


def _prepared(
    plan: PracticePlan, spec: CheckpointSpec, config: PracticeConfig, say: Say
) -> tuple[LoraTask, Sides, Sides]:
    """Return (the agent that is to practise, what the base could before, earlier lessons)."""
    import torch

    from model.vla.vla import load_weights
    from trainer.data.heard import as_heard
    from trainer.rounds.lessons import heard_in_all
    from trainer.rounds.training.lora import LoraTask
    from trainer.rounds.training.lora_config import usual_config

    known, before = _kept(plan, spec, say)
    say(protocol.Stage("seeing", "Looking at what it could before."))
    model, tokenizer = load_weights(plan.base, torch.float32, "cpu", plan.options.precision)
    folder = plan.base if plan.options.rewrite else None
    earlier = as_heard(before, model, tokenizer, spec, folder)
    # What it practises is to change, whoever taught it.
    practised = heard_in_all(plan.sentences, spec, folder)
    usual = usual_config(large=False, seed=config.seed)
    task = LoraTask(model, tokenizer, spec, usual, plan.options)
    if plan.parent is not None:
        task.start_from(parent_tensors(plan.parent))
    task.remembers = remembered_by(plan.parent)
    earlier = earlier.remembered(task.remembers)
    return task, known.judged_without(practised), earlier.judged_without(practised)


def _meet(strips: Strips, work: Path, tried: Sequence[Tried]) -> None:
    """Draw strips from an iteration's attempts, and keep them for a killed practice."""
    strips.meet(tried)
    _save(strips, work)


def _save(strips: Strips, folder: Path) -> None:
    """Write the strips; a disk that takes none of them costs the pictures and no more."""
    from safetensors import SafetensorError

    try:
        strips.save(folder)
    except (OSError, SafetensorError):
        log.exception("the pictures of what was practised could not be written")


def _metrics(
    plan: PracticePlan,
    account: Account,
    config: PracticeConfig,
    offline: Offline,
    gate: protocol.Gate,
) -> dict[str, Any]:
    """Return what was practised and how, as a round tells it; no recorded sample is learnt from."""
    return {
        "offline": asdict(offline),
        "gates": {gate.name: gate.passed},
        "manifest": {"practice": account.document(), PRACTISED: list(plan.sentences)},
        "config": asdict(config),
        "samples": [],
    }


def _kept(plan: PracticePlan, spec: CheckpointSpec, say: Say) -> tuple[Sides, Sides]:
    """Return examples of what is to be kept: what the base brings, what was taught before."""
    from recorder.store import Reader
    from trainer.data.earlier_lessons import earlier_examples, earlier_rows, taught_by, thinned
    from trainer.data.replay import replay_examples
    from trainer.data.shipped_replay import shipped_replay

    say(protocol.Stage("reading", "Reading what you taught before."))
    with Reader.open(plan.data) as reader:
        taught = taught_by(reader, plan.parent)
        rows = earlier_rows(reader, [], taught, games={plan.game})
        earlier = earlier_examples(reader, rows, spec, plan.replay // 2, seed=plan.number)
    known = shipped_replay(plan.base, spec, plan.replay, seed=plan.number)
    if known is None:
        say(protocol.Stage("replay", "Playing what it knew before."))
        known = replay_examples(spec, plan.replay, seed=plan.number)
    return known, thinned(earlier, plan.replay // 2, seed=plan.number)


def _nothing_learnt(account: Account) -> str:
    """Return why there was nothing to learn from."""
    return (
        f"None of {account.attempts} attempts succeeded, so there was nothing to learn from "
        "and the agent plays as before; show it once or twice, then let it practise."
    )


def iterate(
    plan: PracticePlan,
    tasks: Sequence[tuple[Task, str]],
    words: Mapping[str, Sequence[str]],
    collector: Collector,
    learner: Learner,
    account: Account,
    say: Say,
    config: PracticeConfig,
    base: str,
    clock: Callable[[], float] = time.monotonic,
    met: Callable[[Sequence[Tried]], None] = lambda tried: None,
) -> None:
    """Play and learn in turn until the time is over; ``base`` is the base's fingerprint.

    ``words`` are the known sentences that may be told for a sentence.  ``met`` is shown the
    attempts of each iteration.
    """
    import numpy as np

    say(protocol.Stage("practice", f"Practising for {plan.minutes:g} min."))
    began, whole = clock() - account.seconds, 60 * plan.minutes

    def left() -> bool:
        return clock() - began < whole

    while left():
        number = account.iterations
        adapter = plan.parent
        if number:
            adapter = plan.work / f"adapter-{number:04d}"
            # A killed practice of something else may have left one of this name.
            shutil.rmtree(adapter, ignore_errors=True)
            write_learnt(adapter, learner.task, learner.task.tensors(), base, None, {})
        tries = _tries(tasks, words, account, plan.number, config)
        with closing(collector.collect(adapter, tries)) as new:
            tried = list(_until(new, left))
        met(tried)
        learnt = learner.learn(
            _to_learn(tried, account),
            np.random.default_rng([config.seed, number]),
            left=1 - (clock() - began) / whole,
        )
        account.add(tried, learnt, clock() - began)
        account.save(plan.work, learner.task, learner)
        if adapter is not None and adapter != plan.parent:
            # The next one is made of what was learnt just now.
            shutil.rmtree(adapter, ignore_errors=True)
        say(account.message(whole))


def _until(tried: Iterator[Tried], left: Callable[[], bool]) -> Iterator[Tried]:
    """Yield attempts as long as there is time; what was begun is not waited for."""
    for each in tried:
        yield each
        if not left():
            return


def _to_learn(tried: Sequence[Tried], account: Account) -> list[Moment]:
    """Return the moments of an iteration that are learnt from, in the order of its attempts.

    Those of successes; of a sentence for which a known one has succeeded, of such alone.
    """
    good = [each for each in tried if each.outcome is Outcome.SUCCESS]
    helped = {each.made.start.heard for each in good if each.made.told != OWN}
    for heard, tallies in account.tallies.items():
        if any(successes for said, (_, successes) in tallies.items() if said != OWN):
            helped.add(heard)
    good.sort(key=lambda each: each.made.start.seed)
    return [
        moment
        for each in good
        if each.made.told != OWN or each.made.start.heard not in helped
        for moment in each.moments
    ]


def _tries(
    tasks: Sequence[tuple[Task, str]],
    words: Mapping[str, Sequence[str]],
    account: Account,
    number: int,
    config: PracticeConfig,
) -> list[Try]:
    """Return the attempts of an iteration, each at a start of its own, and what each is told."""
    import numpy as np

    from trainer.practice.collector import Try

    iteration = account.iterations
    rng = np.random.default_rng([config.seed, number, iteration])
    first = (number * SEEDS_A_PRACTICE + iteration * config.attempts) % (
        SeedRange.PRACTICE.last - SeedRange.PRACTICE.first - SEEDS_A_PRACTICE
    )
    every = max(1, round(1 / config.own))
    made = []
    for at, seed in enumerate(SeedRange.PRACTICE.seeds(first, config.attempts)):
        task, heard = tasks[at % len(tasks)]
        own = at // len(tasks) % every == 0
        told = OWN if own else choose(words[heard], account.tallies.get(heard, {}), rng)
        made.append(Try(Start(task, heard, seed), 0, told))
    return made


def main(arguments: list[str] | None = None, speech: TextIO | None = None) -> int:
    """Practise and speak of it on ``speech`` (stdout); see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m trainer.practice", description=__doc__)
    for name, text in _FOLDERS.items():
        parser.add_argument(
            f"--{name}", type=place, required=name != "parent", help=text
        )  # fmt: skip
    parser.add_argument("--game", default="doom")
    parser.add_argument("--sentence", action="append", required=True, help="may be given again")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--number", type=int, default=0, help="sets its starts apart")
    parser.add_argument("--replay", type=int, default=REPLAY_EXAMPLES)
    parser.add_argument("--workers", type=int, help="games at a time; one a core by itself")
    add_option_arguments(parser)
    parser.add_argument(
        "--with-parent", action="store_true", help="end when stdin does: its holder is gone"
    )
    given = vars(parser.parse_args(arguments))
    with_parent = given.pop("with_parent")
    options = PlayOptions(**{name: given.pop(name) for name in OPTION_NAMES})
    plan = PracticePlan(sentences=tuple(given.pop("sentence")), options=options, **given)
    out = sys.stdout if speech is None else speech
    return speak(lambda say: practise(plan, say), out, with_parent=with_parent)
