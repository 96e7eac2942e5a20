"""Recorded episodes as a Qt model, its filter, how a row is painted, and the recent strip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.backend.ports import EpisodeFacts
from app.backend.readable import when
from app.gui.style import icons
from app.gui.style.theme import DARK, OUTCOME_MEANINGS, OUTCOME_WORDS, Theme, scaled, ui_font
from app.gui.style.widgets import describe_runs, paint_runs, to_pixmap
from recorder.types import Outcome, RGBImage

Index = QModelIndex | QPersistentModelIndex
FACTS_ROLE = Qt.ItemDataRole.UserRole
PICTURE_ROLE = Qt.ItemDataRole.UserRole + 1
ROW_HEIGHT = 84
THUMB = QSize(120, 62)
THUMB_RIM = 11
LINE_PX = 20
FOOT_PX = 18


class Filter(StrEnum):
    """Which episodes the library shows."""

    ALL = "All"
    SUCCESS = "Done"
    FAILURE = "Failed"
    CORRECTED = "With corrections"


def passes(facts: EpisodeFacts, which: Filter, text: str) -> bool:
    """Return whether an episode is shown; every word of ``text`` must occur in it."""
    if which is Filter.SUCCESS and facts.outcome is not Outcome.SUCCESS:
        return False
    if which is Filter.FAILURE and facts.outcome not in {Outcome.FAILURE, Outcome.TIMEOUT}:
        return False
    if which is Filter.CORRECTED and not facts.corrections:
        return False
    words = f"{facts.instruction} {OUTCOME_WORDS[facts.outcome]} #{facts.id}".lower()
    return all(word in words for word in text.lower().split())


def summary(facts: EpisodeFacts, now_s: float) -> str:
    """Return how an episode ended, its length, its corrections and when it was, in one line."""
    parts = [_ended(facts), when(facts.began_wall_s, now_s)]
    if facts.corrections:
        parts.insert(1, _corrections(facts))
    return " · ".join(parts)


def row_lines(facts: EpisodeFacts, now_s: float, fits: Callable[[str], bool]) -> tuple[str, str]:
    """Return a row's second and third line; the third says as much as ``fits`` allows.

    Who drove is left out first, as the strip below the picture shows it.
    """
    drove = _corrections(facts) if facts.corrections else describe_runs(facts.drivers)
    short = f"#{facts.id} · {when(facts.began_wall_s, now_s)}"
    whole = f"{short} · {drove}"
    return _ended(facts), whole if fits(whole) else short


def _ended(facts: EpisodeFacts) -> str:
    return f"{OUTCOME_WORDS[facts.outcome]} · {facts.duration_s:.0f} s"


def _corrections(facts: EpisodeFacts) -> str:
    return f"{facts.corrections} correction{'' if facts.corrections == 1 else 's'}"


def meaning(outcome: Outcome) -> str:
    """Return an outcome's word with the sentence that says what it means."""
    return f"{OUTCOME_WORDS[outcome]}: {OUTCOME_MEANINGS[outcome]}"


class EpisodeModel(QAbstractListModel):
    """Episodes, newest first, with pictures that are asked for when a row is first painted.

    Signals: picture_wanted(int) with an episode's id, once each.
    """

    picture_wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._episodes: list[EpisodeFacts] = []
        self._pictures: dict[int, QPixmap] = {}
        self._asked: set[int] = set()

    def show_episodes(self, episodes: Sequence[EpisodeFacts]) -> bool:
        """Show these; return whether they are others, so that what was selected is not any more."""
        if list(episodes) == self._episodes:
            return False
        self.beginResetModel()
        self._episodes = list(episodes)
        self.endResetModel()
        return True

    def show_picture(self, episode_id: int, rgb: RGBImage | None) -> None:
        """Put a picture to an episode."""
        if rgb is not None:
            self._pictures[episode_id] = to_pixmap(rgb)
            row = self.row_of(episode_id)
            if row is not None:
                index = self.index(row)
                self.dataChanged.emit(index, index, [PICTURE_ROLE])

    def row_of(self, episode_id: int) -> int | None:
        """Return an episode's row."""
        return next((i for i, e in enumerate(self._episodes) if e.id == episode_id), None)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of episodes."""
        return 0 if parent.isValid() else len(self._episodes)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return an episode's data."""
        if not index.isValid():
            return None
        facts = self._episodes[index.row()]
        if role == FACTS_ROLE:
            return facts
        corrected = f", {_corrections(facts)}" if facts.corrections else ""
        by = f"\n{facts.policy}, seed {facts.seed}" if facts.policy else ""
        texts = {
            Qt.ItemDataRole.DisplayRole: facts.instruction,
            Qt.ItemDataRole.AccessibleTextRole: (
                f"{facts.instruction}, {summary(facts, facts.began_wall_s)}"
            ),
            Qt.ItemDataRole.ToolTipRole: (
                f"{facts.instruction}\n{meaning(facts.outcome)}\n"
                f"Driven by {describe_runs(facts.drivers)}{corrected}{by}"
            ),
        }
        if role in texts:
            return texts[Qt.ItemDataRole(role)]
        return self._picture_of(facts.id) if role == PICTURE_ROLE else None

    def _picture_of(self, episode_id: int) -> QPixmap | None:
        if episode_id not in self._asked:
            self._asked.add(episode_id)
            self.picture_wanted.emit(episode_id)
        return self._pictures.get(episode_id)


