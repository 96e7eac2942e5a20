"""A small app that can be killed: the busy player in the window given, told what to do on stdin.

``python -m app.benchmarks.desktop_cases.child WINDOW``.  Understands "play" and "resume"; says
"ready", and "playing" once the agent holds keys.
"""

from __future__ import annotations

import sys
import time

from app.benchmarks.desktop_cases.parts import plain_session
from app.session.api import Phase


def main(arguments: list[str]) -> int:
    """Play until stdin ends."""
    session = plain_session(int(arguments[0])).start()
    try:
        _say("ready")
        for line in sys.stdin:
            word = line.strip()
            if word == "play":
                session.play("go on")
            elif word == "resume":
                session.resume()
            while session.snapshot().phase is not Phase.PLAYING:
                if word == "resume" and session.snapshot().phase is Phase.PAUSED:
                    session.resume()
                elif word == "resume" and session.snapshot().phase is Phase.CORRECTING:
                    session.hand_back()
                time.sleep(0.02)
            _say("playing")
    finally:
        session.close()
    return 0


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
