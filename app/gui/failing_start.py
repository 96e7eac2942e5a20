"""Begins an attempt on a start on which the agent fails, once one is found in the background."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import SignalInstance
from PySide6.QtWidgets import QApplication

from app.gui import header as pages
from app.gui.calls.backend_calls import BackendCalls
from app.gui.dialogs.dialog_commands import DialogCommands
from app.gui.play.hands import PERSON_DRIVES
from app.gui.play.play_page import PlayPage
from app.gui.teach.teach_panel import TeachPanel
from app.session.api import PlaySession

LOOKING = "Looking for a start on which the agent fails at “{}” …"
FOUND_MEANWHILE = (
    "A start was found on which the agent fails at “{}”. Press “Start it where it fails” again "
    "when you are ready; it may be another start then."
)


class FailingStart:
    """Looks for such a start, and begins it if the person still waits for it.

    ``play`` plays a sentence on a start (its seed), ``go`` goes to a page.
    """

    def __init__(
        self,
        session: PlaySession,
        calls: BackendCalls,
        dialogs: DialogCommands,
        page: PlayPage,
        teach: TeachPanel,
        play: Callable[[int, str], None],
        go: SignalInstance,
    ) -> None:
        self._session = session
        self._calls = calls
        self._dialogs = dialogs
        self._page = page
        self._teach = teach
        self._play = play
        self._go = go

    def look(self, sentence: str) -> None:
        """Look for a start on which the agent fails at a sentence, and let it play from there."""
        if not self._dialogs.may_watch():
            return
        attempts, typed = self._session.snapshot().attempts, self._page.bar.edit.text()
        # Asked for in the library too: there nobody would see what comes of it.
        self._go.emit(pages.PLAY)
        told = LOOKING.format(sentence)

        def does_something_else() -> bool:
            now = self._session.snapshot()
            return (
                now.attempts != attempts
                or now.phase in PERSON_DRIVES
                or self._page.bar.edit.text() != typed
                or not self._page.isVisible()
                or QApplication.activeModalWidget() is not None
            )

        def ended() -> None:
            self._teach.show_looking(False)
            if self._page.notice.text() == told:
                self._page.notice.clear()

        def begin(seed: int) -> None:
            ended()
            if does_something_else():
                # Nobody is thrown out of what they do meanwhile.
                self._page.notice.tell(FOUND_MEANWHILE.format(sentence), tone="agent")
            else:
                self._play(seed, sentence)

        def failed(sentence: str) -> None:
            ended()
            self._dialogs.tell_problem(sentence)

        self._teach.show_looking(True)
        self._page.notice.tell(told, tone="agent")
        self._calls.find_failing_start(sentence, begin, failed)
