"""While figures of the desktop are taken, training rests: a busy machine would be measured.

A lock on a file of this person's in the system's folder for temporary files: whoever takes
figures holds it, and every training looks at it between two steps.
"""

from __future__ import annotations

import contextlib
import getpass
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

# No game has a window of its own that could be measured elsewhere.
if sys.platform != "win32":
    import fcntl

log = logging.getLogger(__name__)


def lock_file() -> Path:
    """Return the file whose lock is held while figures are taken."""
    return Path(tempfile.gettempdir()) / f"playteach-figures-{getpass.getuser()}.lock"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let trainings on this machine rest while the block runs."""
    with _opened() as file:
        if file is not None:
            _lock(file, fcntl.LOCK_EX)
        yield


def wait_for_quiet() -> float:
    """Rest while figures are taken; return for how many seconds."""
    with _opened() as file:
        if file is None:
            return 0.0
        try:
            _lock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("training rests while figures are taken")
            began = time.monotonic()
            _lock(file, fcntl.LOCK_SH)
            return time.monotonic() - began
        return 0.0


def _lock(file: IO[bytes], how: int) -> None:
    """Lock a file; raises BlockingIOError if somebody has it, and does nothing without locks."""
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        raise
    except OSError as error:
        log.warning("no lock for figures: %s", error)


@contextlib.contextmanager
def _opened() -> Iterator[IO[bytes] | None]:
    """Open the file; None where there are no locks or it is not ours to open."""
    if sys.platform == "win32":
        yield None
        return
    try:
        file = lock_file().open("ab")
    except OSError as error:
        log.warning("no lock for figures: %s", error)
        yield None
        return
    with file:
        yield file
