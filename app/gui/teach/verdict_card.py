"""The verdict of a round: one sentence, counts before percentages, and the way on or back."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QWidget

from app.backend.ports import VerdictFacts
from app.gui.style.theme import GRID, Theme
from app.gui.style.widgets import Card, button, label, set_role, to_pixmap
from recorder.types import RGBImage
from trainer.evaluation.verdicts.verdict import Choice, Line, Part, VerdictKind

TITLES = {
    VerdictKind.BETTER: "Better",
    VerdictKind.SAME: "About the same",
    VerdictKind.WORSE: "Worse",
    VerdictKind.NOT_ENOUGH: "Not enough tries",
}
TONES = {
    VerdictKind.BETTER: "ok",
    VerdictKind.SAME: "nobody",
    VerdictKind.WORSE: "bad",
    VerdictKind.NOT_ENOUGH: "nobody",
}
NOT_MEASURED = "Not measured yet"
FILM_FRAMES = 4


def title_of(kind: VerdictKind | None) -> str:
    """Return what a verdict is called; None is that of a round that nobody has judged."""
    return NOT_MEASURED if kind is None else TITLES[kind]


def tone_of(kind: VerdictKind | None) -> str:
    """Return the tone of a verdict."""
    return "nobody" if kind is None else TONES[kind]


def signed(points: float) -> str:
    """Return whole points with a sign; a true minus is as wide as the plus."""
    return f"{points:+.0f}".replace("-", "−")


class PairedBars(QWidget):
    """Successes before and after, as two thin bars over the same number of tries."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._facts: VerdictFacts | None = None
        self.setFixedHeight(20)
        theme.changed.connect(self.update)

    def show_facts(self, facts: VerdictFacts) -> None:
        """Show the counts."""
        self._facts = facts
        self.setAccessibleName(
            f"before {facts.before} of {facts.tries}, after {facts.after} of {facts.tries}"
        )
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw both bars: grey before, the verdict's colour after."""
        if self._facts is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        tries = max(self._facts.tries, 1)
        rows = (
            (1.0, self._facts.before, "nobody"),
            (11.0, self._facts.after, tone_of(self._facts.kind)),
        )
        for top, count, token in rows:
            area = QRectF(0, top, self.width(), 7)
            painter.setBrush(self._theme.colour("raised"))
            painter.drawRoundedRect(area, 3.5, 3.5)
            if count > 0:
                area.setWidth(max(area.width() * count / tries, 7.0))
                painter.setBrush(self._theme.colour(token))
                painter.drawRoundedRect(area, 3.5, 3.5)
        painter.end()


STATES = {
    VerdictKind.BETTER: "better",
    VerdictKind.SAME: "about the same",
    VerdictKind.WORSE: "worse",
    VerdictKind.NOT_ENOUGH: "not sure",
}


def state_of(line: Line) -> tuple[str, str]:
    """Return what a line comes to in a few words, and its tone."""
    if line.checking:
        return "still being checked", "nobody"
    if line.kind is None:
        return "not measured yet", "nobody"
    if line.part is not Part.TAUGHT and line.not_worse:
        return "kept", "ok"
    return STATES[line.kind], TONES[line.kind]


class LineList(QWidget):
    """Each thing that was measured: its name, and below what it comes to, with counts."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GRID)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(0, 1)

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show these lines and no others."""
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for row, line in enumerate(lines):
            words, tone = state_of(line)
            name = label(named(line), wrap=True)
            state = label(words, "strong")
            set_role(state, tone=tone)
            counts = label(f"{line.before} → {line.after} of {line.n}" if line.n else "", "muted")
            # A narrow card: the name has a row of its own.
            self._grid.addWidget(name, 2 * row, 0, 1, 2)
            self._grid.addWidget(counts, 2 * row + 1, 1, Qt.AlignmentFlag.AlignRight)
            self._grid.addWidget(state, 2 * row + 1, 0)
            for widget in (name, counts, state):
                widget.setToolTip(line.sentence)
                widget.show()
            name.setAccessibleDescription(line.sentence)
        self.setVisible(bool(lines))


