"""No child outlives the program that started it, however that ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from recorder.processes import end_process, follow_parent, leash_script, start_kept, start_module

unix = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes of Unix")


def program_of(keeper: subprocess.Popen[bytes]) -> psutil.Process:
    assert keeper.stdout is not None
    return psutil.Process(int(keeper.stdout.readline()))


def gone(process: psutil.Process) -> bool:
    _, alive = psutil.wait_procs([process], timeout=30)
    return not alive


SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('ready', flush=True); time.sleep(600)",
]
PARENT = """
import sys, time
from recorder.processes import start_kept
keeper = start_kept([sys.executable, "-c", "import time; time.sleep(600)"])
print(keeper.stdout.readline().decode().strip(), flush=True)
time.sleep(600)
"""


@unix
def test_a_kept_program_ends_when_it_is_let_go_even_if_it_is_stopped() -> None:
    keeper = start_kept(SLEEP)
    program = program_of(keeper)
    program.suspend()
    assert end_process(keeper, 30.0) == 256 - signal.SIGTERM
    assert gone(program)
    end_process(keeper)


@unix
def test_a_kept_program_ends_with_a_parent_that_was_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    with parent:
        program = program_of(parent)
        parent.kill()
    assert gone(program)


@unix
def test_a_kept_program_that_ends_by_itself_ends_its_keeper() -> None:
    keeper = start_kept([sys.executable, "-c", "raise SystemExit(7)"])
    assert keeper.wait(60) == 7
    end_process(keeper)


@unix
def test_what_does_not_leave_in_time_is_killed_with_all_it_started() -> None:
    keeper = start_kept(STUBBORN, stderr=subprocess.PIPE)
    program = program_of(keeper)
    assert keeper.stderr is not None
    assert keeper.stderr.readline() == b"ready\n"
    assert end_process(keeper, 0.5) == -signal.SIGKILL
    assert gone(program)


@unix
def test_a_module_hears_the_end_of_its_orders(tmp_path: Path) -> None:
    child = start_module("recorder.processes", *SLEEP, cwd=tmp_path)
    program = program_of(child)
    assert Path(program.cwd()) == tmp_path
    assert os.getsid(child.pid) == child.pid
    end_process(child, 30.0)
    assert gone(program)


@unix
def test_a_parents_end_is_heard_again_and_again_and_orders_are_left_alone() -> None:
    orders, parent = os.pipe()
    heard: list[float] = []
    watch = follow_parent(lambda: heard.append(1.0), pipe=orders)
    os.write(parent, b"order")
    assert not watch.join(0.1)
    assert heard == []
    assert os.read(orders, 99) == b"order"
    os.close(parent)
    while len(heard) < 2:
        assert not watch.join(0.01)
    assert watch.stop(10.0)
    os.close(orders)


@unix
def test_watching_can_be_given_up() -> None:
    orders, parent = os.pipe()
    heard: list[float] = []
    assert follow_parent(lambda: heard.append(1.0), pipe=orders).stop(10.0)
    os.close(parent)
    os.close(orders)
    assert heard == []


@unix
def test_odd_names_survive_the_script(tmp_path: Path) -> None:
    engine = tmp_path / "it's an $(engine)"
    engine.write_text('#!/bin/sh\necho "$1" "$2" "$3" "$4"\n', encoding="utf-8")
    engine.chmod(0o700)
    folder = tmp_path / "a 'folder'"
    folder.mkdir()
    script = leash_script(engine, folder, note=("+id", "the id"))
    command = [str(script), "a b", "$HOME", "+id", "12 34"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == "a b $HOME +id 12 34\n"
    assert (folder / "the id").read_text(encoding="utf-8") == "12 34"


LEASHED = """
import subprocess, sys, time
print(subprocess.Popen([sys.argv[1]]).pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs util-linux")
def test_a_leashed_program_ends_with_its_parent(tmp_path: Path) -> None:
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 600\n", encoding="utf-8")
    sleeper.chmod(0o700)
    script = leash_script(sleeper, tmp_path)
    parent = subprocess.Popen([sys.executable, "-c", LEASHED, script], stdout=subprocess.PIPE)
    with parent:
        program = program_of(parent)
        while program.name() != "sleep":
            assert program.is_running()
        parent.kill()
    assert gone(program)
