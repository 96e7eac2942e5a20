"""Shows the steps of the first lesson where the person looks, and does what a step offers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import SignalInstance

from app.backend.ports import Backend, RoundUpdate, TeachFacts
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

    ``show`` lets the person show the sentence that is typed, ``teach`` begins a round, ``facts``
    returns what the Teach card shows, ``go`` goes to a page.
    """

    def __init__(
        self,
        backend: Backend,
        dialogs: DialogCommands,
        page: PlayPage,
        show: Callable[[], None],
        teach: Callable[[], None],
        facts: Callable[[], TeachFacts],
        go: SignalInstance,
    ) -> None:
        self._backend = backend
        self._dialogs = dialogs
        self._page = page
        self._show = show
        self._teach = teach
        self._facts = facts
        self._go = go
        self._guide: FirstLessonGuide | None = None

    def begin(self) -> None:
        """Tell the first step, where there is a lesson for what plays."""
        self._go.emit(pages.PLAY)
        lesson = self._backend.first_lesson
        if lesson is None:
            self._dialogs.tell_problem(NO_FIRST_LESSON)
            return
        session = self._backend.session
        if session.snapshot().in_attempt:
            session.stop()
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
        self._page.view.remind("" if self._guide is None else self._guide.caption(after))
        step = None if self._guide is None else self._guide.follow(before, after)
        if step is not None:
            self._page.bar.edit.setText(after.instruction)
            self._tell(step)

    def follow_round(self, update: RoundUpdate) -> None:
        """Tell the last step, if the lesson was taught and has just been measured."""
        if self._guide is None or not update.finished or update.verdict is None:
            return
        step = self._guide.learnt(update.verdict)
        if step is not None:
            self._page.bar.edit.setText(self._guide.lesson.sentence)
            self._tell(step)
            if self._guide.over:
                self._guide = None

    def taught(self) -> None:
        """Note that a round begins: of a lesson that is not shown to its end it is the end."""
        if self._guide is not None and self._guide.all_shown:
            self._page.notice.clear()
        else:
            self.leave()

    def _tell(self, step: GuideStep) -> None:
        self._page.notice.tell(step.sentence, list(map(self._offer, step.offers)), tone="agent")

    def _offer(self, what: Offered) -> Offer:
        match what:
            case Offered.WATCH:
                return Offer("Watch it try", self._page.bar.submit)
            case Offered.SHOW:
                return Offer("Show it myself", self._show, "person")
            case Offered.TEACH:
                return Offer("Teach the agent", self._teach, "person")
            case Offered.LEAVE:
                return Offer("Not now", self.leave)

    def leave(self) -> None:
        """End the lesson, if one is on; its last step goes from the screen."""
        if self._guide is not None:
            self._guide = None
            self._page.notice.clear()
