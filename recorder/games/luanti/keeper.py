"""Keeps a game from outliving the app: ``python -m recorder.games.luanti.keeper PROGRAM ...``.

Starts the program, says its process number, and ends it when stdin closes, which the death
of the app does by itself.  A game that was stopped is let run first.
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
    """Keep ``command`` until it ends or stdin does; returns its exit code."""
    # Ctrl-C in a terminal is for the app, which ends the game by itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    game = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    os.write(1, f"{game.pid}\n".encode())
    while game.poll() is None:
        ready, _, _ = select.select([0], [], [], CHECK_S)
        if ready and not os.read(0, 4096):
            game.send_signal(signal.SIGCONT)
            game.terminate()
            try:
                game.wait(STOP_S)
            except subprocess.TimeoutExpired:
                game.kill()
                game.wait()
    return game.returncode & 0xFF


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
