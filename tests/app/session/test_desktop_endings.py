"""Whatever is stopped leaves no process, no desktop and no world behind."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from live_desktop import needs_luanti

from app.benchmarks.desktop_cases.parts import until
from app.benchmarks.desktop_cases.stage import missing_programs
from recorder.errors import ExitCode

pytest_plugins = ("live_fixtures",)
pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(bool(missing_programs()), reason="Xvfb or openbox is not installed"),
]


def family_of(process: int) -> list[psutil.Process]:
    """Return the processes that a process has started, and those that they have."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process).children(recursive=True)
    return []


def said_by(process: psutil.Process) -> str:
    """Return the command line of a process, "" where it has gone."""
    with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return " ".join(process.cmdline())
    return ""


def wait_for_family(process: int, *parts: str) -> list[psutil.Process]:
    """Wait until among a process's family is one for each of the command lines' parts."""
    for _ in until(120.0, 0.05):
        family = family_of(process)
        lines = [said_by(each) for each in family]
        if all(any(part in line for line in lines) for part in parts):
            return family
    raise AssertionError(f"{parts} were not started: {[said_by(e) for e in family_of(process)]}")


def assert_gone(family: list[psutil.Process]) -> None:
    _, left = psutil.wait_procs(family, 60.0)
    lines = [said_by(each) for each in left]
    for each in left:
        each.kill()
    assert not lines


STAGE = """
import sys
from app.benchmarks.desktop_cases.stage import own_desktop
with own_desktop() as name:
    print(name, flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_leaves_no_desktop_of_its_own_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STAGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith(b":")
        family = wait_for_family(child.pid, "Xvfb", "openbox")
        child.kill()
    assert_gone(family)


@contextlib.contextmanager
def playteach(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command, and kill it in the end where it still runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_stopped_benchmark_leaves_nothing_behind(tmp_path: Path) -> None:
    arguments = ("--data", str(tmp_path), "benchmark", "desktop", "--part", "faults")
    with playteach(*arguments) as process:
        family = wait_for_family(process.pid, "Xvfb", "openbox", "guard_process")
        process.terminate()
        assert process.wait(60) == ExitCode.CANCELLED
        assert_gone(family)


@needs_luanti
@pytest.mark.parametrize(
    "arguments",
    [
        ("play", "--headless", "--policy", "idle", "--instruction", "chop a tree"),
        ("evaluate", "--policy", "idle", "--instruction", "chop a tree", "--seeds", "0-9"),
        ("demonstrate", "--instruction", "chop a tree"),
    ],
)
def test_a_stopped_command_leaves_nothing_behind_and_no_world_of_the_persons_is_touched(
    desktop: str, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    home = tmp_path / "home"
    world = home / ".minetest" / "worlds" / "mine"
    world.mkdir(parents=True)
    (world / "world.mt").write_text("gameid = minetest\n", encoding="utf-8")
    before = sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*"))
    command = (arguments[0], "--game", "luanti", "--data", str(tmp_path / "data"), *arguments[1:])
    with playteach(*command, HOME=str(home)) as process:
        family = wait_for_family(process.pid, "--gameid", "guard_process")
        process.terminate()
        assert process.wait(60) == ExitCode.CANCELLED
        assert_gone(family)
    assert sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*")) == before
