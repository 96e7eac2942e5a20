"""Our side of the simulator's process: orders, answers, pictures, time-outs."""

from __future__ import annotations

import contextlib
import json
import logging
import mmap
import os
import queue
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from recorder.errors import GameEndedError, GameError
from recorder.games.minecraft.worker import FRAME_BYTES, HEIGHT, WIDTH
from recorder.json_values import as_dict, as_list, parse_dict
from recorder.threads import BackgroundThread
from recorder.types import RGBImage

log = logging.getLogger(__name__)

START_S = 600.0
"""The first start unpacks and compiles; a warm one takes half a minute."""
STEP_S = 120.0
LEAVE_S = 5.0
"""So long a simulator may take to leave before it is killed, and a killed one to be gone."""
_WORKER = Path(__file__).with_name("worker.py")
_TAIL = 2000


class SimulatorProcess:
    """A simulator in a Python of its own.  Single-threaded.

    Attributes:
        lacks: controls that the simulator does not know.
        differs: what of its picture differs from what the released model was trained on.
        commands: whether it takes the commands with which tasks begin.

    """

    def __init__(
        self,
        python: Path,
        engine: str,
        *,
        folders: Sequence[Path] = (),
        start_s: float = START_S,
        step_s: float = STEP_S,
    ) -> None:
        """Start it; raises GameError, with the simulator's own words, where it does not."""
        self._step_s = step_s
        # In memory where the system has such a folder.
        room = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
        self._file = tempfile.NamedTemporaryFile(prefix="playteach-frame-", dir=room)  # noqa: SIM115
        self._file.truncate(FRAME_BYTES)
        self._shared = mmap.mmap(self._file.fileno(), FRAME_BYTES)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        command = [str(python), "-u", str(_WORKER), engine, self._file.name, *map(str, folders)]
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
        except OSError as error:
            self._let_go()
            raise GameError(
                f"The simulator's Python cannot be started ({error.strerror}), so Minecraft is not "
                "there; prepare it anew with: playteach games install minecraft."
            ) from error
        self._answers: queue.Queue[str] = queue.Queue()
        self._number = 0
        self._closed = False
        out = self._child.stdout
        assert out is not None
        # Ends with the child, whose end of the pipe closes.
        self._reader = BackgroundThread(
            "minecraft", partial(_pump, out, self._answers), stop=self.close
        ).start()
        try:
            opened = self.ask({"do": "open"}, start_s)
            self.lacks = tuple(str(name) for name in as_list(opened["lacks"], "lacks"))
            self.differs = as_dict(opened["differs"], "differs")
            self.commands = bool(opened["commands"])
        except BaseException:
            self.close()
            raise

    def ask(self, order: dict[str, object], seconds: float | None = None) -> dict[str, object]:
        """Send an order and return its answer.

        Orders are numbered, and an answer carries its order's number: no other one is taken for it.

        Raises GameEndedError if it has ended, or is ended because it does not answer within
        ``seconds`` (default: ``step_s``), and GameError if it tells of a problem.
        """
        limit = self._step_s if seconds is None else seconds
        pipe = self._child.stdin
        assert pipe is not None
        self._number += 1
        try:
            pipe.write(json.dumps({**order, "number": self._number}) + "\n")
            pipe.flush()
            answer = self._answer(self._number, limit)
        except queue.Empty as error:
            # Only a new one would answer: the next reset starts it.
            self._end_group()
            raise GameEndedError(
                f"Minecraft did not answer within {limit:g} s, so it was ended and this attempt is "
                "over; reset to start it anew."
            ) from error
        except (OSError, ValueError) as error:
            raise self._ended() from error
        if not answer.get("ok"):
            raise GameError(
                f"Minecraft's simulator could not go on ({answer.get('problem')}), so this attempt "
                "is over; reset to start it anew."
            )
        return answer

    def _answer(self, number: int, limit_s: float) -> dict[str, object]:
        """Wait for the answer to order ``number``; raises queue.Empty after ``limit_s``."""
        ends_s = time.monotonic() + limit_s
        while True:
            line = self._answers.get(timeout=max(0.0, ends_s - time.monotonic()))
            if not line:
                # For whoever asks once more: there is no other.
                self._answers.put("")
                raise self._ended()
            answer = parse_dict(line, "the answer")
            if answer.get("number") == number:
                return answer

    @property
    def ended(self) -> bool:
        """Whether the simulator is gone."""
        return self._child.poll() is not None

    def picture(self) -> RGBImage:
        """Return a copy of the newest picture, uint8 360 x 640 x 3."""
        flat = np.frombuffer(self._shared, np.uint8, FRAME_BYTES)
        return flat.reshape(HEIGHT, WIDTH, 3).copy()

    def close(self) -> None:
        """End the simulator and everything that it started; may be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._child.poll() is None:
            pipe = self._child.stdin
            assert pipe is not None
            with contextlib.suppress(OSError, ValueError):
                pipe.write('{"do": "close"}\n')
                pipe.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(LEAVE_S)
        # A Java may outlive the child, and hold the pipe open that the reader waits for.
        self._end_group()
        streams = [self._child.stdin]
        if self._reader.join(LEAVE_S):
            streams.append(self._child.stdout)
        else:
            # It cannot be closed while the reader waits for it.
            log.warning("what Minecraft's simulator started still runs, though it was killed")
        for stream in streams:
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._let_go()

    def _end_group(self) -> None:
        """Kill the child and the Java that it started: they are a session of their own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(LEAVE_S)

    def _let_go(self) -> None:
        self._shared.close()
        self._file.close()
        self._log.close()

    def _ended(self) -> GameEndedError:
        try:
            self._child.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            # It answers nothing any more and does not leave either.
            self._end_group()
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - _TAIL))
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        last = lines[-1] if lines else "without a word"
        return GameEndedError(
            f"Minecraft's simulator has ended ({last}), so there is nothing to play; see "
            "docs/minecraft.md for what its start needs."
        )


def _pump(stream: IO[str], answers: queue.Queue[str]) -> None:
    """Pass lines on; an empty one says that there are no more."""
    for line in stream:
        answers.put(line)
    answers.put("")
