"""The live loss curve: training in the person's amber, held out dashed in the agent's blue."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.gui.style.theme import Theme, ui_font

Point = tuple[int, float]
"""(step, loss)."""


def smooth(points: Sequence[Point], half_life: float) -> list[Point]:
    """Return an exponential moving average that is not biased towards its start."""
    keep = 0.5 ** (1 / max(half_life, 1e-6))
    total = weight = 0.0
    result: list[Point] = []
    for step, loss in points:
        total = keep * total + loss
        weight = keep * weight + 1
        result.append((step, total / weight))
    return result


class LossCurve(QWidget):
    """Loss by step.  Raw training points lie faint behind their smoothed line."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._training: list[Point] = []
        self._held_out: list[Point] = []
        self._steps = 0
        self.setFixedHeight(88)
        self.setAccessibleName("Loss curve")
        self.setToolTip(
            "How far its answers are from what you did, lower is closer; dashed, on what is kept "
            "aside to check by."
        )
        theme.changed.connect(self.update)

    def clear(self, steps: int = 0) -> None:
        """Forget all points; ``steps`` is where the axis will end (0: the last point)."""
        self._training.clear()
        self._held_out.clear()
        self._steps = steps
        self.update()

    def expect(self, steps: int) -> None:
        """Set the last step of the axis."""
        self._steps = steps

    def add(self, step: int, loss: float | None = None, held_out: float | None = None) -> None:
        """Add a point; a loss that is not finite is left out (it cannot be drawn)."""
        if loss is not None and math.isfinite(loss):
            self._training.append((step, loss))
        if held_out is not None and math.isfinite(held_out):
            self._held_out.append((step, held_out))
        if self._training:
            words = f"training loss {self._training[-1][1]:.3f} at step {self._training[-1][0]}"
            if self._held_out:
                words += f", kept aside {self._held_out[-1][1]:.3f}"
            self.setAccessibleDescription(words)
        self.update()

    @property
    def points(self) -> tuple[list[Point], list[Point]]:
        """The (training, held-out) points so far."""
        return list(self._training), list(self._held_out)

    def sizeHint(self) -> QSize:
        """Return the size that the panel gives it."""
        return QSize(300, 104)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the curves, their legend and the newest values."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("sunken"))
        painter.drawRoundedRect(area, 9, 9)
        painter.setFont(ui_font(11))
        values = [loss for _, loss in self._training + self._held_out]
        if not values:
            painter.setPen(self._theme.colour("muted"))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "The loss appears here.")
            painter.end()
            return
        plot = area.adjusted(12, 26, -12, -10)
        low, high = min(values), max(values)
        if high - low < 1e-9:
            low, high = low - 0.5, high + 0.5
        last = max([self._steps, *(s for s, _ in self._training + self._held_out), 1])

        def place(point: Point) -> QPointF:
            return QPointF(
                plot.left() + plot.width() * point[0] / last,
                plot.bottom() - plot.height() * (point[1] - low) / (high - low),
            )

        self._paint_line(painter, [place(p) for p in self._training], faint=True)
        averaged = smooth(self._training, max(len(self._training) / 30, 1.0))
        self._paint_line(painter, [place(p) for p in averaged])
        self._paint_line(painter, [place(p) for p in self._held_out], held_out=True)
        self._paint_legend(painter, area, averaged)
        painter.end()

    def _paint_line(
        self,
        painter: QPainter,
        points: list[QPointF],
        *,
        faint: bool = False,
        held_out: bool = False,
    ) -> None:
        if not points:
            return
        colour = self._theme.colour("agent" if held_out else "person")
        if faint:
            colour.setAlphaF(0.28)
        pen = QPen(colour, 1.0 if faint else 2.0)
        if held_out:
            pen.setDashPattern([3, 2.2])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        path = QPainterPath(points[0])
        for point in points[1:]:
            path.lineTo(point)
        painter.drawPath(path)
        if not faint:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(points[-1], 3, 3)

    def _paint_legend(self, painter: QPainter, area: QRectF, averaged: list[Point]) -> None:
        y = area.top() + 14
        x = area.left() + 12
        entries = [("error, yours", "person", averaged), ("kept aside", "agent", self._held_out)]
        for text, token, points in entries:
            if not points:
                continue
            pen = QPen(self._theme.colour(token), 2)
            if token == "agent":  # noqa: S105 - a colour's name
                pen.setDashPattern([3, 2.2])
            painter.setPen(pen)
            painter.drawLine(QPointF(x, y), QPointF(x + 16, y))
            words = f"{text} {points[-1][1]:.3f}"
            painter.setPen(self._theme.colour("muted"))
            width = painter.fontMetrics().horizontalAdvance(words) + 4
            painter.drawText(QRectF(x + 22, y - 9, width, 18), Qt.AlignmentFlag.AlignVCenter, words)
            x += 22 + width + 14
