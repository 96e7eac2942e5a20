"""``playteach data verify | purge``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from app.cli.common import data_folder, details, emit, say
from recorder.errors import ExitCode, UsageError


def verify(options: argparse.Namespace) -> int:
    """Check the database and decode every picture in it."""
    from recorder.store.upkeep.verify import verify as verify_folder

    def progress(done: int, total: int) -> None:
        if done == total or done % 20 == 0:
            say(f"checked {done} of {total} episodes")

    report = verify_folder(data_folder(options), progress)
    document = {"ok": report.ok, **asdict(report)}
    lines = list(report.problems) or [
        f"All well: {report.episodes} episodes, {report.ticks} ticks and {report.frames} pictures "
        f"in {report.segments} segments."
    ]
    if report.problem_count > len(report.problems):
        lines.append(f"... and {report.problem_count - len(report.problems)} more problems.")
    emit(options, document, lines)
    return int(ExitCode.OK if report.ok else ExitCode.DATA_PROBLEM)


def purge(options: argparse.Namespace) -> int:
    """Erase what is in the bin for good; asks first unless ``--yes`` says not to.

    Raises DataBusyError, after the figures, if another program keeps a copy in the log alive.
    """
    from recorder.data_folder import backups_path
    from recorder.store import Reader, Store

    folder = data_folder(options)
    with Store.open(folder) as store:
        with Reader.open(folder) as reader:
            waiting = reader.bin_facts()
        if waiting.episodes and not options.yes and not _agreed(waiting.episodes):
            raise UsageError("Nothing was erased; repeat with --yes to erase without being asked.")
        counts = store.purge()
    if counts.episodes and counts.kept_files:
        say(
            f"{counts.kept_files} files in {backups_path(folder)} are not Playteach's, so they "
            "were left; if they are copies of the database, what was erased is still in them."
        )
    emit(options, asdict(counts), details(asdict(counts)))
    counts.require_cleared()
    return int(ExitCode.OK)


def _agreed(episodes: int) -> bool:
    if not sys.stdin.isatty():
        return False
    say(f"Erase {episodes} episodes for good? Type yes:")
    return sys.stdin.readline().strip().lower() == "yes"
