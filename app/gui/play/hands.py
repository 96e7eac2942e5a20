"""Where keyboard and mouse go as attempts begin, change hands and end."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from app.gui.play.play_page import PlayPage
from app.session.api import Phase, Snapshot

SETTLE_MS = 500
"""So long a person who drove may still be pressing the game's keys after the attempt has ended."""
PERSON_DRIVES = frozenset({Phase.CORRECTING, Phase.DEMONSTRATING})


class Hands(QObject):
    """Gives the mouse to the view while the person drives, and the keys to the field after it.

    ``focus_field`` moves the focus there, with what was typed selected.
    """

    def __init__(
        self, page: PlayPage, focus_field: Callable[[], None], *, own_window: bool
    ) -> None:
        super().__init__(page)
        self._page = page
        self._focus_field = focus_field
        self._own_window = own_window
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLE_MS)
        self._settling.timeout.connect(self._to_field)
        page.typed.connect(self.begin_sentence)

    def follow(self, before: Snapshot, after: Snapshot) -> None:
        """Move mouse and keys after a change of the session."""
        view = self._page.view
        drove, drives = before.phase in PERSON_DRIVES, after.phase in PERSON_DRIVES
        # A demonstration was asked for just now, wherever the end of the attempt before moved the
        # focus; a takeover is a key that the view has heard.
        asked = after.phase is Phase.DEMONSTRATING
        begins = drives and not drove and not self._own_window
        if begins and (asked or view.hasFocus()) and QApplication.activeModalWidget() is None:
            view.capture()
        elif drove and after.phase is Phase.PLAYING:
            # Else a mouse that is only moved aside would take over again.
            view.let_mouse_go()
        if after.in_attempt:
            self._settling.stop()
        elif before.in_attempt:
            view.let_mouse_go()
            if drove:
                self._settling.start()
            else:
                self._to_field()

    def begin_sentence(self, text: str) -> None:
        """Begin a sentence with what was typed while no field had the focus."""
        if not self._settling.isActive():
            self._focus_field()
            edit = self._page.bar.edit
            edit.selectAll()
            edit.insert(text)

    def _to_field(self) -> None:
        """Let the next sentence be typed, unless the person is busy elsewhere."""
        focused = QApplication.focusWidget()
        free = focused is None or self._page.left.isAncestorOf(focused)
        modal = QApplication.activeModalWidget() is not None
        if self._page.isVisible() and free and not modal:
            self._page.bar.edit.ignore_held(self._page.view.keys.driving)
            self._focus_field()
