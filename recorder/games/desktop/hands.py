"""Everything between the agent and one window's keyboard: gate, ledger, guard, sender, listener."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from recorder.errors import GameError
from recorder.games.desktop.profile import Profile
from recorder.input.gate import StopGate
from recorder.input.hearing import Ears, Hearing, Hotkey
from recorder.input.ledger import Ledger
from recorder.input.sender import InputDevice, InputSender


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

    ``make_listener`` starts a listener that tells a :class:`Hearing`.
    """

    def __init__(
        self,
        profile: Profile,
        gate: StopGate,
        ledger: Ledger,
        sender: InputSender,
        make_listener: Callable[[Hearing], Listening],
        close_guard: Callable[[], None],
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
            hotkeys=self.profile.hotkeys,
            chat_keys=self.profile.chat,
        )
        self._listener = self._make_listener(self.hearing)

    def hear(self) -> None:
        """Hear all that the person did until now; nothing where nobody listens."""
        if self._listener is not None:
            self._listener.hear()

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
        self.sender.release_all((lambda name: False) if hearing is None else hearing.took)

    def close(self) -> None:
        """Release everything and stop; may be called twice."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.sender.close()
        self._close_guard()


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
        guard = InputGuard(window_id, gate, ledger, panic=profile.hotkeys.get(Hotkey.PANIC, ""))
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

    sender = InputSender(device, gate, ledger, guard, forbidden=profile.forbidden)
    return Hands(profile, gate, ledger, sender, make_listener, guard.close, guard.wait, guard.hear)
