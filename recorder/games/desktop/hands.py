"""Everything between the agent and one window's keyboard: gate, ledger, guard, sender, listener."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from typing import Protocol

from recorder.errors import GameError
from recorder.games.desktop.profile import Profile
from recorder.input.gate import StopGate
from recorder.input.hearing import Ears, Hearing, Hotkey, hotkey_codes
from recorder.input.keys import CODES
from recorder.input.layout import US, KeyMap, Layout
from recorder.input.sender import InputDevice, InputSender
from recorder.input.sent_inputs import Ledger

SHIFT = CODES["Shift"]


class Listening(Protocol):
    """A running listener."""

    def hear(self) -> None:
        """Hear on the caller's thread what happened until now."""
        ...

    def close(self) -> None:
        """Stop it."""
        ...


class Hands:
    """The input path of one window.  Made by :func:`open_hands`, or of fakes in tests.

    ``make_listener`` starts a listener that tells a :class:`Hearing`.  The profile's names of
    keys are turned into codes here, by ``layout`` and by each one after it: what lies below
    knows codes only.
    """

    def __init__(
        self,
        profile: Profile,
        gate: StopGate,
        ledger: Ledger,
        sender: InputSender,
        make_listener: Callable[[Hearing], Listening],
        close_guard: Callable[[], None],
        *,
        keys: ProfileKeys | None = None,
        guard_wait: Callable[[float], None] = lambda seconds: None,
        guard_said: Callable[[], None] = lambda: None,
    ) -> None:
        self.profile = profile
        self.gate = gate
        self.ledger = ledger
        self.sender = sender
        self.hearing: Hearing | None = None
        self._make_listener = make_listener
        self._close_guard = close_guard
        self._guard_said = guard_said
        self._listener: Listening | None = None
        self._keys = ProfileKeys(profile) if keys is None else keys
        self._wanted: dict[int, str] = {}
        self.guard_wait = guard_wait
        """Tells the guard that no sign of life comes for so many seconds."""

    def listen(self, ears: Ears) -> None:
        """Tell a session of what the person does in the game's window."""
        if self._listener is not None:
            raise RuntimeError("somebody listens already")
        self.hearing = Hearing(
            ears,
            self.gate,
            self.ledger,
            agent_holds=self.sender.holds,
            guard_said=self._guard_said,
            bound=self.profile.bindings.keys.values(),
            hotkeys=self._keys.hotkeys,
            chat_keys=self.profile.chat,
            keys=self._keys.map,
        )
        self._listener = self._make_listener(self.hearing)

    def hold(self, names: Collection[str]) -> bool:
        """Hold exactly these of the profile's keys; False if the stop flag stopped it."""
        self._look_at_layout()
        wanted = {self._keys.map.code(name): name for name in names}
        self.sender.refused += wanted.pop(None, "") != ""
        self._wanted = {code: name for code, name in wanted.items() if code is not None}
        codes = list(self._wanted)
        if any(self._keys.map.needs_shift(name) for name in names):
            # As a person must: a French digit is none without Shift, for a game that knows letters.
            codes = [SHIFT, *(code for code in codes if code != SHIFT)]
        return self.sender.hold(codes)

    @property
    def held(self) -> frozenset[str]:
        """The profile's names of what the agent holds down."""
        return frozenset(self._wanted[code] for code in self.sender.held if code in self._wanted)

    def hear(self) -> None:
        """Hear all that the person did until now; nothing where nobody listens."""
        self._look_at_layout()
        if self._listener is not None:
            self._listener.hear()

    def picture_read(self) -> None:
        """Hear all that was done until a picture was read, and tell the session so.

        The server serves one after the other: what it tells later, it also gave the game later,
        so that picture cannot show it.
        """
        self.hear()
        if self.hearing is not None:
            self.hearing.picture_read()

    @property
    def typed_elsewhere(self) -> bool:
        """Whether the listener knows that keys go somewhere else than into the game.

        That is more than who has the focus: a screen lock, a menu or a launcher may have grabbed
        the keyboard, and leaves the focus where it is.
        """
        return self.hearing is not None and not self.hearing.focused

    def let_go(self) -> None:
        """Release all that the agent holds, except what is in the person's hand now."""
        hearing = self.hearing
        self.sender.release_all((lambda code: False) if hearing is None else hearing.took)

    def _look_at_layout(self) -> None:
        """After a change of layout a game that knows keys by letters has them elsewhere."""
        layout = self.sender.new_layout()
        if layout is not None:
            self._keys.map.use(layout)

    def close(self) -> None:
        """Release everything and stop; may be called twice."""
        listener, self._listener = self._listener, None
        with contextlib.ExitStack() as closing:
            closing.callback(self._close_guard)
            closing.callback(self.sender.close)
            if listener is not None:
                closing.callback(listener.close)


class ProfileKeys:
    """The codes of a profile's keys; ``hotkeys`` are Playteach's own and never the game's."""

    def __init__(self, profile: Profile, layout: Layout = US) -> None:
        own = frozenset(profile.hotkeys.values())
        self._forbidden = profile.forbidden - own
        self.hotkeys = hotkey_codes(profile.hotkeys, layout)
        self.map = KeyMap(
            profile.bindings.keys.values(),
            (*profile.chat, profile.pause_key, *sorted(self._forbidden)),
            letters=profile.bindings.letters,
            layout=layout,
        )

    def forbidden(self, code: int) -> bool:
        """Return whether the agent may never press this key."""
        return code in self.hotkeys or self.map.name(code) in self._forbidden

    @property
    def panic(self) -> int:
        """The code of the panic key; raises GameError if this keyboard has no such key."""
        for code, hotkey in self.hotkeys.items():
            if hotkey is Hotkey.PANIC:
                return code
        raise GameError(
            "The panic key that was chosen is not on this keyboard, so nothing would stop the "
            "agent at once and the game was not opened; choose another one in the settings."
        )


def open_hands(profile: Profile, window_id: int) -> Hands:
    """Put the input path of a window together on this machine.

    Raises GameError where keys cannot be sent here.
    """
    from recorder.input.guard import InputGuard
    from recorder.input.x11_listener import X11Listener
    from recorder.input.xtest import XTestDevice

    gate, ledger = StopGate(), Ledger()
    device: InputDevice = XTestDevice()
    try:
        keys = ProfileKeys(profile, device.new_layout() or US)
        guard = InputGuard(window_id, gate, ledger, panic=keys.panic)
    except GameError:
        device.close()
        raise

    def make_listener(hearing: Hearing) -> Listening:
        listener = X11Listener(window_id, hearing, unaccelerated=profile.unaccelerated)
        try:
            return listener.start()
        except GameError:
            listener.close()
            raise

    sender = InputSender(device, gate, ledger, guard, forbidden=keys.forbidden)
    return Hands(
        profile,
        gate,
        ledger,
        sender,
        make_listener,
        guard.close,
        keys=keys,
        guard_wait=guard.wait,
        guard_said=guard.hear,
    )
