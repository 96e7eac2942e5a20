"""The first start explains itself: three steps, each pointing at the thing it talks about."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.gui.shortcuts import tip_of
from app.gui.style.theme import GRID, Theme, scaled
from app.gui.style.widgets import button, label

CARD_WIDTH = 380
GAP = 16


@dataclass(frozen=True, slots=True)
class Step:
    """A step's heading, its words, and the token of the colour it is about."""

    title: str
    text: str
    token: str


STEPS: tuple[Step, Step, Step] = (
    Step(
        "An AI plays, you correct it, it learns",
        "Type what it should do, or pick an example below the field, and press Enter. "
        "The agent looks at the picture and plays with keyboard and mouse. "
        "Everything blue is the agent.",
        "agent",
    ),
    Step(
        "Take over when it goes wrong, or show it",
        "Click into the picture and touch any game key: the agent is silent at once and you "
        "drive. Let go for a moment and it drives again. To show something from its beginning, "
        "press F7, and F9 when it is done. Esc always frees the mouse. "
        "Everything amber is you.",
        "person",
    ),
    Step(
        "Teach it",
        "Your corrections are kept on this machine. One click turns them into a training "
        "round, and the same starts are played before and after, so you see whether it "
        "helped. You can always go back.",
        "person",
    ),
)


LESSON_TEXT = "“First lesson” leads you through it once."


class Welcome(QWidget):
    """A dimmed sheet over the window with a hole over the step's target.

    Signals: finished() after the last step or a skip; lesson_wanted() after it, if the person
    wants to be led through a first lesson.
    """

    finished = Signal()
    lesson_wanted = Signal()

    def __init__(
        self, theme: Theme, window: QWidget, targets: tuple[QWidget, QWidget, QWidget]
    ) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._targets = targets
        self._step = 0
        self._card = QFrame(self)
        self._card.setProperty("role", "card")
        self.count = label("", "caption")
        self.title = label("", "title", wrap=True)
        self.text = label("", wrap=True)
        self.skip = button("Skip", "link")
        self.back = button("Back")
        self.next = button("Next", "agent")
        self.lesson = button("First lesson", "person")
        self.lesson.setToolTip(tip_of("first_lesson"))
        self._offers_lesson = False
        self._build()
        self.setAccessibleName("Introduction")
        for widget in (window, *targets):
            widget.installEventFilter(self)
        self.hide()

    @property
    def step(self) -> int:
        """The step shown, 0 to 2."""
        return self._step

    def begin(self, *, offers_lesson: bool = False) -> None:
        """Show the first step; with ``offers_lesson`` the last one offers a first lesson."""
        self._offers_lesson = offers_lesson
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()
        self._show_step(0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the window as it changes size."""
        if event.type() in {QEvent.Type.Resize, QEvent.Type.Move}:
            if watched is self._window:
                self.setGeometry(self._window.rect())
            # Move and size of a target reach us before its neighbours have theirs.
            QTimer.singleShot(0, self, self._place)
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Right and Enter go on, left goes back, Esc skips."""
        if event.key() in {Qt.Key.Key_Right, Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._on_next()
        elif event.key() == Qt.Key.Key_Left:
            self._on_back()
        elif event.key() == Qt.Key.Key_Escape:
            self._finish()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Dim all but the target, and frame the target in the step's colour."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        hole = QRectF(self._target_rect()).adjusted(-6, -6, 6, 6)
        sheet = QPainterPath()
        sheet.addRect(QRectF(self.rect()))
        opening = QPainterPath()
        opening.addRoundedRect(hole, 14, 14)
        painter.fillPath(sheet.subtracted(opening), QColor(6, 8, 11, 168))
        painter.setPen(QPen(self._theme.colour(STEPS[self._step].token), 3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(hole, 14, 14)
        painter.end()

    def _build(self) -> None:
        layout = QVBoxLayout(self._card)
        layout.setContentsMargins(22, 18, 22, 18)
        layout.setSpacing(GRID)
        layout.addWidget(self.count)
        layout.addWidget(self.title)
        layout.addWidget(self.text)
        layout.addSpacing(GRID)
        row = QHBoxLayout()
        row.addWidget(self.skip)
        row.addStretch(1)
        row.addWidget(self.back)
        row.addWidget(self.next)
        row.addWidget(self.lesson)
        layout.addLayout(row)
        self.skip.clicked.connect(self._finish)
        self.back.clicked.connect(self._on_back)
        self.next.clicked.connect(self._on_next)
        self.lesson.clicked.connect(self._on_lesson)

    def _show_step(self, step: int) -> None:
        self._step = step
        words = STEPS[step]
        self.count.setText(f"Step {step + 1} of {len(STEPS)}")
        self.title.setText(words.title)
        offers = step == len(STEPS) - 1 and self._offers_lesson
        text = f"{words.text} {LESSON_TEXT}" if offers else words.text
        self.text.setText(text)
        self.back.setVisible(step > 0)
        last = step == len(STEPS) - 1
        self.next.setText("Start" if last else "Next")
        self.lesson.setVisible(offers)
        self.setAccessibleDescription(f"{words.title}. {text}")
        self._place()
        self.next.setFocus()

    def _target_rect(self) -> QRect:
        target = self._targets[self._step]
        if not target.isVisible():
            # In a narrow window the panel is a tab of its own: point at the whole page.
            return self.rect().adjusted(24, 60, -24, -60)
        origin = target.mapTo(self._window, QPoint(0, 0))
        return QRect(origin, target.size())

    def _place(self) -> None:
        """Put the card beside the target, on the side with most room, inside the window."""
        if not self.isVisible():
            return
        layout = self._card.layout()
        assert layout is not None
        layout.activate()
        self._card.setFixedWidth(scaled(CARD_WIDTH))
        self._card.setFixedHeight(layout.totalHeightForWidth(self._card.width()))
        size = self._card.size()
        target = self._target_rect()
        middle = target.center().y() - size.height() // 2
        places = [
            QPoint(target.left(), target.top() - size.height() - GAP),
            QPoint(target.left() - size.width() - GAP, middle),
            QPoint(target.right() + GAP, middle),
            QPoint(target.left(), target.bottom() + GAP),
        ]
        inside = self.rect().adjusted(8, 8, -8, -8)
        fitting = [p for p in places if inside.contains(QRect(p, size))]
        place = fitting[0] if fitting else target.center() - QPoint(size.width(), size.height()) / 2
        self._card.move(
            min(max(place.x(), 8), max(self.width() - size.width() - 8, 8)),
            min(max(place.y(), 8), max(self.height() - size.height() - 8, 8)),
        )
        self.update()

    def _on_next(self) -> None:
        if self._step + 1 < len(STEPS):
            self._show_step(self._step + 1)
        else:
            self._finish()

    def _on_lesson(self) -> None:
        self._finish()
        self.lesson_wanted.emit()

    def _on_back(self) -> None:
        if self._step > 0:
            self._show_step(self._step - 1)

    def _finish(self) -> None:
        if self.isVisible():
            self.hide()
            self.finished.emit()
