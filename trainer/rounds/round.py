"""One LoRA round from start to end, inside its own process.

Opens the database read-only, speaks JSON lines (:mod:`trainer.rounds.protocol`) on stdout, and
writes only its working folder and, at the very end, the adapter's folder.  SIGTERM
cancels; a killed round goes on from its working folder.  The paired play after it is
the parent's (:mod:`trainer.rounds.client`); a round that was started by hand lists its adapter
itself (:mod:`trainer.rounds.listing`).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from model.vla.play_options import PlayOptions
from recorder.errors import ModelError
from trainer.rounds import protocol
from trainer.rounds.child import add_option_arguments, place, speak, write_learnt
from trainer.rounds.inputs import parent_of, remembered_by
from trainer.rounds.training.lora_config import MAX_STEPS

if TYPE_CHECKING:
    from model.vla.device import DeviceChoice
    from trainer.data.examples import Example, Sides
    from trainer.data.material import Material
    from trainer.rounds.gates import Checks
    from trainer.rounds.lessons import Lesson
    from trainer.rounds.training.lora import LoraTask
    from trainer.rounds.training.parallel import Workers

REPLAY_EXAMPLES = 600
SINCE_LAST_ROUND = "since:last-round"
Say = Callable[[protocol.Message], None]


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """What a round is to do.

    ``round`` is its number in the database, which says what it learns from; None for one that
    was started by hand, which learns from what ``query`` chooses when it reads.
    ``out`` is the adapter's folder, which must not exist; ``work`` keeps what a killed
    round goes on from, and replays made before.  ``replay`` is how many examples of what
    the base was trained on are made anew.  ``threads`` None leaves it to torch.  ``device``
    and ``precision`` (a large base's 8 or 4 bits) are as in play, and so are ``chunk``,
    ``prompt``, ``history``, ``rewrite`` and ``recipes``: see
    :class:`model.vla.play_options.PlayOptions`.  ``served`` says that the adapter will answer on a
    server, which does not force its answers to be legal.  ``settings`` are hyper-parameters
    (:mod:`trainer.rounds.training.lora_config`) by name, as text, that are not to be as usual.
    """

    data: Path
    base: Path
    out: Path
    work: Path
    query: str = SINCE_LAST_ROUND
    round: int | None = None
    parent: Path | None = None
    seed: int = 0
    max_steps: int = MAX_STEPS
    replay: int = REPLAY_EXAMPLES
    threads: int | None = None
    device: str | None = None
    precision: str | None = None
    chunk: int | None = None
    prompt: str | None = None
    history: int | None = None
    rewrite: bool = True
    recipes: Path | None = None
    served: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def options(self) -> PlayOptions:
        """How what is taught will be played."""
        return PlayOptions(
            history=self.history,
            chunk=self.chunk,
            prompt=self.prompt,
            rewrite=self.rewrite,
            recipes=self.recipes,
            precision=self.precision,
        )


def run_round(plan: RoundPlan, say: Say) -> protocol.Done:
    """Do a round; returns what it says last.  Raises KnownError for problems of the world."""
    from model.torch_state import torch_threads

    with torch_threads(plan.threads):
        return _run_round(plan, say)


def _run_round(plan: RoundPlan, say: Say) -> protocol.Done:
    from model.adapters.folders import fingerprint
    from model.vla.preprocess import load_spec
    from trainer.rounds.lessons import prepare, read_lessons
    from trainer.rounds.training.lora_loop import train
    from trainer.rounds.training.memory import check_round_memory
    from trainer.rounds.training.parallel import workers

    base = fingerprint(plan.base)
    spec = load_spec(plan.base)
    # What a released model was trained on cannot be made here; the yard is not it.
    released = spec.prompt.startswith("jarvis")
    spec = plan.options.applied_to(spec)
    crew = workers()
    choice = _device(plan, crew)
    parent = parent_of(plan.parent, base)
    plan.work.mkdir(parents=True, exist_ok=True)
    read = read_lessons(plan, spec, released=released, say=say)
    check_round_memory(plan.base, choice, plan.precision, spec, read.pictures(plan.replay))
    lesson = prepare(plan, spec, choice, read, released=released, say=say)
    checks = _checks(lesson, plan)
    examples = lesson.to_learn
    lesson.task.see(examples)
    say(learning(read.material))
    visits = train(
        lesson.task,
        examples,
        lesson.to_stop_by,
        plan.work,
        lambda step, steps, loss, held, left: say(protocol.Step(step, steps, loss, held, left)),
        crew,
    )
    say(protocol.Stage("gates", "Checking what it learnt."))
    metrics = {
        **_judged(plan, checks, lesson, released=released, say=say),
        "material": read.material.document(),
        "config": asdict(lesson.task.config),
        **_account(lesson.taught, examples, visits, _allowed(lesson)),
    }
    tensors = _learnt(lesson.task)
    if crew.first:
        write_learnt(plan.out, lesson.task, tensors, base, parent, metrics)
    passed = all(passed is not False for passed in metrics["gates"].values())
    return protocol.Done(str(plan.out), passed, metrics)


def _allowed(lesson: Lesson) -> int:
    """Return how often one of the person's samples may be seen."""
    from trainer.data.sampling import lesson_samples
    from trainer.rounds.training.lora_config import most_visits

    counts = Counter(each.kind for each in lesson.taught.train)
    return most_visits(lesson_samples(counts), lesson.task.config)


def _checks(lesson: Lesson, plan: RoundPlan) -> Checks:
    """Return what measures the adapter; the model as it is now is "before"."""
    from trainer.rounds.gates import Checks, CheckSet

    taught, known, earlier = lesson.taught, lesson.known, lesson.earlier
    return Checks(
        lesson.task,
        CheckSet(taught.select, known.select, earlier.select),
        CheckSet(taught.gate, known.gate, earlier.gate),
        served=plan.served,
        most_rise=lesson.task.config.most_rise,
        remembers=remembered_by(plan.parent),
    )


def _judged(
    plan: RoundPlan, checks: Checks, lesson: Lesson, *, released: bool, say: Say
) -> dict[str, Any]:
    """Choose the adapter's strength and say how it passes its gates; return that as figures."""
    from trainer.data.examples import manifest
    from trainer.rounds.gates import offline_gates

    offline = checks.choose_scale()
    judged = {example.kind for example in lesson.taught.gate}
    gates = offline_gates(offline, kinds=judged, released=released, served=plan.served)
    for gate in gates:
        say(gate)
    return {
        "offline": asdict(offline),
        "gates": {gate.name: gate.passed for gate in gates},
        "manifest": manifest(lesson.taught),
    }


def learning(material: Material) -> protocol.Stage:
    """Return what is said when the training begins, with what is not taught as it was done.

    That is said here, where it stays on the screen for as long as the training takes.
    """
    return protocol.Stage("training", f"Learning. {' '.join(material.asides)}".strip())


def _device(plan: RoundPlan, crew: Workers) -> DeviceChoice:
    """Return where and in which numbers to teach.

    A small base is taught in float32 on the CPU, wherever it plays: so a round comes out the
    same on every machine.  Raises ModelError where fewer bits cannot be had here.
    """
    from model.vla.device import DeviceChoice, choose_device
    from model.vla.memory import check_precision, is_small
    from model.vla.vla import check_checkpoint

    check_checkpoint(plan.base)
    small = is_small(plan.base)
    if small and plan.device is None and plan.precision is None:
        return DeviceChoice("cpu", "float32", "Taught on the CPU.")
    choice = choose_device(plan.device, small=small)
    choice = check_precision(plan.precision, choice)
    if plan.precision in ("8bit", "4bit") and choice.device != "cuda":
        raise ModelError(
            "A round on 8 or 4 bits needs a CUDA GPU and this machine has none that can be used, "
            "so no round was started; teach in bf16 or on another machine."
        )
    if crew.world > 1 and choice.device == "cuda":
        # Each process has a card of its own.
        return replace(choice, device=f"cuda:{crew.rank}")
    return choice


def _learnt(task: LoraTask) -> dict[str, Any]:
    """Return the adapter; raises RuntimeError for one that is still at its start."""
    tensors = task.tensors()
    if not any(bool(t.any()) for name, t in tensors.items() if ".lora_B." in name):
        raise RuntimeError("the adapter learnt nothing: every lora_B is zero")
    return tensors


def _account(
    taught: Sides, examples: Sequence[Example], visits: Mapping[int, int], allowed: int
) -> dict[str, Any]:
    """Return how often what was seen: figures, and every sample of the database's.

    Raises RuntimeError if one of a person's was seen more than ``allowed`` times.
    """
    seen: dict[str, int] = {}
    for index, count in visits.items():
        kind = examples[index].kind
        seen[kind] = seen.get(kind, 0) + count
    most = max((n for i, n in visits.items() if examples[i].kind != "replay"), default=0)
    if most > allowed:
        raise RuntimeError(f"a sample was seen {most} times, more than {allowed}")
    total = max(1, sum(seen.values()))
    return {
        "verified": bool(taught.gate),
        "most_visits": most,
        "shares": {kind: count / total for kind, count in sorted(seen.items())},
        "samples": _samples(examples, visits),
    }


def _samples(
    examples: Sequence[Example], visits: Mapping[int, int]
) -> list[tuple[int, int, float, int]]:
    """Return (episode, tick, weight, visits) of each recorded tick, its mirror image included."""
    found: dict[tuple[int, int], tuple[float, int]] = {}
    for index, count in sorted(visits.items()):
        example = examples[index]
        if example.episode_id is not None:
            place = (example.episode_id, example.tick)
            _, before = found.get(place, (0.0, 0))
            found[place] = (example.weight, before + count)
    return [(*place, *seen) for place, seen in found.items()]


def _setting(text: str) -> tuple[str, str]:
    """Read NAME=VALUE; raises argparse.ArgumentTypeError."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def main(arguments: list[str] | None = None, speech: TextIO | None = None) -> int:
    """Run one round and speak of it on ``speech`` (stdout); see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m trainer.rounds", description=__doc__)
    parser.add_argument("--data", type=place, required=True, help="the data folder")
    parser.add_argument("--base", type=place, required=True, help="the base checkpoint's folder")
    parser.add_argument("--out", type=place, required=True, help="the new adapter's folder")
    parser.add_argument("--work", type=place, required=True, help="where a killed round resumes")
    parser.add_argument("--parent", type=place, help="the adapter to start from")
    parser.add_argument("--query", default=SINCE_LAST_ROUND, help="which episodes")
    parser.add_argument("--round", type=int, help="its number: learn from what it has chosen")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-steps", type=int, default=MAX_STEPS)
    parser.add_argument("--replay", type=int, default=REPLAY_EXAMPLES)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--device", help="cuda, mps or cpu; by itself for a large base")
    add_option_arguments(parser)
    parser.add_argument(
        "--set", action="append", default=[], dest="settings", type=_setting,
        metavar="NAME=VALUE", help="a hyper-parameter that is not to be as usual",
    )  # fmt: skip
    parser.add_argument(
        "--with-parent", action="store_true", help="end when stdin does: its holder is gone"
    )
    given = vars(parser.parse_args(arguments))
    by_hand = not given.pop("with_parent")
    # Of several processes one speaks.
    heard = os.environ.get("RANK", "0") == "0"

    def work(tell: Say) -> protocol.Done:
        gates: list[protocol.Gate] = []

        def say(message: protocol.Message) -> None:
            if isinstance(message, protocol.Gate):
                gates.append(message)
            tell(message)

        plan = RoundPlan(**{**given, "settings": dict(given["settings"])})
        done = run_round(plan, say)
        if by_hand and heard:
            say(protocol.Stage("listing", _list(plan, done, gates)))
        return done

    out = sys.stdout if speech is None else speech
    return speak(work, out if heard else None, with_parent=not by_hand)


def _list(plan: RoundPlan, done: protocol.Done, gates: Sequence[protocol.Gate]) -> str:
    """List the adapter of a round without a parent; return what became of it."""
    from trainer.rounds.listing import list_by_hand, write_account

    write_account(plan.out, plan.base.name, plan.query, gates, done.metrics, plan.parent)
    return list_by_hand(plan.data, plan.out)
