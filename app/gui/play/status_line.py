"""What people worry about: recording or not, ticks lost, disk, and that nothing leaves."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.backend.ports import StorageFacts
from app.backend.readable import clock_text, spoken_size
from app.gui.style.theme import GRID, Theme, scaled
from app.gui.style.widgets import Dot, Elided, label, set_role
from app.session.api import Snapshot

LOW_DISK_BYTES = 2 * 1024**3


class StatusLine(QWidget):
    """The line at the foot of the window."""

    def __init__(self, theme: Theme, remote_server: str = "") -> None:
        super().__init__()
        self._theme = theme
        self._recording = False
        self.setProperty("role", "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._dot = Dot(theme.colour("nobody"))
        self.recording = label("Not recording", "muted")
        self.lost = label("", "muted")
        self.storage = label("", "muted")
        self.recording.setToolTip("Every attempt is recorded, and kept on this machine.")
        self.lost.setToolTip("Pictures that the disk could not take in time.")
        self.message = Elided("", "muted")
        self.privacy = label("", "muted")
        self.show_remote(remote_server)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * GRID + 2, 0, 2 * GRID + 2, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self._dot)
        layout.addWidget(self.recording)
        layout.addWidget(self.lost)
        layout.addSpacing(GRID)
        layout.addWidget(self.storage)
        layout.addSpacing(2 * GRID)
        layout.addWidget(self.message, 1)
        layout.addWidget(self.privacy)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_remote(self, server: str) -> None:
        """Say where pictures go; "" is nowhere."""
        self._set_text(
            self.privacy, f"Pictures go to {server}" if server else "Nothing leaves this machine"
        )
        set_role(self.privacy, tone="person" if server else "")

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the session."""
        self._set_text(
            self.recording,
            f"Recording {clock_text(snapshot.recorded_s)}"
            if snapshot.recording
            else "Not recording",
        )
        ticks = snapshot.lost_ticks
        self._set_text(
            self.lost, f"{ticks} picture{'' if ticks == 1 else 's'} lost" if ticks else ""
        )
        self.lost.setVisible(bool(ticks))
        set_role(self.lost, tone="bad" if ticks else "")
        self.message.setText(snapshot.message)
        if snapshot.recording is not self._recording:
            self._recording = snapshot.recording
            self._paint_dot()

    def show_storage(self, facts: StorageFacts) -> None:
        """Show the database's size and the free room."""
        self._set_text(
            self.storage,
            f"{spoken_size(facts.database)} recorded · {spoken_size(facts.free)} free",
        )
        low = facts.free < LOW_DISK_BYTES
        set_role(self.storage, tone="bad" if low else "")
        self.storage.setToolTip(
            f"Everything that was recorded lies in {facts.folder}."
            + (" The disk is nearly full: recording stops when it is." if low else "")
        )

    def _restyle(self) -> None:
        self.setFixedHeight(scaled(32))
        self.recording.ensurePolished()
        # The clock would push its neighbours about with every second otherwise.
        self.recording.setMinimumWidth(self.recording.fontMetrics().horizontalAdvance("0") * 18)
        self._paint_dot()

    def _paint_dot(self) -> None:
        token = "bad" if self._recording else "nobody"
        self._dot.show_state(self._theme.colour(token), filled=self._recording)

    @staticmethod
    def _set_text(widget: QLabel, text: str) -> None:
        if widget.text() != text:
            widget.setText(text)
