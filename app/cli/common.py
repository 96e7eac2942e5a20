"""What every command needs: the data folder, the two output channels, the log."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from recorder.errors import DataError, ExitCode


def data_folder(options: argparse.Namespace) -> Path:
    """Return ``--data``, else the folder from the settings, else the platform's."""
    if options.data is not None:
        return Path(options.data)
    from app.backend.settings import load_settings
    from recorder.data_folder import default_data_folder

    return load_settings().settings.data_folder or default_data_folder()


def has_database(folder: Path) -> bool:
    """Return whether anything was ever kept in a data folder: a new one has empty lists."""
    from recorder.data_folder import database_path

    return database_path(folder).exists()


def say(text: str) -> None:
    """Tell of progress on stderr, so that stdout holds results only."""
    print(text, file=sys.stderr, flush=True)


def emit(options: argparse.Namespace, document: Any, lines: Iterable[str]) -> None:
    """Print the result: one JSON document on one line, or ``lines`` for a person."""
    if options.json:
        print(json.dumps(document, allow_nan=False, default=str), flush=True)
    else:
        for line in lines:
            print(line, flush=True)


def table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> list[str]:
    """Return text lines with aligned columns; no rows give one line that says so."""
    if not rows:
        return ["Nothing yet."]
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def details(facts: Mapping[str, object]) -> list[str]:
    """Return ``name  value`` lines."""
    width = max((len(name) for name in facts), default=0)
    return [f"{name.ljust(width)}  {value}" for name, value in facts.items()]


def report_bug(options: argparse.Namespace) -> int:
    """Log the exception being handled and say where; return the exit code."""
    from recorder.data_folder import logs_path

    log = logging.getLogger("playteach")
    try:
        path = logs_path(data_folder(options)) / "playteach.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except (OSError, DataError):
        logging.basicConfig()
        log.exception("a command failed")
        say("Something inside Playteach went wrong and no log can be written; please report it.")
        return int(ExitCode.BUG)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    log.addHandler(handler)
    log.propagate = False
    log.exception("a command failed")
    handler.close()
    log.removeHandler(handler)
    log.propagate = True
    say(f"Something inside Playteach went wrong, so this was not finished; please report {path}.")
    return int(ExitCode.BUG)
