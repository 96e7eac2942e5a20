"""Hears every key, button and mouse move under X11, in the server's own order.

XInput2's raw events name the device that they come from, know neither key repeats nor
pointer warps, and reach us while a game grabs the pointer.  Focus changes of the game's
window come over the same connection, so it is certain which keys were typed into it.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from Xlib import X, error
from Xlib.ext import ge, xinput

from recorder.capture.x11 import LOST, close_display, open_display, server_there
from recorder.errors import GameError
from recorder.input.keys import WHEEL, X11_OFFSET, code_of_x11_button
from recorder.threads import BackgroundThread

_HEADER = struct.Struct("<HIIHHI4x")
_RAW = sum(
    1 << kind
    for kind in (
        xinput.RawKeyPress,
        xinput.RawKeyRelease,
        xinput.RawButtonPress,
        xinput.RawButtonRelease,
        xinput.RawMotion,
    )
)
_SAME_WINDOW = (X.NotifyInferior, X.NotifyPointer)


class Sorter(Protocol):
    """Who is told (:class:`recorder.input.hearing.Hearing`)."""

    def focus(self, has: bool) -> None:
        """The game got or lost the keyboard."""
        ...

    def key(self, code: int, down: bool, mono_ns: int, *, shared: bool) -> None:
        """A key or button changed; ``code`` is one of :mod:`recorder.input.keys`."""
        ...

    def motion(self, dx: float, dy: float, mono_ns: int, *, shared: bool) -> None:
        """The mouse moved."""
        ...

    def wheel(self) -> None:
        """The wheel turned."""
        ...


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One raw event, ``time_ms`` by the server's clock.

    ``axes`` maps an axis to its (accelerated, unaccelerated) value.
    """

    kind: int
    time_ms: int
    source: int
    detail: int
    axes: dict[int, tuple[float, float]]


def parse_raw(kind: int, data: bytes) -> RawEvent:
    """Read the body of a raw XInput2 event, which python-xlib leaves as it came."""
    _device, time_ms, detail, source, mask_words, _flags = _HEADER.unpack_from(data)
    at = _HEADER.size
    mask = int.from_bytes(data[at : at + 4 * mask_words], "little")
    at += 4 * mask_words
    axes = [axis for axis in range(32 * mask_words) if mask >> axis & 1]
    values = [
        whole + part / 2**32
        for whole, part in struct.iter_unpack("<iI", data[at : at + 16 * len(axes)])
    ]
    count = len(axes)
    found = {axis: (values[k], values[count + k]) for k, axis in enumerate(axes)}
    return RawEvent(kind, time_ms, source, detail, found)


