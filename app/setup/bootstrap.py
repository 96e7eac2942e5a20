"""The first start: an environment beside the clone, the pinned packages, then Playteach.

Standard library only, because it runs before anything is installed.  The steps are
resumable: a package that is complete is never fetched again, one that was cut off in the
middle of being unpacked is recognised and replaced, and the stamp that makes the next
start quick is written last.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from app.command_line import opens_the_window, parse
from app.setup.bootstrap_pip import Installer, Step, explain_failure, remove_half_installed
from app.setup.display import has_display
from app.setup.system_needs import (
    display_kind,
    missing_libraries,
    missing_libraries_sentence,
    venv_sentence,
)
from recorder.errors import ExitCode, KnownError

ROOT = Path(__file__).resolve().parents[2]
STAMP = "playteach-setup.json"
PIP_LOG = "playteach-setup.log"
DISK_NEEDED_MB = 2000
"""Measured: the environment with its tests takes 1.9 GB with PyTorch's CPU build."""

STEPS: tuple[Step, ...] = (
    # --no-build-isolation below builds Playteach with this pinned setuptools.
    Step("pip and setuptools", ("pip", "setuptools"), 3),
    Step("PyTorch", ("torch",), 202),
    Step("Qt", ("pyside6-essentials",), 81),
    Step("ViZDoom", ("vizdoom",), 69),
    Step("video and numerics", ("av", "scipy"), 71),
)
"""Fetched one after the other, the largest first; megabytes as measured on Linux x86-64."""
INPUT_PACKAGES = ("pynput", "python-xlib", "six")
"""Installed on Linux without what they ask for: pynput's evdev has to be compiled against the
kernel's headers and serves keyboards without X, which Playteach does not use."""
REST_MB = 36
TEST_TOOLS_MB = 33
WHOLE_SUITE = (
    "-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder",
)  # fmt: skip
"""The whole suite is shared out among processes, file by file; a part of it runs in one.

The files come in the order of tests/conftest.py, which knows the longest; by itself the plugin
takes those with the most tests first, and they are not."""

NO_DISPLAY = (
    "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so the window "
    "cannot open and the same loop runs without one: playteach demo --quick"
)


@dataclass(frozen=True, slots=True)
class Environment:
    """The clone at ``root`` and the environment in it."""

    root: Path

    @property
    def folder(self) -> Path:
        """The environment's folder."""
        return self.root / ".venv"

    @property
    def scripts(self) -> Path:
        """Where the environment keeps its commands."""
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def python(self) -> Path:
        """The environment's Python."""
        return self.scripts / ("python.exe" if sys.platform == "win32" else "python")

    @property
    def playteach(self) -> tuple[str, ...]:
        """The command, by path: "-m app" would find a folder app of the current folder first."""
        if sys.platform == "win32":
            return (str(self.scripts / "playteach.exe"),)
        return (str(self.python), str(self.scripts / "playteach"))

    @property
    def stamp(self) -> Path:
        """The file that says what was set up completely."""
        return self.folder / STAMP

    def key(self) -> str:
        """Return a name for what should be installed, and by which Python, and where.

        The place counts because commands in an environment name it: a moved clone is
        set up again.
        """
        digest = hashlib.sha256()
        for name in ("constraints.txt", "pyproject.toml"):
            digest.update((self.root / name).read_bytes())
        digest.update(f"{self.root}\n{os.path.realpath(self.python)}\n".encode())
        config = self.folder / "pyvenv.cfg"
        digest.update(config.read_bytes() if config.exists() else b"")
        return digest.hexdigest()

    def is_ready(self, *, tests: bool) -> bool:
        """Return whether everything (and what the tests need) is installed; takes 1 ms."""
        try:
            stamp = json.loads(self.stamp.read_text(encoding="utf-8"))
            return bool(stamp["key"] == self.key() and (stamp["tests"] or not tests))
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def write_stamp(self, *, tests: bool) -> None:
        """Say that the set-up is complete; atomic, so that no half-written file says it."""
        fresh = self.stamp.with_suffix(".tmp")
        fresh.write_text(json.dumps({"key": self.key(), "tests": tests}), encoding="utf-8")
        fresh.replace(self.stamp)

    def works(self) -> bool:
        """Return whether the environment's Python starts, has its pip, and is the one it was."""
        code = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
        try:
            run = subprocess.run(
                [str(self.python), "-c", code], capture_output=True, text=True, check=False
            )
            config = (self.folder / "pyvenv.cfg").read_text(encoding="utf-8")
        except OSError:
            return False
        versions = [
            line.split("=", 1)[1].strip()
            for line in config.splitlines()
            if line.split("=", 1)[0].strip() == "version"
        ]
        here = run.stdout.strip()
        return run.returncode == 0 and bool(versions) and versions[0].startswith(f"{here}.")


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Set up what is missing and become ``playteach ARGUMENTS`` (or the tests)."""
    try:
        return _start(list(arguments), Environment(root))
    except KnownError as error:
        say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        say("")
        say("Stopped; what has arrived is kept, so start again to go on from here.")
        return ExitCode.CANCELLED


def say(text: str) -> None:
    """Tell the person a line, at once; what the command prints stays alone on its stream."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def opens_window(arguments: Sequence[str]) -> bool:
    """Return whether ``playteach ARGUMENTS`` opens the window.

    False for what the command line does not understand: ``playteach`` says that.
    """
    options = _understood(arguments)
    return options is not None and opens_the_window(options)


