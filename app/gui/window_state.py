"""What the window remembers between starts, and while the disk is behind the game."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QMainWindow

from app.backend.ports import EpisodeFacts
from app.gui.play.beside_game import first_place
from app.session.api import Snapshot

MOST_ASKED_AGAIN = 20


class WindowState:
    """The window's place and the sentences that were typed, in a settings file."""

    def __init__(self, stored: QSettings) -> None:
        self._stored = stored

    @property
    def history(self) -> list[str]:
        """The stored sentences, whatever shape the settings file gave them."""
        value = self._stored.value("history")
        if isinstance(value, str):
            return [value]
        return [str(line) for line in value] if isinstance(value, list) else []

    def restore(self, window: QMainWindow, *, own_window: bool) -> None:
        """Put the window back to its place; at a first start, beside the game's ``own_window``."""
        geometry = self._stored.value("geometry")
        if geometry is None or not window.restoreGeometry(geometry):
            place = first_place(window.screen().availableGeometry(), own_window)
            window.resize(place.size().expandedTo(window.minimumSize()))
            if own_window:
                window.move(place.topLeft())

    def keep(self, window: QMainWindow, history: list[str]) -> None:
        """Write it all down."""
        self._stored.setValue("geometry", window.saveGeometry())
        self._stored.setValue("history", history)
        self._stored.sync()


class UnwrittenEpisode:
    """Whether the episode that just ended is still on its way to the disk.

    The disk is a moment behind the game; at most ``MOST_ASKED_AGAIN`` times in a row it is
    asked again.
    """

    def __init__(self) -> None:
        self._asked_again = 0
        self._newest_seen = 0

    def ask_again(self, episodes: Sequence[EpisodeFacts], snapshot: Snapshot) -> bool:
        """Return whether to ask again after ``episodes`` (newest first) came from the disk."""
        self._newest_seen = max([self._newest_seen, *(each.id for each in episodes[:1])])
        unwritten = (snapshot.episode_id or 0) > self._newest_seen
        unwritten |= bool(episodes) and episodes[0].open
        unwritten &= not snapshot.recording
        self._asked_again = self._asked_again + 1 if unwritten else 0
        return 0 < self._asked_again <= MOST_ASKED_AGAIN
