"""One sentence, one button: what the agent should do, and the chips below it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QWidget

from app.gui.style import icons
from app.gui.style.key_places import press_id
from app.gui.style.theme import GRID, Theme, scaled
from app.gui.style.widgets import FlowLayout, button, label
from app.session.api import Phase, Snapshot
from recorder.games.base import Task
from recorder.types import Outcome

HISTORY_LENGTH = 200
FIRST_REPEAT_S, NEXT_REPEAT_S = 0.8, 0.3
"""A key that is held repeats after so long at the latest, and then each time sooner than that."""
LONGEST_INSTRUCTION = 100_000
"""Far more than is played: a sentence that is too long is refused whole, not cut."""
RUNNING_CAPTION = "This attempt:"
OVER_CAPTION = "How was it?"
MAX_CHIPS = 24
"""Examples offered; a game may know hundreds of sentences."""


class History:
    """The sentences typed before, walked with the arrow keys like a shell's.

    The unfinished sentence is kept while walking and comes back at the end.
    """

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.lines = list(lines)[-HISTORY_LENGTH:]
        self._at = len(self.lines)
        self._draft = ""

    def add(self, line: str) -> None:
        """Remember a sentence as the newest; an older copy of it goes."""
        self.lines = [old for old in self.lines if old != line][-(HISTORY_LENGTH - 1) :]
        self.lines.append(line)
        self._at = len(self.lines)
        self._draft = ""

    def older(self, current: str) -> str:
        """Return the sentence before the one shown."""
        if self._at == len(self.lines):
            self._draft = current
        self._at = max(self._at - 1, 0)
        return self.lines[self._at] if self.lines else current

    def newer(self, current: str) -> str:
        """Return the sentence after the one shown, at the end the unfinished one."""
        if self._at >= len(self.lines):
            return current
        self._at += 1
        return self._draft if self._at == len(self.lines) else self.lines[self._at]


class InstructionEdit(QLineEdit):
    """The field: Enter plays, the arrows walk through what was typed before.

    Signals: focus_changed(bool).
    """

    focus_changed = Signal(bool)

    def __init__(self, history: History) -> None:
        super().__init__()
        self.history = history
        self._pressed: set[int] = set()
        # Keys that drove when the focus came, and until when their presses are no letters.
        self._driving: dict[int, float] = {}
        self.setProperty("role", "instruction")
        self.setMaxLength(LONGEST_INSTRUCTION)
        self.setPlaceholderText("What should it do?")
        self.setAccessibleName("Instruction")
        self.setAccessibleDescription(
            "What the agent should do. Enter plays; up and down bring back earlier sentences."
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk the history with the arrows.

        A key that was pressed before the focus came, to drive, is no letter while it is held.
        """
        if self._drives(event) or (event.isAutoRepeat() and press_id(event) not in self._pressed):
            return
        self._pressed.add(press_id(event))
        if event.key() == Qt.Key.Key_Up:
            self.setText(self.history.older(self.text()))
        elif event.key() == Qt.Key.Key_Down:
            self.setText(self.history.newer(self.text()))
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Note which keys are up."""
        if not self._drives(event) and not event.isAutoRepeat():
            self._pressed.discard(press_id(event))
        super().keyReleaseEvent(event)

    def ignore_held(self, keys: Iterable[int]) -> None:
        """Take these keys, by what a press and its release share, for no letters while held.

        A busy machine does not always tell a repeated press from a new one, so a key counts as
        held until nothing was heard of it for a moment.
        """
        until = time.monotonic() + FIRST_REPEAT_S
        self._driving = dict.fromkeys(keys, until)

    def _drives(self, event: QKeyEvent) -> bool:
        key = press_id(event)
        now = time.monotonic()
        if now >= self._driving.get(key, 0.0):
            self._driving.pop(key, None)
            return False
        self._driving[key] = now + NEXT_REPEAT_S
        return True

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Light the frame up."""
        super().focusInEvent(event)
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Dim the frame."""
        super().focusOutEvent(event)
        self._pressed.clear()
        self.focus_changed.emit(False)


class InstructionBar(QFrame):
    """The field with Play, Pause and Reset inside.

    Signals: play_asked(str), pause_asked(), reset_asked(), stop_asked().
    """

    play_asked = Signal(str)
    pause_asked = Signal()
    stop_asked = Signal()
    reset_asked = Signal()

    def __init__(self, theme: Theme, history: History) -> None:
        super().__init__()
        self._theme = theme
        self._phase: Phase | None = None
        self._paused = False
        self._running = False
        self._sentence = ""
        self.setProperty("role", "bar-field")
        self.edit = InstructionEdit(history)
        self.play = button("Play", "agent")
        self.play.setProperty("size", "large")
        self.pause = button("Pause")
        self.stop = button("Stop")
        self.reset = button("Reset")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 7, 6)
        layout.setSpacing(GRID)
        layout.addWidget(self.edit, 1)
        for widget in (self.play, self.pause, self.stop, self.reset):
            widget.setMinimumHeight(38)
            layout.addWidget(widget)
        self.play.setMinimumWidth(104)
        self.pause.setMinimumWidth(104)
        self.setMinimumHeight(54)
        self._connect_signals()
        self._restyle()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow the session: which buttons make sense, and what they say."""
        running = snapshot.in_attempt
        state = (snapshot.phase, running, snapshot.instruction)
        if state == (self._phase, self._running, self._sentence):
            return
        self._phase, self._running, self._sentence = state
        self._paused = snapshot.phase is Phase.PAUSED
        self.pause.setEnabled(running)
        self.stop.setEnabled(running)
        self._restyle()

    def show_compact(self, compact: bool) -> None:
        """Show icons without words on the lesser buttons where room is short."""
        self.pause.setText("" if compact else self._pause_word())
        self.stop.setText("" if compact else "Stop")
        self.reset.setText("" if compact else "Reset")
        for widget in (self.pause, self.stop, self.reset):
            widget.setMinimumWidth(44 if compact else 0)

    def submit(self) -> None:
        """Play what is typed; an empty field asks for a sentence instead."""
        text = self.edit.text().strip()
        if text:
            self.edit.history.add(text)
        self.play_asked.emit(text)

    def _pause_word(self) -> str:
        return "Go on" if self._paused else "Pause"

    def _connect_signals(self) -> None:
        self.edit.returnPressed.connect(self.submit)
        self.edit.textChanged.connect(self._restyle_play)
        self.edit.focus_changed.connect(self._on_focus_changed)
        self.play.clicked.connect(self.submit)
        self.pause.clicked.connect(self.pause_asked)
        self.stop.clicked.connect(self.stop_asked)
        self.reset.clicked.connect(self.reset_asked)
        self._theme.changed.connect(self._restyle)

    def _on_focus_changed(self, focused: bool) -> None:
        self.setProperty("focused", "true" if focused else "false")
        self.style().unpolish(self)
        self.style().polish(self)

    def _restyle_play(self) -> None:
        # While the agent plays, another sentence changes its mind instead of starting anew.
        changes = self._phase is Phase.PLAYING and self.edit.text().strip() != self._sentence
        self.play.setText("Change" if changes else "Play")

    def _restyle(self) -> None:
        self._restyle_play()
        for widget in (self.play, self.pause, self.stop, self.reset):
            widget.setIconSize(QSize(scaled(16), scaled(16)))
        text = self._theme.colour("text")
        grey = self._theme.colour("nobody")
        self.play.setIcon(icons.icon("enter", self._theme.colour("on_fill")))
        self.play.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.pause.setIcon(icons.icon("play" if self._paused else "pause", text, grey))
        if self.pause.text():
            self.pause.setText(self._pause_word())
        self.pause.setAccessibleName(self._pause_word())
        self.stop.setIcon(icons.icon("stop", text, grey))
        self.stop.setAccessibleName("Stop this attempt")
        self.reset.setIcon(icons.icon("reset", text, grey))
        self.reset.setAccessibleName("Reset to a new start")


