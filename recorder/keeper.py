"""Keeps a program from outliving the app: ``python -m recorder.keeper PROGRAM ...``.

Starts the program, says its process number, and ends it when stdin closes, which the death
of the app does by itself, however it died.  A program that was stopped is let run first.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

CHECK_S = 0.5
STOP_S = 5.0


def main(command: list[str]) -> int:
    """Keep ``command`` until it ends, stdin does or SIGTERM comes; returns its exit code."""
    # Ctrl-C in a terminal is for the app, which ends the program by itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    try:
        os.write(1, f"{program.pid}\n".encode())
        while program.poll() is None:
            ready, _, _ = select.select([0], [], [], CHECK_S)
            if ready and not os.read(0, 4096):
                break
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end(program)
    return program.returncode & 0xFF


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _end(program: subprocess.Popen[bytes]) -> None:
    if program.poll() is not None:
        return
    program.send_signal(signal.SIGCONT)
    program.terminate()
    try:
        program.wait(STOP_S)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
