"""The two kinds of trouble: what the world does to us, and our own mistakes.

A :class:`KnownError` is a problem of the world (no display, disk full, wrong
file).  Its text is one sentence for a person: what happened, what it means, what
to do.  It is caught once, at the edge (command line or window), and never shown as
a traceback.  Every other exception is a bug of ours.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the ``playteach`` command, documented in the README."""

    OK = 0
    BUG = 1
    USAGE = 2
    KNOWN_PROBLEM = 3
    NO_DISPLAY = 4
    DATA_PROBLEM = 5
    MODEL_PROBLEM = 6
    DATA_BUSY = 7
    CANCELLED = 130


class KnownError(Exception):
    """A problem of the world, told in one sentence fit for a person."""

    exit_code: ExitCode = ExitCode.KNOWN_PROBLEM

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


class UsageError(KnownError):
    """What was asked for cannot be asked for (unknown game, empty instruction)."""

    exit_code = ExitCode.USAGE


class GameError(KnownError):
    """The game is missing, vanished or did something it should not."""


class GameEndedError(GameError):
    """The game's program has ended, or no longer answers; the attempt under way is void.

    The next ``reset`` starts the program anew, so a measurement plays the attempt again.
    """


class GameSuspendedError(GameError):
    """The game cannot be seen or played right now; the attempt may go on later."""


class DataError(KnownError):
    """The database or a file of recordings cannot be used as asked."""

    exit_code = ExitCode.DATA_PROBLEM


class DataBusyError(DataError):
    """Another Playteach holds the database for writing."""

    exit_code = ExitCode.DATA_BUSY


class DiskFullError(DataError):
    """No room left; recording stopped, what was committed is safe."""


class ModelError(KnownError):
    """A checkpoint or adapter is missing, foreign or does not fit."""

    exit_code = ExitCode.MODEL_PROBLEM


class AdapterError(ModelError):
    """An adapter's folder is gone or damaged; its base can play without it."""


class StoppedError(KnownError):
    """The person wanted an end, as with Ctrl-C."""

    exit_code = ExitCode.CANCELLED


class NoDisplayError(KnownError):
    """There is no screen to show a window on."""

    exit_code = ExitCode.NO_DISPLAY
