"""Windows under X11, asked of the X server itself (python-xlib, which pynput brings)."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from Xlib import X, Xatom, error
from Xlib.display import Display
from Xlib.ext import randr, screensaver
from Xlib.protocol import event

from recorder.capture.base import SENTENCES, Rect, Trouble, WindowInfo, WindowState
from recorder.errors import GameError, NoDisplayError

if TYPE_CHECKING:
    from Xlib.xobject.drawable import Window

MIN_SIDE = 64
"""Smaller windows are no games: tray icons, helpers of toolkits."""
SAVER_S = 0.5
DOCK_MARGIN = 16
"""Pixels beside a docked window: a window manager's frame is wider than the window."""
LOST = (
    "The connection to the screen was lost, so nothing can be played; what was recorded is kept. "
    "Log in again and start Playteach anew."
)
_GONE = (error.BadWindow, error.BadDrawable, error.BadMatch)
_CHANGES = frozenset(
    {
        X.ConfigureNotify,
        X.MapNotify,
        X.UnmapNotify,
        X.ReparentNotify,
        X.DestroyNotify,
        X.CirculateNotify,
        X.GravityNotify,
    }
)
"""Events after which a window may lie elsewhere, under another one, or nowhere."""


def open_display(name: str | None = None) -> Display:
    """Connect to an X server; raises NoDisplayError where there is none."""
    shown = name or os.environ.get("DISPLAY", "")
    try:
        display = Display(shown or None)
    except (error.DisplayError, OSError) as problem:
        raise NoDisplayError(
            f"No X display answers at {shown!r}, so a game in a window cannot be seen or played; "
            "start Playteach from the desktop or set DISPLAY."
        ) from problem
    # What fails later is heard as an exception where an answer is awaited; the rest concerns
    # windows that have gone in between.
    display.set_error_handler(_ignore_error)
    return display


@contextlib.contextmanager
def server_there() -> Iterator[None]:
    """Raise GameError if the X server goes while the block speaks to it."""
    try:
        yield
    except error.ConnectionClosedError as problem:
        raise GameError(LOST) from problem


def close_display(display: Display) -> None:
    """Close a connection, also one whose server has gone."""
    with contextlib.suppress(error.ConnectionClosedError, OSError):
        display.close()


def _ignore_error(*_arguments: object) -> None:
    """Errors of requests without an answer: the window has gone, which `look` will tell."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found out about a window while ``focus`` had the keyboard."""

    focus: int
    state: WindowState


