"""One window a data folder: a second start brings the first one's window to the front."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from PySide6.QtNetwork import QLocalServer, QLocalSocket
from PySide6.QtWidgets import QApplication, QWidget

log = logging.getLogger(__name__)

ANSWER = b"raised\n"
CONNECT_MS, ANSWER_MS = 500, 10_000


class Bell:
    """Brings a window to the front when Playteach is started again on its data folder.

    Only the same user's programs can ring.  Make it while holding the folder's lock.
    """

    def __init__(self, folder: Path, window: QWidget) -> None:
        self._window = window
        # Its parent ends it with the window.
        self._server = QLocalServer(window)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_ring)
        # One that was killed leaves its name behind; nobody else has the lock.
        QLocalServer.removeServer(_name(folder))
        if not self._server.listen(_name(folder)):
            # Then a second start only says that the folder is in use.
            log.warning("a second start cannot be heard: %s", self._server.errorString())

    def close(self) -> None:
        """Hear no more."""
        self._server.close()

    def _on_ring(self) -> None:
        while (visitor := self._server.nextPendingConnection()) is not None:
            visitor.disconnected.connect(visitor.deleteLater)
            # One that is closing stays away: the second start says that the folder is in use.
            if self._window.isVisible():
                to_front(self._window)
                visitor.write(ANSWER)
            visitor.disconnectFromServer()


def ring(folder: Path) -> bool:
    """Ask the window that is open on a data folder to come to the front; return whether it did."""
    socket = QLocalSocket()
    socket.connectToServer(_name(folder))
    if not socket.waitForConnected(CONNECT_MS):
        return False
    heard = socket.waitForReadyRead(ANSWER_MS) and bytes(socket.readAll().data()) == ANSWER
    socket.abort()
    return heard


def to_front(window: QWidget) -> None:
    """Show a window before all others, also one that was minimised."""
    if window.isMinimized():
        window.showNormal()
    window.show()
    window.raise_()
    window.activateWindow()
    # Where windows may not come to the front by themselves, its entry in the bar blinks.
    QApplication.alert(window)


def _name(folder: Path) -> str:
    return "playteach-" + hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:20]