def _understood(arguments: Sequence[str]) -> argparse.Namespace | None:
    """Return what the command line means, None for help and for mistakes, without a word."""
    nowhere = io.StringIO()
    try:
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            return parse(arguments)
    except SystemExit:
        return None


def _start(arguments: list[str], environment: Environment) -> int:
    tests = arguments[:1] == ["test"]
    if not environment.is_ready(tests=tests):
        set_up(environment, tests=tests)
    if tests:
        _require_libraries("")
        os.chdir(environment.root)
        return become([str(environment.python), "-m", "pytest", *(arguments[1:] or WHOLE_SUITE)])
    if opens_window(arguments):
        if has_display():
            _require_libraries(display_kind())
        else:
            arguments = _without_window(arguments)
    return become([*environment.playteach, *arguments])


def _without_window(arguments: list[str]) -> list[str]:
    """Return what runs where there is no display instead of the window, and say so.

    A sentence that was to be played is another matter than a look: ``playteach`` refuses that.
    """
    options = _understood(arguments)
    if options is None or getattr(options, "instruction", None):
        return arguments
    say(NO_DISPLAY)
    data = [] if options.data is None else ["--data", str(options.data)]
    return ["demo", "--quick", *data]


def _require_libraries(display: str) -> None:
    missing = missing_libraries(display)
    if missing:
        raise KnownError(missing_libraries_sentence(missing))


def become(command: list[str]) -> int:
    """Let ``command`` take this process's place (where the system can do that)."""
    sys.stdout.flush()
    sys.stderr.flush()
    if sys.platform == "win32":
        return subprocess.run(command, check=False).returncode
    return os.execv(command[0], command)  # noqa: S606 - a list, no shell, our own environment


def set_up(environment: Environment, *, tests: bool) -> None:
    """Make the environment and install everything; raises KnownError with one sentence."""
    _check_place(environment)
    with _stoppable(), _one_at_a_time(environment) as lock:
        # Another start may have finished while this one waited for it.
        if environment.is_ready(tests=tests):
            return
        fresh = not environment.works()
        steps = _planned_steps(environment, fresh=fresh, tests=tests)
        _announce(steps, fresh=fresh)
        if fresh:
            _make_environment(environment)
        remove_half_installed(environment.folder)
        environment.stamp.unlink(missing_ok=True)
        installer = Installer(
            environment.python,
            environment.root / "constraints.txt",
            environment.folder / PIP_LOG,
            keep_open=lock,
        )
        for number, step in enumerate(steps, start=1):
            installer.run(step, f"[{number}/{len(steps)}] {step.title}")
        environment.write_stamp(tests=tests)
        say("Everything is installed.")


