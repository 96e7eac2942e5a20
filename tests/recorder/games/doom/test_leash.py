"""Nothing of the engine stays behind, however its program ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from recorder.games.doom.leash import PREFIX, leash, own_folder

PLAY = """
import sys
from recorder.games.doom.game import DoomGame
game = DoomGame()
game.reset(game.tasks()[0], 1)
print("playing", flush=True)
{then}
"""


def play(then: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", PLAY.format(then=then)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "playing\n"
    return child


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs util-linux")
def test_a_killed_program_takes_its_engine_along() -> None:
    child = play("sys.stdin.read()")
    engines = psutil.Process(child.pid).children(recursive=True)
    assert engines
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    _, alive = psutil.wait_procs(engines, timeout=60)
    assert not alive
    stale = list(Path(tempfile.gettempdir()).glob(f"{PREFIX}{child.pid}-*"))
    assert stale
    own_folder().cleanup()
    assert not any(path.exists() for path in stale)


def test_a_program_that_forgets_to_close_ends_without_a_word() -> None:
    child = play("")
    out, err = child.communicate(timeout=120)
    assert (child.returncode, out, err) == (0, "", "")
    assert not list(Path(tempfile.gettempdir()).glob(f"{PREFIX}{child.pid}-*"))


def test_a_folder_in_use_stays() -> None:
    with own_folder() as mine:
        own_folder().cleanup()
        assert Path(mine).exists()


def test_odd_names_survive_the_script(tmp_path: Path) -> None:
    if shutil.which("setpriv") is None or sys.platform != "linux":
        pytest.skip("needs util-linux")
    engine = tmp_path / "it's an $(engine)"
    engine.write_text('#!/bin/sh\necho "$1" "$2"\n', encoding="utf-8")
    engine.chmod(0o700)
    script = leash(engine, tmp_path)
    assert script is not None
    ran = subprocess.run([str(script), "a b", "$HOME"], capture_output=True, text=True, check=True)
    assert ran.stdout == "a b $HOME\n"
