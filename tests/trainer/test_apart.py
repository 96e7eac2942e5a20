"""Commands in processes of their own: how many at once, what a failure and SIGTERM do."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from trainer.apart import run_apart

WRITE = "import os, sys; open(sys.argv[1], 'w').write(os.environ['SAID'])"
WAIT = """
import signal, sys, time
def leave(number, frame):
    open(sys.argv[1] + '.saved', 'w').close()
    sys.exit(3)
signal.signal(signal.SIGTERM, leave)
open(sys.argv[1], 'w').close()
time.sleep(600)
"""


def command(code: str, path: Path) -> list[str]:
    return [sys.executable, "-c", code, str(path)]


def test_all_are_run_in_the_given_environment(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(3)]
    assert run_apart([command(WRITE, path) for path in paths], 2, {"SAID": "hello"})
    assert [path.read_text() for path in paths] == ["hello"] * 3


def test_after_a_failure_no_other_begins(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", "raise SystemExit(1)"], command(WRITE, tmp_path / "later")]
    assert not run_apart(commands, 1, {"SAID": ""})
    assert not (tmp_path / "later").exists()


@pytest.mark.timeout(120)
def test_sigterm_reaches_those_that_run_and_they_may_save(tmp_path: Path) -> None:
    paths = [tmp_path / "one", tmp_path / "two", tmp_path / "never"]

    def stop() -> None:
        while not (paths[0].exists() and paths[1].exists()):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    threading.Thread(target=stop, daemon=True).start()
    assert not run_apart([command(WAIT, path) for path in paths], 2)
    assert [(path.parent / f"{path.name}.saved").exists() for path in paths] == [True, True, False]
    assert signal.getsignal(signal.SIGTERM) is before
