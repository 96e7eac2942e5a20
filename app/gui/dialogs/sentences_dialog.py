"""What can be said: the sentences that the game judges, by verb, and how well the agent does."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.backend.ports import SentenceFacts
from app.gui.style.theme import GRID, Theme
from app.gui.style.widgets import button, label

SENTENCE_ROLE = Qt.ItemDataRole.UserRole
SHARE_ROLE = Qt.ItemDataRole.UserRole + 1
OPEN_UP_TO = 60
"""So many sentences that fit the search are shown without opening their verb."""
BAR_PX = 72.0
INTRO = (
    "These are the sentences that the game itself judges. You can type anything else too; of that "
    "you are the judge. Other words for the same are understood."
)


class SentencesDialog(QDialog):
    """The list, its search, and a way to play what is chosen.

    Signals: chosen(str) with a sentence to be played.
    """

    chosen = Signal(str)

    def __init__(
        self, facts: Sequence[SentenceFacts], theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._facts = facts
        self.setWindowTitle("What can I say?")
        self.resize(720, 640)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find by words, for instance “torch” or “pick up”")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find sentences by words")
        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels(["Sentence", "The agent did it"])
        self.tree.setAccessibleName("Sentences by verb")
        self.tree.setUniformRowHeights(True)
        self.tree.setItemDelegateForColumn(1, _ShareDelegate(theme, self.tree))
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(1, 210)
        self.none = label("", "muted", wrap=True)
        self.play = button("Play it", "agent")
        self._build()
        self.search.textChanged.connect(self._fill)
        self.tree.itemActivated.connect(self._on_activated)
        self.tree.currentItemChanged.connect(self._on_current)
        self.search.returnPressed.connect(self._play_current)
        self.play.clicked.connect(self._play_current)
        self._fill("")
        self.search.setFocus()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addWidget(label("What can I say?", "title"))
        layout.addWidget(label(INTRO, "muted", wrap=True))
        layout.addWidget(self.search)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.none)
        foot = QHBoxLayout()
        foot.addStretch(1)
        close = button("Close")
        close.clicked.connect(self.reject)
        foot.addWidget(close)
        foot.addWidget(self.play)
        layout.addLayout(foot)

    def _fill(self, typed: str) -> None:
        self.tree.clear()
        found = [each for each in self._facts if fits(each, typed)]
        groups: dict[str, list[SentenceFacts]] = {}
        for each in found:
            groups.setdefault(each.verb.replace("_", " ") or "other", []).append(each)
        first: QTreeWidgetItem | None = None
        for verb, group in groups.items():
            top = QTreeWidgetItem(self.tree, [f"{verb}  ({len(group)})", ""])
            top.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            _tell_share(top, sum(each.good for each in group), sum(each.tries for each in group))
            for each in group:
                item = QTreeWidgetItem(top, [each.sentence, ""])
                item.setData(0, SENTENCE_ROLE, each.sentence)
                also = [way for way in each.ways if way != each.sentence]
                item.setToolTip(0, "\n".join(["Also:", *also]) if also else "")
                _tell_share(item, each.good, each.tries, taught=each.taught)
                first = first or item
            top.setExpanded(len(found) <= OPEN_UP_TO)
        self.none.setText(
            "" if found else f"No sentence has “{typed}” in it. Type it anyway, and judge it."
        )
        self.none.setVisible(not found)
        if typed and first is not None:
            self.tree.setCurrentItem(first)
        self._on_current(self.tree.currentItem())

    def _on_current(self, item: QTreeWidgetItem | None) -> None:
        self.play.setEnabled(item is not None and bool(item.data(0, SENTENCE_ROLE)))

    def _on_activated(self, item: QTreeWidgetItem) -> None:
        if item.data(0, SENTENCE_ROLE):
            self._play_current()

    def _play_current(self) -> None:
        item = self.tree.currentItem()
        sentence = None if item is None else item.data(0, SENTENCE_ROLE)
        if sentence:
            self.accept()
            self.chosen.emit(str(sentence))


def fits(facts: SentenceFacts, typed: str) -> bool:
    """Return whether every typed word begins a word of one way to say the sentence."""
    wanted = typed.lower().split()
    return any(
        all(any(word.startswith(each) for word in way.lower().split()) for each in wanted)
        for way in (facts.sentence, *facts.ways)
    )


def _tell_share(item: QTreeWidgetItem, good: int, tries: int, *, taught: bool = True) -> None:
    untried = "not tried yet" if taught else "was not taught"
    item.setText(1, f"{good} of {tries}" if tries else untried)
    item.setData(1, SHARE_ROLE, good / tries if tries else None)


class _ShareDelegate(QStyledItemDelegate):
    """Paints a share as a small bar before its counts."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: object) -> QSize:
        """Return a row's size."""
        del option, index
        return QSize(200, 28)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: object) -> None:
        """Draw a row."""
        share = index.data(SHARE_ROLE)  # type: ignore[attr-defined]
        area = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left = area.left() + 8
        if share is not None:
            bar = QRectF(left, area.center().y() - 3, BAR_PX, 6)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour("raised"))
            painter.drawRoundedRect(bar, 3, 3)
            painter.setBrush(self._theme.colour("agent"))
            bar.setWidth(max(6.0, BAR_PX * share))
            if share > 0:
                painter.drawRoundedRect(bar, 3, 3)
        painter.setPen(self._theme.colour("text" if share is not None else "muted"))
        words = area.adjusted(8 + BAR_PX + 12, 0, -4, 0)
        text = str(index.data(Qt.ItemDataRole.DisplayRole))  # type: ignore[attr-defined]
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()