def named(line: Line) -> str:
    """Return how a line is called on the card."""
    if line.part is Part.OLD_TASKS:
        return "What it could before" + (" (base)" if line.against == "base" and line.n else "")
    return line.name if line.part is Part.TAUGHT else f"{line.name} (taught before)"


class FilmStrip(QWidget):
    """A few frames of one attempt side by side."""

    def __init__(self, theme: Theme, *, shown: int = FILM_FRAMES, height: int = 38) -> None:
        """``shown`` pictures at most, ``height`` pixels high."""
        super().__init__()
        self._theme = theme
        self._shown, self._height = max(shown, 1), height
        self._pictures: list[QPixmap] = []
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_frames(self, frames: Sequence[RGBImage]) -> None:
        """Show as many of the frames as fit, evenly spread, first and last included."""
        count = min(len(frames), self._shown)
        picks = [round(i * (len(frames) - 1) / max(count - 1, 1)) for i in range(count)]
        self._pictures = [to_pixmap(frames[i]) for i in picks]
        self.update()

    def sizeHint(self) -> QSize:
        """Return a strip of pictures a little wider than high."""
        return QSize(60 * self._shown * self._height // 38, self._height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the frames."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        gap = 4.0
        width = (self.width() - gap * (self._shown - 1)) / self._shown
        for index, picture in enumerate(self._pictures):
            area = QRectF(index * (width + gap), 0, width, self.height())
            clip = QPainterPath()
            clip.addRoundedRect(area, 4, 4)
            painter.save()
            painter.setClipPath(clip)
            painter.drawPixmap(area, picture, _cover(picture, area))
            painter.restore()
            painter.setPen(QPen(self._theme.colour("line"), 1))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()


def _cover(picture: QPixmap, area: QRectF) -> QRectF:
    """Return the middle part of ``picture`` that has the shape of ``area``."""
    scale = max(area.width() / picture.width(), area.height() / picture.height())
    width, height = area.width() / scale, area.height() / scale
    return QRectF((picture.width() - width) / 2, (picture.height() - height) / 2, width, height)


class VerdictCard(Card):
    """What the round did, by measurement.

    Signals: use_asked(str) with the adapter's id; more_asked(int) and judge_asked(int) with the
    round's, as film_asked(int) and practised_asked(int) have; back_asked().
    """

    use_asked = Signal(str)
    more_asked = Signal(int)
    judge_asked = Signal(int)
    film_asked = Signal(int)
    practised_asked = Signal(int)
    back_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__("Verdict")
        self._facts: VerdictFacts | None = None
        self.counts = label("", "heading")
        self.points = label("", "muted")
        self.sentence = label("", wrap=True)
        self._bars = PairedBars(theme)
        self.lines = LineList()
        self._films = QWidget()
        self._before = FilmStrip(theme)
        self._after = FilmStrip(theme)
        self.watch = button("Watch before and after", "link")
        self.watch.setToolTip("The same start, played before the round and after it, side by side")
        self.practised = button("What it counted as done", "link")
        self.practised.setToolTip("Some attempts of the practice that succeeded, in pictures")
        self.state = label("", "strong")
        self.judge = button("Judge it blind · about 3 min", "agent")
        self.more = button("Play more starts", "")
        self.use = button("Use it", "agent")
        self.back = button("Go back", "link")
        self._build()
        self._connect_signals()
        self.hide()

    def show_facts(self, facts: VerdictFacts | None) -> None:
        """Show a verdict, or nothing before the first round."""
        self._facts = facts
        self.setVisible(facts is not None)
        if facts is None:
            return
        tone = tone_of(facts.kind)
        set_role(self, tone=tone)
        self.title.setText(title_of(facts.kind))
        set_role(self.title, tone=tone)
        self.side.setText(played_words(facts))
        self.counts.setText(f"{facts.before} → {facts.after} of {facts.tries}")
        self.points.setText(
            f"{signed(facts.points)} points ({signed(facts.low)} … {signed(facts.high)})"
            if facts.tries
            else ""
        )
        self.points.setToolTip(
            f"Difference in percentage points of success with its 95 % interval ({facts.interval})."
        )
        self.sentence.setText(facts.sentence)
        for widget in (self.counts, self.points, self._bars):
            widget.setVisible(facts.tries > 0)
        self._bars.show_facts(facts)
        self.lines.show_lines(facts.lines)
        self._films.setVisible(bool(facts.film_before or facts.film_after))
        self._before.show_frames(facts.film_before)
        self._after.show_frames(facts.film_after)
        seed = "" if facts.film_seed is None else f", seed {facts.film_seed}"
        self._films.setToolTip(f"The same start before and after{seed}")
        self._films.setAccessibleName(self._films.toolTip())
        self.watch.setVisible(facts.may_watch)
        self.practised.setVisible(facts.practised)
        self._show_choice(facts)
        self.setAccessibleDescription(f"{title_of(facts.kind)}. {facts.sentence}")

    def _show_choice(self, facts: VerdictFacts) -> None:
        if facts.in_use:
            self.state.setText("In use now.")
        elif facts.checking:
            self.state.setText(facts.progress or "Still being checked.")
        elif not facts.passed_gates or facts.choice is Choice.REFUSE:
            self.state.setText("Not in use: it would lose something else.")
        else:
            self.state.setText("Not in use.")
        waits = facts.choice is Choice.WAIT
        more = waits or facts.choice is Choice.PLAY_MORE
        self.more.setVisible(more and not facts.checking and not facts.in_use)
        self.more.setText("Go on checking" if waits else "Play more starts")
        self.judge.setVisible(bool(facts.to_judge) and not facts.checking)
        self.judge.setText(
            f"Go on judging · {facts.judged_clips} done"
            if facts.judged_clips
            else "Judge it blind · about 3 min"
        )
        if facts.to_judge:
            self.judge.setToolTip(
                f"“{facts.to_judge[0]}”: you see clips of before and after, mixed"
            )
        self.use.setVisible(not facts.in_use)
        good = facts.choice is Choice.USE and facts.passed_gates
        self.use.setText("Use it" if good else "Try it anyway")
        set_role(self.use, role="agent" if good else "")
        self.back.setVisible(facts.in_use and facts.can_go_back)

    def _build(self) -> None:
        figures = QHBoxLayout()
        figures.addWidget(self.counts)
        figures.addStretch(1)
        figures.addWidget(self.points, 0, Qt.AlignmentFlag.AlignBottom)
        self.body.addLayout(figures)
        self.body.addWidget(self._bars)
        self.body.addWidget(self.sentence)
        self.body.addWidget(self.lines)
        grid = QGridLayout(self._films)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(5)
        for row, (word, strip) in enumerate((("before", self._before), ("after", self._after))):
            grid.addWidget(label(word, "caption"), row, 0)
            grid.addWidget(strip, row, 1)
        grid.setColumnStretch(1, 1)
        self.body.addWidget(self._films)
        self.body.addWidget(self.watch, alignment=Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self.practised, alignment=Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self.state)
        self.body.addWidget(self.judge)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.back)
        foot.addWidget(self.more)
        foot.addWidget(self.use)
        self.body.addLayout(foot)

    def _connect_signals(self) -> None:
        self.use.clicked.connect(self._on_use)
        self.back.clicked.connect(self.back_asked)
        self.more.clicked.connect(self._on_more)
        self.judge.clicked.connect(self._on_judge)
        self.watch.clicked.connect(self._on_watch)
        self.practised.clicked.connect(self._on_practised)

    def _on_use(self) -> None:
        if self._facts is not None:
            self.use_asked.emit(self._facts.adapter_id)

    def _on_more(self) -> None:
        if self._facts is not None:
            self.more_asked.emit(self._facts.round_id)

    def _on_watch(self) -> None:
        if self._facts is not None:
            self.film_asked.emit(self._facts.round_id)

    def _on_practised(self) -> None:
        if self._facts is not None:
            self.practised_asked.emit(self._facts.round_id)

    def _on_judge(self) -> None:
        if self._facts is not None:
            self.judge_asked.emit(self._facts.round_id)


def played_words(facts: VerdictFacts) -> str:
    """Return what the figures of a card come from."""
    if facts.blind:
        return f"{facts.tries} clips each, by you"
    if facts.tries:
        return f"{facts.tries} paired tries" + (", by its own eye" if facts.by_eye else "")
    return "" if facts.kind is None else "not played yet"
