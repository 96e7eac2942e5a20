"""Any game in a window of its own: seen by the screen, played by keyboard and mouse."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from recorder.capture.base import Grabber, Rect, Trouble, WindowState, WindowSystem
from recorder.capture.grab import fit
from recorder.clock import Clock
from recorder.errors import GameError, GameSuspendedError
from recorder.games.base import Bindings, Task
from recorder.games.desktop.acting import ActionSender
from recorder.games.desktop.hands import Hands
from recorder.games.desktop.offset import first_change_ms, median_ms
from recorder.games.desktop.profile import Profile
from recorder.input.gate import FIRMER, GateClock
from recorder.input.hearing import Ears, Hotkey
from recorder.types import NO_ACTION, Action, Frame, Outcome

CAPTURE_SHARE = 0.75
"""The picture is taken this far into the tick; the rest is for thinking and storing."""
TAP_NS = 60_000_000
"""How long a pause key is down, and how long the game then has for it."""


class DesktopGame:
    """A window that is played as a person would.  Control thread only.

    Knows no tasks and no outcome: the person judges.  The game itself is neither started
    nor ended here.
    """

    realtime = True

    def __init__(
        self,
        profile: Profile,
        window_id: int,
        windows: WindowSystem,
        grabber: Grabber,
        hands: Hands,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.profile = profile
        self.name = profile.name
        self.title = profile.title
        self.tick_rate_hz = profile.tick_rate_hz
        self.bindings: Bindings = profile.bindings
        self._window_id = window_id
        self._windows = windows
        self._grabber = grabber
        self._hands = hands
        self.clock: Clock = GateClock(hands.gate, hands.let_go) if clock is None else clock
        self._frame_id = 0
        self._listening = False
        self._silent_ticks = 0
        self._resting = False
        self._acting = ActionSender(profile, windows, hands, self.clock)
        self._sent = NO_ACTION
        self._rect = Rect(0, 0, 0, 0)

    def tasks(self) -> Sequence[Task]:
        """Return nothing: this game cannot be judged."""
        return ()

    def listen(self, ears: Ears) -> None:
        """Let the person take over by touching keyboard or mouse in the game's window."""
        self._hands.listen(ears)
        self._listening = True

    @property
    def listening(self) -> bool:
        """Whether the person's own keys reach the game, so that theirs are not sent again."""
        return self._listening

    @property
    def hands(self) -> Hands:
        """The input path."""
        return self._hands

    @property
    def panicked(self) -> bool:
        """Whether the person has pressed the panic key; where nobody listens the guard hears it."""
        hearing = self._hands.hearing
        return self._hands.gate.why == "panic" or (hearing is not None and hearing.panics > 0)

    @property
    def hotkeys(self) -> Mapping[Hotkey, str]:
        """What the profile's keys ask for."""
        return self.profile.hotkeys

    @property
    def silenced(self) -> bool:
        """Whether the stop flag keeps the agent from everything."""
        return self._hands.gate.shut

    @property
    def chatting(self) -> bool:
        """Whether the person has opened the game's chat."""
        hearing = self._hands.hearing
        return hearing is not None and hearing.chatting

    @property
    def hand_touches(self) -> int:
        """How often a device that the agent does not type on was touched since somebody listens."""
        hearing = self._hands.hearing
        return 0 if hearing is None else hearing.hand_touches

    @property
    def cut_counts(self) -> int:
        """Mouse counts that were asked for and did not fit into a tick."""
        return self._acting.cut_counts

    @property
    def turned_counts(self) -> tuple[int, int]:
        """(right, down) mouse counts that were sent since the last reset."""
        return self._acting.turned_counts

    @property
    def window_id(self) -> int:
        """The system's number of the window."""
        return self._window_id

    def reset(self, task: Task, seed: int) -> Frame:
        """Give the game the keyboard and return what it shows; the game goes on as it is."""
        del task, seed
        self.begin()
        return self.see()

    def begin(self) -> None:
        """Forget the last attempt and give the game the keyboard."""
        self._acting.begin()
        self._silent_ticks = 0
        self.come_back()

    def step(self, action: Action) -> Frame:
        """Do what the agent wants for one tick; silent where the person has just touched it."""
        with _screen_there(self._windows, self._window_id):
            return self._step(action)

    def _step(self, action: Action) -> Frame:
        began_ns = self.clock.now_ns()
        rect = self._check()
        gate = self._hands.gate
        if gate.shut:
            # The session hears of it too and gives the hands over.  Where it insists on the
            # agent for a second tick, the hands have come back.
            self._silent_ticks += 1
            if self._silent_ticks > 1:
                gate.open(but_for=FIRMER)
        self._sent = NO_ACTION
        if not gate.shut:
            self._silent_ticks = 0
            self._sent = self._acting.act(action, rect, began_ns)
        return self._finish(began_ns)

    def sent(self) -> Action:
        """Return what of the last step's action the game got."""
        return self._sent

    def cut_short(self) -> bool:
        """Return whether the agent was silenced in the last step.

        The gate stays shut until the session has seen why, so a touch at any moment of the tick
        is known here.
        """
        return self._hands.gate.shut

    def watch(self) -> Frame:
        """Let the person play for one tick; raises RuntimeError if nobody listens to them."""
        if not self._listening:
            raise RuntimeError("nobody listens to the person")
        with _screen_there(self._windows, self._window_id):
            return self._watch()

    def _watch(self) -> Frame:
        began_ns = self.clock.now_ns()
        self._check()
        if self._hands.sender.held:
            self._hands.let_go()
        self._hands.sender.beat()
        self._silent_ticks = 0
        self._acting.forget_fractions()
        if self._hands.gate.why == "person":
            # Seen: when the agent gets the hands back, nothing is in its way.
            self._hands.gate.open(but_for=FIRMER)
        return self._finish(began_ns)

    def see(self) -> Frame:
        """Return what the window shows now."""
        return self._picture(self._check())

    def outcome(self) -> Outcome | None:
        """Return None: only the person knows."""
        return None

    def measure_offset(self, tries: int = 7) -> float | None:
        """Nudge the mouse and return the ms until the picture shows it, None where it does not.

        The view is where it was afterwards.
        """
        delays: list[float | None] = []
        counts = max(4, round(3.0 / self.bindings.degrees_per_count))
        for number in range(2 * tries):
            rect = self._check()
            sign = 1 if number % 2 == 0 else -1
            nudge = partial(self._hands.sender.move, sign * counts, 0)
            delays.append(first_change_ms(self._grabber, rect, nudge))
            self._hands.sender.beat()
            self.clock.sleep_until_ns(self.clock.now_ns() + 90_000_000 + 7_000_000 * number)
        return median_ms(delays)

    def hear(self) -> None:
        """Tell the session of all that the person did until now."""
        self._hands.hear()

    def let_go(self) -> None:
        """Release everything that the agent holds."""
        self._hands.let_go()

    def hold_still(self) -> None:
        """Release everything, and press the game's pause key where it has one.

        Not after a panic or a touch of the person's: then nothing more is sent.
        """
        gate = self._hands.gate
        self.let_go()
        asked = not gate.shut or gate.why == "pause"
        if not self.profile.pause_key or self._resting or not asked:
            return
        if self._windows.look(self._window_id).trouble is None and gate.open(but_for=FIRMER):
            self._tap(self.profile.pause_key)
            self._resting = True
        gate.shut_for("pause")

    def _tap(self, name: str) -> None:
        self._hands.hold([name])
        self.clock.sleep_until_ns(self.clock.now_ns() + TAP_NS)
        self._hands.hold([])
        self.clock.sleep_until_ns(self.clock.now_ns() + TAP_NS)

    def come_back(self) -> None:
        """Give the window the keyboard and end its pause.

        The agent stays silent where the panic key or a chat's comes meanwhile.
        Raises GameSuspendedError where it does not take the keyboard.
        """
        gate = self._hands.gate
        overcome = gate.why
        self._windows.focus(self._window_id)
        for _ in range(40):
            self._hands.hear()
            state = self._look()
            if state.trouble is None:
                opened = gate.open(but_for=[why for why in FIRMER if why != overcome])
                self._silent_ticks = 0
                if self._resting and opened:
                    self._resting = False
                    self._tap(self.profile.pause_key)
                return
            if state.trouble is Trouble.GONE:
                self._refuse(state.trouble, state.sentence)
            self.clock.sleep_until_ns(self.clock.now_ns() + 25_000_000)
        self._refuse(Trouble.UNFOCUSED if state.trouble is None else state.trouble, state.sentence)

    def facts(self) -> Mapping[str, object]:
        """Return the delay from input to picture, and how time ran."""
        return {"input_to_frame_ms": self.profile.input_to_frame_ms, "time": "real"}

    def close(self) -> None:
        """Release everything and let go of the screen; the game stays."""
        with contextlib.ExitStack() as closing:
            closing.callback(self._windows.close)
            closing.callback(self._grabber.close)
            closing.callback(self._hands.close)

    # One tick

    def _check(self) -> Rect:
        state = self._look()
        if state.trouble is not None:
            self._refuse(state.trouble, state.sentence)
        self._rect = state.rect
        return state.rect

    def in_front(self) -> bool:
        """Return whether the window can be seen and played right now; control thread only."""
        return self._look().trouble is None

    def _look(self) -> WindowState:
        state = self._windows.look(self._window_id)
        if state.trouble is None and self._hands.typed_elsewhere:
            return WindowState(state.rect, Trouble.UNFOCUSED)
        return state

    def _refuse(self, trouble: Trouble, sentence: str) -> None:
        self._hands.gate.shut_for("focus")
        self._hands.let_go()
        if trouble is Trouble.GONE:
            raise GameError(sentence)
        raise GameSuspendedError(sentence)

    def _finish(self, began_ns: int) -> Frame:
        self._hands.sender.beat()
        self.clock.sleep_until_ns(began_ns + int(1e9 / self.tick_rate_hz * CAPTURE_SHARE))
        self._hands.sender.beat()
        frame = self._picture(self._rect)
        # Looked at after the picture was taken: nobody else's window is in it.
        before = self._rect
        if self._check() != before:
            # The window was moved meanwhile.
            frame = self._picture(self._rect)
            self._check()
        return frame

    def _picture(self, rect: Rect) -> Frame:
        mono_ns = self.clock.now_ns()
        shown = self._grabber.grab(rect)
        # At once: the rest of the tick belongs to the next row.
        self._hands.picture_read()
        rgb = fit(shown)
        rgb.flags.writeable = False
        self._frame_id += 1
        return Frame(self._frame_id, mono_ns, rgb)


@contextlib.contextmanager
def _screen_there(windows: WindowSystem, window_id: int) -> Iterator[None]:
    """Say that the screen has gone, if that is why something else failed first."""
    try:
        yield
    except GameSuspendedError:
        raise
    except GameError:
        windows.look(window_id)
        raise
