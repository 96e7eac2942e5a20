"""``playteach doctor``."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from app.cli.common import data_folder, emit
from recorder.errors import ExitCode

_MARKS = {"ok": "ok      ", "warn": "warning ", "problem": "problem "}


def run(options: argparse.Namespace) -> int:
    """Say what is there and what is missing; a problem gives exit code 3."""
    from app.setup.doctor import run_doctor

    found = run_doctor(data_folder(options))
    lines = [
        f"{_MARKS.get(str(line.status), line.status)} {line.name}: {line.text}"
        + (f"  ->  {line.todo}" if line.todo else "")
        for line in found
    ]
    emit(options, [asdict(line) for line in found], lines)
    bad = any(str(line.status) == "problem" for line in found)
    return int(ExitCode.KNOWN_PROBLEM if bad else ExitCode.OK)
