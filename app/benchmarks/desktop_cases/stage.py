"""A desktop of its own for measuring and testing: Xvfb, a window manager, a plain window."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from Xlib import X, Xutil

from recorder.capture.x11 import open_display
from recorder.errors import GameError
from recorder.processes import start_kept
from recorder.threads import BackgroundThread

FIRST_DISPLAY, LAST_DISPLAY = 60, 99
START_S = 15.0
NEEDED = ("Xvfb", "openbox")
_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <focus><focusNew>yes</focusNew><followMouse>no</followMouse></focus>
  <desktops><number>1</number><popupTime>0</popupTime></desktops>
  <keyboard></keyboard><mouse></mouse>
  <applications><application class="*"><decor>no</decor><focus>yes</focus></application>
  </applications>
</openbox_config>
"""


def missing_programs() -> tuple[str, ...]:
    """Return which of the needed programs are not installed."""
    return tuple(name for name in NEEDED if shutil.which(name) is None)


@contextlib.contextmanager
def own_desktop(width: int = 1280, height: int = 720) -> Iterator[str]:
    """Run an X server with a window manager while the block runs; yields its DISPLAY.

    The variable DISPLAY of this process is set to it meanwhile.  Raises GameError where a
    program is missing.
    """
    if missing := missing_programs():
        raise GameError(
            f"{' and '.join(missing)} are not installed, so there is no desktop to measure on; on "
            "Debian or Ubuntu: sudo apt-get install xvfb openbox."
        )
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="playteach-desk-")))
        name = _start_server(stack, folder, width, height)
        config = folder / "rc.xml"
        config.write_text(_CONFIG, encoding="utf-8")
        before = os.environ.get("DISPLAY")
        os.environ["DISPLAY"] = name
        stack.callback(_restore, before)
        openbox = shutil.which("openbox") or "openbox"
        stack.enter_context(_kept([openbox, "--config-file", str(config)], folder / "openbox.txt"))
        _wait_for_manager(name)
        yield name


def _restore(display: str | None) -> None:
    if display is None:
        os.environ.pop("DISPLAY", None)
    else:
        os.environ["DISPLAY"] = display


@contextlib.contextmanager
def _kept(command: list[str], said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block or this process ends, however it does; it writes to ``said``.

    Gives its keeper, which lives as long as the program.
    """
    with said.open("wb") as out:
        keeper = start_kept(command, stderr=out)
    # Leaving closes the keeper's stdin, which ends the program, and waits for both.
    with keeper:
        yield keeper


def _start_server(stack: contextlib.ExitStack, folder: Path, width: int, height: int) -> str:
    """Start an X server that lives as long as ``stack``; return its DISPLAY."""
    for number in range(FIRST_DISPLAY, LAST_DISPLAY + 1):
        name = f":{number}"
        said = folder / f"xvfb-{number}.txt"
        # The server closes the descriptor that it says its number on, and a client's socket gets
        # that number.  On 2 the keymap compiler, whose warnings go there, writes into the socket.
        command = [
            shutil.which("Xvfb") or "Xvfb", name, "-screen", "0", f"{width}x{height}x24",
            "-nolisten", "tcp", "-noreset", "-displayfd", "1",
        ]  # fmt: skip
        with contextlib.ExitStack() as own:
            keeper = own.enter_context(_kept(command, said))
            until = time.monotonic() + START_S
            # It says its number when it is ready, and ends where another one has it.
            while keeper.poll() is None and time.monotonic() < until:
                if str(number).encode() in said.read_bytes().splitlines():
                    stack.push(own.pop_all())
                    return name
                time.sleep(0.02)
    raise GameError("No X server could be started, so nothing was measured; see /tmp/.X*-lock.")


def _wait_for_manager(name: str) -> None:
    """Wait until a window that asks to be shown is shown.

    A manager that has just begun says so before it listens: what asks to be shown in
    between is never shown.
    """
    display = open_display(name)
    try:
        atom = display.intern_atom("_NET_SUPPORTING_WM_CHECK")
        screen = display.screen()
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if screen.root.get_full_property(atom, X.AnyPropertyType) is None:
                time.sleep(0.02)
                continue
            probe = screen.root.create_window(0, 0, 20, 20, 0, screen.root_depth)
            probe.map()
            for _ in range(25):
                if probe.get_attributes().map_state == X.IsViewable:
                    probe.destroy()
                    display.sync()
                    return
                time.sleep(0.02)
            probe.destroy()
    finally:
        display.close()
    raise GameError("The window manager did not start, so nothing was measured; try again.")


class PlainWindow:
    """A window that draws nothing and keeps what is typed into it.

    Serves its events on a thread; :attr:`typed` counts key presses that reached it.
    """

    def __init__(self, title: str, *, left: int, top: int, width: int, height: int) -> None:
        self._display = open_display()
        screen = self._display.screen()
        self._window = screen.root.create_window(
            left,
            top,
            width,
            height,
            0,
            screen.root_depth,
            background_pixel=0x406080,
            event_mask=X.KeyPressMask | X.StructureNotifyMask,
        )
        self._window.set_wm_name(title)
        self._window.set_wm_class("plain", "Plain")
        hints = Xutil.PPosition | Xutil.PSize | Xutil.USPosition
        self._window.set_wm_normal_hints(flags=hints, x=left, y=top)
        self._window.set_wm_hints(flags=Xutil.InputHint, input=1)
        self._window.map()
        self._display.sync()
        self.typed = 0
        self._stop = threading.Event()
        self._thread = BackgroundThread(title, self._serve, stop=self._stop.set).start()

    @property
    def id(self) -> int:
        """The window's number."""
        return int(self._window.id)

    def close(self) -> None:
        """Take the window away."""
        self._thread.stop()
        self._display.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            while self._display.pending_events():
                if self._display.next_event().type == X.KeyPress:
                    self.typed += 1
            select.select([self._display.fileno()], [], [], 0.05)