class ChipRow(QWidget):
    """Examples of the current game, the demonstrate chip, and the person's own verdict.

    Signals: example_chosen(str), more_asked() for all that can be said, demonstrate_asked(),
    success_asked(), failure_asked().
    """

    example_chosen = Signal(str)
    more_asked = Signal()
    demonstrate_asked = Signal()
    success_asked = Signal()
    failure_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._examples = QWidget()
        self._flow = FlowLayout(rows=1)
        self._examples.setLayout(self._flow)
        self._sentences: tuple[str, ...] = ()
        self._offered: list[str] = []
        self.more = button("What can I say?", "link")
        self.more.setAccessibleName("What can I say?")
        self.demonstrate = button("Show it myself", "chip", "person")
        self.caption = label(RUNNING_CAPTION, "muted")
        self.success = button("Done  F9", "chip", "ok")
        self.success.setAccessibleName("Mark this attempt as done")
        self.failure = button("Failed  F10", "chip", "bad")
        self.failure.setAccessibleName("Mark this attempt as failed")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self._examples, 1)
        layout.addWidget(self.more)
        layout.addWidget(self.demonstrate)
        layout.addSpacing(GRID)
        for widget in (self.caption, self.success, self.failure):
            layout.addWidget(widget)
        self._connect_signals()
        self._restyle()

    def show_tasks(self, tasks: Sequence[Task]) -> None:
        """Offer the tasks' sentences, spread over their verbs so that the first few differ."""
        self._sentences = tuple(spread(tasks))
        self.more.setVisible(bool(tasks))
        self._offer(self._sentences[:MAX_CHIPS])

    def complete(self, typed: str) -> None:
        """Offer the sentences that what is being typed may become; the examples without any."""
        found = completions(self._sentences, typed) if typed.strip() else ()
        self._offer((found or self._sentences)[:MAX_CHIPS])

    def _offer(self, sentences: Sequence[str]) -> None:
        if list(sentences) == self._offered:
            return
        self._offered = list(sentences)
        self._flow.clear()
        for sentence in sentences:
            chip = button(sentence, "chip")
            chip.setAccessibleName(f"Example: {sentence}")
            chip.clicked.connect(lambda _checked=False, s=sentence: self.example_chosen.emit(s))
            self._flow.addWidget(chip)
            chip.show()
        self._flow.activate()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Offer the verdict on the attempt that runs, or that ended last."""
        running = snapshot.in_attempt
        over = not running and snapshot.outcome is not None and snapshot.episode_id is not None
        self.caption.setText(OVER_CAPTION if over else RUNNING_CAPTION)
        self.caption.setEnabled(running or over)
        for widget, outcome in (
            (self.success, Outcome.SUCCESS),
            (self.failure, Outcome.FAILURE),
        ):
            # What it is taken for already needs no saying.
            widget.setEnabled(running or (over and snapshot.outcome is not outcome))
        self.demonstrate.setEnabled(snapshot.phase is not Phase.DEMONSTRATING)

    def show_compact(self, compact: bool) -> None:
        """Drop the caption and some words if room is short."""
        self.caption.setVisible(not compact)
        self.more.setText("More …" if compact else "What can I say?")
        # The key stays: who shows a lesson presses it again and again.
        self.demonstrate.setText("Show it  F7" if compact else "Show it myself  F7")

    def _connect_signals(self) -> None:
        self.more.clicked.connect(self.more_asked)
        self.demonstrate.clicked.connect(self.demonstrate_asked)
        self.success.clicked.connect(self.success_asked)
        self.failure.clicked.connect(self.failure_asked)
        self._theme.changed.connect(self._restyle)

    def _restyle(self) -> None:
        self._examples.setFixedHeight(scaled(32))
        grey = self._theme.colour("nobody")
        pairs = (
            (self.demonstrate, "record", "person_text"),
            (self.success, "check", "ok_text"),
            (self.failure, "cross", "bad_text"),
        )
        for widget, name, token in pairs:
            widget.setIcon(icons.icon(name, self._theme.colour(token), grey))
            widget.setIconSize(QSize(scaled(14), scaled(14)))


def completions(sentences: Sequence[str], typed: str) -> tuple[str, ...]:
    """Return the sentences that begin as typed, then those that have every word of it.

    Of a word that is being typed its beginning is enough.
    """
    wanted = typed.lower().split()
    begin = " ".join(wanted)
    first = [each for each in sentences if each.lower().startswith(begin)]
    rest = [
        each
        for each in sentences
        if each not in first
        and all(any(word.startswith(part) for word in each.lower().split()) for part in wanted)
    ]
    return (*sorted(first, key=len), *sorted(rest, key=len))


def spread(tasks: Sequence[Task]) -> list[str]:
    """Return every task's sentence, the verbs taking turns in their own order.

    What the agent was taught comes first, and verbs of which it was taught nothing last.
    """
    by_verb: dict[str, list[str]] = {}
    for task in sorted(tasks, key=lambda task: task.split != "train"):
        by_verb.setdefault(task.verb, []).append(task.instruction)
    result: list[str] = []
    columns = list(by_verb.values())
    for row in range(max(map(len, columns), default=0)):
        result.extend(column[row] for column in columns if row < len(column))
    return result
