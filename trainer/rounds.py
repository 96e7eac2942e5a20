"""One LoRA round as a process: `python -m trainer.rounds --data DIR --out FOLDER ...`.

Opens the database read-only, speaks JSON lines (:mod:`trainer.progress`) on stdout, and
writes only its working folder and, at the very end, the adapter's folder.  SIGTERM
cancels; a cancelled or killed round goes on from its working folder.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recorder.errors import ExitCode, KnownError
from trainer import progress

REPLAY_EXAMPLES = 600
Say = Callable[[progress.Message], None]


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """What a round is to do.  ``out`` is the adapter's folder; it must not exist."""

    data: Path
    base: Path
    out: Path
    work: Path
    query: str = "since:last-round"
    parent: Path | None = None
    seed: int = 0
    max_steps: int = 160
    threads: int | None = None


def run_round(plan: RoundPlan, say: Say) -> progress.Done:
    """Do a round; returns what it says last.  Raises KnownError for problems of the world."""
    import torch

    from model.adapters import WEIGHTS_FILE, AdapterMeta, fingerprint, read_meta, write_adapter
    from model.preprocess import load_spec
    from model.tokens import CODEC_VERSION
    from model.vla import load_weights
    from recorder.store import Reader, parse_query
    from trainer.dataset import MAX_VISITS, manifest, read_examples
    from trainer.gates import Checks, offline_gates
    from trainer.lora import LoraConfig, LoraTask, train
    from trainer.replay import replay_examples

    if plan.threads is not None:
        torch.set_num_threads(plan.threads)
    base = fingerprint(plan.base)
    spec = load_spec(plan.base)
    parent = read_meta(plan.parent) if plan.parent is not None else None
    say(progress.Stage("reading", "Reading what you recorded."))
    with Reader.open(plan.data) as reader:
        split = read_examples(reader, reader.episodes(parse_query(plan.query)), spec)
    say(progress.Stage("replay", "Playing what it knew before, so that it is not forgotten."))
    known, known_held = replay_examples(spec, REPLAY_EXAMPLES, seed=plan.seed + 1)
    say(progress.Stage("seeing", "Looking at every picture once."))
    model, tokenizer = load_weights(plan.base, torch.float32, "cpu")
    config = LoraConfig(seed=plan.seed, max_steps=plan.max_steps)
    task = LoraTask(model, tokenizer, spec, config)
    if plan.parent is not None:
        from safetensors.torch import load_file

        if parent is None or parent.base != base:
            raise KnownError(
                f"The adapter {plan.parent.name!r} was taught to another base model, so no "
                "round was started; go back to the base or to one of its adapters."
            )
        task.start_from(load_file(plan.parent / WEIGHTS_FILE))
    checks = Checks(task, split.held_out, known_held)
    say(progress.Stage("training", "Learning."))
    plan.work.mkdir(parents=True, exist_ok=True)
    examples = [*split.train, *known]
    visits = train(
        task, examples, [*split.held_out, *known_held[: max(40, len(split.held_out))]], plan.work,
        lambda step, steps, loss, held, left: say(progress.Step(step, steps, loss, held, left)),
    )  # fmt: skip
    say(progress.Stage("gates", "Checking what it learnt and what it kept."))
    offline = checks.choose_scale()
    kinds = {e.kind for e in split.train}
    gates = offline_gates(offline, corrections="correction" in kinds)
    for gate in gates:
        say(gate)
    most = max((visits[i] for i in visits if examples[i].kind != "replay"), default=0)
    if most > MAX_VISITS:
        raise RuntimeError(f"a sample was seen {most} times, more than {MAX_VISITS}")
    metrics: dict[str, Any] = {
        "offline": asdict(offline),
        "gates": {gate.name: gate.passed for gate in gates},
        "manifest": manifest(split),
        "replay": len(known),
        "replay_share": sum(n for i, n in visits.items() if examples[i].kind == "replay")
        / max(1, sum(visits.values())),
        "most_visits": most,
        "samples": [
            [examples[i].episode_id, examples[i].tick, examples[i].weight, n]
            for i, n in sorted(visits.items())
            if examples[i].episode_id is not None
        ],
    }
    tensors = task.tensors()
    if not any(bool(t.abs().sum() > 0) for name, t in tensors.items() if ".lora_B." in name):
        raise RuntimeError("the adapter learnt nothing: every lora_B is zero")
    meta = AdapterMeta(
        name=plan.out.name,
        base=base,
        parent=parent.name if parent else None,
        codec_version=CODEC_VERSION,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        metrics={key: metrics[key] for key in ("offline", "gates", "manifest")},
    )
    write_adapter(plan.out, tensors, task.peft_config(), meta)
    return progress.Done(str(plan.out), all(gate.passed for gate in gates), metrics)


class _CancelledError(Exception):
    """SIGTERM arrived."""


def _cancel(number: int, _frame: object) -> None:
    raise _CancelledError(number)


def main(arguments: list[str] | None = None) -> int:
    """Run one round and speak of it; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m trainer.rounds", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--parent", type=Path)
    parser.add_argument("--query", default="since:last-round")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-steps", type=int, default=160)
    parser.add_argument("--threads", type=int)
    given = parser.parse_args(arguments)
    speech = sys.stdout

    def say(message: progress.Message) -> None:
        speech.write(progress.to_json(message) + "\n")
        speech.flush()

    # Whatever a library prints must not get between the messages.
    sys.stdout = sys.stderr
    signal.signal(signal.SIGTERM, _cancel)
    try:
        say(run_round(RoundPlan(**vars(given)), say))
    except KnownError as error:
        say(progress.Failed(error.sentence))
        return int(error.exit_code)
    except (_CancelledError, KeyboardInterrupt):
        say(progress.Failed("The round was cancelled; the agent plays as before."))
        return int(ExitCode.CANCELLED)
    return int(ExitCode.OK)


if __name__ == "__main__":
    sys.exit(main())
