"""What plays, where it comes from, on which device and why; and the list to change it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QLabel,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.backend.ports import AdapterFacts, AgentFacts
from app.backend.readable import when
from app.gui.style.dialog_parts import button_row, confirmed, give_size
from app.gui.style.theme import GRID, Theme, scaled, ui_font
from app.gui.style.widgets import Card, button, label
from app.gui.teach.verdict_card import TITLES

ROW_HEIGHT = 30
CHIP_HEIGHT = 26
TOLD = 3
"""So many taught sentences of an adapter are told in the list."""


class Lineage(QWidget):
    """The chain from the base to what is in use; the last link wears the person's colour.

    Where it does not fit, links in the middle become an ellipsis.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._chain: tuple[str, ...] = ()
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_chain(self, chain: Sequence[str]) -> None:
        """Show these titles, the base first."""
        self._chain = tuple(chain)
        words = " → ".join(chain)
        self.setAccessibleName(f"Lineage: {words}")
        self.setToolTip(words)
        self.update()

    def sizeHint(self) -> QSize:
        """Return a height of one chip."""
        return QSize(200, scaled(ROW_HEIGHT))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw chips and the lines between them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        x = 1.0
        middle, chip = round(self.height() / 2), scaled(CHIP_HEIGHT)
        shown = self._fitting()
        for index, (title, width) in enumerate(shown):
            if index:
                painter.setPen(QPen(self._theme.colour("line"), 2))
                painter.drawLine(round(x), middle, round(x + 12), middle)
                x += 12
            taught = index == len(shown) - 1 and len(self._chain) > 1
            box = QRectF(x, 2, width, chip)
            painter.setPen(QPen(self._theme.colour("person" if taught else "line"), 1.5))
            painter.setBrush(self._theme.colour("person_tint" if taught else "raised"))
            painter.drawRoundedRect(box, chip / 2, chip / 2)
            painter.setPen(self._theme.colour("person_text" if taught else "text"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, title)
            x += width
        painter.end()

    def _restyle(self) -> None:
        self._font = ui_font(12, bold=True)
        self.setFixedHeight(scaled(ROW_HEIGHT))
        self.update()

    def _fitting(self) -> list[tuple[str, float]]:
        measure = QFontMetricsF(self._font)

        def width_of(titles: list[str]) -> float:
            return sum(measure.horizontalAdvance(t) + 24 for t in titles) + 12 * (len(titles) - 1)

        titles = list(self._chain)
        while len(titles) > 3 and width_of(titles) > self.width() - 4:
            middle = titles[1:-1]
            keep = [t for t in middle if t != "…"][1:]
            titles = [titles[0], "…", *keep, titles[-1]]
            if not keep:
                break
        room = (self.width() - 4 - 12 * (len(titles) - 1)) / max(len(titles), 1)
        too_wide = width_of(titles) > self.width() - 4
        result = []
        for title in titles:
            if too_wide:
                text = measure.elidedText(title, Qt.TextElideMode.ElideRight, max(room - 24, 12))
            else:
                text = title
            result.append((text, measure.horizontalAdvance(text) + 24))
        return result


class AgentPanel(Card):
    """The agent card.

    Signals: change_asked().
    """

    change_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__("Agent")
        self.change = button("Change …", "link")
        self.change.setAccessibleName("Change which agent plays")
        self.head.addWidget(self.change)
        self.lineage = Lineage(theme)
        self.device = label("", "muted", wrap=True)
        self.problem = label("", "", "bad", wrap=True)
        self.body.addWidget(self.lineage)
        self.body.addWidget(self.device)
        self.body.addWidget(self.problem)
        self.problem.hide()
        self.change.clicked.connect(self.change_asked)
        self.show_loading()

    def show_loading(self) -> None:
        """Say that the model is on its way."""
        self.lineage.show_chain(["loading"])
        self.device.setText("The model is being loaded; the window is ready before it.")

    def show_problem(self, sentence: str) -> None:
        """Say why nothing can play."""
        self.lineage.show_chain(["none"])
        self.device.setText("")
        self.problem.setText(sentence)
        self.problem.show()

    def show_facts(self, facts: AgentFacts) -> None:
        """Show what plays and why there."""
        self.lineage.show_chain(facts.chain or (facts.base,))
        self.device.setText(" ".join(part for part in (facts.device, facts.speed) if part))
        self.problem.setText(facts.problem)
        self.problem.setVisible(bool(facts.problem))


def story_of(adapter: AdapterFacts, now_s: float) -> str:
    """Return when an adapter was made and how it was judged, and below it what it was taught."""
    words = TITLES[adapter.verdict].lower() if adapter.verdict else "not measured yet"
    if not adapter.passed_gates:
        words += ", a check failed"
    if adapter.made_wall_s:
        words = f"{when(adapter.made_wall_s, now_s)} · {words}"
    taught = [
        f"{line.name}: {line.before} → {line.after} of {line.n}" if line.n else line.name
        for line in adapter.taught
    ]
    more = [f"and {len(taught) - TOLD} more"] if len(taught) > TOLD else []
    return "\n".join([words, *taught[:TOLD], *more])


class AgentsDialog(QDialog):
    """Every adapter with its verdict; choosing one makes it play from the next episode on.

    Signals: use_asked(object) with an adapter id, None for the bare base; back_asked().
    """

    use_asked = Signal(object)
    back_asked = Signal()

    def __init__(self, facts: AgentFacts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose the agent")
        give_size(self, 460, 400)
        self._facts = facts
        self._group = QButtonGroup(self)
        self._choices: list[AdapterFacts | None] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addWidget(label("Choose the agent", "title"))
        layout.addWidget(
            label(
                "Every round made one adapter on top of its parent. "
                "The choice counts from the next attempt on, and can be undone.",
                "muted",
                wrap=True,
            )
        )
        layout.addWidget(self._list(), 1)
        self.back = button("Undo the last change", "link")
        self.use = button("Use it", "agent")
        close = button("Close")
        layout.addLayout(button_row(close, self.use, aside=self.back))
        self.use.clicked.connect(self._on_use)
        self.back.clicked.connect(self._on_back)
        close.clicked.connect(self.reject)

    def _list(self) -> QScrollArea:
        inner = QWidget()
        inner.setProperty("role", "scrolled")
        rows = QVBoxLayout(inner)
        rows.setSpacing(2)
        self._add(rows, None, f"{self._facts.base} (the bare base)", "")
        for adapter in self._facts.adapters:
            self._add(rows, adapter, adapter.title, story_of(adapter, time.time()))
        rows.addStretch(1)
        area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        return area

    def _add(self, rows: QVBoxLayout, adapter: AdapterFacts | None, title: str, words: str) -> None:
        choice = QRadioButton(title)
        choice.setChecked((adapter.id if adapter else None) == self._facts.active)
        self._group.addButton(choice, len(self._choices))
        self._choices.append(adapter)
        rows.addWidget(choice)
        if words:
            detail: QLabel = label(words, "caption")
            detail.setContentsMargins(33, 0, 0, 6)
            rows.addWidget(detail)

    def _on_use(self) -> None:
        adapter = self._choices[self._group.checkedId()]
        if adapter is not None and not adapter.passed_gates:
            wanted = confirmed(
                self,
                "Try it anyway?",
                f"“{adapter.title}” failed a check after its training, so it may play worse "
                "than its parent. You can go back in one click.",
                "Try it",
            )
            if not wanted:
                return
        self.use_asked.emit(adapter.id if adapter else None)
        self.accept()

    def _on_back(self) -> None:
        self.back_asked.emit()
        self.accept()
