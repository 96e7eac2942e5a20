"""Plays a recorded episode back: picture, scrubber with the driver strip, step and play."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QVBoxLayout, QWidget

from app.backend.ports import DriverRuns, Playback
from app.backend.readable import clock_text
from app.gui.calls.async_calls import Bridge
from app.gui.style import icons
from app.gui.style.pictures import begin_painting, paint_picture
from app.gui.style.theme import DRIVER_WORDS, GRID, Theme, scaled
from app.gui.style.widgets import button, describe_runs, label, paint_runs, to_pixmap
from recorder.types import Driver, RGBImage


def driver_at(runs: DriverRuns, index: int) -> Driver:
    """Return who drove in tick ``index``; nobody beyond the end."""
    for driver, ticks in runs:
        if index < ticks:
            return driver
        index -= ticks
    return Driver.NOBODY


class Scrubber(QSlider):
    """A slider over the driver strip; a click goes straight to that moment."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._theme = theme
        self._runs: DriverRuns = ()
        self.setFixedHeight(30)
        self.setAccessibleName("Moment of the attempt")
        theme.changed.connect(self.update)

    def show_runs(self, runs: DriverRuns) -> None:
        """Show who drove when."""
        self._runs = runs
        self.setToolTip(f"Driven by {describe_runs(runs)}")
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Jump to the click."""
        self._jump(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the drag."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._jump(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw strip and handle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(6, 10, self.width() - 12, 10)
        paint_runs(painter, self._theme, self._runs, track)
        if not self.isEnabled():
            painter.end()
            return
        x = track.left() + track.width() * self.value() / max(self.maximum(), 1)
        painter.setPen(
            QPen(self._theme.colour("agent"), 2.5) if self.hasFocus() else Qt.PenStyle.NoPen
        )
        painter.setBrush(self._theme.colour("text"))
        painter.drawRoundedRect(QRectF(x - 4, 4, 8, 22), 4, 4)
        painter.end()

    def _jump(self, event: QMouseEvent) -> None:
        share = (event.position().x() - 6) / max(self.width() - 12, 1)
        self.setValue(round(min(max(share, 0.0), 1.0) * self.maximum()))


class Picture(QWidget):
    """A picture, letterboxed, with a frame in the driver's colour and the driver's word."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._picture: QPixmap | None = None
        self._driver = Driver.NOBODY
        self._text = ""
        self.setMinimumSize(240, 135)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    def show_picture(self, rgb: RGBImage, driver: Driver) -> None:
        """Show a frame."""
        self._picture = to_pixmap(rgb)
        self._driver = driver
        self.setAccessibleName(f"Recorded frame, driven by {DRIVER_WORDS[driver].lower()}")
        self.update()

    def show_text(self, text: str) -> None:
        """Show a sentence instead of a frame."""
        self._picture = None
        self._text = text
        self.setAccessibleName(text)
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size of a frame."""
        return QSize(640, 360)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        begin_painting(painter)
        inner = QRectF(self.rect()).adjusted(3, 3, -3, -3)
        area = paint_picture(painter, inner, self._theme, self._picture, self._text)
        painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        frame = self._theme.driver(self._driver) if self._picture else self._theme.colour("line")
        painter.setPen(QPen(frame, 3))
        painter.drawRoundedRect(area.adjusted(-1.5, -1.5, 1.5, 1.5), 10, 10)
        painter.end()


class PlaybackView(QWidget):
    """The player.  Frames are decoded in one worker; only the newest wish is decoded.

    Signals: frame_shown(int) after a frame is on the screen.
    """

    frame_shown = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._bridge = Bridge(threads=1)
        self._playback: Playback | None = None
        self._wanted = 0
        self._in_flight = False
        self._began_index = 0
        self._elapsed = QElapsedTimer()
        self._timer = QTimer(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.picture = Picture(theme)
        self.scrubber = Scrubber(theme)
        self.play = button("", "quiet")
        self.time = label("00:00 / 00:00", "muted")
        self.who = label("", "strong")
        self._build()
        self._connect_signals()
        self.clear("Choose an attempt to play it back.")

    def clear(self, text: str) -> None:
        """Show a sentence and no episode."""
        self.hold()
        self._let_go()
        self.picture.show_text(text)
        self.scrubber.show_runs(())
        self.scrubber.setEnabled(False)
        self.play.setEnabled(False)
        self.time.setText("")
        self.who.setText("")

    def open(self, playback: Playback) -> None:
        """Show an episode's first frame; takes ``playback`` over."""
        self.clear("")
        if playback.frames < 1:
            playback.close()
            self.picture.show_text("This attempt ended before its first frame was recorded.")
            return
        self._playback = playback
        self.scrubber.setEnabled(True)
        self.play.setEnabled(True)
        self.scrubber.blockSignals(True)
        self.scrubber.setRange(0, playback.frames - 1)
        self.scrubber.setValue(0)
        self.scrubber.blockSignals(False)
        self.scrubber.show_runs(playback.drivers)
        self._show_time(0)
        self._wish(0)

    def toggle(self) -> None:
        """Play, or hold."""
        if self._timer.isActive():
            self.hold()
        elif self._playback is not None:
            at_end = self.scrubber.value() >= self.scrubber.maximum()
            self._began_index = 0 if at_end else self.scrubber.value()
            self._elapsed.start()
            self._timer.start(max(10, round(1000 / self._playback.tick_rate_hz)))
            self._restyle()

    def hold(self) -> None:
        """Hold the picture."""
        self._timer.stop()
        self._restyle()

    def step(self, frames: int) -> None:
        """Hold and go ``frames`` on (or back)."""
        self.hold()
        self.scrubber.setValue(self.scrubber.value() + frames)

    def shut_down(self) -> None:
        """Stop the worker and close the file."""
        self.hold()
        self._bridge.close()
        if self._playback is not None:
            self._playback.close()
            self._playback = None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space plays, the arrows step."""
        if event.key() == Qt.Key.Key_Space:
            self.toggle()
        elif event.key() in {Qt.Key.Key_Left, Qt.Key.Key_Right}:
            self.step(1 if event.key() == Qt.Key.Key_Right else -1)
        else:
            super().keyPressEvent(event)

    def _let_go(self) -> None:
        if self._playback is not None:
            # In the worker, so that a frame under way is finished before its file closes.
            self._bridge.ask(self._playback.close)
            self._playback = None

    def _on_timer(self) -> None:
        if self._playback is None:
            return
        gone = self._elapsed.elapsed() * self._playback.tick_rate_hz / 1000
        index = self._began_index + int(gone)
        self.scrubber.setValue(index)
        if index >= self.scrubber.maximum():
            self.hold()

    def _on_scrubbed(self, index: int) -> None:
        self._show_time(index)
        self._wish(index)

    def _wish(self, index: int) -> None:
        self._wanted = index
        playback = self._playback
        if self._in_flight or playback is None:
            return
        self._in_flight = True
        self._bridge.ask(
            lambda: playback.frame(index),
            lambda rgb: self._on_frame(playback, index, rgb),
            failed=lambda sentence: self._on_failed(playback, sentence),
        )

    def _on_frame(self, playback: Playback, index: int, rgb: RGBImage) -> None:
        self._in_flight = False
        if playback is self._playback:
            self.picture.show_picture(rgb, driver_at(playback.drivers, index))
            self.frame_shown.emit(index)
        self._catch_up(playback, index)

    def _on_failed(self, playback: Playback, sentence: str) -> None:
        self._in_flight = False
        if playback is self._playback:
            self.hold()
            self.picture.show_text(sentence)
        else:
            self._catch_up(playback, -1)

    def _catch_up(self, playback: Playback, index: int) -> None:
        if self._playback is not None and (playback is not self._playback or self._wanted != index):
            self._wish(self._wanted)

    def _show_time(self, index: int) -> None:
        if self._playback is None:
            return
        rate = self._playback.tick_rate_hz
        last = clock_text((self._playback.frames - 1) / rate)
        self.time.setText(f"{clock_text(index / rate)} / {last}")
        driver = driver_at(self._playback.drivers, index)
        self.who.setText(f"{DRIVER_WORDS[driver]} drove" if driver is not Driver.NOBODY else "")

    def _build(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self.play)
        row.addWidget(self.scrubber, 1)
        row.addWidget(self.time)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self.picture, 1)
        layout.addLayout(row)

    def _connect_signals(self) -> None:
        self.play.clicked.connect(self.toggle)
        self.scrubber.valueChanged.connect(self._on_scrubbed)
        self.scrubber.sliderPressed.connect(self.hold)
        self._timer.timeout.connect(self._on_timer)
        self._theme.changed.connect(self._restyle)

    def _restyle(self) -> None:
        playing = self._timer.isActive()
        self.play.setIconSize(QSize(scaled(20), scaled(20)))
        self.play.setIcon(
            icons.icon(
                "pause" if playing else "play",
                self._theme.colour("text"),
                self._theme.colour("nobody"),
            )
        )
        self.play.setAccessibleName("Hold" if playing else "Play back")
