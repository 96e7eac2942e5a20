"""Icons from assets/icons, drawn sharp at any scale in the colour that is asked for."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from recorder.types import Outcome

ICON_FOLDER = Path(__file__).resolve().parents[3] / "assets" / "icons"

OUTCOME_ICONS = {
    Outcome.SUCCESS: "check",
    Outcome.FAILURE: "cross",
    Outcome.TIMEOUT: "clock",
    Outcome.ABANDONED: "stop",
    Outcome.INTERRUPTED: "interrupted",
    Outcome.UNKNOWN: "question",
}


def renderer(name: str, colour: QColor) -> QSvgRenderer:
    """Return the icon's renderer in ``colour``; raises FileNotFoundError for no such icon."""
    text = (ICON_FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    return QSvgRenderer(QByteArray(text.replace("currentColor", colour.name()).encode()))


def paint_icon(painter: QPainter, name: str, colour: QColor, target: QRectF) -> None:
    """Draw an icon into ``target``."""
    renderer(name, colour).render(painter, target)


def pixmap(name: str, colour: QColor, size: int, ratio: float = 1.0) -> QPixmap:
    """Return the icon as a square picture of ``size`` logical pixels at ``ratio``."""
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    paint_icon(painter, name, colour, QRectF(0, 0, picture.width(), picture.height()))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def icon(name: str, colour: QColor, disabled: QColor | None = None) -> QIcon:
    """Return the icon in one colour, in pictures for 1x, 2x and 3x screens."""
    result = QIcon()
    for ratio in (1.0, 2.0, 3.0):
        result.addPixmap(pixmap(name, colour, 18, ratio))
        if disabled is not None:
            result.addPixmap(pixmap(name, disabled, 18, ratio), QIcon.Mode.Disabled)
    return result


def application_icon() -> QIcon:
    """Return the program's icon."""
    return QIcon(str(ICON_FOLDER / "playteach.svg"))