class X11Windows:
    """Implements :class:`recorder.capture.base.WindowSystem`.

    A window is looked at twice a tick, and a whole look asks the server a dozen questions.  So
    the server tells of every change of the windows that matter: where it told of none, the
    last look still holds, and one question is enough.
    """

    def __init__(self, name: str | None = None) -> None:
        self._display = open_display(name)
        self._root = self._display.screen().root
        self._lock = threading.Lock()
        self._atoms: dict[str, int] = {}
        self._has_saver = bool(self._display.has_extension(screensaver.extname))
        self._saver_on = False
        self._saver_asked_s = -SAVER_S
        self._closed = False
        self._watched: dict[int, Window] = {}
        self._watched_for = 0
        self._known: _Known | None = None

    def windows(self) -> tuple[WindowInfo, ...]:
        """Return the visible titled windows, topmost first."""
        with self._asking():
            found = []
            for window in reversed(self._managed()):
                with contextlib.suppress(*_GONE):
                    info = self._info(window)
                    if info is not None:
                        found.append(info)
            return tuple(found)

    def look(self, window_id: int) -> WindowState:
        """Return how a window is right now."""
        with self._asking():
            try:
                return self._look(self._window(window_id))
            except _GONE:
                self._known = None
                return WindowState(Rect(0, 0, 0, 0), Trouble.GONE)

    def focus(self, window_id: int) -> None:
        """Raise a window and give it the keyboard, by the window manager where there is one."""
        with self._asking():
            window = self._window(window_id)
            try:
                window.get_attributes()
                if self._property(self._root, "_NET_SUPPORTING_WM_CHECK") is not None:
                    self._activate(window)
                else:
                    window.configure(stack_mode=X.Above)
                    window.set_input_focus(X.RevertToParent, X.CurrentTime)
                self._display.sync()
            except _GONE as problem:
                raise GameError(SENTENCES[Trouble.GONE]) from problem

    def lower(self, window_id: int) -> None:
        """Ask the window manager to put a window behind all others."""
        with self._asking(), contextlib.suppress(*_GONE):
            self._window(window_id).configure(stack_mode=X.Below)
            self._display.sync()

    def dock(self, window_id: int) -> None:
        """Ask for a window to lie in the top right corner of the monitor that it is on."""
        with self._asking(), contextlib.suppress(*_GONE):
            window = self._window(window_id)
            rect = self._rect(window)
            monitor = next((each for each in self._monitors() if each.overlaps(rect)), None)
            if monitor is not None:
                left = max(monitor.left, monitor.left + monitor.width - rect.width - DOCK_MARGIN)
                window.configure(x=left, y=monitor.top)
                self._display.sync()

    def _monitors(self) -> list[Rect]:
        """The monitors' places on the X screen; the whole of it where nobody tells them."""
        if not self._display.has_extension(randr.extname):
            return [self._screen()]
        found = randr.get_monitors(self._root).monitors
        return [
            Rect(int(each.x), int(each.y), int(each.width_in_pixels), int(each.height_in_pixels))
            for each in found
        ] or [self._screen()]

    def pointer(self) -> tuple[int, int]:
        """Return where the pointer is."""
        with self._asking():
            where = self._root.query_pointer()
            return int(where.root_x), int(where.root_y)

    def screen(self) -> Rect:
        """Return the whole X screen, which spans all monitors."""
        with self._asking():
            return self._screen()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if not self._closed:
                self._closed = True
                close_display(self._display)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Have the server for oneself; raises GameError if it has gone."""
        with self._lock, server_there():
            yield

    def _window(self, window_id: int) -> Window:
        return self._display.create_resource_object("window", window_id)

    def _atom(self, name: str) -> int:
        if name not in self._atoms:
            self._atoms[name] = self._display.intern_atom(name)
        return self._atoms[name]

    def _property(self, window: Window, name: str, kind: int = X.AnyPropertyType) -> Any:
        found = window.get_full_property(self._atom(name), kind)
        return None if found is None else found.value

    def _screen(self) -> Rect:
        size = self._root.get_geometry()
        return Rect(0, 0, int(size.width), int(size.height))

    def _managed(self) -> list[Window]:
        """Windows that a window manager lists, bottom to top; without one, the root's children."""
        for name in ("_NET_CLIENT_LIST_STACKING", "_NET_CLIENT_LIST"):
            listed = self._property(self._root, name, Xatom.WINDOW)
            if listed is not None:
                return [self._window(int(each)) for each in listed]
        return list(self._root.query_tree().children)

    def _info(self, window: Window) -> WindowInfo | None:
        if window.get_attributes().map_state != X.IsViewable:
            return None
        title, rect = self._title(window), self._rect(window)
        if not title or min(rect.width, rect.height) < MIN_SIDE:
            return None
        pids = self._property(window, "_NET_WM_PID", Xatom.CARDINAL)
        pid = int(pids[0]) if pids is not None and len(pids) else None
        return WindowInfo(int(window.id), title, _program(pid), pid, rect)

    def _title(self, window: Window) -> str:
        named = self._property(window, "_NET_WM_NAME")
        if isinstance(named, bytes) and named:
            return named.decode(errors="replace")
        plain = window.get_wm_name()
        if isinstance(plain, bytes):
            return plain.decode(errors="replace")
        return plain or ""

    def _rect(self, window: Window) -> Rect:
        """The client area in screen pixels: a frame's border must not be in the picture."""
        size = window.get_geometry()
        corner = self._root.translate_coords(window, 0, 0)
        return Rect(int(corner.x), int(corner.y), int(size.width), int(size.height))

    def _look(self, window: Window) -> WindowState:
        if self._watched_for != window.id:
            self._watch_only(window)
        # The answer comes after all events of what happened before it.
        focus = self._focus()
        if self._changed() or self._known is None or self._known.focus != focus:
            self._known = None
            fresh = self._watch_line(window)
            state = self._look_anew(window, focus)
            # What is watched only since now may have changed before.
            if not fresh:
                self._known = _Known(focus, state)
        else:
            state = self._known.state
        return WindowState(state.rect, Trouble.LOCKED) if self._locked() else state

    def _look_anew(self, window: Window, focus: int) -> WindowState:
        viewable = window.get_attributes().map_state == X.IsViewable
        rect = self._rect(window)
        if not viewable:
            return WindowState(rect, Trouble.MINIMISED)
        if not self._holds(window, focus):
            return WindowState(rect, Trouble.UNFOCUSED)
        if not rect.inside(self._screen()):
            return WindowState(rect, Trouble.OFF_SCREEN)
        if any(True for _ in self._above(window, rect)):
            return WindowState(rect, Trouble.COVERED)
        return WindowState(rect)

    def _focus(self) -> int:
        """Id of the window with the keyboard, 0 where none has it."""
        focus = self._display.get_input_focus().focus
        # X.NONE and X.PointerRoot come as plain numbers.
        return 0 if isinstance(focus, int) else int(focus.id)

    def _holds(self, window: Window, focus: int) -> bool:
        """Whether a window is the one with the keyboard or one around it."""
        if focus == window.id:
            return True
        # What had the keyboard may have gone in between.
        with contextlib.suppress(*_GONE):
            return window.id in self._line(self._window(focus))
        return False

    def _changed(self) -> bool:
        """Whether the server told of a change since the last time."""
        changed = False
        while self._display.pending_events():
            changed |= self._display.next_event().type in _CHANGES
        return changed

    def _watch_only(self, window: Window) -> None:
        for other in self._watched.values():
            other.change_attributes(event_mask=X.NoEventMask)
        self._known = None
        self._watched_for = int(window.id)
        self._root.change_attributes(event_mask=X.StructureNotifyMask | X.SubstructureNotifyMask)
        self._watched = {self._root.id: self._root}

    def _watch_line(self, window: Window) -> bool:
        """Watch a window and the frames around it; return whether one was not watched yet."""
        fresh = False
        for each in (int(window.id), *self._line(window)):
            if each not in self._watched:
                fresh = True
                self._watched[each] = self._window(each)
                self._watched[each].change_attributes(event_mask=X.StructureNotifyMask)
        return fresh

    def _line(self, window: Window) -> Iterator[int]:
        """Ids of a window's parents, nearest first, without the root; none of no window."""
        while window.id:
            parent = window.query_tree().parent
            if isinstance(parent, int) or parent.id == self._root.id:
                return
            yield int(parent.id)
            window = parent

    def _above(self, window: Window, rect: Rect) -> Iterator[int]:
        """Ids of what lies over ``rect`` above the window."""
        mine = {int(window.id), *self._line(window)}
        stacked = self._root.query_tree().children
        for place in range(len(stacked) - 1, -1, -1):
            other = stacked[place]
            if other.id in mine:
                return
            try:
                facts = other.get_attributes()
                if facts.map_state != X.IsViewable or facts.win_class == X.InputOnly:
                    continue
                if self._rect(other).overlaps(rect):
                    yield int(other.id)
            except _GONE:
                continue

    def _locked(self) -> bool:
        now_s = time.monotonic()
        if self._has_saver and now_s - self._saver_asked_s > SAVER_S:
            # A lock takes the focus at once; this is for a screen that went dark by itself.
            self._saver_asked_s = now_s
            self._saver_on = self._root.screensaver_query_info().state == screensaver.StateOn
        return self._saver_on

    def _activate(self, window: Window) -> None:
        # 2: asked for by a pager, which window managers obey also from the background.
        message = event.ClientMessage(
            window=window,
            client_type=self._atom("_NET_ACTIVE_WINDOW"),
            data=(32, [2, X.CurrentTime, 0, 0, 0]),
        )
        mask = X.SubstructureRedirectMask | X.SubstructureNotifyMask
        self._root.send_event(message, event_mask=mask)


def _program(pid: int | None) -> str:
    if pid is None:
        return ""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return ""
