"""What is painted over the picture: who drives, what is held, how well the loop runs.

The HUD lies on game pictures, so it keeps the dark look in both themes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.gui.style import icons
from app.gui.style.key_places import short_key
from app.gui.style.theme import DARK, OUTCOME_WORDS, driver_token, scaled, ui_font
from app.session.api import Phase, Snapshot
from recorder.games.base import Bindings
from recorder.types import BUTTON_CONTROLS, NO_ACTION, Action, Driver, Outcome

MARGIN = 14.0
CAP_GAP = 7.0
DIAL_RADIUS = 16.0
FULL_DIAL_DEG = 20.0
"""The camera turn of one tick that fills the dial; larger ones are drawn at its rim."""

PHASE_WORDS = {
    Phase.WATCHING: "READY",
    Phase.PLAYING: "AGENT DRIVES",
    Phase.CORRECTING: "YOU DRIVE",
    Phase.DEMONSTRATING: "YOU SHOW HOW",
    Phase.PAUSED: "PAUSED",
}

WAKING = "WAKING UP"

_CAP_ORDER = (
    "forward",
    "left",
    "back",
    "right",
    "attack",
    "use",
    "jump",
    "sprint",
    "sneak",
    "inventory",
    "drop",
)


@dataclass(frozen=True, slots=True)
class Cap:
    """A key cap: the control it stands for, the key's short name, the control in words."""

    control: str
    text: str


def key_caps(bindings: Bindings) -> tuple[Cap, ...]:
    """Return the caps to show for a game's bindings, the most used first: room ends."""
    assert set(_CAP_ORDER) == set(BUTTON_CONTROLS)
    caps = [
        Cap(control, short_key(bindings.keys[control], letters=bindings.letters))
        for control in _CAP_ORDER
        if control in bindings.keys
    ]
    if any(name.startswith("hotbar.") for name in bindings.keys):
        caps.append(Cap("hotbar", "1-9"))
    return tuple(caps)


def driver_of(snapshot: Snapshot) -> Driver:
    """Return whose colour the view wears: the phase decides, not the last tick."""
    if snapshot.phase is Phase.PLAYING:
        return Driver.POLICY
    if snapshot.phase in {Phase.CORRECTING, Phase.DEMONSTRATING}:
        return Driver.PERSON
    return Driver.NOBODY


def hint(
    snapshot: Snapshot,
    *,
    focused: bool,
    captured: bool = False,
    own_window: bool = False,
    back: str = "",
    by_itself: bool = False,
) -> str:
    """Return the one thing worth knowing now about taking over and handing back.

    ``captured`` says that the mouse turns the view.  ``own_window`` games hear the person
    themselves; ``back`` is the key that hands back there.  ``by_itself`` says that the hands go
    back if nothing is done for a moment.
    """
    if own_window:
        away = {
            Phase.PLAYING: "Touch the game in its own window to take over",
            Phase.CORRECTING: f"{back} hands back" if back else "Let go to hand back",
            Phase.DEMONSTRATING: "You play in the game's own window",
        }
        if snapshot.phase in away:
            return away[snapshot.phase]
    if snapshot.waits:
        return "It begins by itself as soon as the agent is awake"
    if not snapshot.in_attempt:
        return "Type what it should do, then press Enter"
    if snapshot.phase is Phase.PAUSED:
        return "F6 goes on"
    if snapshot.phase is Phase.PLAYING:
        if captured:
            return "Move the mouse or touch a key to take over"
        return "Touch any game key to take over" if focused else "Click here to take over"
    if not captured:
        return "Click to grab the mouse" if focused else "Click here to go on driving"
    if snapshot.phase is Phase.CORRECTING:
        hands_back = "Enter or letting go hands back" if by_itself else "Enter hands back"
        return f"{hands_back}, Esc frees the mouse"
    return "F9 when it is done, Esc frees the mouse"


def hint_more(snapshot: Snapshot, *, captured: bool = False) -> str:
    """Return the keys that are worth a place beside the hint if there is room, "" for none."""
    if not snapshot.in_attempt:
        return ""
    if snapshot.phase is Phase.PLAYING and captured:
        return "Esc frees the mouse · F9 done · F10 failed"
    if snapshot.phase is Phase.DEMONSTRATING and captured:
        return "F10 if it failed"
    if snapshot.phase is Phase.CORRECTING and not captured:
        return "Enter hands back · F9 done · F10 failed"
    return "F9 done · F10 failed"


