"""Shows the steps of the first lesson where the person looks, and does what a step offers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import SignalInstance

from app.backend.ports import Backend, RoundUpdate, TeachFacts, VerdictFacts
from app.gui import header as pages
from app.gui.dialogs.dialog_commands import DialogCommands
from app.gui.play.first_lesson import FirstLessonGuide, GuideStep, Offered
from app.gui.play.play_page import PlayPage
from app.gui.style.widgets import Offer
from app.session.api import Snapshot

NO_FIRST_LESSON = (
    "The first lesson is one for the practice model in the practice yard, and something else plays "
    "here; choose the game and the model in the menu to take it."
)


class Guiding:
    """The first lesson of a window, if one was begun and not left.

    ``show`` lets the person show the sentence that is typed, ``watch`` lets the agent play one,
    ``teach`` begins a round, ``facts`` returns what the Teach card shows, ``go`` goes to a page.
    """

    def __init__(
        self,
        backend: Backend,
        dialogs: DialogCommands,
        page: PlayPage,
        show: Callable[[], None],
        watch: Callable[[str], None],
        teach: Callable[[], None],
        facts: Callable[[], TeachFacts],
        go: SignalInstance,
    ) -> None:
        self._backend = backend
        self._dialogs = dialogs
        self._page = page
        self._show = show
        self._watch = watch
        self._teach = teach
        self._facts = facts
        self._go = go
        self._guide: FirstLessonGuide | None = None
        # The round that it was taught in, once that has ended.
        self._round = 0
        # Of its verdict, what was told of.
        self._told: tuple[object, ...] = ()
        # What is told once nothing else is asked of the person.
        self._waiting: GuideStep | None = None

    def begin(self) -> None:
        """Tell the first step, where there is a lesson for what plays."""
        self._go.emit(pages.PLAY)
        lesson = self._backend.first_lesson
        if lesson is None:
            self._dialogs.tell_problem(NO_FIRST_LESSON)
            return
        if self._guide is not None and self._guide.taught and not self._round:
            self._tell(self._guide.being_taught())
            return
        session = self._backend.session
        if session.snapshot().in_attempt:
            session.stop()
        self._round = 0
        self._guide = FirstLessonGuide(
            lesson,
            session.snapshot().attempts,
            sum(
                each.sentence == lesson.sentence and each.taught_s > 0
                for each in self._facts().lessons
            ),
        )
        self._page.bar.edit.setText(lesson.sentence)
        self._tell(self._guide.begin())

    def follow(self, before: Snapshot, after: Snapshot) -> None:
        """Tell the next step, if an attempt at the lesson has just ended."""
        self._tell_waiting(after)
        self._page.view.remind("" if self._guide is None else self._guide.caption(after))
        step = None if self._guide is None else self._guide.follow(before, after)
        if step is not None:
            self._page.bar.edit.setText(after.instruction)
            self._tell(step)

    def follow_round(self, update: RoundUpdate) -> None:
        """Tell what came of the round in which the lesson was taught, once that has ended."""
        guide = self._guide
        if guide is None or not guide.taught or self._round or not update.finished:
            return
        if update.verdict is None:
            self._tell(guide.not_taught())
            return
        self._round = update.verdict.round_id
        self._tell_learnt(guide, update.verdict)

    def follow_verdict(self, facts: VerdictFacts | None) -> None:
        """Tell what came of the check of what it could before, or of more starts."""
        if self._guide is None or facts is None or not self._round:
            return
        if facts.round_id == self._round and not facts.checking:
            self._tell_learnt(self._guide, facts)

    def taught(self) -> None:
        """Note that a round begins: of a lesson that is not shown to its end it is the end."""
        if self._guide is not None and self._guide.all_shown:
            self._guide.taught, self._round, self._told = True, 0, ()
            self._page.notice.clear()
        else:
            self.leave()

    def _tell_learnt(self, guide: FirstLessonGuide, facts: VerdictFacts) -> None:
        verdict = (facts.lines, facts.choice, facts.in_use)
        if verdict == self._told:
            return
        self._told = verdict
        step = guide.learnt(facts)
        if guide.over:
            self._guide = None
        # Whoever is asked how an attempt went answers first.
        self._waiting = step
        self._tell_waiting(self._backend.session.snapshot())

    def _tell_waiting(self, now: Snapshot) -> None:
        step = self._waiting
        if step is not None and not now.asks:
            self._waiting = None
            self._tell(step)

    def _tell(self, step: GuideStep) -> None:
        self._page.notice.tell(step.sentence, list(map(self._offer, step.offers)), tone="agent")

    def _offer(self, what: Offered) -> Offer:
        match what:
            case Offered.WATCH:
                return Offer("Watch it try", lambda: self._watch(self._sentence))
            case Offered.SHOW:
                return Offer("Show it myself", self._show_it, "person")
            case Offered.TEACH:
                return Offer("Teach the agent", self._teach, "person")
            case Offered.LEAVE:
                return Offer("Not now", self.leave)

    @property
    def _sentence(self) -> str:
        lesson = self._backend.first_lesson
        return "" if lesson is None else lesson.sentence

    def _show_it(self) -> None:
        self._page.bar.edit.setText(self._sentence)
        self._show()

    def leave(self) -> None:
        """End the lesson, if one is on; its last step goes from the screen."""
        self._waiting = None
        if self._guide is not None:
            self._guide = None
            self._page.notice.clear()