def _planned_steps(environment: Environment, *, fresh: bool, tests: bool) -> list[Step]:
    pins = read_pins(environment.root / "constraints.txt")
    here = {} if fresh else installed_versions(environment.folder)
    steps = [
        step for step in STEPS if any(here.get(name) != pins.get(name) for name in step.packages)
    ]
    rest_mb = REST_MB if steps else 0
    if tests and here.get("pytest") != pins.get("pytest"):
        rest_mb += TEST_TOOLS_MB
    packages = asked_for(environment.root / "pyproject.toml", tests=tests)
    own = ("--no-build-isolation", "--no-deps", "--editable", str(environment.root))
    if sys.platform != "linux":
        return [*steps, Step("the rest", packages, rest_mb), Step("Playteach", own, 0)]
    rest = tuple(name for name in packages if re.split(r"[<>=!~]", name)[0] not in INPUT_PACKAGES)
    return [
        *steps,
        Step("the rest", rest, rest_mb),
        Step("keyboard and mouse", ("--no-deps", *INPUT_PACKAGES), 0),
        Step("Playteach", own, 0),
    ]


def asked_for(path: Path, *, tests: bool) -> tuple[str, ...]:
    """Return the requirements that a pyproject.toml names, those of its tests too if wanted."""
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    extra = project.get("optional-dependencies", {}).get("test", []) if tests else []
    return (*project.get("dependencies", []), *extra)


def read_pins(path: Path) -> dict[str, str]:
    """Return version by package name from a constraints file of ``name==version`` lines."""
    pins = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, found, version = line.split("#", 1)[0].strip().partition("==")
        if found:
            pins[name.strip().lower()] = version.strip()
    return pins


def installed_versions(folder: Path) -> dict[str, str]:
    """Return version by package name of what lies in an environment; local parts cut off."""
    versions = {}
    for path in folder.glob("**/site-packages/*.dist-info"):
        name, _, version = path.name.removesuffix(".dist-info").partition("-")
        versions[name.lower().replace("_", "-")] = version.split("+", 1)[0]
    return versions


def _announce(steps: Sequence[Step], *, fresh: bool) -> None:
    megabytes = sum(step.megabytes for step in steps)
    if not megabytes:
        say("Checking Playteach's packages after a change.")
        return
    what = "Setting up Playteach" if fresh else "Going on with the set-up of Playteach"
    say(f"{what}, once: downloads about {megabytes} MB of Python packages into .venv here.")
    if sys.platform == "linux" and any(step.title == "PyTorch" for step in steps):
        say("Where pip takes PyTorch's CUDA build (its default on Linux) it is about 3 GB.")
    say("It may be stopped at any time (Ctrl+C): what has arrived is kept for the next start.")


def _check_place(environment: Environment) -> None:
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise KnownError(venv_sentence(sys.version_info[:2]))
    place = environment.folder if environment.folder.exists() else environment.root
    if not os.access(place, os.W_OK):
        raise KnownError(
            f"The folder {place} may only be read by you, so nothing can be installed in it; "
            "move Playteach to a folder of your own and start again."
        )
    # What is there already needs no room again, so only a first set-up is refused early.
    free_mb = shutil.disk_usage(place).free // 1_000_000
    if not environment.stamp.exists() and free_mb < DISK_NEEDED_MB - _size_mb(environment.folder):
        raise KnownError(
            f"The disk of {environment.root} has {free_mb} MB left and the packages take about "
            f"{DISK_NEEDED_MB} MB, so nothing was downloaded; free some space and start again."
        )


def _size_mb(folder: Path) -> int:
    files = (Path(top) / name for top, _, names in os.walk(folder) for name in names)
    return sum(file.lstat().st_size for file in files) // 1_000_000


def _make_environment(environment: Environment) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(environment.folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if run.returncode:
        raise KnownError(explain_failure(run.stdout, environment.folder))


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Let a polite kill stop the set-up as Ctrl+C does, its children included."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _one_at_a_time(environment: Environment) -> Iterator[int | None]:
    """Hold the set-up's lock; yields its descriptor, which pip inherits, None where there is none.

    So the lock is still held while a pip goes on whose parent was killed.
    """
    if sys.platform == "win32":
        # Two first starts at once on Windows meet pip's own refusal instead.
        yield None
        return
    import fcntl

    # Locking the folder needs no file in it, so the check-out stays clean.
    descriptor = os.open(environment.root, os.O_RDONLY)
    lock: int | None = descriptor
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another start is setting Playteach up; waiting for it to finish.")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:
            # This disk keeps no locks, so nobody is waited for: it is as on Windows.
            lock = None
        yield lock
    finally:
        os.close(descriptor)
