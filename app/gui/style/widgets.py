"""Small widgets that several panels share: cards, chips, figures, strips, a flow layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLayoutItem,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.backend.ports import DriverRuns
from app.gui.style import icons
from app.gui.style.theme import DRIVER_WORDS, GRID, Theme
from recorder.types import Driver, RGBImage


def to_qimage(rgb: RGBImage) -> QImage:
    """Return an H x W x 3 uint8 picture as a QImage with its own memory."""
    rgb = np.ascontiguousarray(rgb)
    height, width, _ = rgb.shape
    return QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def to_pixmap(rgb: RGBImage) -> QPixmap:
    """Return a picture as a pixmap with its own memory."""
    return QPixmap.fromImage(to_qimage(rgb))


def set_role(widget: QWidget, *, role: str | None = None, tone: str | None = None) -> None:
    """Set the properties that the stylesheet selects by, and restyle where they changed."""
    changed = False
    for name, value in (("role", role), ("tone", tone)):
        if value is not None and widget.property(name) != value:
            widget.setProperty(name, value)
            changed = True
    if changed:
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def label(text: str = "", role: str = "", tone: str = "", *, wrap: bool = False) -> QLabel:
    """Return a label of a role ("title", "caption", "figure", ...)."""
    result = QLabel(text)
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setProperty("role", role)
    result.setProperty("tone", tone)
    result.setWordWrap(wrap)
    return result


def button(text: str, role: str = "", tone: str = "", *, tip: str = "") -> QPushButton:
    """Return a push button of a role ("agent", "person", "chip", "link", "quiet", ...)."""
    result = QPushButton(text)
    result.setProperty("role", role)
    result.setProperty("tone", tone)
    result.setCursor(Qt.CursorShape.PointingHandCursor)
    result.setAutoDefault(False)
    if tip:
        result.setToolTip(tip)
    return result


def rule() -> QFrame:
    """Return a hairline."""
    line = QFrame()
    line.setProperty("role", "rule")
    return line


class Card(QFrame):
    """A titled surface.  ``body`` is the layout to add to; ``side`` a label at the right."""

    def __init__(self, title: str, side: str = "") -> None:
        super().__init__()
        self.setProperty("role", "card")
        self.setAccessibleName(title)
        self.title = label(title, "title")
        self.side = label(side, "muted")
        self.head = QHBoxLayout()
        self.head.addWidget(self.title)
        self.head.addStretch(1)
        self.head.addWidget(self.side)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(2 * GRID, 14, 2 * GRID, 2 * GRID)
        self.body.setSpacing(GRID + 2)
        self.body.addLayout(self.head)


class Figure(QWidget):
    """A number with its caption below; the number keeps a fixed-width face."""

    def __init__(self, caption: str, tone: str = "") -> None:
        super().__init__()
        self.value = label("0", "figure", tone)
        self.caption = label(caption, "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.value)
        layout.addWidget(self.caption)

    def show_value(self, value: str, caption: str | None = None) -> None:
        """Show another number."""
        self.value.setText(value)
        if caption is not None:
            self.caption.setText(caption)
        self.setAccessibleName(f"{value} {self.caption.text()}")


class Elided(QLabel):
    """A one-line label that ends in an ellipsis where it does not fit; the tip has it all.

    ``tip`` is shown while it fits.
    """

    def __init__(self, text: str = "", role: str = "") -> None:
        super().__init__()
        self.setProperty("role", role)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._full = ""
        self.tip = ""
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show ``text``, shortened to the width."""
        if text != self._full:
            self._full = text
            self.setAccessibleName(text)
            self._elide()

    def resizeEvent(self, _event: QEvent) -> None:
        """Shorten to the new width."""
        self._elide()

    def changeEvent(self, event: QEvent) -> None:
        """Shorten by the new font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._elide()

    def _elide(self) -> None:
        shown = self.fontMetrics().elidedText(
            self._full, Qt.TextElideMode.ElideRight, max(self.width(), 20)
        )
        super().setText(shown)
        self.setToolTip(self._full if shown != self._full else self.tip)


class DriverStrip(QWidget):
    """Who drove when, as a coloured strip; the words are in the tip and the description.

    Person runs are also taller than agent runs, so that the strip reads without colour.
    """

    def __init__(self, theme: Theme, height: int = 6) -> None:
        super().__init__()
        self._theme = theme
        self._runs: DriverRuns = ()
        self.setFixedHeight(height)
        theme.changed.connect(self.update)

    def show_runs(self, runs: DriverRuns) -> None:
        """Show these (driver, ticks) runs."""
        if runs != self._runs:
            self._runs = runs
            words = describe_runs(runs)
            self.setToolTip(words)
            self.setAccessibleName(f"Who drove: {words}")
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the runs."""
        painter = QPainter(self)
        paint_runs(painter, self._theme, self._runs, QRectF(self.rect()))
        painter.end()


