"""Decides whether an input event came from the person and may be stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from recorder.input.gate import StopGate
from recorder.input.keys import CODES
from recorder.input.layout import US, KeyMap, Layout
from recorder.input.sent_inputs import Ledger
from recorder.types import Outcome

NUDGE_COUNTS = 3.0
NUDGE_NS = 100_000_000
"""A mouse that moves further than this many counts in this time is a hand on it."""
CHAT_ENDS = frozenset(CODES[name] for name in ("Return", "Enter", "Esc"))


class Hotkey(StrEnum):
    """What a key can ask for while the game has the focus; panic also without it."""

    PANIC = "panic"
    PAUSE = "pause"
    HAND_BACK = "hand_back"
    SUCCESS = "success"
    FAILURE = "failure"


DEFAULT_HOTKEYS: dict[Hotkey, str] = {
    Hotkey.PANIC: "F12",
    Hotkey.PAUSE: "F6",
    Hotkey.HAND_BACK: "F8",
    Hotkey.SUCCESS: "F9",
    Hotkey.FAILURE: "F10",
}


def hotkey_codes(hotkeys: Mapping[Hotkey, str], layout: Layout = US) -> dict[int, Hotkey]:
    """Return which hotkey is on which place; "" is on none.

    A name is a place, and only what no US keyboard has ("É") is looked up in ``layout``.
    """
    keys = KeyMap((name for name in hotkeys.values() if name), layout=layout)
    found = {keys.code(name): hotkey for hotkey, name in hotkeys.items()}
    return {code: hotkey for code, hotkey in found.items() if code is not None}


@dataclass(frozen=True, slots=True)
class _Pressed:
    """A key in the person's hand; ``shared`` if they pressed it on the agent's own device."""

    name: str
    shared: bool


class Ears(Protocol):
    """Who is told of the person: a play session.  Every method returns at once."""

    @property
    def paused(self) -> bool:
        """Whether all is paused, or will be once what was asked for is done."""
        ...

    def key(self, name: str, down: bool, mono_ns: int) -> None:
        """Hear a key or button; unbound ones leave no trace."""
        ...

    def mouse_move(self, dx_counts: float, dy_counts: float, mono_ns: int) -> None:
        """Hear a mouse move."""
        ...

    def picture_read(self) -> None:
        """Hear that a picture was read: what is told later was done after it."""
        ...

    def take_over(self) -> None:
        """Give the hands to the person where the policy has them."""
        ...

    def focus_lost(self) -> None:
        """Release the person's keys."""
        ...

    def pause(self) -> None:
        """Freeze."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    def hand_back(self) -> None:
        """Give the hands back to the policy."""
        ...

    def mark(self, outcome: Outcome) -> None:
        """End the attempt with the person's verdict."""
        ...


