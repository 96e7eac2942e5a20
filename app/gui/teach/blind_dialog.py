"""Judging a round blind: one clip after the other, two keys, and at the end which was which."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.backend.blind.ports import BlindComparison, BlindState, Clip
from app.backend.readable import spoken_duration
from app.gui.calls.async_calls import Bridge
from app.gui.style.theme import GRID, Theme
from app.gui.style.widgets import Elided, Notice, Offer, button, label
from app.gui.teach.blind_result import BlindResultView
from app.gui.teach.clip_view import ClipView

LOOK_AGAIN_MS = 400
LOOK_FIRST_MS = 500
"""A clip is looked at for so long before it is judged: a key pressed twice judged two clips."""
SPEEDS = (1, 2, 3, 4)
WAITING = "Fresh starts are being played, by the agent before the round and after it."
SCREEN = (
    "The game has to play {} clips on your screen first, which takes about {}. Leave keyboard and "
    "mouse alone meanwhile; then you judge them here."
)


class BlindDialog(QDialog):
    """The dialog over one comparison, which it puts off when it is closed.

    Signals: next_asked() when the person wants to judge the next sentence.
    """

    next_asked = Signal()

    def __init__(
        self, comparison: BlindComparison, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._comparison = comparison
        # Its own, with one worker: marks are written in the order of the keys.
        self._bridge = Bridge(threads=1)
        self._state: BlindState | None = None
        self._shown: int | None = None
        self._busy = False
        self._looked = False
        self.sentence = Elided("", "title")
        self.number = label("", "muted")
        self.progress = QProgressBar()
        self.view = ClipView(theme)
        self.outcome = BlindResultView(theme)
        self.notice = Notice(theme)
        self._try_again = Offer("Try again", lambda: self._ask(self._comparison.play))
        self.speeds = [button(f"{each}×", "chip") for each in SPEEDS]
        self.again = button("Again · Space", "quiet", tip="Show the clip from its beginning")
        self.back = button("Back · Backspace", "quiet", tip="Take the last answer back")
        self.skip = button("Skip · S", "quiet", tip="Show this clip again later")
        self.put_off = button("Put off · Esc", "link", tip="Go on another time, at this clip")
        self.not_done = button("Not done · N")
        self.done_ = button("Done · D", "agent")
        self.play = button("Play the clips", "agent")
        self.close_ = button("Close", "agent")
        self.next = button("Judge the next one")
        self._middle = QStackedWidget()
        self._foot = QStackedWidget()
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_AGAIN_MS)
        self._build()
        self._connect_signals()
        self.set_speed(2)
        # No button has the focus at first: the keys answer.
        self.view.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.view.setFocus()
        self._ask(comparison.state)

    def set_speed(self, speed: int) -> None:
        """Show clips ``speed`` times as fast as they were played."""
        self.view.set_speed(speed)
        for each, chip in zip(SPEEDS, self.speeds, strict=True):
            chip.setChecked(each == speed)

    def mark(self, done: bool | None) -> None:
        """Answer for the clip that is shown.

        Nothing while none is, while the last answer is written, or before it was looked at.
        """
        clip = self._shown
        if clip is not None and self._looked and not self._busy:
            self._ask(lambda: self._comparison.mark(clip, done))

    def take_back(self) -> None:
        """Take the last answer back."""
        if self.back.isEnabled() and not self._busy:
            self._ask(self._comparison.back)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Answer, skip, go back or change the speed by one key each."""
        keys: dict[int, Callable[[], None]] = {
            Qt.Key.Key_D: lambda: self.mark(True),
            Qt.Key.Key_N: lambda: self.mark(False),
            Qt.Key.Key_S: self._skip,
            Qt.Key.Key_Backspace: self.take_back,
            Qt.Key.Key_Space: self.view.restart,
        }
        for each in SPEEDS:
            keys[Qt.Key.Key_0 + each] = partial(self.set_speed, each)
        act = keys.get(event.key())
        if act is None or self._middle.currentWidget() is self.outcome:
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            act()

    def done(self, code: int) -> None:
        """Close, and stop what is played; what was judged is kept."""
        self._timer.stop()
        self.view.shut_down()
        self._bridge.ask(self._comparison.put_off, promised=True)
        self._bridge.close()
        super().done(code)

    # What is shown

    def _ask(self, call: Callable[[], BlindState]) -> None:
        self._busy = True
        self._enable()
        self._bridge.ask(call, self._show, failed=self._on_problem)

    def _look_again(self) -> None:
        if not self._busy:
            self._ask(self._comparison.state)

    def _on_problem(self, sentence: str) -> None:
        self._busy = False
        self.notice.tell(sentence, [self._try_again])
        self._enable()

    def _show(self, state: BlindState) -> None:
        self._busy = False
        before, self._state = self._state, state
        if before is not None and before.notice and not state.playing:
            # The game had the keyboard; its window is gone or left alone.
            self.raise_()
            self.activateWindow()
        self.sentence.setText(f"“{state.sentence}”")
        self.progress.setRange(0, state.most)
        self.progress.setValue(state.number - 1)
        if state.problem:
            self.notice.tell(state.problem, [self._try_again])
        else:
            self.notice.clear()
        if state.result is not None:
            self._reveal(state)
            return
        self.number.setText(f"Clip {state.number} of at most {state.most}")
        if state.clip is None:
            self._shown = None
            self.view.show_text(waiting_words(state))
            self._timer.start()
        elif state.clip != self._shown:
            self._timer.stop()
            clip = state.clip
            self._busy = True
            self._bridge.ask(
                lambda: self._comparison.open_clip(clip),
                lambda opened: self._open(clip, opened),
                failed=self._on_problem,
            )
        self._show_foot(1 if state.asks_screen else 0)
        self._enable()

    def _open(self, place: int, clip: Clip) -> None:
        self._busy = False
        self._shown = place
        self._looked = False
        self.view.open(clip)
        QTimer.singleShot(LOOK_FIRST_MS, self, lambda: self._look_done(place))
        self._enable()

    def _look_done(self, place: int) -> None:
        if place == self._shown:
            self._looked = True
            self._enable()

    def _reveal(self, state: BlindState) -> None:
        assert state.result is not None
        self._timer.stop()
        self._shown = None
        self.view.show_text("")
        self.number.setText(f"{state.number} clips judged")
        self.progress.hide()
        self.outcome.show_result(state.result)
        self._middle.setCurrentWidget(self.outcome)
        self._show_foot(2)
        self.next.setVisible(bool(state.result.next_sentence))
        self.next.setToolTip(f"“{state.result.next_sentence}”")

    def _show_foot(self, row: int) -> None:
        """Show a row of buttons, and give the focus to what comes next by itself."""
        if self._foot.currentIndex() != row:
            self._foot.setCurrentIndex(row)
            # Return closes the result; before it no key is to press a button by itself.
            self.close_.setDefault(row == 2)
            (self.view, self.play, self.close_)[row].setFocus()

    def _enable(self) -> None:
        state = self._state
        shown = self._shown is not None and self._looked
        for each in (self.done_, self.not_done, self.again):
            each.setEnabled(shown)
        self.skip.setEnabled(shown and state is not None and state.may_skip)
        self.back.setEnabled(state is not None and state.may_go_back)

    def _skip(self) -> None:
        if self.skip.isEnabled():
            self.mark(None)

    def _judge_next(self) -> None:
        self.accept()
        self.next_asked.emit()

    def _build(self) -> None:
        self.setWindowTitle("Judge it blind")
        self.resize(900, 700)
        self.progress.setTextVisible(False)
        for chip in self.speeds:
            chip.setCheckable(True)
            chip.setAccessibleName(f"Speed {chip.text()}")
        # The keys are the dialog's: Space must not press whatever button has the focus.
        for each in (*self.speeds, self.again, self.back, self.skip, self.not_done, self.done_):
            each.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        head = QHBoxLayout()
        head.addWidget(self.sentence, 1)
        head.addWidget(self.number)
        self._middle.addWidget(self.view)
        self._middle.addWidget(self.outcome)
        self._foot.addWidget(self._judging_row())
        self._foot.addWidget(_row(self.put_off_twin(), None, self.play))
        self._foot.addWidget(_row(None, self.next, self.close_))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID + 4, 2 * GRID, 2 * GRID + 4, 2 * GRID)
        layout.setSpacing(GRID + 4)
        layout.addLayout(head)
        layout.addWidget(self.progress)
        layout.addWidget(self._middle, 1)
        layout.addWidget(self.notice)
        layout.addWidget(self._foot)

    def put_off_twin(self) -> QPushButton:
        """Return a second button that puts it off, for the row that asks for the screen."""
        twin = button(self.put_off.text(), "link", tip=self.put_off.toolTip())
        twin.clicked.connect(self.reject)
        return twin

    def _judging_row(self) -> QWidget:
        question = label("Was it done? You are not told which agent it is.", "muted")
        for each in (self.done_, self.not_done):
            each.setProperty("size", "large")
            each.setMinimumWidth(170)
        answers = QHBoxLayout()
        answers.addWidget(question)
        answers.addStretch(1)
        answers.addWidget(self.not_done)
        answers.addWidget(self.done_)
        more = QHBoxLayout()
        more.setSpacing(GRID - 2)
        more.addWidget(label("Speed", "muted"))
        for chip in self.speeds:
            more.addWidget(chip)
        more.addSpacing(GRID)
        for each in (self.again, self.back, self.skip):
            more.addWidget(each)
        more.addStretch(1)
        more.addWidget(self.put_off)
        row = QWidget()
        rows = QVBoxLayout(row)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID)
        rows.addLayout(answers)
        rows.addLayout(more)
        return row

    def _connect_signals(self) -> None:
        self.done_.clicked.connect(lambda: self.mark(True))
        self.not_done.clicked.connect(lambda: self.mark(False))
        self.skip.clicked.connect(self._skip)
        self.back.clicked.connect(self.take_back)
        self.again.clicked.connect(self.view.restart)
        self.put_off.clicked.connect(self.reject)
        self.play.clicked.connect(lambda: self._ask(self._comparison.play))
        self.close_.clicked.connect(self.accept)
        self.next.clicked.connect(self._judge_next)
        # A picture that is lost is played once more.
        self.view.failed.connect(self._look_again)
        self._timer.timeout.connect(self._look_again)
        for each, chip in zip(SPEEDS, self.speeds, strict=True):
            chip.clicked.connect(lambda _checked=False, each=each: self.set_speed(each))


def waiting_words(state: BlindState) -> str:
    """Return what is said while there is no clip to be shown."""
    if state.asks_screen:
        minutes = max(1, math.ceil(state.screen_s / 60))
        return SCREEN.format(state.wanted, spoken_duration(60 * minutes))
    if state.problem:
        return "No clips come at the moment."
    if state.notice:
        return f"{state.notice}\n\n{state.ready} of {state.wanted} clips are ready."
    return f"{WAITING}\n\n{state.ready} of {state.wanted} clips are ready."


def _row(left: QWidget | None, *right: QWidget | None) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    if left is not None:
        layout.addWidget(left)
    layout.addStretch(1)
    for each in right:
        if each is not None:
            layout.addWidget(each)
    return row
