"""A game's picture, letterboxed with round corners, or a sentence in its place."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPixmap

from app.gui.style.theme import Theme, ui_font

WIDE = 16 / 9
ROUND = 9
TEXT_PX = 15


def begin_painting(painter: QPainter) -> None:
    """Draw smooth edges and pictures."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)


def paint_picture(
    painter: QPainter, inner: QRectF, theme: Theme, picture: QPixmap | None, text: str
) -> QRectF:
    """Draw a picture as large as fits into ``inner``, ``text`` without one; return its place.

    What is drawn on it afterwards is clipped to its round corners until the painter is restored.
    """
    aspect = WIDE if picture is None else picture.width() / picture.height()
    width = min(inner.width(), inner.height() * aspect)
    area = QRectF(0, 0, width, width / aspect)
    area.moveCenter(inner.center())
    corners = QPainterPath()
    corners.addRoundedRect(area, ROUND, ROUND)
    painter.save()
    painter.setClipPath(corners)
    if picture is not None:
        painter.drawPixmap(area, picture, QRectF(picture.rect()))
        return area
    painter.fillRect(area, theme.colour("sunken"))
    painter.setPen(theme.colour("muted"))
    painter.setFont(ui_font(TEXT_PX))
    painter.drawText(
        area.adjusted(40, 20, -40, -20),
        Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
        text,
    )
    return area
