"""Shows a clip: large, again and again, at one to four times its speed."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.backend.blind.ports import Clip
from app.gui.calls.async_calls import Bridge
from app.gui.style.pictures import ROUND, begin_painting, paint_picture
from app.gui.style.theme import Theme
from app.gui.style.widgets import to_pixmap
from recorder.types import RGBImage

HOLD_MS = 900
"""So long the last picture stays before the clip begins again."""


class ClipView(QWidget):
    """The clip, or a sentence in its place.  Pictures are decoded in one worker.

    Signals: shown_once() when a clip came to its end the first time; failed(str) with a sentence
    if a picture cannot be shown.
    """

    shown_once = Signal()
    failed = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._bridge = Bridge(threads=1)
        self._clip: Clip | None = None
        self._picture: QPixmap | None = None
        self._text = ""
        self._speed = 1
        self._index = 0
        self._from = 0
        self._in_flight = False
        self._seen_whole = False
        self._elapsed = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_timer)
        self.setMinimumSize(480, 270)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    @property
    def index(self) -> int:
        """Which picture of the clip is shown, or comes next."""
        return self._index

    @property
    def speed(self) -> int:
        """How many times faster than it was played."""
        return self._speed

    def show_text(self, text: str) -> None:
        """Show a sentence and no clip."""
        self._timer.stop()
        self._clip = self._picture = None
        self._text = text
        self.setAccessibleName(text)
        self.update()

    def open(self, clip: Clip) -> None:
        """Show a clip from its beginning."""
        self._clip = clip
        self._picture = None
        self._text = ""
        self._seen_whole = False
        self.setAccessibleName(f"A clip of {clip.frames / clip.tick_rate_hz:.0f} s")
        self.restart()

    def restart(self) -> None:
        """Show the clip from its beginning once more."""
        if self._clip is None:
            return
        self._begin_at(0)
        self._timer.start(max(8, round(1000 / (self._clip.tick_rate_hz * self._speed))))
        self._ask(0)

    def set_speed(self, speed: int) -> None:
        """Show it ``speed`` times as fast as it was played, 1 to 4, from where it is."""
        self._speed = speed
        if self._clip is not None and self._timer.isActive():
            self._begin_at(self._index)
            self._timer.setInterval(max(8, round(1000 / (self._clip.tick_rate_hz * speed))))

    def shut_down(self) -> None:
        """Stop, and let the worker end."""
        self._timer.stop()
        self._clip = None
        self._bridge.close()

    def sizeHint(self) -> QSize:
        """Return twice the size of a small clip."""
        return QSize(800, 450)

    def _begin_at(self, index: int) -> None:
        self._index = self._from = index
        self._elapsed.restart()

    def _on_timer(self) -> None:
        clip = self._clip
        if clip is None:
            return
        gone_ms = self._elapsed.elapsed()
        wanted = self._from + int(gone_ms * clip.tick_rate_hz * self._speed / 1000)
        if wanted < clip.frames:
            self._ask(wanted)
            return
        self._ask(clip.frames - 1)
        if not self._seen_whole:
            self._seen_whole = True
            self.shown_once.emit()
        whole_ms = 1000 * (clip.frames - self._from) / (clip.tick_rate_hz * self._speed)
        if gone_ms > whole_ms + HOLD_MS:
            self._begin_at(0)

    def _ask(self, index: int) -> None:
        self._index = index
        clip = self._clip
        if clip is None or self._in_flight:
            return
        self._in_flight = True
        self._bridge.ask(
            lambda: clip.frame(index),
            lambda rgb: self._on_picture(clip, rgb),
            failed=lambda sentence: self._on_failed(clip, sentence),
        )

    def _on_picture(self, clip: Clip, rgb: RGBImage) -> None:
        self._in_flight = False
        if clip is self._clip:
            self._picture = to_pixmap(rgb)
            self.update()

    def _on_failed(self, clip: Clip, sentence: str) -> None:
        self._in_flight = False
        if clip is self._clip:
            self.show_text(sentence)
            self.failed.emit(sentence)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the picture in a neutral frame, with a line for how far the clip is."""
        painter = QPainter(self)
        begin_painting(painter)
        inner = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        area = paint_picture(painter, inner, self._theme, self._picture, self._text)
        if self._picture is not None:
            self._paint_progress(painter, area)
        painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._theme.colour("line"), 1))
        painter.drawRoundedRect(area, ROUND, ROUND)
        painter.end()

    def _paint_progress(self, painter: QPainter, area: QRectF) -> None:
        if self._clip is None:
            return
        share = (self._index + 1) / self._clip.frames
        line = QRectF(area.left(), area.bottom() - 4, area.width(), 4)
        dark = self._theme.colour("page")
        dark.setAlphaF(0.6)
        painter.fillRect(line, dark)
        line.setWidth(area.width() * min(share, 1.0))
        painter.fillRect(line, self._theme.colour("text"))