def is_idle(snapshot: Snapshot) -> bool:
    """Return whether nothing goes on that could be paused or go on: who pauses then waits."""
    return snapshot.phase is Phase.WATCHING or (
        snapshot.phase is Phase.PAUSED and not snapshot.in_attempt
    )


def shown_phase(snapshot: Snapshot) -> Phase:
    """Return the phase as it is told: a pause of nothing is no pause."""
    return Phase.WATCHING if is_idle(snapshot) else snapshot.phase


def describe(snapshot: Snapshot) -> str:
    """Return the HUD in words, for screen readers."""
    parts = [PHASE_WORDS[shown_phase(snapshot)].capitalize()]
    if snapshot.instruction:
        parts.append(f"instruction: {snapshot.instruction}")
    if snapshot.outcome is not None:
        parts.append(f"outcome: {OUTCOME_WORDS[snapshot.outcome]}")
    return ", ".join(parts)


def metrics(snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    """Return the (label, value) pairs on the right, most important last."""
    rate = snapshot.measured_rate_hz or snapshot.tick_rate_hz
    # Answers that were no action: none, as long as the model's own grammar is kept.
    invalid = snapshot.invalid_outputs
    thinks = snapshot.latency_ms
    # The sentence's clock stands while the person drives: they have all the time.
    persons = snapshot.phase in {Phase.CORRECTING, Phase.DEMONSTRATING}
    left = None if persons else snapshot.left_s
    return (
        ("late", str(snapshot.missed_ticks)),
        *((("invalid", str(invalid)),) if invalid else ()),
        ("speed", f"{rate:.1f}/s" if rate else "–"),
        ("thinks", "–" if thinks is None else f"{thinks:.0f} ms"),
        ("time left", "–" if left is None else f"{left:.1f} s"),
    )


def bar_height() -> int:
    """Return the height of the bar at the picture's foot, in pixels."""
    return scaled(54)


class Hud:
    """Paints the HUD.  Fonts are worked out once for each text size."""

    def __init__(self) -> None:
        self._caps: tuple[Cap, ...] = ()
        self._pitch_up = False
        self._own_window = False
        self._hand_back = ""
        self._by_itself = False
        self._reminder = ""
        self.restyle()

    def restyle(self) -> None:
        """Take over another text size."""
        self._badge_font = ui_font(13, bold=True)
        self._cap_font = ui_font(12, bold=True)
        self._value_font = ui_font(14, bold=True)
        self._label_font = ui_font(11)
        self._hint_font = ui_font(13, bold=True)
        self._outcome_font = ui_font(20, bold=True)

    def use_bindings(self, bindings: Bindings) -> None:
        """Show the caps of these bindings."""
        self._caps = key_caps(bindings)
        self._pitch_up = bindings.pitch_up

    def use_own_window(self, own: bool, hand_back: str) -> None:
        """Say whether the game hears the person itself, and which key hands back there."""
        self._own_window, self._hand_back = own, hand_back

    def use_hand_back_by_itself(self, by_itself: bool) -> None:
        """Say whether the hands go back if nothing is done for a moment."""
        self._by_itself = by_itself

    def remind(self, text: str) -> bool:
        """Write a text over the bar, "" for none; return whether that is another than before."""
        before, self._reminder = self._reminder, text
        return text != before

    def paint(
        self,
        painter: QPainter,
        area: QRectF,
        snapshot: Snapshot,
        *,
        focused: bool,
        captured: bool = False,
    ) -> None:
        """Draw everything into ``area``, the picture's rectangle in logical pixels."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if captured:
            _paint_crosshair(painter, area.center())
        badge = self._paint_badge(painter, area, snapshot)
        text = hint(
            snapshot,
            focused=focused,
            captured=captured,
            own_window=self._own_window,
            back=self._hand_back,
            by_itself=self._by_itself,
        )
        more = "" if self._own_window else hint_more(snapshot, captured=captured)
        self._paint_hint(painter, area, text, more, badge.right())
        if snapshot.outcome is not None:
            self._paint_outcome(painter, area, snapshot.outcome)
        if area.height() > 200:
            self._paint_bar(painter, area, snapshot)
            self._paint_reminder(painter, area)

    def _paint_badge(self, painter: QPainter, area: QRectF, snapshot: Snapshot) -> QRectF:
        colour = QColor(getattr(DARK, driver_token(driver_of(snapshot))))
        phase = shown_phase(snapshot)
        if driver_of(snapshot) is Driver.NOBODY:
            # Words need more contrast than a frame: grey proper is for the frame only.
            colour = QColor(DARK.text if phase is Phase.PAUSED else DARK.muted)
        text = WAKING if snapshot.waits else PHASE_WORDS[phase]
        width = QFontMetricsF(self._badge_font).horizontalAdvance(text) + 46
        box = QRectF(area.left() + MARGIN, area.top() + MARGIN, width, scaled(32))
        _panel(painter, box, box.height() / 2)
        mark = QRectF(box.left() + 13, box.center().y() - 6, 12, 12)
        if phase is Phase.CORRECTING and snapshot.hand_back_share > 0:
            _paint_ring(painter, mark, snapshot.hand_back_share, colour)
        _paint_mark(painter, mark, phase, colour)
        painter.setPen(colour)
        painter.setFont(self._badge_font)
        painter.drawText(box.adjusted(33, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)
        return box

    def _paint_hint(
        self, painter: QPainter, area: QRectF, text: str, more: str, left: float
    ) -> None:
        measure = QFontMetricsF(self._hint_font)
        whole = f"{text} · {more}" if more else text
        if measure.horizontalAdvance(whole) + 24 + 2 * MARGIN + 8 < area.right() - left:
            text = whole
        width = measure.horizontalAdvance(text) + 24
        box = QRectF(area.right() - MARGIN - width, area.top() + MARGIN, width, scaled(32))
        if box.left() < left + 8:
            return
        _panel(painter, box, box.height() / 2)
        painter.setPen(QColor(DARK.text))
        painter.setFont(self._hint_font)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_outcome(self, painter: QPainter, area: QRectF, outcome: Outcome) -> None:
        text = OUTCOME_WORDS[outcome]
        token = {Outcome.SUCCESS: "ok", Outcome.FAILURE: "bad", Outcome.TIMEOUT: "bad"}.get(
            outcome, "muted"
        )
        colour = QColor(getattr(DARK, token))
        width = QFontMetricsF(self._outcome_font).horizontalAdvance(text) + 76
        box = QRectF(0, 0, width, scaled(52))
        box.moveCenter(QPointF(area.center().x(), area.top() + area.height() * 0.24))
        _panel(painter, box, box.height() / 2, opacity=0.86)
        painter.setPen(QPen(colour, 2))
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        icons.paint_icon(
            painter,
            icons.OUTCOME_ICONS[outcome],
            colour,
            QRectF(box.left() + 20, box.center().y() - 12, 24, 24),
        )
        painter.setPen(colour)
        painter.setFont(self._outcome_font)
        painter.drawText(box.adjusted(52, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_bar(self, painter: QPainter, area: QRectF, snapshot: Snapshot) -> None:
        high = bar_height()
        bar = QRectF(area.left(), area.bottom() - high, area.width(), high)
        painter.fillRect(bar, QColor(12, 14, 18, 205))
        right = self._paint_metrics(painter, bar, metrics(snapshot))
        driver = driver_of(snapshot)
        action = snapshot.executed if driver is not Driver.NOBODY else NO_ACTION
        colour = QColor(getattr(DARK, driver_token(driver)))
        x = self._paint_caps(painter, bar, action, colour, right - 50 - scaled(60))
        if x + 2 * DIAL_RADIUS + scaled(60) < right:
            self._paint_dial(
                painter, QPointF(x + 14 + DIAL_RADIUS, bar.center().y()), action, colour
            )

    def _paint_reminder(self, painter: QPainter, area: QRectF) -> None:
        if not self._reminder:
            return
        painter.setFont(self._hint_font)
        room = area.adjusted(2 * MARGIN, 0, -2 * MARGIN, -bar_height() - MARGIN)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        text = QFontMetricsF(self._hint_font).boundingRect(room, flags, self._reminder)
        text.moveBottom(room.bottom() - scaled(7))
        _panel(painter, text.adjusted(-14, -scaled(7), 14, scaled(7)), 12)
        painter.setPen(QColor(DARK.text))
        painter.drawText(text.adjusted(-2, 0, 2, 0), flags, self._reminder)

    def _paint_metrics(
        self, painter: QPainter, bar: QRectF, pairs: tuple[tuple[str, str], ...]
    ) -> float:
        """Draw the figures from the right; return where they begin."""
        column, line = scaled(76), scaled(18)
        right = bar.right() - MARGIN
        room = bar.width() * 0.46
        for name, value in reversed(pairs):
            if bar.right() - right + column > room:
                break
            box = QRectF(right - column, bar.top() + scaled(8), column, line)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.setFont(self._label_font)
            painter.setPen(QColor(DARK.muted))
            painter.drawText(box, flags, name)
            painter.setFont(self._value_font)
            painter.setPen(QColor(DARK.text))
            painter.drawText(box.translated(0, line), flags, value)
            right -= column
        return right

    def _paint_caps(
        self, painter: QPainter, bar: QRectF, action: Action, colour: QColor, limit: float
    ) -> float:
        """Draw the key caps from the left up to ``limit``; return where they end."""
        painter.setFont(self._cap_font)
        measure = QFontMetricsF(self._cap_font)
        high = scaled(28)
        held = action.held
        x = bar.left() + MARGIN
        for cap in self._caps:
            on = bool(action.hotbar) if cap.control == "hotbar" else cap.control in held
            text = str(action.hotbar) if cap.control == "hotbar" and on else cap.text
            width = max(float(high), measure.horizontalAdvance(cap.text) + 16)
            if x + width > limit:
                break
            box = QRectF(x, bar.center().y() - high / 2, width, high)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour if on else QColor(255, 255, 255, 26))
            painter.drawRoundedRect(box, 7, 7)
            painter.setPen(QColor(DARK.on_fill if on else DARK.muted))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
            x += width + CAP_GAP
        return x

    def _paint_dial(
        self, painter: QPainter, centre: QPointF, action: Action, colour: QColor
    ) -> None:
        pitch, yaw = action.camera
        pitch = -pitch if self._pitch_up else pitch
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(255, 255, 255, 60), 1.5))
        painter.drawEllipse(centre, DIAL_RADIUS, DIAL_RADIUS)
        size = math.hypot(pitch, yaw)
        if size > 0:
            # The root makes small turns visible beside large ones.
            reach = DIAL_RADIUS * math.sqrt(min(size / FULL_DIAL_DEG, 1.0))
            tip = QPointF(centre.x() + reach * yaw / size, centre.y() + reach * pitch / size)
            painter.setPen(QPen(colour, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(centre, tip)
        else:
            painter.setBrush(QColor(255, 255, 255, 110))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(centre, 2, 2)
        painter.setPen(QColor(DARK.muted))
        painter.setFont(self._badge_font)
        box = QRectF(centre.x() + DIAL_RADIUS + 8, centre.y() - scaled(12), scaled(60), scaled(24))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, f"{yaw:+.1f}°")


def _panel(painter: QPainter, box: QRectF, radius: float, opacity: float = 0.78) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    fill = QColor(12, 14, 18)
    fill.setAlphaF(opacity)
    painter.setBrush(fill)
    painter.drawRoundedRect(box, radius, radius)


def _paint_crosshair(painter: QPainter, centre: QPointF) -> None:
    """Mark the middle of the picture: the mouse turns it."""
    for width, colour in ((4.0, QColor(0, 0, 0, 130)), (1.6, QColor(255, 255, 255, 220))):
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            painter.drawLine(centre + QPointF(4 * dx, 4 * dy), centre + QPointF(9 * dx, 9 * dy))


def _paint_ring(painter: QPainter, box: QRectF, share: float, colour: QColor) -> None:
    """Draw how much is left, 0 to 1, of the time until the hands go back by themselves."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawArc(box.adjusted(-4.5, -4.5, 4.5, 4.5), 90 * 16, round(share * 360 * 16))


def _paint_mark(painter: QPainter, box: QRectF, phase: Phase, colour: QColor) -> None:
    """Draw the phase's shape: disc = agent, diamond = person, bars = paused, ring = nobody."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    if phase is Phase.PLAYING:
        painter.drawEllipse(box.adjusted(1, 1, -1, -1))
    elif phase in {Phase.CORRECTING, Phase.DEMONSTRATING}:
        c = box.center()
        half = 6.5
        painter.drawPolygon(
            [
                QPointF(c.x(), c.y() - half),
                QPointF(c.x() + half, c.y()),
                QPointF(c.x(), c.y() + half),
                QPointF(c.x() - half, c.y()),
            ]
        )
    elif phase is Phase.PAUSED:
        painter.drawRect(QRectF(box.left() + 1, box.top(), 3.5, box.height()))
        painter.drawRect(QRectF(box.right() - 4.5, box.top(), 3.5, box.height()))
    else:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, 2))
        painter.drawEllipse(box.adjusted(2, 2, -2, -2))
