"""Our side of the engine's process: orders, answers, pictures, and its end."""

from __future__ import annotations

import contextlib
import json
import logging
import mmap
import os
import select
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict

import numpy as np
import psutil

from recorder.errors import GameEndedError, GameError
from recorder.games.doom.leftovers import (
    no_folder,
    remove_shared,
    require_shared,
    shared_needed,
)
from recorder.processes import end_process, kill_session, start_module
from recorder.types import RGBImage

log = logging.getLogger(__name__)

START_S = 120.0
CHECK_S = 0.5
"""So often it is looked whether an engine that does not answer is still there."""
STEP_S = 60.0
"""An answer takes milliseconds; so late none comes."""
LAST_WORDS = 2000
"""Bytes of what the engine printed last that go to the log when it has ended."""
ENDED = (
    "The practice yard's engine ended by itself ({why}), so this attempt is over and does not "
    "count; the next one starts a new engine."
)
_REFUSALS = {
    "missing": "The practice yard needs the vizdoom package, which is not installed; run "
    "`python3 play.py` to install it.",
    "size": "The practice yard cannot draw {width} x {height} pictures; use 640 x 360.",
    "start": "The practice yard's engine did not start ({why}), so it cannot be played; run "
    "`playteach doctor`.",
}
Acts = Sequence[tuple[Sequence[float], int]]
"""Button values, and for how many tics they are held, one after the other."""


