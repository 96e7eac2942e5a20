"""The teach card: what was collected from the person, and the round that learns from it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QProgressBar, QStackedWidget, QWidget

from app.backend.ports import Gate, RoundUpdate, TeachFacts
from app.backend.readable import spoken_duration
from app.gui.style import icons
from app.gui.style.theme import GRID, Theme
from app.gui.style.widgets import Card, Elided, Figure, FlowLayout, Notice, ShareBar, button, label
from app.gui.teach.lesson_list import LessonList
from app.gui.teach.loss_curve import LossCurve

EMPTY_TEXT = "No corrections yet. Press Play, and touch any game key when it goes wrong."


class TeachPanel(Card):
    """Collected, Retrain, progress, loss, gates.

    Signals: round_asked(), cancel_asked(), and those of :class:`LessonList`.
    """

    round_asked = Signal()
    cancel_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__("Teach", "since the last round")
        self._theme = theme
        self._facts = TeachFacts()
        self._busy = False
        self._gates: dict[str, Gate] = {}
        self.episodes = Figure("attempts")
        self.corrections = Figure("corrections", "person")
        self.person = Figure("of you", "person")
        self._mix = ShareBar(theme)
        self.sentence = label(EMPTY_TEXT, "muted", wrap=True)
        self.lessons = LessonList()
        self.retrain = button("Teach the agent", "person")
        self.retrain.setProperty("size", "large")
        self.why_not = label("", "caption", wrap=True)
        # It must not make the panel wider than its place: what lies right of it would be cut off.
        self.stage = Elided("", "strong")
        self.left = label("", "muted")
        self.progress = QProgressBar()
        self.cancel = button("Cancel", "link")
        self.curve = LossCurve(theme)
        self._gate_row = QWidget()
        self._gate_flow = FlowLayout(spacing=9)
        self.notice = Notice(theme)
        self._swap = QStackedWidget()
        self._build()
        self._connect_signals()
        self.show_facts(self._facts)

    @property
    def busy(self) -> bool:
        """Whether a round runs."""
        return self._busy

    def show_facts(self, facts: TeachFacts) -> None:
        """Show what has been collected."""
        self._facts = facts
        self.episodes.show_value(str(facts.episodes), "attempt" + _plural(facts.episodes))
        self.corrections.show_value(
            str(facts.corrections), "correction" + _plural(facts.corrections)
        )
        self.person.show_value(spoken_duration(facts.person_s), "of you")
        self._mix.show_parts(
            [("person" if name.startswith("your") else "agent", share) for name, share in facts.mix]
        )
        self._mix.setToolTip(", ".join(f"{name} {100 * share:.0f} %" for name, share in facts.mix))
        self._mix.setAccessibleName(f"Next round: {self._mix.toolTip() or 'nothing yet'}")
        self.sentence.setText(facts.sentence or EMPTY_TEXT)
        self.lessons.show_lessons(facts.lessons)
        when = "" if facts.predicted_s is None else f" · about {spoken_duration(facts.predicted_s)}"
        self.retrain.setText(f"Teach the agent{when}")
        self.retrain.setEnabled(not facts.blocked and not self._busy)
        # The empty state already says what to do; a second sentence would only repeat it.
        self.why_not.setText(facts.blocked if facts.sentence else "")
        self.why_not.setVisible(bool(self.why_not.text()))

    def begin_round(self) -> None:
        """Put the progress in the button's place."""
        self._busy = True
        self.notice.clear()
        self.curve.clear()
        self.curve.show()
        self._gates.clear()
        self._gate_flow.clear()
        self._gate_row.hide()
        self.stage.setText("Starting")
        self.left.setText("")
        self.progress.setRange(0, 0)
        self._swap.setCurrentIndex(1)
        self.cancel.setEnabled(True)
        self.show_facts(self._facts)

    def show_update(self, update: RoundUpdate) -> None:
        """Show news of the round; the final update brings the button back."""
        if update.stage:
            self.stage.setText(update.stage)
        if update.steps is not None:
            self.curve.expect(update.steps)
            self.progress.setRange(0, update.steps)
        if update.step is not None:
            self.progress.setValue(update.step)
            self.progress.setAccessibleName(f"Step {update.step} of {self.progress.maximum()}")
            if update.loss is not None or update.held_out is not None:
                self.curve.add(update.step, update.loss, update.held_out)
        if update.left_s is not None:
            self.left.setText(f"{spoken_duration(update.left_s)} left")
        elif update.stage:
            self.left.setText("")
        if update.aside:
            told = f"{self.notice.text()} {update.aside}".strip()
            self.notice.tell(told, tone="agent")
        for gate in update.gates:
            self._gates[gate.name] = gate
        if update.gates:
            self._show_gates()
        if update.finished:
            self._end_round(update)

    def show_cancelling(self) -> None:
        """Say that the round is being stopped."""
        self.stage.setText("Stopping")
        self.left.setText("")
        self.cancel.setEnabled(False)

    def _end_round(self, update: RoundUpdate) -> None:
        self._busy = False
        self._swap.setCurrentIndex(0)
        self.notice.clear()
        if update.problem:
            self.notice.tell(update.problem)
        elif update.verdict is None:
            self.notice.tell("The round was cancelled; the agent is as it was.", tone="agent")
        if not any(self.curve.points):
            self.curve.hide()
        self.show_facts(self._facts)

    def _show_gates(self) -> None:
        self._gate_flow.clear()
        self._gate_flow.addWidget(label("Checks", "muted"))
        for gate in self._gates.values():
            self._gate_flow.addWidget(self._gate_mark(gate))
        self._gate_row.show()
        for index in range(self._gate_flow.count()):
            item = self._gate_flow.itemAt(index)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.show()
        self._gate_row.updateGeometry()

    def _gate_mark(self, gate: Gate) -> QWidget:
        name, token, word = {
            True: ("check", "ok_text", "passed"),
            False: ("cross", "bad_text", "failed"),
            None: ("stopped", "muted", "not run"),
        }[gate.passed]
        mark = QWidget()
        layout = QHBoxLayout(mark)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        picture = label("")
        picture.setPixmap(
            icons.pixmap(name, self._theme.colour(token), 14, self.devicePixelRatioF())
        )
        layout.addWidget(picture)
        layout.addWidget(label(gate.name))
        mark.setToolTip(gate.detail)
        mark.setAccessibleName(f"{gate.name}: {word}. {gate.detail}")
        return mark

    def _build(self) -> None:
        figures = QGridLayout()
        figures.setContentsMargins(0, 0, 0, 0)
        for column, figure in enumerate((self.episodes, self.corrections, self.person)):
            figures.addWidget(figure, 0, column)
            figures.setColumnStretch(column, 1)
        self.body.addLayout(figures)
        self.body.addWidget(self._mix)
        self.body.addWidget(self.sentence)
        self.body.addWidget(self.lessons)
        self._swap.addWidget(self.retrain)
        running = QWidget()
        grid = QGridLayout(running)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(GRID // 2)
        grid.addWidget(self.stage, 0, 0)
        grid.addWidget(self.left, 0, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self.cancel, 0, 2)
        grid.addWidget(self.progress, 1, 0, 1, 3)
        grid.setColumnStretch(0, 1)
        self.progress.setTextVisible(False)
        self._swap.addWidget(running)
        self._swap.setFixedHeight(46)
        self.body.addWidget(self._swap)
        self.body.addWidget(self.why_not)
        self.body.addWidget(self.notice)
        self.body.addWidget(self.curve)
        self.curve.hide()
        self._gate_row.setLayout(self._gate_flow)
        self.body.addWidget(self._gate_row)
        self._gate_row.hide()

    def _connect_signals(self) -> None:
        self.retrain.clicked.connect(self.round_asked)
        self.cancel.clicked.connect(self.cancel_asked)
        self._theme.changed.connect(self._on_theme_changed)

    def _on_theme_changed(self) -> None:
        if self._gates:
            self._show_gates()


def _plural(count: int) -> str:
    return "" if count == 1 else "s"
