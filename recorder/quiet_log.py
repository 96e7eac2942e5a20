"""Keeps the log off a terminal: what a person has to know is said to them, once."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

OWN_LOGGERS = ("app", "model", "recorder", "trainer")


def keep_log_off_terminal() -> None:
    """Let our own warnings go to log files only; for processes that somebody else speaks for.

    Without any handler Python prints them on stderr, beside the sentence that says the same.
    """
    for name in OWN_LOGGERS:
        logging.getLogger(name).addHandler(logging.NullHandler())


@contextlib.contextmanager
def logged_to(path: Callable[[], Path]) -> Iterator[None]:
    """Write our own warnings to a file instead of the terminal while the block runs.

    ``path`` is asked for at the first one, and the file made then.  Nothing is written while the
    program keeps a log of its own.
    """
    handler = _LateFile(path)
    loggers = [logging.getLogger(name) for name in OWN_LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()


class _LateFile(logging.Handler):
    def __init__(self, path: Callable[[], Path]) -> None:
        super().__init__(logging.WARNING)
        self._path = path
        self._file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if logging.getLogger().handlers:
            return
        if self._file is None:
            self._file = self._opened()
        self._file.emit(record)

    def _opened(self) -> logging.Handler:
        try:
            path = self._path()
            path.parent.mkdir(parents=True, exist_ok=True)
            file = logging.FileHandler(path, encoding="utf-8")
        except Exception:  # noqa: BLE001  # whatever is wrong with the place, nothing else suffers
            return logging.NullHandler()
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        return file

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()
