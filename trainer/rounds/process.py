"""A round's process as its parent sees it: what it says, how it ends, what came of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from model.vla.play_options import PlayOptions
from recorder.errors import ExitCode, KnownError
from trainer.rounds import protocol
from trainer.rounds.child import round_arguments

FEW_BITS = (
    "The new adapter passed its gates and is listed, but it was taught on few bits and plays with "
    "16 bits only, so it was not measured and is not in use; set 16 bits for the model to use it."
)
OVERTAKEN = (
    "It is listed but not in use: another adapter was put in use meanwhile, and it was not "
    "compared with that one."
)
PATIENCE_S = 10.0
"""How long a round's process may take to tidy up before it is killed."""


def new_folder(adapters: Path, round_id: int) -> Path:
    """Return where a round's adapter is to be written: a folder that is not there yet.

    A database that was put back from a copy, or begun anew, counts on from rounds whose
    adapters still lie here; what such a folder holds is not this round's to throw away.
    """
    folder = adapters / f"round-{round_id:03d}"
    number = 1
    while folder.exists():
        number += 1
        folder = adapters / f"round-{round_id:03d}-{number}"
    return folder


def round_command(
    data: Path,
    base: Path,
    folder: Path,
    work: Path,
    query: str,
    round_id: int,
    *,
    parent: Path | None,
    seed: int,
    max_steps: int,
    replay: int,
    options: PlayOptions,
    settings: Mapping[str, str],
) -> list[str]:
    """Return what starts the process of a round; its fields are those of RoundPlan."""
    command = [
        sys.executable, "-m", "trainer.rounds", "--with-parent", "--data", str(data),
        "--base", str(base), "--out", str(folder), "--work", str(work),
        "--query", query, "--round", str(round_id), "--seed", str(seed),
        "--max-steps", str(max_steps), "--replay", str(replay), *round_arguments(options),
        *(part for name, value in settings.items() for part in ("--set", f"{name}={value}")),
    ]  # fmt: skip
    return command if parent is None else [*command, "--parent", str(parent)]


def practice_command(
    data: Path,
    base: Path,
    folder: Path,
    work: Path,
    *,
    game: str,
    sentences: Sequence[str],
    minutes: float,
    number: int,
    parent: Path | None,
    options: PlayOptions,
) -> list[str]:
    """Return what starts the process of a practice; its fields are those of PracticePlan."""
    command = [
        sys.executable, "-m", "trainer.practice", "--with-parent", "--data", str(data),
        "--base", str(base), "--out", str(folder), "--work", str(work), "--game", game,
        "--minutes", str(minutes), "--number", str(number),
        *(part for each in sentences for part in ("--sentence", each)),
    ]  # fmt: skip
    command += round_arguments(options)
    return command if parent is None else [*command, "--parent", str(parent)]


def see_off(process: subprocess.Popen[str]) -> None:
    """End a process whose story is not heard to its end, and wait until it is gone."""
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class EndedError(KnownError):
    """The round is over without an adapter; the sentence says why."""

    def __init__(self, sentence: str, code: int = ExitCode.KNOWN_PROBLEM) -> None:
        super().__init__(sentence)
        known = code in {each.value for each in ExitCode}
        self.exit_code = ExitCode(code) if known else ExitCode.KNOWN_PROBLEM


def understood(line: str) -> protocol.Message:
    """Read a line of the round's process; raises EndedError for what is no message."""
    try:
        return protocol.parse(line)
    except ValueError as error:
        raise EndedError(
            f"The round's process said what nobody understands ({line.strip()[:60]!r}), so the "
            "round was ended and the agent plays as before; try again, and install Playteach "
            "anew if it stays so."
        ) from error
