"""What the engine keeps outside our memory: a folder and shared memory, swept when left behind.

A killed program removes neither.  Each start looks for the folders of owners that are dead: an
owner holds a lock on a file in its folder, which the system lets go however the owner ended.
The folder also says which shared memory belongs to it, so nothing else is ever removed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO

import psutil

from recorder.errors import GameError

if sys.platform != "win32":
    import fcntl

PREFIX = "playteach-doom-"
INSTANCE_FILE = "instance"
"""In the folder: the name under which the engine has its shared memory."""
SHARED = Path("/dev/shm")  # noqa: S108  # the system's place for it, not a file of ours
SHARED_SPARE = 64 * 1024
"""Queues and the engine's own table, beside the pictures (measured: 53 KiB at 640 x 360)."""
_LOCK_FILE = "owner.lock"
_OWNER = re.compile(rf"{PREFIX}(\d+)-")
_INSTANCE = re.compile(r"[A-Za-z0-9]{1,32}")
_SHARED_NAMES = ("ViZDoomSM", "ViZDoomMQCtr", "ViZDoomMQDoom")


class OwnFolder:
    """A new private folder of this process; those of programs that are gone are removed first.

    Raises GameError if there is no room or no right to make one.
    """

    def __init__(self) -> None:
        sweep()
        self._lock: IO[bytes] | None = None
        try:
            self._folder = tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")
            self.path = Path(self._folder.name)
            self._lock = (self.path / _LOCK_FILE).open("wb")
            _lock(self._lock)
        except OSError as error:
            raise no_folder(error) from error

    def cleanup(self) -> None:
        """Remove the folder and the shared memory it names; may be called twice."""
        remove_shared(self.path)
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        self._folder.cleanup()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.cleanup()


def no_folder(error: OSError) -> GameError:
    """Return the problem of a folder for temporary files that cannot be written to."""
    return GameError(
        f"The practice yard cannot write to the folder for temporary files "
        f"({error.strerror or error}), so it cannot be played; make room in "
        f"{tempfile.gettempdir()} or set TMPDIR to another folder."
    )


def sweep() -> None:
    """Remove the folders and the shared memory of owners that are dead; never raises OSError."""
    with contextlib.suppress(OSError):
        for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                _sweep_one(path)


def _sweep_one(path: Path) -> None:
    owner = _OWNER.match(path.name)
    facts = path.lstat()
    ours = not hasattr(os, "getuid") or facts.st_uid == os.getuid()
    if owner is None or not ours or path.is_symlink() or not path.is_dir():
        return
    try:
        file = (path / _LOCK_FILE).open("r+b")
    except FileNotFoundError:
        # Of an earlier version, or its owner is just making it.
        if not psutil.pid_exists(int(owner[1])):
            _remove(path)
        return
    with file:
        dead = _lock(file) if sys.platform != "win32" else not psutil.pid_exists(int(owner[1]))
        if dead:
            _remove(path)


def _remove(path: Path) -> None:
    remove_shared(path)
    shutil.rmtree(path, ignore_errors=True)


def _lock(file: IO[bytes]) -> bool:
    """Lock a file for as long as it is open here; False if somebody else has it open locked."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def remove_shared(folder: Path) -> None:
    """Remove the shared memory of the engine that was started in ``folder``, if any is left."""
    try:
        instance = (folder / INSTANCE_FILE).read_text(encoding="ascii")
    except (OSError, ValueError):
        return
    if _INSTANCE.fullmatch(instance):
        for name in _SHARED_NAMES:
            with contextlib.suppress(OSError):
                (SHARED / f"{name}{instance}").unlink()


def shared_needed(size: tuple[int, int], *, labels: bool) -> int:
    """Return the bytes of shared memory that an engine with pictures of ``size`` fills."""
    width, height = size
    return width * height * (3 + labels) + SHARED_SPARE


def require_shared(needed: int) -> int | None:
    """Return the free bytes of shared memory, None where the system has no limit of its own.

    An engine that finds less than it fills ends in a bus error.  Raises GameError if there
    are fewer than ``needed``.
    """
    if sys.platform != "linux":
        return None
    try:
        free = shutil.disk_usage(SHARED).free
        there = os.access(SHARED, os.W_OK | os.X_OK)
    except OSError:
        there, free = False, 0
    if not there:
        raise GameError(
            f"This system has no shared memory that can be written to ({SHARED}), so the practice "
            f"yard's engine cannot start; mount a tmpfs on {SHARED}."
        )
    if free < needed:
        raise GameError(
            f"The practice yard's engine needs {needed / 1024:.0f} KiB of shared memory and only "
            f"{free / 1024:.0f} KiB are free in {SHARED}, so it was not started; free some, or "
            "make it larger (in a container: --shm-size=64m)."
        )
    return free