class Hearing:
    """Sorts what a listener hears.  Called by one thread at a time.

    Keys that the agent sent are struck out of its ledger.  Without the focus nothing is
    passed on, and while a chat is open nothing is either.  ``agent_holds`` is asked
    whether the agent holds a key, ``guard_said`` to read what the guard has let go until now.
    Keys are heard by their codes (:mod:`recorder.input.keys`); ``keys`` says which of the game's
    names are on them, and the session is told of ``bound`` ones by these names.  ``hotkeys`` are
    codes (:func:`hotkey_codes`).
    """

    def __init__(
        self,
        ears: Ears,
        gate: StopGate,
        ledger: Ledger,
        *,
        agent_holds: Callable[[int], bool],
        guard_said: Callable[[], None] = lambda: None,
        bound: Collection[str],
        hotkeys: Mapping[int, Hotkey] | None = None,
        chat_keys: Collection[str] = (),
        keys: KeyMap | None = None,
    ) -> None:
        self._ears = ears
        self._gate = gate
        self._ledger = ledger
        self._agent_holds = agent_holds
        self._guard_said = guard_said
        self._bound = frozenset(bound)
        self._hotkeys = hotkey_codes(DEFAULT_HOTKEYS) if hotkeys is None else dict(hotkeys)
        self._chat_keys = frozenset(chat_keys)
        self._keys = KeyMap(self._bound, self._chat_keys) if keys is None else keys
        # The name is kept with the press: a change of layout in between is no other key.
        self._down: dict[int, _Pressed] = {}
        self._focused = False
        self._chatting = False
        self._goes_on_after_chat = False
        self._moves: deque[tuple[int, float]] = deque()
        self.person_events = 0
        """The person's events that reached the game, kept or not."""
        self.hand_touches = 0
        """What came by a device that the agent does not type on: certainly a person's."""
        self.panics = 0
        """How often the panic key went down."""

    @property
    def focused(self) -> bool:
        """Whether what is typed reaches the game."""
        return self._focused

    @property
    def chatting(self) -> bool:
        """Whether a chat is open, so that nothing may be kept."""
        return self._chatting

    def took(self, code: int) -> bool:
        """Return whether the person holds a key on the very device the agent types on.

        Safe from any thread.
        """
        pressed = self._down.get(code)
        return pressed is not None and pressed.shared

    def focus(self, has: bool) -> None:
        """Hear that the game got or lost the keyboard."""
        if has is self._focused:
            return
        self._focused = has
        if not has:
            self._gate.shut_for("focus")
            self._down.clear()
            self._moves.clear()
            self._chatting = False
            self._ears.focus_lost()

    def key(self, code: int, down: bool, mono_ns: int, *, shared: bool) -> None:
        """Hear a key or button; ``shared`` where it came by the device the agent types on."""
        if shared and self._ledger.strike_key(code, down, mono_ns):
            return
        if shared and not down:
            # The guard says what it lets go before it does: its word is there, if not yet read.
            self._guard_said()
            if self._ledger.strike_key(code, down, mono_ns):
                return
        hotkey = self._hotkeys.get(code)
        if hotkey is Hotkey.PANIC:
            if down:
                self.panics += 1
                self._goes_on_after_chat = False
                self._gate.shut_for("panic")
                self._ears.pause()
            return
        if not self._focused:
            return
        self.hand_touches += not shared
        if hotkey is not None:
            if down:
                self._obey(hotkey)
            return
        if self._chat(code, down):
            return
        self._hear_person(code, down, mono_ns, shared)

    def motion(self, dx: float, dy: float, mono_ns: int, *, shared: bool) -> None:
        """Hear a mouse move, in counts."""
        if shared and self._ledger.strike_move(dx, dy, mono_ns):
            return
        if not self._focused or self._chatting:
            return
        self.person_events += 1
        self._moves.append((mono_ns, max(abs(dx), abs(dy))))
        while self._moves and self._moves[0][0] < mono_ns - NUDGE_NS:
            self._moves.popleft()
        if sum(counts for _, counts in self._moves) > NUDGE_COUNTS:
            self.hand_touches += not shared
            self._interrupt()
        self._ears.mouse_move(dx, dy, mono_ns)

    def picture_read(self) -> None:
        """Pass on that a picture of the game was read."""
        self._ears.picture_read()

    def wheel(self) -> None:
        """Hear the person's wheel: no control has it, but a hand is on the mouse."""
        if self._focused and not self._chatting:
            self.hand_touches += 1
            self._interrupt()

    def _hear_person(self, code: int, down: bool, mono_ns: int, shared: bool) -> None:
        # The release of a key that was pressed elsewhere (Enter in the instruction bar) means
        # nothing here.
        agents = self._agent_holds(code)
        if not down and code not in self._down and not agents:
            return
        self.person_events += 1
        # To let go of one's own key after a hand-back is no touch, unless it is the agent's too.
        before = self._down.get(code)
        touched = down or (agents and (before is None or before.shared))
        name = before.name if before is not None else self._keys.name(code)
        if down:
            self._down[code] = _Pressed(name, shared)
        else:
            self._down.pop(code, None)
        if touched:
            self._interrupt()
        if name in self._bound:
            self._ears.key(name, down, mono_ns)

    def _chat(self, code: int, down: bool) -> bool:
        """Return whether a key belongs to a chat, opening or closing it."""
        if self._chatting:
            if down and code in CHAT_ENDS:
                self._chatting = False
                self._down.clear()
                if self._goes_on_after_chat:
                    self._ears.resume()
            return True
        if down and self._keys.name(code) in self._chat_keys:
            self._chatting = True
            self._goes_on_after_chat = not self._ears.paused
            self._gate.shut_for("chat")
            self._ears.focus_lost()
            self._ears.pause()
            return True
        return False

    def _obey(self, hotkey: Hotkey) -> None:
        match hotkey:
            case Hotkey.PAUSE:
                if self._chatting:
                    # What the agent pressed now would be typed into the chat.
                    self._goes_on_after_chat = not self._goes_on_after_chat
                # Whoever paused it: a lost focus, the panic key, the window.
                elif self._ears.paused:
                    self._ears.resume()
                else:
                    self._gate.shut_for("pause")
                    self._ears.pause()
            case Hotkey.HAND_BACK:
                # What the mouse did before is no touch after it.
                self._moves.clear()
                self._ears.hand_back()
            case Hotkey.SUCCESS:
                self._ears.mark(Outcome.SUCCESS)
            case Hotkey.FAILURE:
                self._ears.mark(Outcome.FAILURE)

    def _interrupt(self) -> None:
        self._gate.shut_for("person")
        self._ears.take_over()