class EpisodeFilter(QSortFilterProxyModel):
    """Shows the episodes that pass the filter and the typed words."""

    def __init__(self, source: EpisodeModel) -> None:
        super().__init__()
        self._which = Filter.ALL
        self._text = ""
        self.setSourceModel(source)

    def choose(self, which: Filter, text: str) -> None:
        """Change the filter."""
        self.beginFilterChange()
        self._which, self._text = which, text
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        """Return whether a row is shown."""
        facts = self.sourceModel().index(row, 0, parent).data(FACTS_ROLE)
        return passes(facts, self._which, self._text)


class EpisodeDelegate(QStyledItemDelegate):
    """Paints a row: picture with driver strip, sentence, outcome by shape and word."""

    def __init__(self, theme: Theme, now_s: float) -> None:
        super().__init__()
        self._theme = theme
        self.now_s = now_s
        theme.changed.connect(self._restyle)
        self._restyle()

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """Return a row's size."""
        return QSize(260, max(scaled(ROW_HEIGHT), THUMB.height() + 2 * THUMB_RIM))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw a row."""
        facts: EpisodeFacts = index.data(FACTS_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(option.rect).adjusted(2, 2, -2, -2)
        state = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        hover = bool(state & QStyle.StateFlag.State_MouseOver)
        if selected or hover:
            painter.setPen(
                QPen(self._theme.colour("agent"), 1.5) if selected else Qt.PenStyle.NoPen
            )
            painter.setBrush(self._theme.colour("agent_tint" if selected else "raised"))
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 9, 9)
        thumb = QRectF(area.left() + 8, 0, THUMB.width(), THUMB.height())
        thumb.moveTop(area.center().y() - thumb.height() / 2 - 1)
        paint_thumb(painter, self._theme, facts, index.data(PICTURE_ROLE), thumb)
        left = thumb.right() + 12
        width = area.right() - left - 10
        painter.setFont(self._title)
        painter.setPen(self._theme.colour("text"))
        text = QFontMetricsF(self._title).elidedText(
            facts.instruction, Qt.TextElideMode.ElideRight, width
        )
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        # The three lines lie around the middle, whatever their size.
        high = scaled(LINE_PX)
        first, second, third = (area.center().y() + high * at for at in (-1.5, -0.5, 0.5))
        painter.drawText(QRectF(left, first, width, high), flags, text)
        mark = scaled(14)
        token = {Outcome.SUCCESS: "ok_text", Outcome.FAILURE: "bad_text"}.get(
            facts.outcome, "muted"
        )
        token = "bad_text" if facts.outcome is Outcome.TIMEOUT else token
        icons.paint_icon(
            painter,
            icons.OUTCOME_ICONS[facts.outcome],
            self._theme.colour(token),
            QRectF(left, second + (high - mark) / 2, mark, mark),
        )
        aside = mark + 6
        painter.setFont(self._line)
        painter.setPen(self._theme.colour("muted"))
        metrics = QFontMetricsF(self._line)
        ended, drove = row_lines(
            facts, self.now_s, lambda line: metrics.horizontalAdvance(line) <= width
        )
        for line, at, y in ((ended, left + aside, second), (drove, left, third)):
            room = left + width - at
            words = metrics.elidedText(line, Qt.TextElideMode.ElideRight, room)
            painter.drawText(QRectF(at, y, room, high), flags, words)
        painter.restore()

    def _restyle(self) -> None:
        self._title = ui_font(13, bold=True)
        self._line = ui_font(12)
        # Of no row, so of all: the view lays them out anew.
        self.sizeHintChanged.emit(QModelIndex())


def paint_thumb(
    painter: QPainter, theme: Theme, facts: EpisodeFacts, picture: QPixmap | None, area: QRectF
) -> None:
    """Draw an episode's picture with its driver strip at the foot."""
    strip = 7.0
    top = area.adjusted(0, 0, 0, -strip - 2)
    clip = QPainterPath()
    clip.addRoundedRect(top, 5, 5)
    painter.save()
    painter.setClipPath(clip)
    painter.fillRect(top, theme.colour("raised"))
    if picture is not None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        scale = max(top.width() / picture.width(), top.height() / picture.height())
        width, height = top.width() / scale, top.height() / scale
        source = QRectF(
            (picture.width() - width) / 2, (picture.height() - height) / 2, width, height
        )
        painter.drawPixmap(top, picture, source)
    painter.restore()
    paint_runs(
        painter,
        theme,
        facts.drivers,
        QRectF(area.left(), area.bottom() - strip, area.width(), strip),
    )


