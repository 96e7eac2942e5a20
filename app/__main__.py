"""The ``playteach`` command: reads the arguments, runs one command, returns its exit code.

Nothing heavy is imported before the command is known, so ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from recorder.errors import ExitCode, KnownError
from recorder.quiet_log import logged_to


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; a known problem is one sentence on stderr, never a traceback."""
    from app.command_line import command_of, parse

    show_what_can_be_shown()
    options = parse(arguments)
    try:
        with logged_to(lambda: _log_file(options)), ended_like_ctrl_c():
            return int(command_of(options)(options))
    except KnownError as error:
        print(error.sentence, file=sys.stderr)  # noqa: T201  # the command's own edge
        return int(error.exit_code)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)  # noqa: T201
        return int(ExitCode.CANCELLED)
    except BrokenPipeError:
        # The reader of our output left (as `head` does); there is nobody to tell.
        sys.stderr.close()
        return int(ExitCode.OK)
    except Exception:  # noqa: BLE001  # the last line of defence: log it, then say so
        from app.cli.common import report_bug

        return report_bug(options)


def _log_file(options: argparse.Namespace) -> Path:
    from app.cli.common import data_folder
    from recorder.data_folder import logs_path

    return logs_path(data_folder(options)) / "playteach.log"


def show_what_can_be_shown() -> None:
    """Let both streams put a question mark for what the terminal cannot show.

    What people typed is stored in any script; half a list and an error would be worse.
    """
    for stream in (sys.stdout, sys.stderr):
        # Without a console, or where somebody took their place, they may be anything.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextlib.contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl+C does, so that what it started is ended with it.

    Once: while everything is being ended, a second one changes nothing.  Does nothing on
    threads other than the main one, which cannot hear signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
