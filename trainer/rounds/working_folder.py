"""The working folder of a round or a practice: which one of a killed one is taken over.

What a killed practice loads from it is in ``trainer/practice/account.py``.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from recorder.store import Reader, RoundStatus

EARLIER_NAME = "work"
"""What earlier versions called the one folder of all rounds."""
PRACTICE_FILE = "practice.safetensors"
"""What a killed practice goes on from; rounds and practice do not take each other's folders."""


def work_path(data: Path, round_id: int) -> Path:
    """Return where a round of a data folder works: ``rounds/round-NNN``."""
    return data / "rounds" / f"round-{round_id:03d}"


def make_work_folder(data: Path, round_id: int, *, practises: bool = False) -> Path:
    """Make and return the folder that a round works in, or a practice.

    What is left of those of its kind that are over, because they were killed, is taken over: the
    newest of their folders becomes this one's, and the others go.  Those that run keep theirs.
    """
    folder = work_path(data, round_id)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with Reader.open(data) as reader:
        running = [row.id for row in reader.rounds() if row.status is RoundStatus.RUNNING]
    kept = {work_path(data, number).name for number in running if number != round_id}
    left = [
        path
        for path in folder.parent.iterdir()
        if path.is_dir()
        and path.name not in kept
        and (path.name == EARLIER_NAME or path.name.startswith("round-"))
        and (path / PRACTICE_FILE).exists() is practises
    ]
    left.sort(key=lambda path: path.stat().st_mtime_ns)
    newest = left.pop() if left else folder
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    if newest != folder:
        # Where somebody holds it open it stays, and this round begins anew.
        with contextlib.suppress(OSError):
            newest.rename(folder)
    folder.mkdir(exist_ok=True)
    return folder


def is_done(data: Path, round_id: int) -> bool:
    """Return whether the books say that a round is done."""
    with Reader.open(data) as reader:
        return any(row.id == round_id and row.status is RoundStatus.DONE for row in reader.rounds())
