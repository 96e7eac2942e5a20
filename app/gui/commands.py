"""What the person may ask the window for: each action of the shortcut table."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.backend.ports import Backend, Hint, PracticeWish, VerdictFacts
from app.gui import header as pages
from app.gui.calls.backend_calls import BackendCalls
from app.gui.dialogs.dialog_commands import DialogCommands
from app.gui.failing_start import FailingStart
from app.gui.guiding import Guiding
from app.gui.library.library_page import Library
from app.gui.play.play_page import PlayPage, SideColumn
from app.gui.style.widgets import Offer
from app.session.api import Phase, Snapshot
from recorder.errors import KnownError
from recorder.types import Outcome

log = logging.getLogger(__name__)


class Commands(QObject):
    """Turns wishes into requests to the session and calls of the backend.

    Signals: page_wanted(int), welcome_wanted(), full_screen_wanted(), close_wanted().
    """

    page_wanted = Signal(int)
    welcome_wanted = Signal()
    full_screen_wanted = Signal()
    close_wanted = Signal()

    def __init__(
        self,
        backend: Backend,
        dialogs: DialogCommands,
        calls: BackendCalls,
        *,
        page: PlayPage,
        side: SideColumn,
        library: Library,
    ) -> None:
        super().__init__()
        self._backend = backend
        self._session = backend.session
        self.dialogs = dialogs
        self._calls = calls
        self._page = page
        self._side = side
        self._library = library
        self._verdict: VerdictFacts | None = None
        self.guiding = Guiding(
            backend,
            dialogs,
            page,
            self.demonstrate,
            self.play_anew,
            self.start_round,
            lambda: side.teach.facts,
            self.page_wanted,
        )
        self.failing = FailingStart(
            self._session, calls, dialogs, page, side.teach, self._play_on, self.page_wanted
        )

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Return what each action of the shortcut table does."""
        dialogs = self.dialogs
        return {
            "play": self._page.bar.submit,
            "pause": self.toggle_pause,
            "demonstrate": self.demonstrate,
            "hand_back": self._session.hand_back,
            "success": lambda: self.mark(Outcome.SUCCESS),
            "failure": lambda: self.mark(Outcome.FAILURE),
            "stop": self.stop,
            "reset": self.reset,
            "seed": self.reset_with_seed,
            "instruction": self.focus_instruction,
            "sentences": dialogs.show_sentences,
            "view": self.focus_view,
            "page_play": lambda: self.page_wanted.emit(pages.PLAY),
            "page_library": lambda: self.page_wanted.emit(pages.LIBRARY),
            "page_teach": lambda: self.page_wanted.emit(pages.TEACH),
            "search": self.search,
            "first_lesson": self.guiding.begin,
            "teach": self.start_round,
            "practise": self.choose_practice,
            "cancel_round": self.cancel_round,
            "use": self.use_newest,
            "go_back": self._calls.go_back,
            "lessons": self._side.teach.lessons_asked.emit,
            "agents": dialogs.choose_agent,
            "undo": self._library.undo_delete,
            "delete": self._library.delete_chosen,
            "games": dialogs.choose_game,
            "models": dialogs.choose_model,
            "full_screen": self.full_screen_wanted.emit,
            "settings": dialogs.settings,
            "welcome": self.welcome_wanted.emit,
            "diagnostics": dialogs.copy_diagnostics,
            "log": dialogs.show_log,
            "help": dialogs.show_shortcuts,
            "about": dialogs.about,
            "quit": self.close_wanted.emit,
        }

    # Playing

    def play(self, instruction: str) -> None:
        """Let the agent play; the view gets the focus, so that any game key takes over."""
        if not self.dialogs.may_watch():
            return
        if self._ask(lambda: self._session.play(instruction)):
            self._calls.look_up_hint(instruction)
            self._page.view.keys.expect_attempt()
            self.focus_view()
        else:
            self.focus_instruction()

    def play_example(self, instruction: str) -> None:
        """Play a sentence that was clicked."""
        self._page.bar.edit.setText(instruction)
        self._page.bar.submit()

    def demonstrate(self) -> None:
        """Let the person drive from the first tick."""
        if not self.dialogs.may_watch():
            return
        text = self._page.bar.edit.text().strip()
        self.page_wanted.emit(pages.PLAY)
        if self._ask(lambda: self._session.demonstrate(text)):
            self._page.view.keys.expect_attempt()
            if not self._backend.own_window:
                self._page.view.capture()
        else:
            self.focus_instruction()

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        if self._session.snapshot().phase is Phase.PAUSED:
            self._session.resume()
            self._page.notice.clear()
            self.focus_view()
        else:
            self.stop_everything()

    def stop_everything(self) -> None:
        """Release every key and the mouse, and pause."""
        self._page.view.release()
        self._session.pause()

    def stop(self) -> None:
        """End the attempt without a verdict."""
        self._session.stop()

    def reset(self) -> None:
        """Show a new start of the same task."""
        self._session.reset()

    def reset_with_seed(self) -> None:
        """Ask for a seed and show its start."""
        self._page.view.release()
        seed = self.dialogs.ask_seed(self._session.snapshot().seed)
        if seed is not None:
            try:
                self._session.reset(seed)
            except KnownError as error:
                self.dialogs.tell_problem(error.sentence)

    def hand_back_from_view(self) -> None:
        """Give the hands back, where the person has them from the agent."""
        if self._session.snapshot().phase is Phase.CORRECTING:
            self._session.hand_back()

    # Teaching

    def know_verdict(self, facts: VerdictFacts | None) -> None:
        """Remember the verdict that the card shows, and tell of it in the first lesson."""
        self._verdict = facts
        self.guiding.follow_verdict(facts)

    def start_round(self) -> None:
        """Begin a round, where one can begin."""
        teach = self._side.teach
        if self._calls.rounds.running or not teach.retrain.isEnabled():
            return
        if self.dialogs.may_end_check(self._verdict):
            self.guiding.taught()
            teach.begin_round()
            self._calls.rounds.start()

    def choose_practice(self) -> None:
        """Ask what the agent is to practise, where it can."""
        if not self._calls.rounds.running and self._side.teach.practise.isEnabled():
            self.dialogs.choose_practice(self._side.teach.facts.to_practise)

    def _play_on(self, seed: int, sentence: str) -> None:
        if self._ask(lambda: self._session.reset(seed)):
            self.play_example(sentence)

    def start_practice(self, wish: PracticeWish) -> None:
        """Let the agent practise."""
        if not self._calls.rounds.running and self.dialogs.may_end_check(self._verdict):
            self._side.teach.begin_round(practises=True)
            self._calls.rounds.start(wish)

    def cancel_round(self) -> None:
        """Ask the round to stop."""
        if self._calls.rounds.running:
            self._side.teach.show_cancelling()
            self._calls.rounds.cancel()

    def use_newest(self) -> None:
        """Use the agent that the verdict is about."""
        if self._verdict is not None and not self._verdict.in_use:
            self._calls.use_adapter(self._verdict.adapter_id)

    # Going places

    def open_in_library(self, episode_id: int) -> None:
        """Play an attempt back."""
        self.page_wanted.emit(pages.LIBRARY)
        self._library.choose(episode_id)

    def focus_instruction(self) -> None:
        """Type what it should do."""
        self.page_wanted.emit(pages.PLAY)
        edit = self._page.bar.edit
        if not edit.hasFocus():
            # Who types already must not find the words selected, and so replaced.
            edit.setFocus()
            edit.selectAll()

    def focus_view(self) -> None:
        """Give the game the keys."""
        self.page_wanted.emit(pages.PLAY)
        self._page.view.setFocus()

    def search(self) -> None:
        """Filter the library."""
        self.page_wanted.emit(pages.LIBRARY)
        self._library.focus_search()

    def tell_hint(self, hint: Hint) -> None:
        """Say what is unfamiliar about the sentence that is played, and offer what helps."""
        if hint.sentence and not self._page.notice.text():
            tries = [self._trying(each) for each in hint.tries]
            self._page.notice.tell(
                hint.sentence,
                [Offer("Show it myself", self.demonstrate, "person"), *tries],
                tone="agent",
            )

    def follow(self, before: Snapshot, after: Snapshot) -> None:
        """Ask or tell what the session has come to, once."""
        self.guiding.follow(before, after)
        if after.asks and not before.asks:
            self.ask_how_it_went(after.message)
        if after.missing and after.missing != before.missing:
            self.tell_missing(after.missing)

    def ask_how_it_went(self, question: str) -> None:
        """Ask about an attempt that nobody else can judge, and that was paused for it."""
        offers = (
            Offer("Done", lambda: self.mark(Outcome.SUCCESS), "ok"),
            Offer("Failed", lambda: self.mark(Outcome.FAILURE), "bad"),
            Offer("Go on", self.toggle_pause),
            Offer("Show it myself", self.demonstrate, "person"),
        )
        self._page.notice.tell(question, offers, tone="agent")

    def tell_missing(self, thing: str) -> None:
        """Say that what the new sentence names is not in the room, and offer a room with it."""
        again = self._session.snapshot().instruction
        notice, told = self._page.notice, f"There is no {thing} in this room."
        anew = Offer("Put one in", lambda: self.play_anew(again))
        notice.tell(told, [anew], tone="agent")

        def with_tries(hint: Hint) -> None:
            if notice.text() == told:
                notice.tell(told, [anew, *map(self._trying, hint.tries)], tone="agent")

        self._calls.look_up_tries(again, with_tries)

    def play_anew(self, instruction: str) -> None:
        """End the attempt and play a sentence on a start of its own."""
        self._session.stop()
        self.play_example(instruction)

    def mark(self, outcome: Outcome) -> None:
        """Say how the attempt went that runs, or the one that ended last."""
        shot = self._session.snapshot()
        if not shot.in_attempt:
            if shot.outcome is None or shot.episode_id is None:
                return
            self._calls.label((shot.episode_id,), outcome)
        self._session.mark(outcome)
        self._page.notice.clear()

    def _trying(self, instruction: str) -> Offer:
        return Offer(f"Try “{instruction}”", lambda: self.play_anew(instruction))

    def _ask(self, call: Callable[[], None]) -> bool:
        """Run a request to the session; a KnownError is told, and False returned."""
        try:
            call()
        except KnownError as error:
            self.dialogs.tell_problem(error.sentence)
            return False
        self._page.notice.clear()
        return True
