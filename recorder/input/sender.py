"""The agent's hands: sends only what differs from what is held, and never past the stop flag."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from recorder.input.gate import StopGate
from recorder.input.ledger import Ledger


class InputDevice(Protocol):
    """Presses keys and moves the pointer of this machine.  Control thread only.

    Names are those of :class:`recorder.games.base.Bindings`: "W", "Shift", "LeftButton".
    """

    def knows(self, name: str) -> bool:
        """Return whether there is such a key or button here."""
        ...

    def press(self, name: str, down: bool) -> None:
        """Press or release; done when it returns."""
        ...

    def move(self, dx: int, dy: int) -> None:
        """Move the pointer by so many pixels, right and down positive; does not wait for it."""
        ...

    def close(self) -> None:
        """Let the machine go; may be called twice."""
        ...


class Guard(Protocol):
    """Knows what is held and releases it where the sender cannot any more."""

    def note(self, name: str, down: bool) -> None:
        """Hear of a key before it is pressed, or after it was released."""
        ...

    def beat(self) -> None:
        """Hear that the control thread lives."""
        ...

    def take_released(self) -> bool:
        """Return whether it has released everything since it was asked last."""
        ...


class InputSender:
    """Keys, buttons and moves of the agent.  Control thread only.

    ``forbidden`` names are never pressed, whatever is asked for; they are counted in
    :attr:`refused`.
    """

    def __init__(
        self,
        device: InputDevice,
        gate: StopGate,
        ledger: Ledger,
        guard: Guard,
        *,
        forbidden: Collection[str] = (),
    ) -> None:
        self._device = device
        self._gate = gate
        self._ledger = ledger
        self._guard = guard
        self._forbidden = frozenset(forbidden)
        self._held: dict[str, None] = {}
        self.refused = 0

    @property
    def held(self) -> frozenset[str]:
        """What the agent holds down."""
        return frozenset(self._held)

    def holds(self, name: str) -> bool:
        """Return whether the agent holds a key; safe from any thread."""
        return name in self._held

    def beat(self) -> None:
        """Tell the guard that the control thread lives.  At least ten times a second.

        Where the guard let everything go meanwhile, so does this: a press may have been on
        its way then.
        """
        if self._guard.take_released():
            self.release_all()
        self._guard.beat()

    def hold(self, wanted: Collection[str]) -> bool:
        """Press and release until exactly ``wanted`` is held; False where the flag stopped it."""
        self.beat()
        for name in [name for name in self._held if name not in wanted]:
            if not self._send(name, False):
                return False
        for name in wanted:
            if name in self._held:
                continue
            if name in self._forbidden or not self._device.knows(name):
                self.refused += 1
                continue
            if not self._send(name, True):
                return False
        return True

    def move(self, dx: int, dy: int) -> bool:
        """Move the pointer; False where the flag stopped it."""
        if self._gate.shut:
            return False
        if dx or dy:
            self._ledger.expect_move(dx, dy)
            self._device.move(dx, dy)
        return True

    def release_all(self, person_holds: Callable[[str], bool] = lambda name: False) -> None:
        """Let everything go, also while the flag is up.

        A key that ``person_holds`` on the very device that the agent types on is theirs now:
        releasing it would take it out of the person's hand.
        """
        for name in list(self._held):
            del self._held[name]
            if not person_holds(name):
                self._ledger.expect_key(name, False)
                self._device.press(name, False)
            self._guard.note(name, False)

    def close(self) -> None:
        """Let everything and the device go."""
        self.release_all()
        self._device.close()

    def _send(self, name: str, down: bool) -> bool:
        if self._gate.shut:
            return False
        self._ledger.expect_key(name, down)
        if down:
            # The guard hears first: a death in between leaves a key that it knows of.
            self._guard.note(name, True)
            self._held[name] = None
            self._device.press(name, True)
        else:
            self._device.press(name, False)
            del self._held[name]
            self._guard.note(name, False)
        return True
