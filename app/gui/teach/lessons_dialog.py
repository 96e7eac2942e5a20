"""All that the person has taught: each sentence with its state and how it got there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.backend.ports import LessonState, TaughtSentence
from app.backend.readable import spoken_duration
from app.gui.style.dialog_parts import give_size
from app.gui.style.sentence_table import ShareDelegate, paint_selection, tell_share
from app.gui.style.theme import GRID, Theme, scaled
from app.gui.style.widgets import button, label

SENTENCE_ROLE = Qt.ItemDataRole.UserRole
JUDGED_ROLE = Qt.ItemDataRole.UserRole + 1
POINTS_ROLE = Qt.ItemDataRole.UserRole + 2
TITLES = ("Sentence", "It does it", "State", "Shown", "Over the rounds")
SHARE, STATE, SHOWN, CURVE = 1, 2, 3, 4
WIDTHS = {SHARE: 190, STATE: 110, SHOWN: 130, CURVE: 150}
TONES = {
    LessonState.CAN: "ok_text",
    LessonState.LEARNING: "person_text",
    LessonState.CANNOT: "bad_text",
    LessonState.NOT_MEASURED: "muted",
}
INTRO = "What you showed or corrected, and how often the agent that plays now does it."
NOT_ALONE = (
    "Starts where it fails are looked for without you, which this game or model does not allow: "
    "play it, and take over when it goes wrong."
)
UNJUDGED = "The game cannot judge this sentence: play it, and take over when it goes wrong."
NOTHING = (
    "You have not taught anything in this game yet. Type what it should do, press Play, and take "
    "over when it goes wrong."
)


class LessonsDialog(QDialog):
    """The list of lessons.

    Signals: chosen(str) with a sentence to be played, failing_asked(str) with one that is to begin
    where the agent fails.
    """

    chosen = Signal(str)
    failing_asked = Signal(str)

    def __init__(
        self,
        lessons: Sequence[TaughtSentence],
        theme: Theme,
        parent: QWidget | None = None,
        *,
        plays: bool = True,
    ) -> None:
        """``plays`` says whether the agent can play starts here without the person."""
        super().__init__(parent)
        self._theme, self._plays = theme, plays
        self.tree = QTreeWidget()
        self.failing = button("Start it where it fails")
        self.play = button("Play it", "agent")
        self.close_ = button("Close")
        self._build(bool(lessons))
        self._fill(lessons)
        self.tree.currentItemChanged.connect(self._on_current)
        self.tree.itemActivated.connect(lambda _item: self._leave(self.chosen.emit))
        self.play.clicked.connect(lambda: self._leave(self.chosen.emit))
        self.failing.clicked.connect(lambda: self._leave(self.failing_asked.emit))
        self.close_.clicked.connect(self.reject)
        self._on_current(self.tree.currentItem())

    def _build(self, any_lessons: bool) -> None:
        self.setWindowTitle("Your lessons")
        give_size(self, 940, 480)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addWidget(label("Your lessons", "title"))
        layout.addWidget(label(INTRO if any_lessons else NOTHING, "muted", wrap=True))
        tree = self.tree
        tree.setColumnCount(len(TITLES))
        tree.setHeaderLabels(list(TITLES))
        tree.setRootIsDecorated(False)
        tree.setUniformRowHeights(True)
        tree.setAccessibleName("Lessons")
        tree.setItemDelegateForColumn(SHARE, ShareDelegate(self._theme, tree))
        tree.setItemDelegateForColumn(CURVE, CurveDelegate(self._theme, tree))
        header = tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, width in WIDTHS.items():
            header.resizeSection(column, scaled(width))
        tree.setVisible(any_lessons)
        layout.addWidget(tree, 1)
        if not any_lessons:
            layout.addStretch(1)
        foot = QHBoxLayout()
        foot.addWidget(self.failing)
        foot.addStretch(1)
        foot.addWidget(self.close_)
        foot.addWidget(self.play)
        layout.addLayout(foot)

    def _fill(self, lessons: Sequence[TaughtSentence]) -> None:
        for each in lessons:
            item = QTreeWidgetItem(self.tree, [each.sentence, "", str(each.state)])
            item.setData(0, SENTENCE_ROLE, each.sentence)
            item.setData(0, JUDGED_ROLE, each.judged)
            item.setToolTip(0, each.sentence)
            tell_share(item, each.good, each.tries)
            item.setText(SHOWN, f"{each.shown}×, {spoken_duration(each.person_s)}")
            item.setForeground(STATE, self._theme.colour(TONES[each.state]))
            item.setData(CURVE, POINTS_ROLE, [share for _, share in each.points])
            words = curve_words(each)
            item.setToolTip(CURVE, words)
            item.setData(CURVE, Qt.ItemDataRole.AccessibleTextRole, words)
        if (first := self.tree.topLevelItem(0)) is not None:
            self.tree.setCurrentItem(first)

    def _on_current(self, item: QTreeWidgetItem | None) -> None:
        self.play.setEnabled(item is not None)
        judged = item is not None and bool(item.data(0, JUDGED_ROLE))
        self.failing.setEnabled(judged and self._plays)
        self.failing.setToolTip(("" if self._plays else NOT_ALONE) if judged else UNJUDGED)

    def _leave(self, tell: Callable[[str], None]) -> None:
        item = self.tree.currentItem()
        if item is not None:
            self.accept()
            tell(str(item.data(0, SENTENCE_ROLE)))


def curve_words(lesson: TaughtSentence) -> str:
    """Return the points of a lesson's curve in words, "" without any."""
    told = [
        f"{'before' if number == 0 else f'round {round_id}'}: {share:.0%}"
        for number, (round_id, share) in enumerate(lesson.points)
    ]
    return ", ".join(told)


class CurveDelegate(QStyledItemDelegate):
    """Paints shares (0 to 1) as a small line, a point for each round."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: object) -> QSize:
        """Return a row's size."""
        del option, index
        return QSize(120, scaled(34))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: object) -> None:
        """Draw the line over a faint base line."""
        shares = index.data(POINTS_ROLE) or []  # type: ignore[attr-defined]
        area = QRectF(option.rect).adjusted(8, 6, -12, -6)
        painter.save()
        paint_selection(painter, option, self._theme)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour("line"), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        step = area.width() / max(1, len(shares) - 1)
        places = [
            QPointF(area.left() + step * at, area.bottom() - area.height() * share)
            for at, share in enumerate(shares)
        ]
        colour = self._theme.colour("agent")
        painter.setPen(QPen(colour, 2))
        painter.drawPolyline(places)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for place in places:
            painter.drawEllipse(place, 3, 3)
        painter.restore()
