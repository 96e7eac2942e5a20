"""The live picture with its HUD, and the only place where the person's input is heard.

Keys count only while the view has the focus, the mouse only while it is captured.  The
view knows keys as places on the keyboard, not as controls: the session looks them up in the
bindings.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QCursor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui.play.game_keys import GameKeys
from app.gui.play.hud import Hud, describe, driver_of
from app.gui.style.key_places import place_name
from app.gui.style.theme import DARK, Theme, ui_font
from app.gui.style.widgets import to_qimage
from app.session.api import PlaySession, Snapshot
from recorder.games.base import Bindings
from recorder.games.controls import is_games

ASPECT = 16 / 9
FRAME_PX = 3.0
CORNER_PX = 10.0
WARP_SHARE = 0.25
"""The pointer is put back once it is further from the middle than this share of the size."""
MODIFIERS = {
    Qt.KeyboardModifier.ControlModifier: "Ctrl",
    Qt.KeyboardModifier.ShiftModifier: "Shift",
    Qt.KeyboardModifier.AltModifier: "Alt",
    Qt.KeyboardModifier.MetaModifier: "Meta",
}
"""Names of held modifier keys, as of their places."""


class PlayView(QWidget):
    """The game picture, letterboxed to its own aspect, framed in the driver's colour.

    Signals: capture_changed(bool) when the mouse is captured or let go;
    hand_back_asked() for Enter in the view.
    """

    capture_changed = Signal(bool)
    hand_back_asked = Signal()

    def __init__(
        self,
        session: PlaySession,
        theme: Theme,
        *,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__()
        self._session = session
        self._theme = theme
        self._hud = Hud()
        self._snapshot: Snapshot | None = None
        self._shown_frame: int | None = None
        self._scaled: QPixmap | None = None
        self._source: QPixmap | None = None
        self.keys = GameKeys(session, now_ns, self)
        self._captured = False
        self._last = QPointF()
        self._warping = False
        self._sensitivity = 1.0
        self._bindings = Bindings({})
        self._own_window = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(320, 180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, False)
        self.setAccessibleName("Game")
        # Tab must reach the game where it is bound, and leave the view where it is not.
        theme.changed.connect(self._restyle)

    @property
    def captured(self) -> bool:
        """Whether the mouse is captured."""
        return self._captured

    def use_bindings(self, bindings: Bindings) -> None:
        """Show the key caps of these bindings, and keep their keys from being shortcuts."""
        self._bindings = bindings
        self._hud.use_bindings(bindings)
        self.update()

    def use_own_window(self, own: bool, hand_back: str) -> None:
        """Say whether the game has a window of its own; then nothing is heard here.

        ``hand_back`` is the key that hands back there.
        """
        self._own_window = own
        self._hud.use_own_window(own, hand_back)
        self.update()

    def use_hand_back_by_itself(self, by_itself: bool) -> None:
        """Say whether the hands go back if the person does nothing for a moment."""
        self._hud.use_hand_back_by_itself(by_itself)
        self.update()

    def remind(self, text: str) -> None:
        """Write a sentence or two over the picture's foot; "" for nothing."""
        if self._hud.remind(text):
            self.update()

    def use_sensitivity(self, factor: float) -> None:
        """Multiply mouse counts by ``factor``."""
        self._sensitivity = factor

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest state; a frame that is shown already is not scaled again."""
        before = self._snapshot
        self._snapshot = snapshot
        self.keys.follow(before, snapshot)
        frame = snapshot.frame
        if frame is not None and frame.id != self._shown_frame:
            self._shown_frame = frame.id
            self._source = QPixmap.fromImage(to_qimage(frame.rgb))
            self._scaled = None
        if before is None or before.phase is not snapshot.phase:
            self.setAccessibleDescription(describe(snapshot))
        self.update()

    def capture(self) -> None:
        """Take the focus and the mouse."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        if self._captured or self._own_window or not self.isVisible():
            return
        self._captured = True
        self.setCursor(Qt.CursorShape.BlankCursor)
        self.grabMouse()
        self._last = QPointF(QCursor.pos())
        self._warp()
        self.capture_changed.emit(True)
        self.update()

    def release(self) -> None:
        """Let the mouse go and tell the session that nothing is held any more."""
        self.keys.let_go()
        self.let_mouse_go()

    def let_mouse_go(self) -> None:
        """Give the mouse back to the person; keys that are held stay held."""
        if self._captured:
            self._captured = False
            self._warping = False
            self.releaseMouse()
            self.unsetCursor()
            self.capture_changed.emit(False)
        self.update()

    def picture_rect(self) -> QRectF:
        """Return where the picture lies, in the widget's logical pixels."""
        inner = QRectF(self.rect()).adjusted(FRAME_PX, FRAME_PX, -FRAME_PX, -FRAME_PX)
        aspect = ASPECT
        if self._source is not None and self._source.height() > 0:
            aspect = self._source.width() / self._source.height()
        width = min(inner.width(), inner.height() * aspect)
        box = QRectF(0, 0, width, width / aspect)
        box.moveCenter(inner.center())
        return box

    # Qt's events

    def sizeHint(self) -> QSize:
        """Return the frame's own size."""
        return QSize(960, 540)

    def event(self, event: QEvent) -> bool:
        """Keep bound-looking keys from becoming shortcuts or focus moves while captured."""
        if isinstance(event, QKeyEvent) and self.keys.are_games:
            held = [name for flag, name in MODIFIERS.items() if event.modifiers() & flag]
            plain = "Ctrl" not in held and "Meta" not in held
            function_key = Qt.Key.Key_F1 <= event.key() <= Qt.Key.Key_F35
            # Who plays with the mouse too and sneaks with Ctrl does not mean Ctrl+Q.
            ours = (plain and not function_key) or (
                self._captured and is_games(self._bindings, place_name(event), held)
            )
            if event.type() == QEvent.Type.ShortcutOverride and ours:
                event.accept()
                return True
            tab = event.key() in {Qt.Key.Key_Tab, Qt.Key.Key_Backtab}
            if event.type() == QEvent.Type.KeyPress and tab and self._captured:
                self.keyPressEvent(event)
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Tell the session of a key, once per press."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            if not self.keys.are_games:
                event.ignore()
            elif not event.isAutoRepeat():
                self.hand_back_asked.emit()
            return
        # Esc is the window's: it releases everything and pauses.
        if event.isAutoRepeat() or not place_name(event) or event.key() == Qt.Key.Key_Escape:
            return
        if not self.keys.are_games:
            # There is nothing to drive: what is typed is the next sentence.
            if is_games(self._bindings, place_name(event), ()):
                self.keys.hear(event)
            event.ignore()
        elif not self._own_window:
            # Else the game itself hears the person; here they only press a picture's keys.
            self.keys.press(event, captured=self._captured)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Tell the session of a key let go."""
        if not event.isAutoRepeat():
            self.keys.release(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Capture on the first click of an attempt; tell of the button while captured.

        Before and after one there is nothing to drive, and the mouse stays the person's.
        """
        if not self._captured:
            if self.keys.are_games:
                self.capture()
            else:
                self.setFocus()
            return
        self.keys.press_button(event.button())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Treat the second press of a fast pair like any other press."""
        self.mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell of a button let go."""
        self.keys.release_button(event.button())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell of relative motion while captured, and keep the pointer inside."""
        if not self._captured:
            return
        here = event.globalPosition()
        if self._warping and (here - QPointF(self._centre())).manhattanLength() <= 2:
            # Our own warp has arrived: it is no motion of the person's.
            self._warping = False
            self._last = here
            return
        delta = here - self._last
        self._last = here
        if not delta.isNull():
            self.keys.turn(delta.x() * self._sensitivity, delta.y() * self._sensitivity)
        away = here - QPointF(self._centre())
        reach = WARP_SHARE * min(self.width(), self.height())
        if not self._warping and max(abs(away.x()), abs(away.y())) > reach:
            self._warp()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show that keys now count."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Release everything: keys count only while the view has the focus."""
        super().focusOutEvent(event)
        self.release()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Scale anew."""
        super().resizeEvent(event)
        self._scaled = None

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the picture, its frame and the HUD."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.picture_rect()
        clip = QPainterPath()
        clip.addRoundedRect(area, CORNER_PX, CORNER_PX)
        painter.save()
        painter.setClipPath(clip)
        self._paint_picture(painter, area)
        if self._snapshot is not None:
            self._hud.paint(
                painter, area, self._snapshot, focused=self.hasFocus(), captured=self._captured
            )
        painter.restore()
        self._paint_frame(painter, area)
        painter.end()

    def _paint_picture(self, painter: QPainter, area: QRectF) -> None:
        if self._source is None:
            painter.fillRect(area, QColor(DARK.sunken))
            painter.setPen(QColor(DARK.muted))
            painter.setFont(ui_font(15))
            text = self._snapshot.message if self._snapshot is not None else ""
            painter.drawText(
                area.adjusted(40, 60, -40, -60),
                Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
                text or "The game is starting …",
            )
            return
        if self._scaled is None:
            ratio = self.devicePixelRatioF()
            self._scaled = self._source.scaled(
                (area.size() * ratio).toSize(),
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            self._scaled.setDevicePixelRatio(ratio)
        painter.drawPixmap(area.topLeft(), self._scaled)

    def _paint_frame(self, painter: QPainter, area: QRectF) -> None:
        colour = self._theme.colour("line")
        if self._snapshot is not None:
            driver = driver_of(self._snapshot)
            colour = self._theme.driver(driver)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, FRAME_PX))
        half = FRAME_PX / 2
        painter.drawRoundedRect(area.adjusted(-half, -half, half, half), CORNER_PX, CORNER_PX)
        if self.hasFocus():
            painter.setPen(QPen(QColor(DARK.text), 1.2))
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), CORNER_PX - 2, CORNER_PX - 2)

    def _restyle(self) -> None:
        self._hud.restyle()
        self.update()

    def _centre(self) -> QPoint:
        return self.mapToGlobal(self.rect().center())

    def _warp(self) -> None:
        self._warping = True
        QCursor.setPos(self._centre())
