"""Child processes, and how none of them outlives the program that started it.

Three ways, by what the child is:

* a Python module of ours (:func:`start_module`) reads its orders from a pipe and leaves when the
  pipe ends, which the death of its parent brings about however it died; a module that is busy
  with something else meanwhile has the pipe watched (:func:`follow_parent`);
* another program (:func:`start_kept`) has a keeper of ours beside it, which ends it when the
  keeper's own pipe ends;
* another program that a library starts by its path gets a script in its place
  (:func:`leash_script`), which asks the kernel to end it with its parent.

``recorder/games/minecraft/worker.py`` stays apart: it runs in the simulator's own Python (3.8 on)
and may import nothing of Playteach.  It leaves at the end of its orders as well.

Run as a program this module is the keeper: ``python -m recorder.processes PROGRAM ...``.
"""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from recorder.threads import BackgroundThread

CHECK_S = 0.5
STOP_S = 5.0
"""How long a program may take to end after it was asked to."""
_ROOT = Path(__file__).resolve().parents[1]


def start_module(
    module: str,
    *arguments: str,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    stderr: IO[bytes] | int | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start ``python -m module`` with pipes for its standard input and output.

    It is a session of its own, so that Ctrl-C in a terminal is for the program alone.  ``env``
    None is this process's environment.  Raises OSError if it cannot be started.
    """
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**(os.environ if env is None else env), "PYTHONPATH": str(_ROOT)},
        cwd=cwd,
        pass_fds=tuple(pass_fds),
        start_new_session=True,
    )


def start_kept(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    stderr: IO[bytes] | int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program with a keeper; returns the keeper, whose first line is the program's pid.

    What the program prints goes to ``stderr``.
    """
    return start_module("recorder.processes", *command, cwd=cwd, env=env, stderr=stderr)


def end_process(process: subprocess.Popen[bytes], patience_s: float = STOP_S) -> int:
    """Let a process of :func:`start_module` leave, or kill its session; return its exit code.

    Closes the pipes.  May be called twice.
    """
    if process.stdin is not None:
        # What was written and not read yet is lost with it.
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        kill_session(process)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    return process.returncode


def kill_session(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a session, with all that it started, and wait for its end."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    process.wait()


# A module of ours that follows its parent


def follow_parent(gone: Callable[[], None], *, pipe: int = 0) -> BackgroundThread:
    """Call ``gone`` on a thread of its own once the other end of ``pipe`` is closed.

    It is called again and again until the thread is stopped: a pool, for one, takes an exit in
    the middle of a call for that call's result.  ``pipe`` is a file descriptor that the parent
    holds the other end of; what is written into it is left to others.  Returns the thread, which
    watches already; :meth:`BackgroundThread.stop` ends the watching.
    """
    if not hasattr(select, "poll"):
        # Windows cannot wait for a pipe's end and for something else at a time: this thread is
        # ended with its process.
        return BackgroundThread("parent", lambda: _read_to_the_end(pipe, gone)).start()
    stopped, stop = os.pipe()
    return BackgroundThread(
        "parent", lambda: _watch(pipe, stopped, stop, gone), stop=lambda: _wake(stop)
    ).start()


def _watch(pipe: int, stopped: int, stop: int, gone: Callable[[], None]) -> None:
    # Asked for nothing, poll still tells of a hang-up: orders in the pipe do not wake it.
    watched, told = select.poll(), select.poll()
    watched.register(pipe, 0)
    for each in (watched, told):
        each.register(stopped, select.POLLIN)
    try:
        if stopped in {number for number, _ in watched.poll()}:
            return
        gone()
        while not told.poll(CHECK_S * 1000):
            gone()
    finally:
        os.close(stopped)
        os.close(stop)


def _wake(stop: int) -> None:
    with contextlib.suppress(OSError):
        os.write(stop, b".")


def _read_to_the_end(pipe: int, gone: Callable[[], None]) -> None:
    # Not through sys.stdin, whose lock must be free when the interpreter ends.
    while os.read(pipe, 4096):
        pass
    while True:
        gone()
        time.sleep(CHECK_S)


def terminate_self() -> None:
    """Send this process SIGTERM; for :func:`follow_parent`."""
    os.kill(os.getpid(), signal.SIGTERM)


# A program that a library starts


def leash_script(program: Path, folder: Path, *, note: tuple[str, str] | None = None) -> Path:
    """Write a script into ``folder`` that runs ``program`` and ends with its parent; return it.

    On Linux setpriv (util-linux) asks the kernel for that; without it the program just runs.
    With ``note`` (option, file name) the word after that option is written into that file of the
    folder before the program starts.  Needs a POSIX shell.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    lines = ["#!/bin/sh", 'parent=$PPID; [ "$parent" != 1 ] || exit 1']
    if note is not None:
        option, name = (shlex.quote(each) for each in (note[0], str(folder / note[1])))
        lines += [
            'before=""',
            'for word in "$@"; do',
            f'  if [ "$before" = {option} ]; then printf "%s" "$word" > {name}; fi',
            '  before="$word"',
            "done",
        ]
    run = f'{shlex.quote(str(program))} "$@"'
    if setpriv is not None:
        # A parent that died before the kernel was asked would never be missed: look once more.
        again = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"'
        leash = shlex.join([setpriv, "--pdeathsig", "KILL", "sh", "-c", again, "sh"])
        run = f'{leash} "$parent" {run}'
    lines.append(f"exec {run}")
    script = folder / "engine"
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    script.chmod(0o700)
    return script


# The keeper


def main(command: list[str]) -> int:
    """Keep ``command`` until it ends, stdin does or SIGTERM comes; returns its exit code.

    Says its process number first.  A program that was stopped is let run, so that it can end.
    """
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


def _leave(number: int, _frame: Any) -> None:
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
