"""The input guard: a process of its own that lets everything go when the app cannot.

``python -m recorder.input.guard_process WINDOW PANIC_CODE``.  Reads lines on stdin: "down 17"
before the key of that code (:mod:`recorder.input.keys`) is pressed, "up 17" after it was released,
"beat" for every sign of life.  Releases
what is down when stdin ends (the app died), when no line came for 300 ms (it hangs), when the
window loses the keyboard (also to a screen lock), and when the panic key goes down.  Says
"releasing WHY CODES" before and "released" after it.
"""

from __future__ import annotations

import os
import select
import sys
import time
from typing import TYPE_CHECKING

from Xlib import X, error
from Xlib.ext import ge, xinput

from recorder.errors import KnownError
from recorder.input.guard_protocol import DOWN, HANG_S, READY, RELEASED, RELEASING, UP, WAIT
from recorder.input.keys import X11_OFFSET
from recorder.input.x11_listener import parse_raw
from recorder.input.xtest import XTestDevice

if TYPE_CHECKING:
    from Xlib.display import Display

CHECK_S = 0.02
CHECK_FOR_S = 0.2
"""What a dead app had sent but the server not yet read may press a key after its release."""


class GuardProcess:
    """State and loop of the guard."""

    def __init__(self, window_id: int, panic: int) -> None:
        self._device = XTestDevice()
        self._display: Display = self._device._display
        self._window_id = window_id
        self._panic = panic
        self._held: dict[int, None] = {}
        self._heard_s = time.monotonic()
        self._limit_s = HANG_S
        self._rest = b""
        root = self._display.screen().root
        if self._panic and self._display.has_extension(xinput.extname):
            xinput.XIQueryVersion(
                display=self._display.display,
                opcode=self._display.display.get_extension_major(xinput.extname),
                major_version=2,
                minor_version=2,
            )
            root.xinput_select_events([(xinput.AllMasterDevices, 1 << xinput.RawKeyPress)])
        if window_id:
            window = self._display.create_resource_object("window", window_id)
            window.change_attributes(event_mask=X.FocusChangeMask | X.StructureNotifyMask)
        self._display.sync()

    def run(self) -> None:
        """Guard until the app's end of the pipe is closed."""
        self._say(READY)
        while True:
            left_s = None
            if self._held:
                left_s = max(0.0, self._heard_s + self._limit_s - time.monotonic())
            ready, _, _ = select.select([0, self._display.fileno()], [], [], left_s)
            if 0 in ready and not self._read():
                self._release("dead")
                return
            if self._held and time.monotonic() - self._heard_s >= self._limit_s:
                self._release("hang")
            self._look()

    def _read(self) -> bool:
        chunk = os.read(0, 65536)
        if not chunk:
            return False
        self._heard_s = time.monotonic()
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            word, _, number = line.decode().partition(" ")
            if word == DOWN:
                self._held[int(number)] = None
            elif word == UP:
                self._held.pop(int(number), None)
            self._limit_s = float(number) if word == WAIT else HANG_S
        return True

    def _look(self) -> None:
        while self._display.pending_events():
            event = self._display.next_event()
            if event.type == ge.GenericEventCode:
                if isinstance(event.data, bytes):
                    raw = parse_raw(event.evtype, event.data)
                    if raw.kind == xinput.RawKeyPress and raw.detail - X11_OFFSET == self._panic:
                        self._release("panic")
            elif (
                event.type == X.FocusOut and event.detail not in (X.NotifyInferior, X.NotifyPointer)
            ) or event.type in (X.UnmapNotify, X.DestroyNotify):
                self._release("focus")

    def _release(self, why: str) -> None:
        # What the app wrote before it died or lost the focus counts.
        while select.select([0], [], [], 0)[0] and self._read():
            pass
        if why == "hang" and time.monotonic() - self._heard_s < self._limit_s:
            # It was the guard that had no turn for so long.
            return
        codes = list(self._held)
        if not codes:
            return
        self._say(f"{RELEASING} {why} {' '.join(map(str, codes))}")
        for code in codes:
            self._device.press(code, False)
        self._held.clear()
        if why == "dead":
            end_s = time.monotonic() + CHECK_FOR_S
            while time.monotonic() < end_s:
                time.sleep(CHECK_S)
                for code in codes:
                    if self._device.is_down(code):
                        self._device.press(code, False)
        self._say(RELEASED)

    def _say(self, line: str) -> None:
        try:
            os.write(1, line.encode() + b"\n")
        except BrokenPipeError:
            # The app is dead; what matters is the keyboard.
            return


def main(arguments: list[str]) -> int:
    """Run the guard; returns the exit code."""
    window_id, panic = int(arguments[0]), int(arguments[1])
    try:
        GuardProcess(window_id, panic).run()
    except KnownError as problem:
        sys.stderr.write(problem.sentence + "\n")
        return int(problem.exit_code)
    except (error.ConnectionClosedError, OSError):
        # The screen is gone, and every key with it.
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
