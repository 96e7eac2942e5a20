"""What a blind comparison came to: both rates, the difference, the person's own consistency."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.backend.blind.ports import BlindResult
from app.gui.style.theme import GRID, Theme, scaled, ui_font
from app.gui.style.widgets import label, set_role
from app.gui.teach.verdict_card import TONES, signed
from trainer.evaluation.verdicts.verdict import VerdictKind

TITLES = {
    VerdictKind.BETTER: "It got better",
    VerdictKind.SAME: "No difference seen",
    VerdictKind.WORSE: "It got worse",
    VerdictKind.NOT_ENOUGH: "Not decided",
}
ROW_PX = 40
NAME_PX = 150


class RateBars(QWidget):
    """How many clips of each side were done, as two bars with their counts."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._result: BlindResult | None = None
        self.setFixedHeight(2 * scaled(ROW_PX))
        theme.changed.connect(self.update)

    def show_result(self, result: BlindResult) -> None:
        """Show the counts."""
        self._result = result
        self.setAccessibleName(
            f"before the round {result.before} of {result.n} clips done, after it {result.after} "
            f"of {result.n}"
        )
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw both bars."""
        result = self._result
        if result is None or not result.n:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rows = (
            ("Before the round", result.before, "nobody"),
            ("After it", result.after, TONES[result.kind] if result.after else "nobody"),
        )
        name_px, row_px = scaled(NAME_PX), scaled(ROW_PX)
        for number, (name, done, token) in enumerate(rows):
            top = number * row_px
            painter.setFont(ui_font(14))
            painter.setPen(self._theme.colour("muted"))
            left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
            painter.drawText(QRectF(0, top, name_px, row_px), left, name)
            track = QRectF(name_px, top + (row_px - 18) / 2, self.width() - 2 * name_px, 18)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour("raised"))
            painter.drawRoundedRect(track, 9, 9)
            if done:
                filled = QRectF(track)
                filled.setWidth(max(18.0, track.width() * done / result.n))
                painter.setBrush(self._theme.colour(token))
                painter.drawRoundedRect(filled, 9, 9)
            painter.setPen(self._theme.colour("text"))
            painter.drawText(
                QRectF(track.right() + 14, top, name_px - 14, row_px),
                left,
                f"{done} of {result.n} done",
            )
        painter.end()


class IntervalBar(QWidget):
    """The difference as a dot on a line from -100 to +100 points, with its interval as a band."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._result: BlindResult | None = None
        self.setFixedHeight(46)
        theme.changed.connect(self.update)

    def show_result(self, result: BlindResult) -> None:
        """Show the difference."""
        self._result = result
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw line, band and dot."""
        result = self._result
        if result is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        name_px = scaled(NAME_PX)
        line = QRectF(name_px, 12, self.width() - 2 * name_px, 4)

        def place(points: float) -> float:
            return line.left() + line.width() * (points + 100) / 200

        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("raised"))
        painter.drawRoundedRect(line, 2, 2)
        band = self._theme.colour(TONES[result.kind])
        painter.setBrush(band)
        width = max(4.0, place(result.high) - place(result.low))
        painter.drawRoundedRect(QRectF(place(result.low), 11, width, 6), 3, 3)
        painter.setBrush(self._theme.colour("text"))
        painter.drawEllipse(QRectF(place(result.points) - 6, 8, 12, 12))
        painter.setFont(ui_font(12))
        painter.setPen(self._theme.colour("muted"))
        for points, words in ((-100, "worse"), (0, "no difference"), (100, "better")):
            centre = place(points)
            painter.drawLine(round(centre), 5, round(centre), 22)
            box = QRectF(centre - 60, 26, 120, 18)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
        painter.end()


class BlindResultView(QWidget):
    """The reveal: which side won, by how much, how sure, and what follows."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.title = label("", "heading")
        self.bars = RateBars(theme)
        self.interval = IntervalBar(theme)
        self.difference = label("", "title")
        self.how_sure = label("", "muted", wrap=True)
        self.own = label("", wrap=True)
        self.follows = label("", "strong", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * GRID, 0, 4 * GRID, 0)
        layout.setSpacing(2 * GRID)
        layout.addStretch(1)
        for widget in (
            self.title, self.bars, self.interval, self.difference, self.how_sure, self.own
        ):  # fmt: skip
            layout.addWidget(widget)
        layout.addWidget(self.follows)
        layout.addStretch(1)

    def show_result(self, result: BlindResult) -> None:
        """Show it."""
        self.title.setText(TITLES[result.kind])
        set_role(self.title, tone=TONES[result.kind])
        self.bars.show_result(result)
        self.interval.show_result(result)
        self.difference.setText(f"{signed(result.points)} points")
        self.how_sure.setText(
            f"Between {signed(result.low)} and {signed(result.high)} points with 95 % confidence; "
            "slips in judging are taken out."
        )
        self.own.setText(own_words(result.alike, result.twice))
        self.own.setVisible(bool(self.own.text()))
        self.follows.setText(result.follows)
        self.setAccessibleName(
            f"{self.title.text()}. {self.bars.accessibleName()}. {self.difference.text()}. "
            f"{result.follows}"
        )


def own_words(alike: int, twice: int) -> str:
    """Return what is said of the clips that came twice, "" if none did."""
    if not twice:
        return ""
    if twice == 1:
        return f"One clip came twice: you marked it {'the same' if alike else 'differently'}."
    how_many = "all of them" if alike == twice else f"{alike} of them"
    return f"{twice} clips came twice: you marked {how_many} the same both times."
