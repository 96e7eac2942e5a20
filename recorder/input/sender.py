"""The agent's hands: sends only what differs from what is held, and never past the stop flag."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from typing import Protocol

from recorder.errors import GameError
from recorder.input.gate import StopGate
from recorder.input.layout import Layout
from recorder.input.sent_inputs import Ledger


class InputDevice(Protocol):
    """Presses keys and moves the pointer of this machine.  Control thread only.

    Raises GameError if the screen has gone.
    Keys and buttons are codes of :mod:`recorder.input.keys`: places, whatever they type.
    """

    def knows(self, code: int) -> bool:
        """Return whether there is such a key or button here."""
        ...

    def press(self, code: int, down: bool) -> None:
        """Press or release; done when it returns."""
        ...

    def move(self, dx: int, dy: int) -> None:
        """Move the pointer by so many pixels, right and down positive; does not wait for it."""
        ...

    def new_layout(self) -> Layout | None:
        """Return the keyboard's layout at the first call and after each change, else None."""
        ...

    def close(self) -> None:
        """Let the machine go; may be called twice."""
        ...


class Guard(Protocol):
    """Knows what is held and releases it where the sender cannot any more.

    What it is told raises GameError once it has ended.
    """

    def note(self, code: int, down: bool) -> None:
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

    A code that is ``forbidden`` is never pressed, whatever is asked for; it is counted in
    :attr:`refused`.
    """

    def __init__(
        self,
        device: InputDevice,
        gate: StopGate,
        ledger: Ledger,
        guard: Guard,
        *,
        forbidden: Callable[[int], bool] = lambda code: False,
    ) -> None:
        self._device = device
        self._gate = gate
        self._ledger = ledger
        self._guard = guard
        self._forbidden = forbidden
        self._held: dict[int, None] = {}
        self.refused = 0

    @property
    def held(self) -> frozenset[int]:
        """What the agent holds down."""
        return frozenset(self._held)

    def holds(self, code: int) -> bool:
        """Return whether the agent holds a key; safe from any thread."""
        return code in self._held

    def beat(self) -> None:
        """Tell the guard that the control thread lives.  At least ten times a second.

        Where the guard let everything go meanwhile, so does this: a press may have been on
        its way then.
        """
        if self._guard.take_released():
            self.release_all()
        self._guard.beat()

    def hold(self, wanted: Collection[int]) -> bool:
        """Press and release until exactly ``wanted`` is held; False where the flag stopped it."""
        self.beat()
        for code in [code for code in self._held if code not in wanted]:
            if not self._send(code, False):
                return False
        for code in wanted:
            if code in self._held:
                continue
            if self._forbidden(code) or not self._device.knows(code):
                self.refused += 1
                continue
            if not self._send(code, True):
                return False
        return True

    def new_layout(self) -> Layout | None:
        """Return the keyboard's layout at the first call and after each change, else None."""
        return self._device.new_layout()

    def move(self, dx: int, dy: int) -> bool:
        """Move the pointer; False where the flag stopped it."""
        if self._gate.shut:
            return False
        if dx or dy:
            self._ledger.expect_move(dx, dy)
            self._device.move(dx, dy)
        return True

    def release_all(self, person_holds: Callable[[int], bool] = lambda code: False) -> None:
        """Let everything go, also while the flag is up.

        A key that ``person_holds`` on the very device that the agent types on is theirs now:
        releasing it would take it out of the person's hand.  A guard that has ended keeps nothing
        down, and neither does a screen that has gone: :meth:`beat` and the next look tell of it.
        """
        for code in list(self._held):
            del self._held[code]
            if not person_holds(code):
                self._ledger.expect_key(code, False)
                with contextlib.suppress(GameError):
                    self._device.press(code, False)
            with contextlib.suppress(GameError):
                self._guard.note(code, False)

    def close(self) -> None:
        """Let everything and the device go."""
        try:
            self.release_all()
        finally:
            self._device.close()

    def _send(self, code: int, down: bool) -> bool:
        if self._gate.shut:
            return False
        self._ledger.expect_key(code, down)
        if down:
            # The guard hears first: a death in between leaves a key that it knows of.
            self._guard.note(code, True)
            self._held[code] = None
            self._device.press(code, True)
        else:
            self._device.press(code, False)
            del self._held[code]
            self._guard.note(code, False)
        return True