@dataclass(frozen=True, slots=True)
class EngineState:
    """The engine's own view of a tick.

    ``objects`` are (id, actor's name, x, y) in map units, ``labels`` (id, x, y, width, height)
    in pixels, ``sectors`` (floor, ceiling) heights in map units.
    """

    variables: tuple[float, ...]
    objects: tuple[tuple[int, str, float, float], ...]
    labels: tuple[tuple[int, int, int, int, int], ...]
    sectors: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What came of an order.  The dead see nothing: ``state`` and ``rgb`` are None then."""

    dead: bool
    state: EngineState | None
    rgb: RGBImage | None


class _ToldState(TypedDict):
    variables: list[float]
    objects: list[tuple[int, str, float, float]]
    labels: list[tuple[int, int, int, int, int]]
    sectors: list[tuple[float, float]]


class _Told(TypedDict, total=False):
    """An answer of :mod:`recorder.games.doom.engine_process`, in which tuples are lists."""

    engine: list[int]
    refused: str
    why: str
    failed: str
    dead: bool
    state: _ToldState | None


class _Gone(Exception):  # noqa: N818  # becomes a GameError of one kind or the other
    """The engine has ended; everything of it is closed."""


class EngineProcess:
    """A ViZDoom engine in a process of its own, which starts with this object.  Single-threaded.

    Raises GameError if it cannot start.
    """

    def __init__(
        self,
        folder: Path,
        wad: Path,
        *,
        size: tuple[int, int],
        labels: bool,
        buttons: Sequence[str],
        variables: Sequence[str],
        start_s: float = START_S,
        step_s: float = STEP_S,
    ) -> None:
        require_shared(shared_needed(size, labels=labels))
        self._folder = folder
        self._size = size
        self._step_s = step_s
        self._rest = b""
        self._closed = False
        self._engine: psutil.Process | None = None
        self._pictures_file, path, fds = _shared_file(folder, size[0] * size[1] * 3)
        self._pictures = mmap.mmap(self._pictures_file.fileno(), size[0] * size[1] * 3)
        try:
            self._log = (folder / "engine.log").open("w+b")
            # The child copies pictures; more threads than one would only cost memory.
            self._process = start_module(
                "recorder.games.doom.engine_process",
                path,
                cwd=folder,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                stderr=self._log,
                pass_fds=fds,
            )
        except OSError as error:
            self._pictures.close()
            self._pictures_file.close()
            raise no_folder(error) from error
        try:
            told = self._ask(
                {
                    "wad": str(wad),
                    "size": size,
                    "labels": labels,
                    "buttons": tuple(buttons),
                    "variables": tuple(variables),
                },
                start_s,
            )
        except _Gone as gone:
            raise GameError(_REFUSALS["start"].format(why=gone)) from gone
        except BaseException:
            self.close()
            raise
        for pid in told.get("engine", ()):
            with contextlib.suppress(psutil.NoSuchProcess):
                self._engine = psutil.Process(pid)
        if "refused" in told:
            self.close()
            width, height = size
            sentence = _REFUSALS[told["refused"]]
            raise GameError(sentence.format(why=told["why"], width=width, height=height))

    @property
    def pid(self) -> int:
        """The process that holds the engine; the engine itself is its child."""
        return self._process.pid

    @property
    def closed(self) -> bool:
        """Whether it was closed or has ended."""
        return self._closed

    def begin(self, seed: int, acts: Acts) -> Seen:
        """Begin an episode on the map as it lies there now, and do the first actions in it.

        Raises GameEndedError, with everything closed, if the engine has ended.
        """
        return self._play({"seed": seed, "acts": acts})

    def act(self, acts: Acts) -> Seen:
        """Do actions; raises what :meth:`begin` raises."""
        return self._play({"acts": acts})

    def close(self) -> None:
        """End the engine and its process; may be called twice."""
        if self._closed:
            return
        self._closed = True
        if end_process(self._process) != 0:
            # It was ended, so it could not tidy up.
            kill_session(self._process)
        remove_shared(self._folder)
        self._log.close()
        self._pictures.close()
        self._pictures_file.close()

    def _play(self, order: Mapping[str, object]) -> Seen:
        try:
            return self._seen(self._ask(order, self._step_s))
        except _Gone as gone:
            raise GameEndedError(ENDED.format(why=gone)) from gone

    def _ask(self, order: Mapping[str, object], seconds: float) -> _Told:
        if self._closed:
            raise _Gone("it was closed")
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(json.dumps(order).encode() + b"\n")
            pipe.flush()
        except OSError as error:
            raise self._ended("it is gone") from error
        line = self._read_line(seconds)
        told: _Told = json.loads(line)
        if "failed" in told:
            raise self._ended(told["failed"])
        return told

    def _read_line(self, seconds: float) -> bytes:
        pipe = self._process.stdout
        assert pipe is not None
        until_s = time.monotonic() + seconds
        # Windows cannot wait for a pipe with a limit; there a hang is the person's to end.
        poller = select.poll() if hasattr(select, "poll") else None
        if poller is not None:
            poller.register(pipe, select.POLLIN)
        missing = 0
        while b"\n" not in self._rest:
            left_s = max(0.0, until_s - time.monotonic())
            if poller is not None and not poller.poll(1000 * min(left_s, CHECK_S)):
                # The library waits for ever for an engine that is killed at a wrong moment.
                missing += not self._engine_lives()
                if missing > 1 or time.monotonic() >= until_s:
                    kill_session(self._process)
                    why = "it is gone" if missing > 1 else f"no answer within {seconds:g} s"
                    raise self._ended(why)
                continue
            chunk = os.read(pipe.fileno(), 65536)
            if not chunk:
                raise self._ended("it is gone")
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _engine_lives(self) -> bool:
        try:
            return self._engine is None or self._engine.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def _seen(self, told: _Told) -> Seen:
        state = told["state"]
        if state is None:
            return Seen(told["dead"], None, None)
        width, height = self._size
        rgb = np.frombuffer(self._pictures, np.uint8).reshape(height, width, 3).copy()
        rgb.flags.writeable = False
        return Seen(
            told["dead"],
            EngineState(
                tuple(state["variables"]),
                tuple((id_, name, x, y) for id_, name, x, y in state["objects"]),
                tuple((id_, x, y, w, h) for id_, x, y, w, h in state["labels"]),
                tuple((floor, ceiling) for floor, ceiling in state["sectors"]),
            ),
            rgb,
        )

    def _ended(self, why: str) -> _Gone:
        """Close what is left and return what to say."""
        with contextlib.suppress(OSError):
            self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - LAST_WORDS))
            log.info(
                "the yard's engine ended (%s); its last words: %s",
                why,
                self._log.read().decode("utf-8", "replace").strip() or "none",
            )
        self.close()
        return _Gone(why)


def _shared_file(folder: Path, count: int) -> tuple[IO[bytes], str, tuple[int, ...]]:
    """Return a file of ``count`` bytes, its path for a child, and what the child must inherit.

    On Linux it has no name and goes with its users, however they end; it is outside the size
    of the system's folder for shared memory.
    """
    if sys.platform == "linux":
        number = os.memfd_create("playteach-pictures")
        file: IO[bytes] = os.fdopen(number, "r+b", buffering=0)
        path, fds = f"/proc/self/fd/{number}", (number,)
    else:
        file = tempfile.NamedTemporaryFile(dir=folder, delete=False)  # noqa: SIM115
        path, fds = file.name, ()
    file.truncate(count)
    return file, path, fds
