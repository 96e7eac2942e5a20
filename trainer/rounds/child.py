"""What the processes of a round and of practice share: options, messages, cancelling, writing.

They speak JSON lines (:mod:`trainer.rounds.protocol`); SIGTERM, and the end of whoever holds their
stdin, cancels them.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from model.vla.play_options import PlayOptions
from recorder.errors import ExitCode, KnownError
from recorder.processes import follow_parent, terminate_self
from trainer.rounds import protocol

if TYPE_CHECKING:
    from model.adapters.folders import AdapterMeta
    from trainer.rounds.training.lora import LoraTask

CANCELLED = "The round was cancelled; the agent plays as before."
_NOTED = ("offline", "gates", "manifest")
"""What of a round's metrics its adapter's folder repeats."""
Say = Callable[[protocol.Message], None]


OPTION_NAMES = ("precision", "chunk", "prompt", "history", "rewrite", "recipes")


def add_option_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what :func:`round_arguments` writes: each of OPTION_NAMES."""
    parser.add_argument("--precision", help="bf16, 8bit or 4bit, for a large base")
    parser.add_argument("--chunk", type=int, help="actions an answer is played with")
    parser.add_argument("--prompt", help="the prompt form that it is played with")
    parser.add_argument("--history", type=int, help="earlier pictures that it is played with")
    parser.add_argument(
        "--as-typed", dest="rewrite", action="store_false", help="sentences are not rewritten"
    )
    parser.add_argument("--recipes", type=place, help="the folder of Minecraft's recipes")


def round_arguments(options: PlayOptions) -> list[str]:
    """Return the arguments that tell such a process how the model is played."""
    given = {
        "--precision": options.precision,
        "--chunk": options.chunk,
        "--prompt": options.prompt,
        "--history": options.history,
        "--recipes": options.recipes,
    }
    told = [
        part for name, value in given.items() if value is not None for part in (name, str(value))
    ]
    return told if options.rewrite else [*told, "--as-typed"]


def place(text: str) -> Path:
    """Read a path, which from here on is the same place whatever the process does."""
    return Path(text).absolute()


class CancelledError(BaseException):
    """SIGTERM arrived.  No Exception, so that no library swallows it on the way."""


def cancel(number: int, _frame: object) -> None:
    """Take SIGTERM for a cancel: fits :func:`signal.signal`."""
    # Once is enough: a second signal must not break off the tidying up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise CancelledError(number)


def speak(work: Callable[[Say], protocol.Done], speech: TextIO | None, *, with_parent: bool) -> int:
    """Do ``work`` and speak of it on ``speech`` (None: not at all); return the exit code.

    ``with_parent`` ends it when stdin does.
    """

    def say(message: protocol.Message) -> None:
        if speech is not None:
            speech.write(protocol.to_json(message) + "\n")
            speech.flush()

    signal.signal(signal.SIGTERM, cancel)
    if with_parent:
        # Cancels this process as SIGTERM does.
        follow_parent(terminate_self)
    try:
        last: protocol.Message = work(say)
        code = ExitCode.OK
    except KnownError as error:
        last, code = protocol.Failed(error.sentence), error.exit_code
    except (CancelledError, KeyboardInterrupt):
        last, code = protocol.Failed(CANCELLED), ExitCode.CANCELLED
    # It is over: a cancel from here on must not change how it ends.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say(last)
    return int(code)


def write_learnt(
    folder: Path,
    task: LoraTask,
    tensors: dict[str, Any],
    base: str,
    parent: AdapterMeta | None,
    metrics: Mapping[str, Any],
) -> None:
    """Write an adapter's folder; ``base`` is the fingerprint of what it was taught on.

    Raises what :func:`model.adapters.folders.write_adapter` raises.
    """
    from model.actions.tokens import CODEC_VERSION
    from model.adapters.folders import AdapterMeta, write_adapter

    meta = AdapterMeta(
        name=folder.name,
        base=base,
        parent=parent.name if parent else None,
        codec_version=CODEC_VERSION,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        metrics=protocol.finite({name: metrics[name] for name in _NOTED if name in metrics}),
        remembers=task.remembers,
    )
    write_adapter(folder, tensors, task.peft_config(), meta)


def own_stdout() -> TextIO:
    """Return stdout for us alone; what libraries and child processes print goes to stderr."""
    ours = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return ours
