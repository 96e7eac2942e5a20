"""The teach card: what was collected from the person, and the round that learns from it."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QProgressBar, QStackedWidget, QWidget

from app.backend.ports import Gate, RoundPart, RoundUpdate, TeachFacts
from app.backend.readable import spoken_duration
from app.gui.shortcuts import tip_of
from app.gui.style import icons
from app.gui.style.theme import GRID, Theme
from app.gui.style.widgets import Card, Elided, Figure, FlowLayout, Notice, ShareBar, button, label
from app.gui.teach.lesson_list import LessonList
from app.gui.teach.loss_curve import LossCurve
from app.session.api import Snapshot
from recorder.types import Driver

CORRECTING_TEXT = "Your correction counts once this attempt has ended."
PROGRESS = {
    RoundPart.BEFORE: (0, 10),
    RoundPart.PREPARE: (10, 20),
    RoundPart.TRAIN: (20, 60),
    RoundPart.CHECK: (60, 70),
    RoundPart.MEASURE: (70, 100),
}
"""Where each part of a round begins and ends on its bar, in percent."""
PRACTISE_TIP = "The agent plays by itself, and learns from what succeeded"
WHERE_IT_FAILS = "Start it where it fails"
FAILING_TIP = (
    "The agent tries 12 new starts in the background; then you watch one on which it failed"
)
EMPTY_TEXT = "No corrections yet. Press Play, and touch any game key when it goes wrong."


class TeachPanel(Card):
    """Collected, what to do next, Retrain, progress, loss, gates.

    Signals: failing_asked(str) for a start on which the agent fails at a sentence,
    lessons_asked(), round_asked(), practice_asked(), cancel_asked(), and those of
    :class:`LessonList`.
    """

    failing_asked = Signal(str)
    lessons_asked = Signal()
    round_asked = Signal()
    practice_asked = Signal()
    cancel_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__("Teach", "since the last round")
        self._theme = theme
        self._facts = TeachFacts()
        self._busy = False
        self._stopping = False
        self._corrects = False
        self._gates: dict[str, Gate] = {}
        self.episodes = Figure("attempts")
        self.corrections = Figure("corrections", "person")
        self.person = Figure("of you", "person")
        self._mix = ShareBar(theme)
        self.sentence = label(EMPTY_TEXT, "muted", wrap=True)
        self.next_step = label("", "strong", wrap=True)
        self.failing = button(WHERE_IT_FAILS, "link")
        self.failing.setToolTip(FAILING_TIP)
        self.all_lessons = button("Your lessons", "link")
        self.all_lessons.setToolTip(tip_of("lessons"))
        self.lessons = LessonList()
        self.retrain = button("Teach the agent", "person")
        self.retrain.setProperty("size", "large")
        self.practise = button("Practise …")
        self.practise.setProperty("size", "large")
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
    def facts(self) -> TeachFacts:
        """What is shown."""
        return self._facts

    @property
    def busy(self) -> bool:
        """Whether a round runs."""
        return self._busy

    def show_facts(self, facts: TeachFacts) -> None:
        """Show what has been collected."""
        self._facts = facts
        self.episodes.show_value(str(facts.episodes), "attempt" + _plural(facts.episodes))
        # Who has only shown something has corrected nothing, and has done nothing wrong.
        shown = sum(each.taught_s > 0 for each in facts.lessons)
        count, kind = facts.corrections, "correction"
        if shown and not count:
            count, kind = shown, "demonstration"
        self.corrections.show_value(str(count), kind + _plural(count))
        self.person.show_value(spoken_duration(facts.person_s), "of you")
        # Before anything is collected, a full bar would look like something.
        self._mix.setVisible(bool(facts.mix))
        self._mix.show_parts(
            [("person" if name.startswith("your") else "agent", share) for name, share in facts.mix]
        )
        self._mix.setToolTip(", ".join(f"{name} {100 * share:.0f} %" for name, share in facts.mix))
        self._mix.setAccessibleName(f"Next round: {self._mix.toolTip() or 'nothing yet'}")
        self._show_sentence()
        self._show_next_step()
        self.lessons.show_lessons(facts.lessons)
        takes = facts.predicted_s
        self.retrain.setText(
            "Teach the agent" if takes is None else f"Teach · about {spoken_duration(takes)}"
        )
        self.retrain.setEnabled(not facts.blocked and not self._busy)
        self.practise.setEnabled(not facts.practice_blocked and not self._busy)
        self.practise.setToolTip(facts.practice_blocked or PRACTISE_TIP)
        # The empty state already says what to do; a second sentence would only repeat it.
        self.why_not.setText(facts.blocked if facts.sentence else "")
        self.why_not.setVisible(bool(self.why_not.text()))

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Tell of corrections in the attempt that runs: they count once it has ended."""
        own = [driver for driver, _ in snapshot.drivers]
        corrected = any(
            (before, after) == (Driver.POLICY, Driver.PERSON) for before, after in pairwise(own)
        )
        corrects = corrected and snapshot.in_attempt
        if corrects is not self._corrects:
            self._corrects = corrects
            self._show_sentence()

    def _show_sentence(self) -> None:
        empty = CORRECTING_TEXT if self._corrects else EMPTY_TEXT
        self.sentence.setText(self._facts.sentence or empty)

    def _show_next_step(self) -> None:
        told = "" if self._busy else self._facts.next_step
        self.next_step.setText(told)
        self.next_step.setVisible(bool(told))
        self.failing.setVisible(bool(told and self._facts.fails_at))

    def show_looking(self, looking: bool) -> None:
        """Say that a start is being looked for, or no more."""
        self.failing.setEnabled(not looking)
        self.failing.setText("Looking for one …" if looking else WHERE_IT_FAILS)

    def begin_round(self, *, practises: bool = False) -> None:
        """Put the progress in the buttons' place; practice has no curve of a loss."""
        self._busy = True
        self._stopping = False
        self.notice.clear()
        self.curve.clear()
        self.curve.setVisible(not practises)
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
        if update.stage and not self._stopping:
            self.stage.setText(update.stage)
        if update.steps is not None:
            self.curve.expect(update.steps)
        self._show_progress(update)
        if update.step is not None and not (update.loss is update.held_out is None):
            self.curve.add(update.step, update.loss, update.held_out)
        if update.left_s is not None and not self._stopping:
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

    def _show_progress(self, update: RoundUpdate) -> None:
        """Move the one bar of the whole round; it never goes back."""
        if update.part is None:
            return
        begins, ends = PROGRESS[update.part]
        share = (update.step or 0) / update.steps if update.steps else 0.0
        done = round(begins + (ends - begins) * min(share, 1.0))
        before = max(self.progress.value(), 0) if self.progress.maximum() else 0
        self.progress.setRange(0, 100)
        self.progress.setValue(max(done, before))
        part = list(PROGRESS).index(update.part) + 1
        words = f"Part {part} of {len(PROGRESS)}"
        self.progress.setAccessibleName(f"{words}, {self.progress.value()} % of the round")
        self.progress.setToolTip(words)

    def show_cancelling(self) -> None:
        """Say that the round is being stopped; its news say nothing else from now on."""
        self._stopping = True
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
        self.body.addWidget(self.next_step)
        links = QHBoxLayout()
        links.addWidget(self.failing)
        links.addStretch(1)
        links.addWidget(self.all_lessons)
        self.body.addLayout(links)
        self.body.addWidget(self.lessons)
        asking = QWidget()
        row = QHBoxLayout(asking)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.retrain, 1)
        row.addWidget(self.practise)
        self._swap.addWidget(asking)
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
        self.failing.clicked.connect(lambda: self.failing_asked.emit(self._facts.fails_at))
        self.all_lessons.clicked.connect(self.lessons_asked)
        self.retrain.clicked.connect(self.round_asked)
        self.practise.clicked.connect(self.practice_asked)
        self.cancel.clicked.connect(self.cancel_asked)
        self._theme.changed.connect(self._on_theme_changed)

    def _on_theme_changed(self) -> None:
        if self._gates:
            self._show_gates()


def _plural(count: int) -> str:
    return "" if count == 1 else "s"
