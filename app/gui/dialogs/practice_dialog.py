"""What the agent is to practise by itself: which sentences, and for how long."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QSpinBox,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.backend.ports import PracticeWish, SentenceFacts
from app.gui.dialogs.sentences_dialog import SENTENCE_ROLE, fits
from app.gui.style.dialog_parts import give_size
from app.gui.style.sentence_table import sentence_search, sentence_tree, tell_share
from app.gui.style.theme import GRID, Theme
from app.gui.style.widgets import button, label
from recorder.games.sentences import normalise_instruction

MINUTES = 10
MOST_MINUTES = 600
MOST_SENTENCES = 8
"""More at once get too few attempts each."""
INTRO = (
    "The agent plays fresh starts by itself, told the sentence or one like it that it knows, and "
    "does more often what succeeded. What never succeeds it cannot practise: show it first. You "
    "can play on meanwhile, which makes it slower."
)


BY_EYE = "judged by its own eye"


class PracticeDialog(QDialog):
    """Sentences that the game, or the own eye, judges with a tick each, and minutes.

    Signals: chosen(PracticeWish).
    """

    chosen = Signal(object)

    def __init__(
        self,
        facts: Sequence[SentenceFacts],
        ticked: Sequence[str],
        theme: Theme,
        parent: QWidget | None = None,
        *,
        agent: str = "",
    ) -> None:
        """``ticked`` are sentences, in any words that are judged: they stand first, ticked.

        ``agent`` is the title of what plays, and so practises.
        """
        super().__init__(parent)
        self.setWindowTitle("Let it practise")
        give_size(self, 680, 620)
        self.search = sentence_search()
        told = f" The agent that is in use now practises: {agent}." if agent else ""
        self.intro = label(INTRO + told, "muted", wrap=True)
        self.tree = sentence_tree(theme, "Practise", "Sentences to practise")
        self.tree.setRootIsDecorated(False)
        self.minutes = QSpinBox()
        self.minutes.setRange(1, MOST_MINUTES)
        self.minutes.setValue(MINUTES)
        self.minutes.setSuffix(" min")
        self.minutes.setAccessibleName("How many minutes it practises")
        self.why_not = label("", "caption", wrap=True)
        self.begin = button("Practise", "agent")
        self._rows = [self._row(each, said) for each, said in _in_order(facts, ticked)]
        self._build()
        self.search.textChanged.connect(self._filter)
        self.tree.itemChanged.connect(self._look)
        self.begin.clicked.connect(self._begin)
        self._look()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is ticked."""
        return tuple(
            str(item.data(0, SENTENCE_ROLE))
            for item, _ in self._rows
            if item.checkState(0) is Qt.CheckState.Checked
        )

    def _row(self, facts: SentenceFacts, said: str) -> tuple[QTreeWidgetItem, SentenceFacts]:
        item = QTreeWidgetItem(self.tree, [said or facts.sentence, ""])
        item.setData(0, SENTENCE_ROLE, said or facts.sentence)
        state = Qt.CheckState.Checked if said else Qt.CheckState.Unchecked
        item.setCheckState(0, state)
        tell_share(item, facts.good, facts.tries, taught=facts.taught)
        if not facts.verb:
            # None of the game's own sentences.
            item.setText(1, BY_EYE)
        return item, facts

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addWidget(label("Let it practise", "title"))
        layout.addWidget(self.intro)
        layout.addWidget(self.search)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.why_not)
        foot = QHBoxLayout()
        foot.addWidget(label("For"))
        foot.addWidget(self.minutes)
        foot.addStretch(1)
        close = button("Cancel")
        close.clicked.connect(self.reject)
        foot.addWidget(close)
        foot.addWidget(self.begin)
        layout.addLayout(foot)

    def _filter(self, typed: str) -> None:
        """Show what fits; what is ticked stays in sight."""
        for item, facts in self._rows:
            ticked = item.checkState(0) is Qt.CheckState.Checked
            item.setHidden(not (ticked or fits(facts, typed)))

    def _look(self) -> None:
        """Say why it cannot begin."""
        count = len(self.sentences)
        why = ""
        if not count:
            why = "Tick what it is to practise."
        elif count > MOST_SENTENCES:
            why = f"{count} sentences get too few attempts each; tick at most {MOST_SENTENCES}."
        self.why_not.setText(why)
        self.begin.setEnabled(not why)

    def _begin(self) -> None:
        wish = PracticeWish(self.sentences, float(self.minutes.value()))
        self.accept()
        self.chosen.emit(wish)


def _in_order(
    facts: Sequence[SentenceFacts], ticked: Sequence[str]
) -> list[tuple[SentenceFacts, str]]:
    """Return (facts, the words that are ticked or ""): ticked ones first, then the weakest.

    What is ticked and is none of the game's own is judged by the agent's own eye.
    """
    owners = {
        normalise_instruction(way): each.sentence
        for each in reversed(facts)
        for way in (*each.ways, each.sentence)
    }
    said_by: dict[str, str] = {}
    for said in ticked:
        said_by.setdefault(owners.get(normalise_instruction(said), said), said)
    listed = {each.sentence for each in facts}
    facts = [*facts, *(SentenceFacts(each) for each in said_by if each not in listed)]

    def rank(each: SentenceFacts) -> tuple[bool, bool, float]:
        return (
            each.sentence not in said_by,
            not each.tries,
            each.good / each.tries if each.tries else 0.0,
        )

    return [(each, said_by.get(each.sentence, "")) for each in sorted(facts, key=rank)]
