"""Nothing of the engine stays behind, however its program ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from recorder.errors import GameError
from recorder.games.doom import leftovers
from recorder.games.doom.game import DoomGame
from recorder.games.doom.leftovers import (
    INSTANCE_FILE,
    PREFIX,
    SHARED,
    OwnFolder,
    require_shared,
    shared_needed,
    sweep,
)

PLAY = """
import sys
from recorder.games.doom.game import DoomGame
game = DoomGame()
game.reset(game.tasks()[0], 1)
print("playing", flush=True)
{then}
"""
needs_shared_memory = pytest.mark.skipif(
    not SHARED.is_dir() or shutil.which("setpriv") is None, reason="needs Linux and util-linux"
)


@pytest.fixture(autouse=True)
def own_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let nobody else's start sweep what a test looks at, and sweep nothing of others."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


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


def folders_of(pid: int) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"{PREFIX}{pid}-*"))


def shared_of(folder: Path) -> list[Path]:
    instance = (folder / INSTANCE_FILE).read_text(encoding="ascii")
    return [path for path in SHARED.iterdir() if path.name.endswith(instance)]


@needs_shared_memory
def test_a_killed_program_takes_its_engine_along_and_the_next_start_sweeps() -> None:
    child = play("sys.stdin.read()")
    family = psutil.Process(child.pid).children(recursive=True)
    assert {"vizdoom"} < {process.name() for process in family}
    (folder,) = folders_of(child.pid)
    # Stopped, so that it cannot tidy up when its parent goes.
    holder = next(process for process in family if process.ppid() == child.pid)
    holder.suspend()
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    holder.kill()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive
    shared = shared_of(folder)
    assert len(shared) == 3
    OwnFolder().cleanup()
    assert not folder.exists()
    assert not any(path.exists() for path in shared)


@needs_shared_memory
def test_the_holder_ends_an_engine_whose_program_was_killed() -> None:
    child = play("sys.stdin.read()")
    family = psutil.Process(child.pid).children(recursive=True)
    (folder,) = folders_of(child.pid)
    shared = shared_of(folder)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive
    assert not any(path.exists() for path in shared)


def test_a_program_that_forgets_to_close_ends_without_a_word() -> None:
    child = play("")
    out, err = child.communicate(timeout=120)
    assert (child.returncode, out, err) == (0, "", "")
    assert not folders_of(child.pid)


@pytest.fixture
def own_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr(leftovers, "SHARED", shared)
    return shared


def gone_pid() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_folder_in_use_stays_and_keeps_its_shared_memory(own_shared: Path) -> None:
    with OwnFolder() as mine:
        # As another process sees it whose numbers are others (a container).
        stranger = mine.with_name(f"{PREFIX}{gone_pid()}-abc")
        (mine / INSTANCE_FILE).write_text("abc123", encoding="ascii")
        memory = own_shared / "ViZDoomSMabc123"
        memory.touch()
        mine.rename(stranger)
        sweep()
        assert stranger.exists()
        assert memory.exists()
        stranger.rename(mine)
    assert not mine.exists()
    assert not memory.exists()


def test_only_what_is_named_in_a_dead_owners_folder_is_removed(
    own_temp: Path, own_shared: Path
) -> None:
    pid = gone_pid()
    names = ["ViZDoomSMdead01", "ViZDoomMQCtrdead01", "ViZDoomMQDoomdead01"]
    others = ["ViZDoomSMalive1", "ViZDoomSM", "theirs"]
    for name in [*names, *others]:
        (own_shared / name).touch()
    for number, instance in enumerate(["dead01", "../../x", ""]):
        folder = own_temp / f"{PREFIX}{pid}-{number}"
        folder.mkdir()
        (folder / INSTANCE_FILE).write_text(instance, encoding="ascii")
    notes = own_temp / "playteach-doom-notes"
    notes.mkdir()
    link = own_temp / f"{PREFIX}{pid}-link"
    link.symlink_to(notes)
    sweep()
    assert sorted(path.name for path in own_shared.iterdir()) == sorted(others)
    assert sorted(path.name for path in own_temp.iterdir()) == sorted(
        [notes.name, link.name, "shared"]
    )


def test_no_room_for_files_is_one_sentence(own_temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(own_temp / "missing"))
    with pytest.raises(GameError, match="cannot write to the folder for temporary files"):
        OwnFolder()


@needs_shared_memory
@pytest.mark.parametrize("labels", [False, True])
def test_an_engine_fills_no_more_than_is_looked_for(labels: bool) -> None:
    game = DoomGame(labels=labels)
    try:
        game.reset(game.tasks()[0], 1)
        assert game._room.folder is not None
        filled = sum(path.stat().st_blocks * 512 for path in shared_of(game._room.folder.path))
    finally:
        game.close()
    needed = shared_needed((640, 360), labels=labels)
    assert needed - leftovers.SHARED_SPARE <= filled <= needed


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of Linux's")
def test_too_little_shared_memory_is_told_before_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    needed = shared_needed((640, 360), labels=False)
    monkeypatch.setattr(leftovers, "SHARED", tmp_path)
    free = SimpleNamespace(free=needed)
    monkeypatch.setattr(leftovers.shutil, "disk_usage", lambda path: free)
    assert require_shared(needed) == needed
    free.free = needed - 1
    with pytest.raises(GameError, match=r"needs 739 KiB .* only 739 KiB are free .*--shm-size"):
        require_shared(needed)
    game = DoomGame()
    with pytest.raises(GameError, match="needs 739 KiB of shared memory"):
        game.reset(game.tasks()[0], 1)
    free.free = needed
    game.close()


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of Linux's")
def test_a_system_without_shared_memory_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(leftovers, "SHARED", tmp_path / "missing")
    game = DoomGame()
    with pytest.raises(GameError, match="has no shared memory that can be written to"):
        game.reset(game.tasks()[0], 1)
    game.close()
