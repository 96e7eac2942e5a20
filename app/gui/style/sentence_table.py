"""A searchable list of sentences, with how often the agent did each as a small bar."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QHeaderView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.gui.style.theme import Theme, scaled

SHARE_ROLE = Qt.ItemDataRole.UserRole + 1
BAR_PX = 72
COLUMN_PX = 138
"""What the words beside the bar take."""


def sentence_search() -> QLineEdit:
    """Return the field that finds sentences by words."""
    search = QLineEdit()
    search.setPlaceholderText("Find by words, for instance “torch” or “pick up”")
    search.setClearButtonEnabled(True)
    search.setAccessibleName("Find sentences by words")
    return search


def sentence_tree(theme: Theme, title: str, name: str) -> QTreeWidget:
    """Return an empty list of two columns: the sentences below ``title``, and their shares.

    ``name`` is for who hears the window.
    """
    tree = QTreeWidget()
    tree.setColumnCount(2)
    tree.setHeaderLabels([title, "The agent did it"])
    tree.setAccessibleName(name)
    tree.setUniformRowHeights(True)
    tree.setItemDelegateForColumn(1, ShareDelegate(theme, tree))
    header = tree.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    header.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
    header.resizeSection(1, BAR_PX + scaled(COLUMN_PX))
    return tree


def tell_share(item: QTreeWidgetItem, good: int, tries: int, *, taught: bool = True) -> None:
    """Put into the second column how often the agent did a sentence."""
    untried = "not tried yet" if taught else "was not taught"
    item.setText(1, f"{good} of {tries}" if tries else untried)
    item.setData(1, SHARE_ROLE, good / tries if tries else None)


def paint_selection(painter: QPainter, option: QStyleOptionViewItem, theme: Theme) -> None:
    """Fill a cell that is painted by hand as the others of its row, if the row is chosen."""
    if option.state & QStyle.StateFlag.State_Selected:
        painter.fillRect(option.rect, theme.colour("agent_tint"))


class ShareDelegate(QStyledItemDelegate):
    """Paints a share as a small bar before its counts."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: object) -> QSize:
        """Return a row's size."""
        del option, index
        return QSize(200, scaled(28))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: object) -> None:
        """Draw a row."""
        share = index.data(SHARE_ROLE)  # type: ignore[attr-defined]
        area = QRectF(option.rect)
        painter.save()
        paint_selection(painter, option, self._theme)
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