def describe_runs(runs: DriverRuns) -> str:
    """Return "agent 62 %, you 38 %"; "nobody yet" without ticks."""
    total = sum(ticks for _, ticks in runs)
    if total == 0:
        return "nobody yet"
    shares = {driver: sum(n for d, n in runs if d is driver) for driver in Driver}
    return ", ".join(
        f"{DRIVER_WORDS[driver].lower()} {100 * n / total:.0f} %"
        for driver, n in shares.items()
        if n
    )


def paint_runs(painter: QPainter, theme: Theme, runs: DriverRuns, area: QRectF) -> None:
    """Draw driver runs into ``area``."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    clip = QPainterPath()
    clip.addRoundedRect(area, min(3.0, area.height() / 2), min(3.0, area.height() / 2))
    painter.save()
    painter.setClipPath(clip)
    painter.fillRect(area, theme.colour("raised"))
    total = sum(ticks for _, ticks in runs)
    left = area.left()
    for driver, ticks in runs:
        width = area.width() * ticks / total
        inset = 0.0 if driver is Driver.PERSON else area.height() * 0.22
        painter.fillRect(
            QRectF(left, area.top() + inset, width, area.height() - inset), theme.driver(driver)
        )
        left += width
    painter.restore()


class ShareBar(QWidget):
    """A bar split into named shares."""

    def __init__(self, theme: Theme, height: int = 8) -> None:
        super().__init__()
        self._theme = theme
        self._parts: tuple[tuple[str, float], ...] = ()
        self.setFixedHeight(height)
        theme.changed.connect(self.update)

    def show_parts(self, parts: Sequence[tuple[str, float]]) -> None:
        """Show (token, share) parts; shares from 0 to 1, the rest stays empty."""
        self._parts = tuple(parts)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the parts."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        clip = QPainterPath()
        clip.addRoundedRect(area, area.height() / 2, area.height() / 2)
        painter.setClipPath(clip)
        painter.fillRect(area, self._theme.colour("raised"))
        left = 0.0
        for token, share in self._parts:
            width = area.width() * share
            painter.fillRect(QRectF(left, 0, width, area.height()), self._theme.colour(token))
            left += width
        painter.end()


class Dot(QWidget):
    """A round mark of 10 pixels, hollow or filled."""

    def __init__(self, colour: QColor) -> None:
        super().__init__()
        self._colour = colour
        self._filled = True
        self.setFixedSize(10, 10)

    def show_state(self, colour: QColor, *, filled: bool = True) -> None:
        """Change colour and fill."""
        if (colour, filled) != (self._colour, self._filled):
            self._colour, self._filled = colour, filled
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the mark."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._colour)
        painter.setBrush(self._colour if self._filled else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QRectF(1, 1, 8, 8))
        painter.end()


@dataclass(frozen=True, slots=True)
class Offer:
    """A button of a notice: its words, what it does, and whose colour it wears."""

    text: str
    do: Callable[[], None]
    tone: str = "agent"


class Notice(QFrame):
    """A sentence where the person looks, with what can be done about it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setProperty("role", "notice")
        self._text = label("", wrap=True)
        self.buttons: list[QPushButton] = []
        self._row = QHBoxLayout()
        self._row.setSpacing(GRID)
        self._close = button("", "quiet", tip="Close")
        self._close.setAccessibleName("Close this message")
        self._close.clicked.connect(self.clear)
        head = QHBoxLayout()
        head.addWidget(self._text, 1)
        head.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 6)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addLayout(self._row)
        theme.changed.connect(self._restyle)
        self._restyle()
        self.hide()

    def tell(self, sentence: str, offers: Sequence[Offer] = (), *, tone: str = "bad") -> None:
        """Show a sentence, and a button for each of ``offers``."""
        self._text.setText(sentence)
        self.setAccessibleName(sentence)
        while (item := self._row.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        self.buttons = [self._button(offer) for offer in offers]
        for each in self.buttons:
            self._row.addWidget(each)
        if offers:
            self._row.addStretch(1)
        set_role(self, tone=tone)
        self.show()
        self.updateGeometry()

    def text(self) -> str:
        """Return the sentence shown, "" while hidden."""
        return self._text.text() if not self.isHidden() else ""

    def clear(self) -> None:
        """Hide."""
        self.hide()

    def _button(self, offer: Offer) -> QPushButton:
        result = button(offer.text, "chip", offer.tone)
        result.clicked.connect(lambda _checked=False: offer.do())
        return result

    def _restyle(self) -> None:
        self._close.setIcon(icons.icon("cross", self._theme.colour("muted")))


class FlowLayout(QLayout):
    """Lays items out in rows, as many to a row as fit, at most ``rows`` rows (0: no limit).

    Items that do not fit into the last row are hidden.
    """

    def __init__(self, *, spacing: int = GRID, rows: int = 0) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self._rows = rows
        self.setSpacing(spacing)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        """Add an item at the end."""
        self._items.append(item)

    def count(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """Return an item, None beyond the last."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Remove and return an item."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def clear(self) -> None:
        """Remove every widget for good."""
        while self._items:
            widget = self._items.pop().widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def hasHeightForWidth(self) -> bool:
        """Say that the height follows the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height needed at ``width``."""
        return self._arrange(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Place the items."""
        super().setGeometry(rect)
        self._arrange(rect, move=True)

    def sizeHint(self) -> QSize:
        """Return the size of one row."""
        heights = [item.sizeHint().height() for item in self._items]
        return QSize(0, max(heights, default=0))

    def minimumSize(self) -> QSize:
        """Return the smallest useful size."""
        return self.sizeHint()

    def _arrange(self, rect: QRect, *, move: bool) -> int:
        x, y, row_height, row = rect.x(), rect.y(), 0, 1
        full = False
        if self._rows == 1 and move:
            y += max(0, (rect.height() - self.sizeHint().height()) // 2)
        for item in self._items:
            hint = item.sizeHint()
            if x > rect.x() and x + hint.width() > rect.right() + 1:
                if self._rows and row >= self._rows:
                    full = True
                else:
                    x, y, row_height, row = rect.x(), y + row_height + self.spacing(), 0, row + 1
            if move:
                widget = item.widget()
                if isinstance(widget, QAbstractButton):
                    # Who tabs through the window must not stop at what is out of sight.
                    widget.setFocusPolicy(
                        Qt.FocusPolicy.NoFocus if full else Qt.FocusPolicy.StrongFocus
                    )
                if full and widget is not None:
                    # Out of sight without hide(), which would ask for a new layout; the item
                    # itself would not go so far.
                    widget.setGeometry(QRect(QPoint(-10_000, -10_000), hint))
                else:
                    width = min(hint.width(), rect.width())
                    item.setGeometry(QRect(QPoint(x, y), QSize(width, hint.height())))
            if not full:
                x += hint.width() + self.spacing()
                row_height = max(row_height, hint.height())
        return y + row_height - rect.y()
