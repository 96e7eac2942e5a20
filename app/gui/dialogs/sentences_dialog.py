"""What can be said: the sentences that the game judges, by verb, and how well the agent does."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.backend.ports import SentenceFacts
from app.gui.style.dialog_parts import give_size
from app.gui.style.sentence_table import sentence_search, sentence_tree, tell_share
from app.gui.style.theme import GRID, Theme
from app.gui.style.widgets import button, label

SENTENCE_ROLE = Qt.ItemDataRole.UserRole
OPEN_UP_TO = 60
"""So many sentences that fit the search are shown without opening their verb."""
INTRO = (
    "These are the sentences that the game itself judges. You can type anything else too; of that "
    "you are the judge. Other words for the same are understood."
)


class SentencesDialog(QDialog):
    """The list, its search, and a way to play what is chosen.

    Signals: chosen(str) with a sentence to be played.
    """

    chosen = Signal(str)

    def __init__(
        self, facts: Sequence[SentenceFacts], theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._facts = facts
        self.setWindowTitle("What can I say?")
        give_size(self, 720, 640)
        self.search = sentence_search()
        self.tree = sentence_tree(theme, "Sentence", "Sentences by verb")
        self.none = label("", "muted", wrap=True)
        self.play = button("Play it", "agent")
        self._build()
        self.search.textChanged.connect(self._fill)
        self.tree.itemActivated.connect(self._on_activated)
        self.tree.currentItemChanged.connect(self._on_current)
        self.search.returnPressed.connect(self._play_current)
        self.play.clicked.connect(self._play_current)
        self._fill("")
        self.search.setFocus()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addWidget(label("What can I say?", "title"))
        layout.addWidget(label(INTRO, "muted", wrap=True))
        layout.addWidget(self.search)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.none)
        foot = QHBoxLayout()
        foot.addStretch(1)
        close = button("Close")
        close.clicked.connect(self.reject)
        foot.addWidget(close)
        foot.addWidget(self.play)
        layout.addLayout(foot)

    def _fill(self, typed: str) -> None:
        self.tree.clear()
        found = [each for each in self._facts if fits(each, typed)]
        groups: dict[str, list[SentenceFacts]] = {}
        for each in found:
            groups.setdefault(each.verb.replace("_", " ") or "other", []).append(each)
        first: QTreeWidgetItem | None = None
        for verb, group in groups.items():
            top = QTreeWidgetItem(self.tree, [f"{verb}  ({len(group)})", ""])
            top.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            tell_share(top, sum(each.good for each in group), sum(each.tries for each in group))
            for each in group:
                item = QTreeWidgetItem(top, [each.sentence, ""])
                item.setData(0, SENTENCE_ROLE, each.sentence)
                also = [way for way in each.ways if way != each.sentence]
                item.setToolTip(0, "\n".join(["Also:", *also]) if also else "")
                tell_share(item, each.good, each.tries, taught=each.taught)
                first = first or item
            top.setExpanded(len(found) <= OPEN_UP_TO)
        self.none.setText(
            "" if found else f"No sentence has “{typed}” in it. Type it anyway, and judge it."
        )
        self.none.setVisible(not found)
        if typed and first is not None:
            self.tree.setCurrentItem(first)
        self._on_current(self.tree.currentItem())

    def _on_current(self, item: QTreeWidgetItem | None) -> None:
        self.play.setEnabled(item is not None and bool(item.data(0, SENTENCE_ROLE)))

    def _on_activated(self, item: QTreeWidgetItem) -> None:
        if item.data(0, SENTENCE_ROLE):
            self._play_current()

    def _play_current(self) -> None:
        item = self.tree.currentItem()
        sentence = None if item is None else item.data(0, SENTENCE_ROLE)
        if sentence:
            self.accept()
            self.chosen.emit(str(sentence))


def fits(facts: SentenceFacts, typed: str) -> bool:
    """Return whether every typed word begins a word of one way to say the sentence."""
    wanted = typed.lower().split()
    return any(
        all(any(word.startswith(each) for word in way.lower().split()) for each in wanted)
        for way in (facts.sentence, *facts.ways)
    )
