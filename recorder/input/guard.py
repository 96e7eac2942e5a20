"""The app's end of the input guard."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
from collections.abc import Callable

from recorder.errors import GameError
from recorder.input.gate import StopGate
from recorder.input.guard_protocol import BEAT, DOWN, READY, RELEASING, UP, WAIT
from recorder.input.sent_inputs import Ledger
from recorder.processes import start_module
from recorder.threads import BackgroundThread

START_S = 20.0
GONE = (
    "The guard that lets keys go when Playteach cannot has ended, so nothing more is sent; start "
    "Playteach again."
)


class InputGuard:
    """Starts the guard's process and talks to it.  Implements the sender's ``Guard``.

    ``panic`` is the code of the panic key, 0 for none.  ``on_release`` is told the reason ("hang",
    "focus", "panic") on the reader's thread.
    """

    def __init__(
        self,
        window_id: int,
        gate: StopGate,
        ledger: Ledger,
        *,
        panic: int = 0,
        on_release: Callable[[str], None] = lambda why: None,
    ) -> None:
        self._gate = gate
        self._ledger = ledger
        self._on_release = on_release
        self._released = threading.Event()
        self._ready = threading.Event()
        self._turn = threading.Lock()
        self._rest = b""
        self._ended = False
        self._closed = False
        self._process = start_module(
            "recorder.input.guard_process", str(window_id), str(panic), stderr=subprocess.PIPE
        )
        # Ends with the guard, whose end of the pipe closes.
        self._reader = BackgroundThread("guard", self._read, stop=self.close).start()
        if not self._ready.wait(START_S) or self._process.poll() is not None:
            said = b"" if self._process.stderr is None else self._said()
            self.close()
            raise GameError(
                said.decode(errors="replace").strip()
                or "The input guard did not start, so no key is sent; see `playteach doctor`."
            )

    @property
    def pid(self) -> int:
        """The guard's process."""
        return self._process.pid

    def note(self, code: int, down: bool) -> None:
        """Tell of a key before it is pressed, or after it was released."""
        self._write(f"{DOWN if down else UP} {code}")

    def beat(self) -> None:
        """Tell that the control thread lives."""
        self._write(BEAT)

    def wait(self, seconds: float) -> None:
        """Tell that the next sign of life may take so long, the game standing still."""
        self._write(f"{WAIT} {seconds:g}")

    def hear(self) -> None:
        """Read on the caller's thread what the guard has said until now.

        On a busy machine the reader's own thread may get its turn much later.
        """
        pipe = self._process.stdout
        if pipe is None:
            return
        with self._turn:
            while not self._ended and select.select([pipe], [], [], 0)[0]:
                chunk = os.read(pipe.fileno(), 65536)
                self._ended = not chunk
                *lines, self._rest = (self._rest + chunk).split(b"\n")
                for line in lines:
                    self._obey(line.decode())

    def take_released(self) -> bool:
        """Return whether the guard has released everything since this was asked last."""
        if not self._released.is_set():
            # Not cleared: the guard's word may come right now.
            return False
        self._released.clear()
        return True

    def close(self) -> None:
        """End the guard, which releases what is still down; may be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5.0)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _said(self) -> bytes:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        return b"" if self._process.stderr is None else self._process.stderr.read()

    def _write(self, line: str) -> None:
        pipe = self._process.stdin
        if pipe is None or self._closed:
            return
        try:
            pipe.write(line.encode() + b"\n")
            pipe.flush()
        except BrokenPipeError as error:
            raise GameError(GONE) from error

    def _read(self) -> None:
        pipe = self._process.stdout
        while pipe is not None and not self._ended:
            select.select([pipe], [], [])
            self.hear()
        # The guard's end: whoever waits for its start need not wait longer.
        self._ready.set()

    def _obey(self, line: str) -> None:
        word, *rest = line.split()
        if word == READY:
            self._ready.set()
        elif word == RELEASING:
            why, *codes = rest
            # The panic key outlives the agent's next tick, also where no listener hears it.
            self._gate.shut_for("panic" if why == "panic" else "guard")
            for code in codes:
                self._ledger.expect_key(int(code), False)
            self._released.set()
            self._on_release(why)