class AttemptButton(QAbstractButton):
    """One recent attempt: its picture, outcome mark and driver strip."""

    def __init__(self, theme: Theme, facts: EpisodeFacts) -> None:
        super().__init__()
        self._theme = theme
        self.facts = facts
        self._picture: QPixmap | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        words = (
            f"{facts.instruction}: {OUTCOME_WORDS[facts.outcome]}, {describe_runs(facts.drivers)}"
        )
        self.setToolTip(
            f"{facts.instruction}\n{meaning(facts.outcome)}\n"
            f"Driven by {describe_runs(facts.drivers)}"
        )
        self.setAccessibleName(words)

    def show_picture(self, rgb: RGBImage | None) -> None:
        """Show the episode's picture."""
        if rgb is not None:
            self._picture = to_pixmap(rgb)
            self.update()

    def sizeHint(self) -> QSize:
        """Return the size of a thumb."""
        return QSize(150, 84)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the thumb."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        paint_thumb(painter, self._theme, self.facts, self._picture, area)
        self._paint_sentence(painter, area)
        badge = QRectF(area.right() - 25, area.top() + 5, 20, 20)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.outcome(self.facts.outcome))
        painter.drawEllipse(badge)
        icons.paint_icon(
            painter,
            icons.OUTCOME_ICONS[self.facts.outcome],
            self._theme.colour("on_fill"),
            badge.adjusted(4, 4, -4, -4),
        )
        if self.hasFocus() or self.underMouse():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.colour("agent"), 2))
            painter.drawRoundedRect(area.adjusted(-1, -1, 1, 1), 6, 6)
        painter.end()

    def _paint_sentence(self, painter: QPainter, area: QRectF) -> None:
        """Write what was asked at the picture's foot, in the dark look that lies on pictures."""
        font = ui_font(11)
        high = scaled(FOOT_PX)
        foot = QRectF(area.left(), area.bottom() - 9 - high, area.width(), high)
        shade = QColor(12, 14, 18)
        shade.setAlphaF(0.72)
        painter.fillRect(foot, shade)
        painter.setFont(font)
        painter.setPen(QColor(DARK.text))
        words = QFontMetricsF(font).elidedText(
            self.facts.instruction, Qt.TextElideMode.ElideRight, foot.width() - 12
        )
        painter.drawText(foot.adjusted(6, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter, words)


class RecentStrip(QWidget):
    """The newest attempts in a row.

    Signals: chosen(int), picture_wanted(int) with an episode's id.
    """

    chosen = Signal(int)
    picture_wanted = Signal(int)
    MOST = 6

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._buttons: dict[int, AttemptButton] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(8)

    def show_episodes(self, episodes: Sequence[EpisodeFacts]) -> None:
        """Show the newest of these (newest first)."""
        newest = list(episodes)[: self.MOST]
        if newest == [b.facts for b in self._buttons.values()]:
            return
        kept: dict[int, AttemptButton] = {}
        for facts in newest:
            old = self._buttons.pop(facts.id, None)
            if old is not None and old.facts == facts:
                kept[facts.id] = old
                continue
            if old is not None:
                old.deleteLater()
            kept[facts.id] = self._make(facts)
        for gone in self._buttons.values():
            gone.deleteLater()
        while self._row.count():
            self._row.takeAt(0)
        for button in kept.values():
            self._row.addWidget(button, 1)
        for _ in range(self.MOST - len(kept)):
            self._row.addStretch(1)
        self._buttons = kept

    def show_picture(self, episode_id: int, rgb: RGBImage | None) -> None:
        """Put a picture to an attempt."""
        if episode_id in self._buttons:
            self._buttons[episode_id].show_picture(rgb)

    def _make(self, facts: EpisodeFacts) -> AttemptButton:
        button = AttemptButton(self._theme, facts)
        button.clicked.connect(lambda _checked=False, i=facts.id: self.chosen.emit(i))
        self.picture_wanted.emit(facts.id)
        return button
