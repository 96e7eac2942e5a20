"""The pages of the wizard that makes a profile, and what they have learnt of the game so far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QScrollArea, QVBoxLayout, QWidget

from app.backend.games.ports import Calibration, Trial
from app.gui.calls.async_calls import Bridge
from app.gui.dialogs.key_button import KeyButton, control_words
from app.gui.dialogs.wizard_parts import EmptyState, KeyPad, WindowGrid
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
NO_WINDOW = "No other program has a window open"
NO_WINDOW_TEXT = (
    "Start the game and leave it in a window, beside this one or behind it. Then look again, and "
    "click on its picture."
)


@dataclass(slots=True, eq=False)
class Draft:
    """What was learnt of a game so far; one for all pages.

    ``degrees`` are those of one mouse count.  ``came_back`` is None until the trial turn was tried.
    ``delay_ms`` is the measured time from input to picture.  ``taken`` are the names that a new
    game cannot have.
    """

    window: WindowInfo | None = None
    lesson: KeyLesson = field(default_factory=lambda: KeyLesson(shown=short_key))
    degrees: float | None = None
    came_back: bool | None = None
    delay_ms: float | None = None
    chat_key: str = ""
    taken: frozenset[str] = frozenset()

    def profile(self, name: str) -> Profile:
        """Return it as a profile; raises KnownError if it is no whole one."""
        if self.window is None:
            raise RuntimeError("no window was chosen")
        made = new_profile(
            name, self.window, self.lesson.keys, self.degrees or 0.0, chat=self.chat_key
        )
        return replace(made, input_to_frame_ms=self.delay_ms)


class WizardPage(QWidget):
    """A step: a sentence and what it is about, one below the other.

    Signals: changed() if it may have become ready or stopped to be so; noted(str) with a sentence
    for the line below the pages, "" for none; screen_left() when the wizard should come to the
    front again.
    """

    changed = Signal()
    noted = Signal(str)
    screen_left = Signal()
    title = ""

    def __init__(self, draft: Draft, text: str, *widgets: QWidget) -> None:
        super().__init__()
        self._draft = draft
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * GRID)
        self.intro = label(text, "muted", wrap=True)
        layout.addWidget(self.intro)
        large = [widget for widget in widgets if isinstance(widget, QScrollArea | EmptyState)]
        for widget in widgets:
            layout.addWidget(widget, 1 if widget in large else 0)
        if not large:
            layout.addStretch(1)

    @property
    def ready(self) -> bool:
        """Whether the wizard may go on from here."""
        return True

    @property
    def next_words(self) -> str:
        """What stands on the button that leads on."""
        return "Next"

    def enter(self) -> None:
        """Begin, each time that the wizard comes to this page."""

    def leave(self) -> None:
        """Stop what runs only while this page is shown."""

    def step_back(self) -> bool:
        """Take back one step inside the page; returns False if there is none to take back."""
        return False


class WindowPage(WizardPage):
    """Which window is the game."""

    title = "Which window is the game?"

    def __init__(self, draft: Draft, calibration: Calibration, bridge: Bridge) -> None:
        self.grid = WindowGrid()
        self.empty = EmptyState("Look again")
        self.look_again = button("Look again", "link")
        super().__init__(
            draft,
            "Click on the game's window. One that another window covers has no picture: bring it "
            "to the front and look again.",
            self.grid,
            self.empty,
            self.look_again,
        )
        self._calibration = calibration
        self._bridge = bridge
        self.candidates: Sequence[Candidate] = ()
        self.look_again.clicked.connect(self.look)
        self.empty.act.clicked.connect(self.look)
        self.grid.chosen.connect(self.choose)

    @property
    def ready(self) -> bool:
        """Whether a window was chosen."""
        return self._draft.window is not None

    def look(self) -> None:
        """Take pictures of the windows anew."""
        self.noted.emit("")
        self._draft.window = None
        self.changed.emit()
        self._show_empty("Looking for windows …", "", offers=False)
        self._bridge.ask(
            self._look, self._show_candidates, replaces="look", failed=self._show_failed
        )

    def _look(self) -> tuple[Sequence[Candidate], frozenset[str]]:
        return self._calibration.candidates(), self._calibration.taken_names()

    def _show_candidates(self, found: tuple[Sequence[Candidate], frozenset[str]]) -> None:
        self.candidates, self._draft.taken = found
        self.screen_left.emit()
        self.grid.show_candidates(self.candidates)
        if self.candidates:
            self._show_found(True)
        else:
            self._show_empty(NO_WINDOW, NO_WINDOW_TEXT)

    def _show_failed(self, sentence: str) -> None:
        self.screen_left.emit()
        self._show_empty("The windows could not be looked at", sentence)

    def _show_empty(self, title: str, text: str, *, offers: bool = True) -> None:
        self.empty.tell(title, text, offers=offers)
        self._show_found(False)

    def _show_found(self, found: bool) -> None:
        for part in (self.intro, self.grid, self.look_again):
            part.setVisible(found)
        self.empty.setVisible(not found)

    def choose(self, number: int) -> None:
        """Take a window."""
        self._draft.window = self.candidates[number].window
        self.changed.emit()


class KeysPage(WizardPage):
    """Which keys the game has: each control is pressed once."""

    title = "Which keys does it have?"

    def __init__(self, draft: Draft) -> None:
        self.pad = KeyPad()
        self.asking = label("", "figure")
        self.learnt = label("", "muted", wrap=True)
        inside = QVBoxLayout(self.pad)
        inside.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for each in (label("Press the key or mouse button for", "muted"), self.asking):
            each.setAlignment(Qt.AlignmentFlag.AlignCenter)
            inside.addWidget(each)
        super().__init__(
            draft,
            f"Here, not in the game. {SKIP_KEY} where the game has no such control; Back asks for "
            "the one before again.",
            self.pad,
            self.learnt,
        )
        self.pad.pressed.connect(self._on_key)

    @property
    def ready(self) -> bool:
        """Whether the game has any key."""
        return bool(self._draft.lesson.keys)

    def enter(self) -> None:
        """Ask for the next control."""
        self._show_lesson()
        self.pad.setFocus()

    def step_back(self) -> bool:
        """Ask for the control before again."""
        if not self._draft.lesson.keys:
            return False
        self._draft.lesson.back()
        self.enter()
        return True

    def _on_key(self, name: str) -> None:
        self._draft.lesson.press(name)
        self._show_lesson()

    def _show_lesson(self) -> None:
        lesson = self._draft.lesson
        control = lesson.asking
        self.asking.setText("That is all" if control is None else control_words(control))
        learnt = [f"{control_words(each)}: {short_key(key)}" for each, key in lesson.keys.items()]
        self.learnt.setText("   ·   ".join(learnt))
        self.noted.emit(lesson.problem)
        set_role(self.pad, tone="agent" if control is None else "person")
        self.changed.emit()


class MousePage(WizardPage):
    """How far the mouse turns: the person turns around once while it is counted."""

    title = "How far does the mouse turn?"

    def __init__(self, draft: Draft, calibration: Calibration, bridge: Bridge) -> None:
        self.turn = button("Begin to count", "person")
        self.counts = label("", "figure")
        super().__init__(
            draft,
            "The game comes to the front when you begin. Go on in it, turn around exactly once "
            "with the mouse until you see the same again, and come back to this window.",
            self.turn,
            self.counts,
        )
        self._calibration = calibration
        self._bridge = bridge
        self.count_timer = QTimer(self)
        self.count_timer.setInterval(COUNT_MS)
        self.count_timer.timeout.connect(self._show_counts)
        self.turn.clicked.connect(self._on_turn)

    @property
    def ready(self) -> bool:
        """Whether it went around once."""
        return self._draft.degrees is not None

    def leave(self) -> None:
        """Stop counting."""
        self.count_timer.stop()
        self._bridge.ask(self._calibration.end_turn, replaces="turn")

    def _on_turn(self) -> None:
        window = self._draft.window
        if window is None:
            return
        self.noted.emit("")
        self._draft.degrees = None
        self._draft.came_back = None
        self._bridge.ask(
            lambda: self._calibration.begin_turn(window),
            lambda _nothing: self.count_timer.start(),
            replaces="turn",
        )

    def _show_counts(self) -> None:
        counts = self._calibration.turned_counts()
        self.counts.setText(f"{abs(counts):.0f} counts")
        try:
            self._draft.degrees = degrees_of_turn(counts)
        except KnownError:
            # Not yet around; said when the person goes on all the same.
            self._draft.degrees = None
        self.changed.emit()


class TrialPage(WizardPage):
    """Whether the game turns as the person did."""

    title = "Does it turn as you do?"

    def __init__(self, draft: Draft, calibration: Calibration, bridge: Bridge) -> None:
        self.trial = button("Turn once around", "person")
        self.came_back = label("", "strong", wrap=True)
        super().__init__(
            draft,
            "Playteach turns the game once around by what you have shown. Stand where there is "
            "something to see, close the game's menus, and leave mouse and keyboard alone.",
            self.trial,
            self.came_back,
        )
        self._calibration = calibration
        self._bridge = bridge
        self.trial.clicked.connect(self._on_trial)

    @property
    def ready(self) -> bool:
        """Whether it was tried."""
        return self._draft.came_back is not None

    @property
    def next_words(self) -> str:
        """What stands on the button that leads on."""
        # A game may show nothing that a turn could be told by: then the person decides.
        return "Next" if self._draft.came_back is not False else "Next all the same"

    def _on_trial(self) -> None:
        window = self._draft.window
        try:
            profile = self._draft.profile("trial")
        except KnownError as error:
            self.noted.emit(error.sentence)
            return
        if window is None:
            return
        self.noted.emit("")
        self.came_back.setText("Turning …")
        self.trial.setEnabled(False)
        self._bridge.ask(
            lambda: self._calibration.check(profile, window),
            self._show_trial,
            failed=self._trial_failed,
        )

    def _show_trial(self, trial: Trial) -> None:
        self.trial.setEnabled(True)
        self._draft.delay_ms = trial.delay_ms
        good = self._draft.came_back = trial.off < CAME_BACK
        self.came_back.setText(
            "It came back to where it began: the mouse is calibrated."
            if good
            else "It did not come back to where it began; go back and turn around once more."
        )
        set_role(self.came_back, tone="agent" if good else "person")
        self.changed.emit()
        self.screen_left.emit()

    def _trial_failed(self, sentence: str) -> None:
        self.trial.setEnabled(True)
        self.came_back.setText("")
        self._draft.came_back = False
        self.changed.emit()
        self.noted.emit(sentence)
        self.screen_left.emit()


class NamePage(WizardPage):
    """What the game is called, and which key opens its chat.

    Signals: saved(str) with the game's name when its profile is kept.
    """

    saved = Signal(str)
    title = "What is it called?"

    def __init__(self, draft: Draft, calibration: Calibration, bridge: Bridge) -> None:
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the game")
        self.chat = KeyButton("chat", "")
        self.chat.setText("none")
        super().__init__(
            draft,
            "A short name for the game, in small letters, digits and underscores. If it has a "
            "chat: the key that opens it, so that nothing you write there is recorded.",
            self.name,
            label("Key that opens the chat", "strong"),
            self.chat,
        )
        self._calibration = calibration
        self._bridge = bridge
        self.chat.chosen.connect(self._on_chat)

    @property
    def next_words(self) -> str:
        """What stands on the button that ends it."""
        return "Save"

    def enter(self) -> None:
        """Propose a name if there is none."""
        if not self.name.text():
            self.name.setText(short_name(self._draft.window))
        self.name.setFocus()

    def save(self) -> None:
        """Keep the profile under the name, or say why it cannot be kept so."""
        name = self.name.text().strip()
        if name in self._draft.taken:
            self.noted.emit(f"There is a game called {name} already; choose another name.")
            return
        try:
            profile = self._draft.profile(name)
        except KnownError as error:
            self.noted.emit(error.sentence)
            return
        self._bridge.ask(
            lambda: self._calibration.save(profile), lambda _path: self.saved.emit(name)
        )

    def _on_chat(self, key: str) -> None:
        self._draft.chat_key = key
        self.chat.show_key(key)


def short_name(window: WindowInfo | None) -> str:
    """Return a name that a profile may have, made of a window's title."""
    words = re.findall(r"[a-z0-9]+", "" if window is None else window.title.lower())
    return "_".join(words)[:40].strip("_") or "my_game"
