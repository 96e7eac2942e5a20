"""The page that people live on: the game, the sentence, the recent attempts, the cards.

A card or panel is added in ``SideColumn``.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.gui.library.episode_list import RecentStrip
from app.gui.play.agent_panel import AgentPanel
from app.gui.play.hud import bar_height
from app.gui.play.instruction_bar import ChipRow, History, InstructionBar
from app.gui.play.play_view import ASPECT, FRAME_PX, PlayView
from app.gui.style.theme import GRID, Theme, scaled
from app.gui.style.widgets import Notice, button, label
from app.gui.teach.teach_panel import TeachPanel
from app.gui.teach.verdict_card import VerdictCard
from app.session.api import PlaySession

MARGIN = 18
NOTICE_INSET = 14
SIDE_MIN = 348
SIDE_MAX = 460
SHORT_PX = 680
"""Below this height the recent attempts make room for the game."""
NO_ATTEMPTS_TEXT = "Every attempt is kept here: play it back, label it, or delete it."
COMPACT_PX = 720
"""Below this width of the left column the lesser buttons lose their words."""
CHIPS_COMPACT_PX = 870
"""Below this one the chips' row loses words, so that an example has room in it."""


class SideColumn(QScrollArea):
    """Teach, verdict and agent, one below the other; scrolls where it is too long."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.teach = TeachPanel(theme)
        self.verdict = VerdictCard(theme)
        self.agent = AgentPanel(theme)
        inner = QWidget()
        inner.setProperty("role", "scrolled")
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        for card in (self.teach, self.verdict, self.agent):
            layout.addWidget(card)
        layout.addStretch(1)
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)


class PlayPage(QWidget):
    """Lays the game out as large as the window allows, everything else around it.

    Signals: library_asked(), typed(str) with a letter that nothing else on the page took.
    """

    library_asked = Signal()
    typed = Signal(str)

    def __init__(self, session: PlaySession, theme: Theme, history: History) -> None:
        super().__init__()
        self.setProperty("role", "page")
        self.view = PlayView(session, theme)
        self.notice = Notice(theme)
        self.notice.setParent(self)
        self.bar = InstructionBar(theme, history)
        self.chips = ChipRow(theme)
        self.recent = RecentStrip(theme)
        self.no_attempts = label(NO_ATTEMPTS_TEXT, "placeholder")
        self.no_attempts.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._recent_head = QWidget()
        self._library = button("Library →", "link")
        self.left = QWidget()
        self._below = QWidget()
        self._side: SideColumn | None = None
        self._alone = False
        self._row = QHBoxLayout(self)
        self._build()
        self._library.clicked.connect(self.library_asked)
        theme.changed.connect(self._arrange)
        # The view stays where it is in the column when the column moves.
        for widget in (self.notice, self.view, self.left):
            widget.installEventFilter(self)

    def take_side(self, side: SideColumn) -> None:
        """Show the cards at the right of the game."""
        self._side = side
        self._row.addWidget(side)
        side.show()
        self._arrange()

    def give_side(self) -> None:
        """Let the cards go (to a tab of their own)."""
        if self._side is not None:
            self._row.removeWidget(self._side)
            self._side = None
            self._arrange()

    def show_alone(self, alone: bool) -> None:
        """Show nothing but the game and the sentence, or everything again."""
        if alone is not self._alone:
            self._alone = alone
            self._arrange()

    def show_any_attempts(self, any_attempts: bool) -> None:
        """Show the strip of recent attempts once there are some."""
        self._has_attempts = any_attempts
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the game its room."""
        super().resizeEvent(event)
        self._arrange()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Tell of what is typed while nothing that takes letters has the focus."""
        held = event.modifiers() & ~(
            Qt.KeyboardModifier.ShiftModifier
            | Qt.KeyboardModifier.KeypadModifier
            | Qt.KeyboardModifier.GroupSwitchModifier
        )
        text = event.text()
        letter = text.isprintable() and bool(text.strip()) and not held
        if letter and not event.isAutoRepeat():
            self.typed.emit(text)
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Place the notice when it comes, changes its text, or the view moves."""
        if event.type() in {
            QEvent.Type.ShowToParent,
            QEvent.Type.LayoutRequest,
            QEvent.Type.Resize,
            QEvent.Type.Move,
        }:
            self._place_notice()
        return super().eventFilter(watched, event)

    def _build(self) -> None:
        self._has_attempts = False
        head = QHBoxLayout(self._recent_head)
        head.setContentsMargins(0, 4, 0, 0)
        head.addWidget(label("Recent attempts", "muted"))
        head.addStretch(1)
        head.addWidget(self._library)
        below = QVBoxLayout(self._below)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(GRID)
        below.addWidget(self.bar)
        below.addWidget(self.chips)
        below.addWidget(self._recent_head)
        below.addWidget(self.recent)
        below.addWidget(self.no_attempts)
        left = QVBoxLayout(self.left)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(12)
        left.addWidget(self.view)
        left.addWidget(self._below)
        left.addStretch(1)
        self._row.setContentsMargins(MARGIN, 14, MARGIN, 14)
        self._row.setSpacing(2 * GRID + 2)
        self._row.addWidget(self.left)

    def _arrange(self) -> None:
        """Widths from the height: the left column is as wide as its 16:9 picture."""
        inner_width = self.width() - 2 * MARGIN
        side = self._side is not None and not self._alone
        if self._side is not None:
            self._side.setVisible(side)
        self.chips.setVisible(not self._alone)
        most = inner_width - (scaled(SIDE_MIN) + self._row.spacing() if side else 0)
        # The frame in the driver's colour lies outside the picture.
        rim = round(2 * FRAME_PX)
        # Where the width limits the game, the strip may have the height that is left over.
        needed = self._below_height(True) + 40 + round((most - rim) / ASPECT) + rim
        tall = self.height() >= min(scaled(SHORT_PX), needed) and not self._alone
        self._recent_head.setVisible(tall)
        self.recent.setVisible(tall and self._has_attempts)
        self.no_attempts.setVisible(tall and not self._has_attempts)
        gap = 12
        fixed = gap + self._below_height(tall)
        view_height = self.height() - 28 - fixed
        wish = int((view_height - rim) * ASPECT) + rim
        left = max(min(wish, most), 320)
        self.left.setFixedWidth(left if side else min(max(wish, 640), most))
        width = self.left.maximumWidth()
        self.view.setFixedHeight(min(round((width - rim) / ASPECT) + rim, max(view_height, 180)))
        self.bar.show_compact(width < scaled(COMPACT_PX))
        self.chips.show_compact(width < scaled(CHIPS_COMPACT_PX))
        if self._side is not None and side:
            rest = inner_width - left - self._row.spacing()
            self._side.setFixedWidth(min(max(rest, scaled(SIDE_MIN)), scaled(SIDE_MAX)))
        # Extra height goes to the pictures of the recent attempts before it goes to nothing.
        spare = self.height() - 28 - fixed - round((left - rim) / ASPECT) - rim
        for strip in (self.recent, self.no_attempts):
            strip.setFixedHeight(min(max(84, 84 + spare), 132))

    def _place_notice(self) -> None:
        """Lay the notice over the picture's foot, above the HUD's bar: nothing else moves."""
        origin = self.view.mapTo(self, QPoint(0, 0))
        width = self.view.width() - 2 * NOTICE_INSET
        height = self.notice.heightForWidth(width)
        bottom = origin.y() + self.view.height() - bar_height() - NOTICE_INSET
        self.notice.setGeometry(origin.x() + NOTICE_INSET, bottom - height, width, height)
        self.notice.raise_()

    def _below_height(self, recent: bool) -> int:
        height = self.bar.sizeHint().height()
        if not self._alone:
            height += GRID + self.chips.sizeHint().height()
        if recent:
            height += self._recent_head.sizeHint().height() + 84 + 2 * GRID
        return height
