"""Runs pip for the bootstrap: progress that a person can read, failures in one sentence.

Standard library only.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from recorder.errors import KnownError

LARGE = re.compile(r"Downloading (?P<file>\S+) \((?P<size>[\d.]+ [GM]B)\)")
BYTES = re.compile(r"Progress (?P<done>\d+) of (?P<total>\d+)$")
TAIL_LINES = 60

DISK_FULL = re.compile(r"No space left on device|Errno 28|Disk quota exceeded|Errno 122")
NOT_ALLOWED = re.compile(r"Permission denied|Errno 13\b|Read-only file system|Errno 30\b")
OFFLINE = re.compile(
    r"NewConnectionError|NameResolutionError|name resolution|Failed to establish"
    r"|timed out|ConnectTimeout|ConnectionError|Connection (?:refused|reset|broken|aborted)"
    r"|connection broken|Network is unreachable|ProxyError|SSLError|Max retries exceeded"
    r"|IncompleteRead|incomplete-download|Could not fetch URL"
)
NO_BUILD = re.compile(r"No matching distribution found for (?P<what>\S+)")


@dataclass(frozen=True, slots=True)
class Step:
    """One run of pip: what a person calls it, pip's arguments, megabytes to download."""

    title: str
    packages: tuple[str, ...]
    megabytes: int


class Installer:
    """Installs steps with ``python``'s pip under ``constraints``, everything into ``log``.

    ``keep_open`` is a descriptor that pip inherits.
    """

    def __init__(
        self, python: Path, constraints: Path, log: Path, *, keep_open: int | None = None
    ) -> None:
        self._python = python
        self._constraints = constraints
        self._log = log
        self._keep_open = () if keep_open is None else (keep_open,)

    def run(self, step: Step, heading: str) -> None:
        """Install a step; raises KnownError with one sentence where pip fails."""
        show = Progress(heading)
        tail: deque[str] = deque(maxlen=TAIL_LINES)
        # The pip that a new environment starts with may be too old for raw progress.
        progress = "off" if "pip" in step.packages else "raw"
        command = [
            *(str(self._python), "-m", "pip", "install", "--no-input"),
            *("--disable-pip-version-check", "--progress-bar", progress),
            # Ready-made packages only: nobody should need a compiler to play.
            *("--only-binary", ":all:", "--constraint", str(self._constraints)),
            *step.packages,
        ]
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n")
            code = follow(command, lambda line: _take(line, log.write, tail, show), self._keep_open)
        if code:
            show.end(ok=False)
            raise KnownError(explain_failure("\n".join(tail), self._log))
        show.end(ok=True)


def _take(line: str, write: Callable[[str], object], tail: deque[str], show: Progress) -> None:
    if not BYTES.match(line):
        write(f"{line}\n")
        tail.append(line)
    show.line(line)


def follow(command: list[str], take: Callable[[str], None], keep_open: tuple[int, ...]) -> int:
    """Run ``command``, hand each line of its output to ``take``, return its exit code.

    Whatever ends the wait, the child has ended when this returns.
    """
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=keep_open,
    )
    try:
        for line in child.stdout or ():
            take(line.rstrip("\n"))
        return child.wait()
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if child.stdout is not None:
            child.stdout.close()


class Progress:
    """One line a step: redrawn on a terminal, else a line for each thing that takes long."""

    def __init__(self, heading: str) -> None:
        self._heading = heading
        self._terminal = sys.stderr.isatty()
        self._began_s = time.monotonic()
        self._file = ""
        self._drawn_s = 0.0
        self._draw("")

    def line(self, text: str) -> None:
        """Take a line of pip's."""
        if match := LARGE.search(text):
            name, _, version = match["file"].partition("-")
            self._file = f"{name} {version.split('-')[0]}"
            self._draw(f"{self._file}, {match['size']}", always=True)
        elif match := BYTES.match(text):
            done, total = int(match["done"]), int(match["total"])
            if self._terminal and total > 1_000_000 and time.monotonic() - self._drawn_s > 0.1:
                self._draw(f"{self._file}, {bar(done, total)}")
        elif text.startswith("Installing collected packages"):
            self._draw("unpacking", always=True)

    def end(self, *, ok: bool) -> None:
        """Finish the line."""
        took = f"{time.monotonic() - self._began_s:.0f} s"
        self._draw(f"done in {took}" if ok else "failed", always=True)
        if self._terminal:
            sys.stderr.write("\n")
            sys.stderr.flush()

    def _draw(self, text: str, *, always: bool = False) -> None:
        self._drawn_s = time.monotonic()
        words = f"{self._heading}  {text}".rstrip()
        if self._terminal:
            width = shutil.get_terminal_size().columns
            sys.stderr.write(f"\r{words[: width - 1]}\x1b[K")
        elif always:
            sys.stderr.write(f"{words}\n")
        sys.stderr.flush()


def bar(done: int, total: int, width: int = 24) -> str:
    """Return a drawn bar and megabytes; ``done`` is at most ``total``, which is positive."""
    filled = round(width * min(done, total) / total)
    return f"{'#' * filled}{'.' * (width - filled)} {done / 1e6:.0f} of {total / 1e6:.0f} MB"


def explain_failure(output: str, place: Path) -> str:
    """Return one sentence for why pip or venv failed; ``place`` is its log or folder."""
    if DISK_FULL.search(output):
        return (
            "The disk is full, so not everything could be installed; free about 2 GB and start "
            "again: what has arrived is kept."
        )
    if NOT_ALLOWED.search(output):
        return (
            f"The folder {place.parent} cannot be written to, so not everything could be "
            "installed; give yourself the right to write there and start again."
        )
    if OFFLINE.search(output):
        return (
            "The packages cannot be downloaded because the connection failed, so the set-up is "
            "not complete; check the network and start again: what has arrived is kept."
        )
    if match := NO_BUILD.search(output):
        version = ".".join(str(part) for part in sys.version_info[:2])
        return (
            f"There is no ready-made {match['what']} for Python {version} on this kind of "
            "machine, so Playteach cannot be installed with it; remove the folder .venv and "
            "start again with Python 3.11, 3.12 or 3.13."
        )
    errors = [line for line in output.splitlines() if line.startswith(("ERROR", "Error"))]
    reason = errors[-1].split(":", 1)[-1].strip() if errors else "no reason given"
    return (
        f"The packages could not be installed ({reason}); start again, and if it stays so look "
        f"into {place}."
    )


def remove_half_installed(folder: Path) -> list[str]:
    """Remove what an interrupted pip left in the environment ``folder``; returns the names.

    pip writes RECORD anew as its last act, with the line for INSTALLER in it: without that
    line a package only looks installed.  Names that begin with ~ are old versions that it
    had moved aside.
    """
    removed = []
    for packages in folder.glob("**/site-packages"):
        for path in packages.iterdir():
            if path.name.startswith("~"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            elif path.suffix == ".dist-info" and not _is_complete(path):
                shutil.rmtree(path)
            else:
                continue
            removed.append(path.name)
    return removed


def _is_complete(dist_info: Path) -> bool:
    try:
        record = (dist_info / "RECORD").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return f"{dist_info.name}/INSTALLER," in record
