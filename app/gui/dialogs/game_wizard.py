"""The wizard that makes a profile of a game: its window, its keys, its mouse, a trial turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from app.backend.game_ports import Calibration, Trial
from app.gui.calls.async_calls import Bridge
from app.gui.dialogs.key_button import KeyButton, control_words
from app.gui.dialogs.wizard_parts import KeyPad, WindowGrid, short_name, wizard_page
from app.gui.style.key_places import short_key
from app.gui.style.theme import GRID
from app.gui.style.widgets import button, label, set_role
from recorder.capture.base import WindowInfo
from recorder.errors import KnownError
from recorder.games.desktop.calibration import (
    CAME_BACK,
    SKIP_KEY,
    Candidate,
    KeyLesson,
    degrees_of_turn,
    new_profile,
)
from recorder.games.desktop.profile import Profile

COUNT_MS = 100
STEPS = ("Window", "Keys", "Mouse", "Trial", "Name")


class GameWizard(QDialog):
    """Five steps to a profile.  Signals: made(str) with the new game's name."""

    made = Signal(str)

    def __init__(self, calibration: Calibration, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._calibration = calibration
        self._bridge = Bridge(threads=1)
        self._candidates: Sequence[Candidate] = ()
        self.window_info: WindowInfo | None = None
        self._lesson = KeyLesson(shown=short_key)
        self._degrees: float | None = None
        self._delay_ms: float | None = None
        # None until the trial turn was tried, then whether it came back to where it began.
        self._came_back: bool | None = None
        self._taken: frozenset[str] = frozenset()
        self.setWindowTitle("Another game")
        self.resize(860, 620)
        self.step = label("", "caption")
        self.heading = label("", "title")
        self.pages = QStackedWidget()
        self.note = label("", "caption", "person", wrap=True)
        self.back = button("Back")
        self.next = button("Next", "agent")
        self.look_again = button("Look again", "link")
        self.pad = KeyPad()
        self.asking = label("", "figure")
        self.learnt = label("", "muted", wrap=True)
        self.turn = button("Begin to count", "person")
        self.counts = label("", "figure")
        self.trial = button("Turn once around", "person")
        self.came_back = label("", "strong", wrap=True)
        self.name = QLineEdit()
        self.chat = KeyButton("chat", "")
        self._chat_key = ""
        self.grid = WindowGrid()
        self._build()
        self._count_timer = QTimer(self)
        self._count_timer.setInterval(COUNT_MS)
        self._count_timer.timeout.connect(self._show_counts)
        self._connect()
        self._go(0)
        self.look()

    # Building

    def _build(self) -> None:
        for page in (
            self._window_page(),
            self._keys_page(),
            self._mouse_page(),
            self._trial_page(),
            self._name_page(),
        ):
            self.pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addWidget(self.step)
        layout.addWidget(self.heading)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.note)
        row = QHBoxLayout()
        close = button("Cancel", "link")
        close.clicked.connect(self.reject)
        row.addWidget(close)
        row.addStretch(1)
        row.addWidget(self.back)
        row.addWidget(self.next)
        layout.addLayout(row)

    def _window_page(self) -> QWidget:
        return wizard_page(
            "Start the game and leave it in a window, then click on its picture. Windows that "
            "others cover have none.",
            self.grid,
            self.look_again,
        )

    def _keys_page(self) -> QWidget:
        inside = QVBoxLayout(self.pad)
        inside.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for each in (label("Press the key or mouse button for", "muted"), self.asking):
            each.setAlignment(Qt.AlignmentFlag.AlignCenter)
            inside.addWidget(each)
        return wizard_page(
            f"Here, not in the game. {SKIP_KEY} where the game has no such control; Back asks for "
            "the one before again.",
            self.pad,
            self.learnt,
        )

    def _mouse_page(self) -> QWidget:
        return wizard_page(
            "The game comes to the front when you begin. Go on in it, turn around exactly once "
            "with the mouse until you see the same again, and come back to this window.",
            self.turn,
            self.counts,
        )

    def _trial_page(self) -> QWidget:
        return wizard_page(
            "Playteach turns the game once around by what you have shown. Stand where there is "
            "something to see, close the game's menus, and leave mouse and keyboard alone.",
            self.trial,
            self.came_back,
        )

    def _name_page(self) -> QWidget:
        self.name.setAccessibleName("Name of the game")
        self.chat.setText("none")
        return wizard_page(
            "A short name for the game, in small letters, digits and underscores. If it has a "
            "chat: the key that opens it, so that nothing you write there is recorded.",
            self.name,
            label("Key that opens the chat", "strong"),
            self.chat,
        )

    def _connect(self) -> None:
        self.back.clicked.connect(self._on_back)
        self.next.clicked.connect(self._on_next)
        self.look_again.clicked.connect(self.look)
        self.grid.chosen.connect(self.choose)
        self.pad.pressed.connect(self._on_key)
        self.turn.clicked.connect(self._on_turn)
        self.trial.clicked.connect(self._on_trial)
        self.chat.chosen.connect(self._on_chat)
        self._bridge.problem.connect(self.note.setText)

    # Going on and back

    def _go(self, page: int) -> None:
        self.pages.setCurrentIndex(page)
        self.step.setText(f"Step {page + 1} of {len(STEPS)}")
        titles = (
            "Which window is the game?",
            "Which keys does it have?",
            "How far does the mouse turn?",
            "Does it turn as you do?",
            "What is it called?",
        )
        self.heading.setText(titles[page])
        self.setAccessibleDescription(titles[page])
        self.note.setText("")
        self.next.setText("Save" if page == len(STEPS) - 1 else "Next")
        self._show_ready()
        if page == 1:
            self._show_lesson()
            self.pad.setFocus()
        if page == 4:
            self.name.setFocus()

    def _show_ready(self) -> None:
        page = self.pages.currentIndex()
        ready = (
            self.window_info is not None,
            bool(self._lesson.keys),
            self._degrees is not None,
            self._came_back is not None,
            True,
        )
        self.next.setEnabled(ready[page])
        if page == 3:
            # A game may show nothing that a turn could be told by: then the person decides.
            self.next.setText("Next" if self._came_back is not False else "Next all the same")
        self.back.setEnabled(page > 0)

    def _on_back(self) -> None:
        page = self.pages.currentIndex()
        if page == 1 and self._lesson.keys:
            self._lesson.back()
            self._show_lesson()
            self.pad.setFocus()
            return
        self._stop_counting()
        self._go(max(0, page - 1))

    def _on_next(self) -> None:
        page = self.pages.currentIndex()
        if page == len(STEPS) - 1:
            self._save()
            return
        if page == 2:
            self._stop_counting()
        if page == 3 and not self.name.text():
            self.name.setText(short_name(self.window_info))
        self._go(page + 1)

    # The window

    def look(self) -> None:
        """Take pictures of the windows anew."""
        self.note.setText("")
        self._bridge.ask(self._look, self._show_candidates, replaces="look")

    def _look(self) -> tuple[Sequence[Candidate], frozenset[str]]:
        return self._calibration.candidates(), self._calibration.taken_names()

    def _show_candidates(self, found: tuple[Sequence[Candidate], frozenset[str]]) -> None:
        self._candidates, self._taken = found
        self._to_front()
        self.grid.show_candidates(self._candidates)
        if not self._candidates:
            self.note.setText("No window of another program is open; start the game first.")

    def choose(self, number: int) -> None:
        """Take a window."""
        self.window_info = self._candidates[number].window
        self._show_ready()

    # The keys

    def _on_key(self, name: str) -> None:
        self._lesson.press(name)
        self._show_lesson()

    def _show_lesson(self) -> None:
        control = self._lesson.asking
        self.asking.setText("That is all" if control is None else control_words(control))
        learnt = [
            f"{control_words(each)}: {short_key(key)}" for each, key in self._lesson.keys.items()
        ]
        self.learnt.setText("   ·   ".join(learnt))
        self.note.setText(self._lesson.problem)
        set_role(self.pad, tone="agent" if control is None else "person")
        self._show_ready()

    # The mouse

    def _on_turn(self) -> None:
        window = self.window_info
        if window is None:
            return
        self.note.setText("")
        self._degrees = None
        self._came_back = None
        self._bridge.ask(
            lambda: self._calibration.begin_turn(window), lambda _nothing: self._count_timer.start()
        )

    def _show_counts(self) -> None:
        counts = self._calibration.turned_counts()
        self.counts.setText(f"{abs(counts):.0f} counts")
        try:
            self._degrees = degrees_of_turn(counts)
        except KnownError:
            # Not yet around; said when the person goes on all the same.
            self._degrees = None
        self._show_ready()

    def _stop_counting(self) -> None:
        self._count_timer.stop()
        self._bridge.ask(self._calibration.end_turn)

    # The trial

    def _on_trial(self) -> None:
        window = self.window_info
        try:
            profile = self._profile("trial")
        except KnownError as error:
            self.note.setText(error.sentence)
            return
        if window is None:
            return
        self.note.setText("")
        self.came_back.setText("Turning …")
        self.trial.setEnabled(False)
        self._bridge.ask(
            lambda: self._calibration.check(profile, window),
            self._show_trial,
            failed=self._trial_failed,
        )

    def _show_trial(self, trial: Trial) -> None:
        self.trial.setEnabled(True)
        self._delay_ms = trial.delay_ms
        good = self._came_back = trial.off < CAME_BACK
        self.came_back.setText(
            "It came back to where it began: the mouse is calibrated."
            if good
            else "It did not come back to where it began; go back and turn around once more."
        )
        set_role(self.came_back, tone="agent" if good else "person")
        self._show_ready()
        self._to_front()

    def _trial_failed(self, sentence: str) -> None:
        self.trial.setEnabled(True)
        self.came_back.setText("")
        self._came_back = False
        self._show_ready()
        self.note.setText(sentence)
        self._to_front()

    def _to_front(self) -> None:
        if (parent := self.parentWidget()) is not None:
            parent.window().raise_()
        self.raise_()
        self.activateWindow()

    # The name

    def _on_chat(self, key: str) -> None:
        self._chat_key = key
        self.chat.show_key(key)

    def _profile(self, name: str) -> Profile:
        """Return what was learnt; raises KnownError where it is no whole profile."""
        if self.window_info is None:
            raise RuntimeError("no window was chosen")
        made = new_profile(
            name, self.window_info, self._lesson.keys, self._degrees or 0.0, chat=self._chat_key
        )
        return replace(made, input_to_frame_ms=self._delay_ms)

    def _save(self) -> None:
        name = self.name.text().strip()
        if name in self._taken:
            self.note.setText(f"There is a game called {name} already; choose another name.")
            return
        try:
            profile = self._profile(name)
        except KnownError as error:
            self.note.setText(error.sentence)
            return
        self._bridge.ask(
            lambda: self._calibration.save(profile), lambda _path: self._on_saved(name)
        )

    def _on_saved(self, name: str) -> None:
        self.accept()
        self.made.emit(name)

    # Qt's events

    def done(self, result: int) -> None:
        """Stop counting and let the screen go."""
        self._count_timer.stop()
        self._bridge.close()
        self._calibration.close()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close as by Cancel."""
        self.reject()
        event.accept()
