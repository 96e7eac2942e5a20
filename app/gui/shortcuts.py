"""Every action of the window in one table: it builds the menu, the tips and the F1 list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QMenu, QScrollArea, QVBoxLayout, QWidget

from app.gui.style.dialog_parts import give_size
from app.gui.style.theme import GRID
from app.gui.style.widgets import button, label, rule


@dataclass(frozen=True, slots=True)
class Entry:
    """One action: its id, group, words, keys (portable, "" for none) and explanation."""

    id: str
    group: str
    text: str
    keys: str
    tip: str


ENTRIES: tuple[Entry, ...] = (
    Entry("play", "Play", "Play", "F5", "Let the agent play the sentence that is typed"),
    Entry("pause", "Play", "Pause or go on", "F6", "Freeze the game and release every key"),
    Entry("demonstrate", "Play", "Show it myself", "F7", "Record a demonstration: you play"),
    Entry("hand_back", "Play", "Hand back", "F8", "Give the controls back to the agent"),
    Entry("success", "Play", "Mark as done", "F9", "End this attempt as a success"),
    Entry("failure", "Play", "Mark as failed", "F10", "End this attempt as a failure"),
    Entry("stop", "Play", "Stop", "Shift+F5", "End this attempt without a verdict"),
    Entry("reset", "Play", "Reset", "Ctrl+R", "Show a new start of the same task"),
    Entry("seed", "Play", "Reset with a seed …", "Ctrl+Shift+R", "Choose the start by number"),
    Entry("instruction", "Go to", "Instruction", "Ctrl+L", "Type what it should do"),
    Entry(
        "sentences", "Go to", "What can I say? …", "Ctrl+K", "Every sentence, and how well it does"
    ),
    Entry("view", "Go to", "Game view", "Ctrl+G", "Give the game the keys and the mouse"),
    Entry("page_play", "Go to", "Play", "Ctrl+1", "The game and the agent"),
    Entry("page_library", "Go to", "Library", "Ctrl+2", "Everything that was recorded"),
    Entry("page_teach", "Go to", "Teach", "Ctrl+3", "What was collected, and the next round"),
    Entry("search", "Go to", "Find in the library", "Ctrl+F", "Filter the recorded attempts"),
    Entry("first_lesson", "Teach", "First lesson", "", "Leads you through a lesson, in minutes"),
    Entry("teach", "Teach", "Teach the agent", "Ctrl+T", "Start a round on what was collected"),
    Entry("practise", "Teach", "Let it practise …", "Ctrl+P", "It plays by itself and learns"),
    Entry("cancel_round", "Teach", "Cancel the round", "Ctrl+Shift+T", "Leave the agent as it is"),
    Entry("use", "Teach", "Use the new agent", "Ctrl+U", "Let the round's result play"),
    Entry("go_back", "Teach", "Go back to the agent before", "Ctrl+Shift+Z", "Undo the change"),
    Entry("lessons", "Teach", "Your lessons …", "Ctrl+J", "Each sentence taught, and how well"),
    Entry("agents", "Teach", "Choose the agent …", "Ctrl+Shift+A", "The base and every adapter"),
    Entry("undo", "Library", "Undo delete", "Ctrl+Z", "Bring back what was deleted last"),
    Entry("delete", "Library", "Delete what is chosen", "Ctrl+Backspace", "Put it into the bin"),
    Entry("games", "Window", "Choose the game …", "Ctrl+O", "The yard, Luanti, or any window"),
    Entry("models", "Window", "Choose the model …", "Ctrl+M", "Practice, a checkpoint, a server"),
    Entry("full_screen", "Window", "Full screen", "F11", "Fill the screen, or stop filling it"),
    Entry("settings", "Window", "Settings …", "Ctrl+,", "Keys, mouse, hand-back, data, look"),
    Entry("welcome", "Window", "Show the three steps", "", "The introduction of the first start"),
    Entry("diagnostics", "Window", "Copy diagnostics", "Ctrl+Shift+C", "For a report of a problem"),
    Entry("log", "Window", "Show the log", "Ctrl+Shift+L", "What Playteach has written down"),
    Entry("help", "Window", "Keyboard shortcuts", "F1", "This list"),
    Entry("about", "Window", "About Playteach", "", "Version and licences"),
    Entry("quit", "Window", "Quit", "Ctrl+Q", "Stop, save and close"),
)

FIXED_KEYS: tuple[tuple[str, str, str], ...] = (
    ("Esc", "Release everything and pause", "Works everywhere, always"),
    ("Enter in the instruction", "Play", "Or change what the agent is doing"),
    ("↑ ↓ in the instruction", "Earlier sentences", "What you typed before"),
    ("Any game key in the view", "Take over", "The agent is silent at once"),
    ("Click into the view", "Take the keys and the mouse", "Esc lets them go"),
    ("Enter in the view", "Hand back", "The agent goes on"),
    ("Space in the library", "Play back or hold", "Left and right step through"),
    ("Shift, Ctrl in the library", "Choose several", "Ctrl+A chooses all; Del deletes them"),
)
"""What keys do that are no actions: (keys, what, more)."""

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(entry.group for entry in ENTRIES))


def spoken_keys(keys: str) -> str:
    """Return keys as this platform writes them ("Ctrl+R", "⌘R")."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def make_actions(parent: QWidget, handlers: Mapping[str, Callable[[], None]]) -> dict[str, QAction]:
    """Return every action by id, added to ``parent``; raises KeyError for a missing handler."""
    actions: dict[str, QAction] = {}
    for entry in ENTRIES:
        action = QAction(entry.text, parent)
        action.setObjectName(entry.id)
        if entry.keys:
            action.setShortcut(QKeySequence(entry.keys))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setToolTip(tip_of(entry.id))
        handler = handlers[entry.id]
        action.triggered.connect(lambda _checked=False, run=handler: run())
        parent.addAction(action)
        actions[entry.id] = action
    return actions


