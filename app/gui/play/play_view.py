"""The live picture with its HUD, and the only place where the person's input is heard.

Keys count only while the view has the focus, the mouse only while it is captured.  The
view knows keys as places on the keyboard, not as controls: the session looks them up in the
bindings.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, QTimer, Signal
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

from app.gui.play.hud import Hud, describe, driver_of
from app.gui.style.key_places import place_name, press_id
from app.gui.style.theme import DARK, Theme, ui_font
from app.gui.style.widgets import to_qimage
from app.session.api import Phase, PlaySession, Snapshot
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
MODIFIER_KEYS = frozenset({
    Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_AltGr, Qt.Key.Key_Meta,
})  # fmt: skip
LAYING_OUT_NS = 1_500_000_000
"""So long may a start take to be laid out; a key meanwhile is no letter of the next sentence."""
MODIFIER_WAIT_MS = 150
"""So long may a modifier still become a shortcut of the window's before it drives the game."""


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
        self._now_ns = now_ns
        self._hud = Hud()
        self._snapshot: Snapshot | None = None
        self._shown_frame: int | None = None
        self._scaled: QPixmap | None = None
        self._source: QPixmap | None = None
        # By what a press and its release share; the name is kept, as Shift and the layout change.
        self._keys_down: dict[int, str] = {}
        # Modifiers that may be the beginning of a shortcut.
        self._undecided: dict[int, str] = {}
        self._undecided_timer = QTimer(self)
        self._undecided_timer.setSingleShot(True)
        self._undecided_timer.setInterval(MODIFIER_WAIT_MS)
        self._undecided_timer.timeout.connect(self._send_undecided)
        # Whether nothing but modifiers came from the person since the agent drove.
        self._only_modifiers = True
        self._expected_until_ns = 0
        self._buttons_down: set[Qt.MouseButton] = set()
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
        theme.changed.connect(self.update)

    @property
    def captured(self) -> bool:
        """Whether the mouse is captured."""
        return self._captured

    @property
    def held_keys(self) -> frozenset[int]:
        """The keys that are down, by what a press and its release share."""
        return frozenset(self._keys_down)

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

    def use_sensitivity(self, factor: float) -> None:
        """Multiply mouse counts by ``factor``."""
        self._sensitivity = factor

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest state; a frame that is shown already is not scaled again."""
        before = self._snapshot
        self._snapshot = snapshot
        if before is not None and (before.phase, before.attempts) != (
            snapshot.phase,
            snapshot.attempts,
        ):
            # Not before a takeover: what makes it is known here earlier than it is shown.
            self._only_modifiers |= snapshot.phase is not Phase.CORRECTING
        if snapshot.in_attempt:
            self._expected_until_ns = 0
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
        self._keys_down.clear()
        self._undecided.clear()
        self._buttons_down.clear()
        self._session.focus_lost()
        self.let_mouse_go()

    def expect_attempt(self) -> None:
        """Take keys for the game's from now on: an attempt was asked for that is being laid out."""
        self._expected_until_ns = self._now_ns() + LAYING_OUT_NS

    def let_mouse_go(self) -> None:
        """Give the mouse back to the person; keys that are held stay held."""
        if self._captured:
            self._captured = False
            self._warping = False
            self.releaseMouse()
            self.unsetCursor()
            self.capture_changed.emit(False)
        self.update()

    def forget_shortcut(self) -> None:
        """Take back what the keys of a shortcut did to the game: they were not meant for it."""
        self._undecided.clear()
        corrects = self._session.snapshot().phase is Phase.CORRECTING
        if corrects and self._only_modifiers and any(self._keys_down.values()):
            self._keys_down.clear()
            self._session.take_back()

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
        if isinstance(event, QKeyEvent) and self._in_attempt:
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
            if not self._in_attempt:
                event.ignore()
            elif not event.isAutoRepeat():
                self.hand_back_asked.emit()
            return
        name = place_name(event)
        # Esc is the window's: it releases everything and pauses.
        if event.isAutoRepeat() or not name or event.key() == Qt.Key.Key_Escape:
            return
        if not self._in_attempt:
            # There is nothing to drive: what is typed is the next sentence.
            event.ignore()
            return
        if self._own_window:
            # The game itself hears the person; here they only press a picture's keys.
            return
        if event.key() in MODIFIER_KEYS and not self._captured:
            self._undecided[press_id(event)] = name
            self._undecided_timer.start()
            return
        self._send_undecided()
        self._only_modifiers &= event.key() in MODIFIER_KEYS
        self._keys_down[press_id(event)] = name
        self._session.key(name, True, self._now_ns())

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Tell the session of a key let go."""
        if event.isAutoRepeat():
            return
        self._undecided.pop(press_id(event), "")
        name = self._keys_down.pop(press_id(event), "")
        if name:
            self._session.key(name, False, self._now_ns())

    def _send_undecided(self) -> None:
        """Let modifiers drive that became no shortcut."""
        self._undecided_timer.stop()
        waiting, self._undecided = self._undecided, {}
        for press, name in waiting.items():
            self._keys_down[press] = name
            self._session.key(name, True, self._now_ns())

    @property
    def _in_attempt(self) -> bool:
        # The session itself is asked: what is shown may be a moment old.
        return self._now_ns() < self._expected_until_ns or self._session.snapshot().in_attempt

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Capture on the first click of an attempt; tell of the button while captured.

        Before and after one there is nothing to drive, and the mouse stays the person's.
        """
        if not self._captured:
            if self._in_attempt:
                self.capture()
            else:
                self.setFocus()
            return
        name = event.button().name
        if name is not None:
            self._only_modifiers = False
            self._buttons_down.add(event.button())
            self._session.key(name, True, self._now_ns())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Treat the second press of a fast pair like any other press."""
        self.mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell of a button let go."""
        if event.button() in self._buttons_down:
            self._buttons_down.discard(event.button())
            name = event.button().name
            if name is not None:
                self._session.key(name, False, self._now_ns())

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
            self._only_modifiers = False
            self._session.mouse_move(
                delta.x() * self._sensitivity, delta.y() * self._sensitivity, self._now_ns()
            )
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

    def _centre(self) -> QPoint:
        return self.mapToGlobal(self.rect().center())

    def _warp(self) -> None:
        self._warping = True
        QCursor.setPos(self._centre())
