"""The person's keys and buttons on their way from the view to the session."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent

from app.gui.style.key_places import place_name, press_id
from app.session.api import Phase, PlaySession, Snapshot

MODIFIER_KEYS = frozenset({
    Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_AltGr, Qt.Key.Key_Meta,
})  # fmt: skip
LAYING_OUT_NS = 1_500_000_000
"""So long may a start take to be laid out; a key meanwhile is no letter of the next sentence."""
LATELY_NS = 600_000_000
"""A key that was heard of so long ago may still be held to drive: somewhat longer than the focus
stays in the view after an attempt."""
MODIFIER_WAIT_MS = 150
"""So long may a modifier still become a shortcut of the window's before it drives the game."""


class GameKeys(QObject):
    """What of the game's is down, and which modifiers may still be the window's."""

    def __init__(
        self, session: PlaySession, now_ns: Callable[[], int], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._now_ns = now_ns
        # By what a press and its release share; the name is kept, as Shift and the layout change.
        self._down: dict[int, str] = {}
        self._heard: dict[int, int] = {}
        self._buttons: set[Qt.MouseButton] = set()
        # Modifiers that may be the beginning of a shortcut.
        self._undecided: dict[int, str] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(MODIFIER_WAIT_MS)
        self._timer.timeout.connect(self._send_undecided)
        # Whether nothing but modifiers came from the person since the agent drove.
        self._only_modifiers = True
        self._expected_until_ns = 0

    @property
    def driving(self) -> frozenset[int]:
        """The keys that drive or just did, by what a press and its release share.

        A busy machine tells of a key that is held as let go and pressed anew, again and again.
        """
        since = self._now_ns() - LATELY_NS
        return frozenset(self._down) | {key for key, ns in self._heard.items() if ns >= since}

    def hear(self, event: QKeyEvent) -> None:
        """Note a key that is pressed while there is nothing to drive."""
        self._heard[press_id(event)] = self._now_ns()

    @property
    def are_games(self) -> bool:
        """Whether keys are the game's: an attempt runs, or was asked for just now."""
        # The session itself is asked: what is shown may be a moment old.
        return self._now_ns() < self._expected_until_ns or self._session.snapshot().in_attempt

    def expect_attempt(self) -> None:
        """Take keys for the game's from now on: a start is being laid out."""
        self._expected_until_ns = self._now_ns() + LAYING_OUT_NS

    def follow(self, before: Snapshot | None, after: Snapshot) -> None:
        """Hear what the session has come to."""
        if after.in_attempt:
            self._expected_until_ns = 0
        changed = before is not None and (
            (before.phase, before.attempts) != (after.phase, after.attempts)
        )
        if changed and after.phase is not Phase.CORRECTING:
            # Only now: what makes a takeover is known here earlier than it is shown.
            self._only_modifiers = True

    def press(self, event: QKeyEvent, *, captured: bool) -> None:
        """Tell the session of a key; of a modifier later, unless the mouse is ``captured``."""
        name = place_name(event)
        if event.key() in MODIFIER_KEYS and not captured:
            self._undecided[press_id(event)] = name
            self._timer.start()
            return
        self._send_undecided()
        self._only_modifiers &= event.key() in MODIFIER_KEYS
        self._down[press_id(event)] = name
        self._session.key(name, True, self._now_ns())

    def release(self, event: QKeyEvent) -> None:
        """Tell the session of a key let go."""
        self._undecided.pop(press_id(event), "")
        name = self._down.pop(press_id(event), "")
        if name:
            self._heard[press_id(event)] = self._now_ns()
            self._session.key(name, False, self._now_ns())

    def press_button(self, button: Qt.MouseButton) -> None:
        """Tell the session of a mouse button."""
        if button.name is not None:
            self._only_modifiers = False
            self._buttons.add(button)
            self._session.key(button.name, True, self._now_ns())

    def release_button(self, button: Qt.MouseButton) -> None:
        """Tell the session of a button let go."""
        if button in self._buttons:
            self._buttons.discard(button)
            if button.name is not None:
                self._session.key(button.name, False, self._now_ns())

    def turn(self, dx_counts: float, dy_counts: float) -> None:
        """Tell the session of a mouse move."""
        self._only_modifiers = False
        self._session.mouse_move(dx_counts, dy_counts, self._now_ns())

    def forget_shortcut(self) -> None:
        """Take back what the keys of a shortcut did to the game: they were not meant for it."""
        self._undecided.clear()
        corrects = self._session.snapshot().phase is Phase.CORRECTING
        if corrects and self._only_modifiers and any(self._down.values()):
            self._down.clear()
            self._session.take_back()

    def let_go(self) -> None:
        """Forget what is down, and tell the session."""
        self._down.clear()
        self._undecided.clear()
        self._buttons.clear()
        self._session.focus_lost()

    def _send_undecided(self) -> None:
        """Let modifiers drive that became no shortcut."""
        self._timer.stop()
        waiting, self._undecided = self._undecided, {}
        for press, name in waiting.items():
            self._down[press] = name
            self._session.key(name, True, self._now_ns())
