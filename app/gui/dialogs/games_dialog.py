"""Choosing the game, and what is said before a game in a window of its own is watched."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.backend.games.ports import GameFacts, GameWish
from app.gui.style.dialog_parts import button_row, confirmed, give_size
from app.gui.style.theme import GRID, scaled
from app.gui.style.widgets import button, label

PRIVACY: tuple[tuple[str, str], ...] = (
    (
        "Only this game's window",
        "Pictures are taken of its window alone, and only while nothing lies over it. When it "
        "loses the keyboard, watching, playing and recording stop at once.",
    ),
    (
        "Only the keys it is played with",
        "What you type elsewhere is never kept. In the game only the keys of its controls are; "
        "any other key is a takeover without a name. While a chat is open nothing is recorded.",
    ),
    (
        "Only on this machine",
        "Recordings lie in your data folder and go nowhere. You can delete any of them, and "
        "erase the bin for good.",
    ),
    (
        "Your hands come first",
        "Touch keyboard or mouse in the game and the agent is silent. {panic} stops everything, "
        "whatever window you are in.",
    ),
)


class PrivacyDialog(QDialog):
    """Says once what is watched and kept of a game in a window of its own."""

    def __init__(self, title: str, panic_key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Before it watches")
        self.setFixedWidth(scaled(520))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(2)
        layout.addWidget(label(f"What Playteach sees of {title}", "title"))
        for head, text in PRIVACY:
            layout.addSpacing(GRID + GRID // 2)
            layout.addWidget(label(head, "strong"))
            layout.addWidget(label(text.format(panic=panic_key), "muted", wrap=True))
        # It opens by itself, maybe while somebody types: no stray key may have understood it.  (A
        # button box would make the button the default one.)
        self.understood = button("I understand", "agent")
        self.understood.setAutoDefault(False)
        self.understood.clicked.connect(self.accept)
        layout.addSpacing(GRID)
        layout.addWidget(self.understood, alignment=Qt.AlignmentFlag.AlignRight)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()


SLOWED_DETAIL = (
    "The game stands still while the agent thinks, so a slow machine or a large model loses no "
    "time. While you drive it runs as always."
)


class GamesDialog(QDialog):
    """Every game that is known, and the way to a new one.

    Signals: game_wanted(GameWish); new_asked() for a game that is not in the list.
    """

    game_wanted = Signal(object)
    new_asked = Signal()

    def __init__(self, games: Sequence[GameFacts], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose the game")
        give_size(self, 520, 420)
        self._games = tuple(games)
        self._group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addWidget(label("Choose the game", "title"))
        layout.addWidget(self._list(), 1)
        self.slowed = QCheckBox("Slowed time")
        self._slowed_detail = label("", "caption", wrap=True)
        self._slowed_detail.setContentsMargins(28, 0, 0, 6)
        layout.addWidget(self.slowed)
        layout.addWidget(self._slowed_detail)
        self.other = button("Another game …", "link")
        self.play = button("Play it", "agent")
        close = button("Close")
        layout.addLayout(button_row(close, self.play, aside=self.other))
        self.play.clicked.connect(self._on_open)
        self.other.clicked.connect(self._on_other)
        close.clicked.connect(self.reject)
        self._group.idToggled.connect(lambda _number, _on: self._show_choice())
        self.slowed.toggled.connect(lambda _on: self._show_ready())
        self._show_choice()

    def choose(self, name: str) -> None:
        """Mark a game."""
        for number, game in enumerate(self._games):
            if game.name == name:
                self._group.button(number).setChecked(True)

    def _list(self) -> QScrollArea:
        inner = QWidget()
        inner.setProperty("role", "scrolled")
        rows = QVBoxLayout(inner)
        rows.setSpacing(2)
        for number, game in enumerate(self._games):
            choice = QRadioButton(f"{game.title} (open)" if game.in_use else game.title)
            choice.setChecked(game.in_use)
            choice.setEnabled(not game.problem)
            self._group.addButton(choice, number)
            rows.addWidget(choice)
            detail = label(game.problem or game.detail, "caption", wrap=True)
            detail.setContentsMargins(28, 0, 0, 6)
            rows.addWidget(detail)
        rows.addStretch(1)
        area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        return area

    def _chosen(self) -> GameFacts | None:
        number = self._group.checkedId()
        return self._games[number] if number >= 0 else None

    def _show_choice(self) -> None:
        chosen = self._chosen()
        slowable = chosen is not None and chosen.slowable
        for part in (self.slowed, self._slowed_detail):
            part.setVisible(slowable)
        if chosen is not None and slowable:
            self.slowed.setEnabled(not chosen.slow_problem)
            self.slowed.setChecked(chosen.slowed)
            self._slowed_detail.setText(chosen.slow_problem or SLOWED_DETAIL)
        self._show_ready()

    def _show_ready(self) -> None:
        chosen = self._chosen()
        ready = chosen is not None and not chosen.problem
        if chosen is not None and chosen.in_use:
            # The open game can only be opened in the other time.
            ready = ready and chosen.slowable and self.slowed.isChecked() != chosen.slowed
        self.play.setEnabled(ready)

    def _on_open(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            return
        if chosen.command and not self._agrees(chosen):
            return
        self.accept()
        slowed = chosen.slowable and self.slowed.isChecked()
        self.game_wanted.emit(GameWish(chosen.name, chosen.command or None, slowed))

    def _agrees(self, game: GameFacts) -> bool:
        """Show the command as it is run, each argument for itself, and ask."""
        return confirmed(
            self,
            "Run this command?",
            f"The profile of {game.title} did not come with Playteach, and it starts the game by "
            "running:",
            "Run it",
            detail=" ".join(shlex.quote(part) for part in game.command),
        )

    def _on_other(self) -> None:
        self.accept()
        self.new_asked.emit()
