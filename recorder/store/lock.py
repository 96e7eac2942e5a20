"""One writer a data folder, across processes: a lock that dies with its process."""

from __future__ import annotations

import errno
import sys
from io import BufferedRandom
from pathlib import Path

from recorder.errors import DataBusyError, DataError

_HELD = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK})
"""How the systems say that somebody else has a lock."""


class FolderLock:
    """Holds the operating system's lock on a file until :meth:`release`.

    The system drops the lock when the process ends, however it ends, so a crash never
    leaves a folder locked.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises DataBusyError if somebody else holds it, DataError if none can be had there.
        """
        self._file: BufferedRandom | None = None
        file = path.open("a+b")
        try:
            _lock(file)
        except OSError as error:
            file.close()
            if error.errno not in _HELD:
                raise DataError(
                    f"The file system of {path.parent} keeps no locks ({error.strerror}), so "
                    "two programs could write there at once and nothing was opened; choose a "
                    "folder on a disk of this machine with --data."
                ) from error
            raise DataBusyError(
                f"Another Playteach is using the data folder {path.parent}, and only one at a "
                "time may write to it; close the other one or choose another folder with --data."
            ) from error
        self._file = file

    def release(self) -> None:
        """Let go; may be called twice."""
        if self._file is not None:
            self._file.close()
            self._file = None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BufferedRandom) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: BufferedRandom) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