def tip_of(entry_id: str) -> str:
    """Return an action's explanation with its keys, for tool tips."""
    entry = next(e for e in ENTRIES if e.id == entry_id)
    return f"{entry.tip} ({spoken_keys(entry.keys)})" if entry.keys else entry.tip


def fill_menu(menu: QMenu, actions: Mapping[str, QAction]) -> None:
    """Put every action into the menu, a submenu a group, the window's own at the end."""
    for group in GROUPS:
        target = menu if group == "Window" else menu.addMenu(group)
        if group == "Window":
            menu.addSeparator()
        for entry in ENTRIES:
            if entry.group == group:
                target.addAction(actions[entry.id])


class ShortcutsDialog(QDialog):
    """The list of F1."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        give_size(self, 820, 720)
        inner = QWidget()
        inner.setProperty("role", "scrolled")
        columns = QGridLayout(inner)
        columns.setHorizontalSpacing(5 * GRID)
        columns.setVerticalSpacing(2 * GRID)
        left, right = QVBoxLayout(), QVBoxLayout()
        left.addLayout(_section("While you play", FIXED_KEYS))
        for group in GROUPS:
            rows = tuple((spoken_keys(e.keys), e.text, e.tip) for e in ENTRIES if e.group == group)
            target = left if group in {"Teach", "Library"} else right
            target.addLayout(_section(group, rows))
        for column, layout in enumerate((left, right)):
            layout.setSpacing(2 * GRID)
            layout.addStretch(1)
            columns.addLayout(layout, 0, column)
            columns.setColumnStretch(column, 1)
        area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.addWidget(label("Keyboard shortcuts", "title"))
        layout.addWidget(area, 1)
        close = button("Close")
        close.clicked.connect(self.reject)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)


def _section(title: str, rows: tuple[tuple[str, str, str], ...]) -> QVBoxLayout:
    layout = QVBoxLayout()
    layout.setSpacing(6)
    layout.addWidget(label(title, "strong", "agent"))
    layout.addWidget(rule())
    grid = QGridLayout()
    grid.setHorizontalSpacing(2 * GRID)
    grid.setVerticalSpacing(5)
    for row, (keys, text, tip) in enumerate(rows):
        words = label(text)
        words.setToolTip(tip)
        grid.addWidget(words, row, 0)
        grid.addWidget(label(keys or "menu", "muted"), row, 1, Qt.AlignmentFlag.AlignRight)
    layout.addLayout(grid)
    return layout