class X11Listener:
    """Listens on a thread of its own from :meth:`start` to :meth:`close`.

    ``unaccelerated`` counts the mouse before the desktop's acceleration, for games that
    read it so.  ``on_error`` is told, on that thread, where listening had to end.
    """

    def __init__(
        self,
        window_id: int,
        sorter: Sorter,
        *,
        name: str | None = None,
        unaccelerated: bool = False,
        on_error: Callable[[GameError], None] = lambda error: None,
    ) -> None:
        self._display = open_display(name)
        self._sorter = sorter
        self._value = 1 if unaccelerated else 0
        self._on_error = on_error
        self._window_id = window_id
        self._shared: frozenset[int] = frozenset()
        self._absolute: dict[int, dict[int, float]] = {}
        self._last: dict[tuple[int, int], float] = {}
        self._ahead_ns: int | None = None
        # One hears at a time, so that everything is told of in the server's order.
        self._turn = threading.Lock()
        self._wake, self._woken = socket.socketpair()
        self._thread = BackgroundThread("listener", self._run, stop=self._stop_hearing)
        self._closed = False

    def start(self) -> X11Listener:
        """Begin to listen; raises GameError where this server cannot tell of raw events."""
        with server_there():
            self._begin()
        self._thread.start()
        return self

    def _begin(self) -> None:
        display = self._display
        if not display.has_extension(xinput.extname):
            raise GameError(
                "The X server has no XInput extension, so the person cannot be heard; use a "
                "usual X.Org server."
            )
        # Version 2.2: raw events also while somebody has grabbed the keyboard or the pointer.
        version = xinput.XIQueryVersion(
            display=display.display,
            opcode=display.display.get_extension_major(xinput.extname),
            major_version=2,
            minor_version=2,
        )
        if (version.major_version, version.minor_version) < (2, 1):
            raise GameError(
                "The X server's XInput is older than 2.1, so the person cannot be heard while a "
                "game has the mouse; use a newer X.Org server."
            )
        self._look_at_devices()
        root = display.screen().root
        mask = _RAW
        root.xinput_select_events([(xinput.AllMasterDevices, mask)])
        root.xinput_select_events([(xinput.AllDevices, 1 << xinput.HierarchyChanged)])
        window = display.create_resource_object("window", self._window_id)
        window.change_attributes(event_mask=X.FocusChangeMask)
        self._sorter.focus(self._has_focus())

    def hear(self) -> None:
        """Hear on the caller's thread what the server has told until now.

        On a busy machine the listener's own thread may get its turn much later.
        """
        # A lost connection is told of by the listener's own thread, which sees it too.
        with contextlib.suppress(OSError, error.ConnectionClosedError):
            self._hear_all()

    def close(self) -> None:
        """Stop listening; may be called twice."""
        if self._closed:
            return
        if self._thread.alive:
            self._thread.stop()
        self._closed = True
        self._wake.close()
        self._woken.close()
        close_display(self._display)

    def _stop_hearing(self) -> None:
        self._closed = True
        self._wake.send(b".")

    def _has_focus(self) -> bool:
        """Whether the window or one within it has the keyboard."""
        window = self._display.get_input_focus().focus
        # X.NONE and X.PointerRoot come as plain numbers.
        with contextlib.suppress(error.BadWindow):
            while not isinstance(window, int):
                if window.id == self._window_id:
                    return True
                window = window.query_tree().parent
        return False

    def _look_at_devices(self) -> None:
        devices = self._display.xinput_query_device(xinput.AllDevices).devices
        self._shared = frozenset(int(each.deviceid) for each in devices if "XTEST" in each.name)
        self._absolute = {}
        screen = self._display.screen()
        sizes = {0: screen.width_in_pixels, 1: screen.height_in_pixels}
        for device in devices:
            if int(device.deviceid) in self._shared:
                continue
            for part in device.classes:
                if (
                    part.type == xinput.ValuatorClass
                    and part.mode == xinput.ModeAbsolute
                    and part.number in sizes
                    and part.max > part.min
                ):
                    axes = self._absolute.setdefault(int(device.deviceid), {})
                    axes[int(part.number)] = sizes[part.number] / (part.max - part.min)

    def _run(self) -> None:
        display = self._display
        try:
            while not self._closed:
                self._hear_all()
                select.select([display.fileno(), self._woken], [], [])
        # ValueError: `hear` may have found the connection lost, and a closed one has no number.
        except (OSError, ValueError, error.ConnectionClosedError):
            if not self._closed:
                self._sorter.focus(False)
                self._on_error(GameError(LOST))

    def _hear_all(self) -> None:
        with self._turn:
            while self._display.pending_events():
                self._hear(self._display.next_event())

    def _hear(self, event: Any) -> None:
        if event.type == ge.GenericEventCode:
            if event.evtype == xinput.HierarchyChanged:
                self._look_at_devices()
            elif isinstance(event.data, bytes):
                raw = parse_raw(event.evtype, event.data)
                self._hear_raw(raw, self._when_ns(raw.time_ms))
        elif event.type in (X.FocusIn, X.FocusOut) and (
            event.window.id == self._window_id and event.detail not in _SAME_WINDOW
        ):
            self._sorter.focus(event.type == X.FocusIn)

    def _when_ns(self, time_ms: int) -> int:
        """When it happened, by our clock: the server's runs along, and we may hear late."""
        now_ns = time.monotonic_ns()
        ahead_ns = now_ns - time_ms * 1_000_000
        # The smallest distance is that of an event heard at once; the server's clock starts
        # anew every 50 days.
        if self._ahead_ns is None or not 0 <= ahead_ns - self._ahead_ns < 3_600_000_000_000:
            self._ahead_ns = ahead_ns
        return time_ms * 1_000_000 + self._ahead_ns

    def _hear_raw(self, event: RawEvent, mono_ns: int) -> None:
        shared = event.source in self._shared
        match event.kind:
            case xinput.RawKeyPress | xinput.RawKeyRelease:
                # What the key types is not asked: a place stays one under every layout.
                down = event.kind == xinput.RawKeyPress
                self._sorter.key(event.detail - X11_OFFSET, down, mono_ns, shared=shared)
            case xinput.RawButtonPress | xinput.RawButtonRelease:
                down = event.kind == xinput.RawButtonPress
                if event.detail in WHEEL:
                    if down:
                        self._sorter.wheel()
                    return
                self._sorter.key(code_of_x11_button(event.detail), down, mono_ns, shared=shared)
            case xinput.RawMotion:
                dx, dy = self._counts(event, 0), self._counts(event, 1)
                if dx or dy:
                    self._sorter.motion(dx, dy, mono_ns, shared=shared)

    def _counts(self, event: RawEvent, axis: int) -> float:
        if axis not in event.axes:
            return 0.0
        value = event.axes[axis][self._value]
        scale = self._absolute.get(event.source, {}).get(axis)
        if scale is None:
            return value
        # A tablet or a virtual machine's mouse tells where it is, not how far it went.
        before = self._last.get((event.source, axis))
        self._last[(event.source, axis)] = value
        return 0.0 if before is None else (value - before) * scale
