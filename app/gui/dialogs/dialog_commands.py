"""The window's dialogs: opens each, and does what the person decided in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QInputDialog, QWidget

from app.backend.blind.ports import BlindComparison
from app.backend.games.ports import GameFacts
from app.backend.ports import (
    Backend,
    FilmFacts,
    PractisedFacts,
    SentenceFacts,
    TaughtSentence,
    VerdictFacts,
)
from app.gui.calls.backend_calls import BackendCalls
from app.gui.dialogs.about import AboutDialog, components
from app.gui.dialogs.diagnostics import LogDialog, report
from app.gui.dialogs.game_wizard import GameWizard
from app.gui.dialogs.games_dialog import GamesDialog, PrivacyDialog
from app.gui.dialogs.model_dialog import ModelDialog
from app.gui.dialogs.practice_dialog import PracticeDialog
from app.gui.dialogs.sentences_dialog import SentencesDialog
from app.gui.dialogs.settings_dialog import SettingsDialog
from app.gui.play.agent_panel import AgentsDialog
from app.gui.play.play_page import PlayPage
from app.gui.shortcuts import ShortcutsDialog
from app.gui.style.dialog_parts import confirmed
from app.gui.style.key_places import short_key
from app.gui.style.theme import Theme
from app.gui.teach.blind_dialog import BlindDialog
from app.gui.teach.film_dialog import FilmDialog
from app.gui.teach.lessons_dialog import LessonsDialog
from app.gui.teach.practised_dialog import PractisedDialog
from app.session.api import Phase
from recorder.errors import KnownError
from recorder.input.hearing import Hotkey

log = logging.getLogger(__name__)
LARGEST_SEED = 2**31 - 1
CHECK_TITLE = "The round before is still being checked"
CHECK_TEXT = (
    "A new round stops this check. What was played is kept, but the agent that it taught is not "
    "put in use by itself. You can still choose it under “Choose the agent …”."
)


class DialogCommands(QObject):
    """Opens the dialogs, and owns the preferences that they edit.

    Signals: game_wanted(GameWish), sentence_chosen(str) for a sentence to be played,
    practice_chosen(PracticeWish), failing_chosen(str) for one to begin where the agent fails.
    """

    game_wanted = Signal(object)
    sentence_chosen = Signal(str)
    practice_chosen = Signal(object)
    failing_chosen = Signal(str)

    def __init__(
        self,
        backend: Backend,
        calls: BackendCalls,
        theme: Theme,
        window: QWidget,
        page: PlayPage,
    ) -> None:
        super().__init__()
        self._backend = backend
        self._session = backend.session
        self._calls = calls
        self._theme = theme
        self._window = window
        self._page = page
        self._once_told: list[Callable[[], None]] = []
        self.preferences = backend.preferences()

    def choose_agent(self) -> None:
        """Show the list of adapters."""
        if self._calls.agent is not None:
            dialog = AgentsDialog(self._calls.agent, self._window)
            dialog.use_asked.connect(self._calls.use_adapter)
            dialog.back_asked.connect(self._calls.go_back)
            self._show(dialog)

    def choose_game(self, chosen: str = "") -> None:
        """Show the games; ``chosen`` is marked."""

        def show(games: Sequence[GameFacts]) -> None:
            dialog = GamesDialog(games, self._window)
            dialog.choose(chosen)
            dialog.game_wanted.connect(self.game_wanted)
            dialog.new_asked.connect(self.describe_game)
            self._show(dialog)

        self._session.pause()
        self._calls.bridge.ask(self._backend.games, show, replaces="games")

    def show_sentences(self) -> None:
        """Show what can be said in this game, and how well the agent does it."""

        def show(facts: Sequence[SentenceFacts]) -> None:
            dialog = SentencesDialog(facts, self._theme, self._window)
            dialog.chosen.connect(self.sentence_chosen)
            self._show(dialog)

        self._calls.bridge.ask(self._backend.sentences, show, replaces="sentences")

    def ask_seed(self, seed: int) -> int | None:
        """Ask for the number of a start, ``seed`` at first; None if none is wanted."""
        chosen, wanted = QInputDialog.getInt(
            self._window,
            "Reset with a seed",
            "The same number gives the same start:",
            seed,
            0,
            LARGEST_SEED,
        )
        return chosen if wanted else None

    def may_end_check(self, verdict: VerdictFacts | None) -> bool:
        """Ask, if the round before is still being checked: a new one ends that."""
        if verdict is None or not verdict.checking:
            return True
        return confirmed(self._window, CHECK_TITLE, CHECK_TEXT, "Begin anyway")

    def choose_practice(self, ticked: Sequence[str]) -> None:
        """Ask what the agent is to practise; ``ticked`` are ticked already."""

        def look() -> tuple[Sequence[SentenceFacts], str]:
            chain = self._backend.agent().chain
            return self._backend.sentences(), " + ".join(dict.fromkeys((chain[0], chain[-1])))

        def show(found: tuple[Sequence[SentenceFacts], str]) -> None:
            facts, agent = found
            dialog = PracticeDialog(facts, ticked, self._theme, self._window, agent=agent)
            dialog.chosen.connect(self.practice_chosen)
            self._show(dialog)

        self._calls.bridge.ask(look, show, replaces="practice")

    def show_lessons(self, *, plays: bool = True) -> None:
        """Show every sentence that was taught in this game, and how well it is done.

        ``plays`` says whether the agent can play starts here without the person.
        """

        def show(lessons: Sequence[TaughtSentence]) -> None:
            dialog = LessonsDialog(lessons, self._theme, self._window, plays=plays)
            dialog.chosen.connect(self.sentence_chosen)
            dialog.failing_asked.connect(self.failing_chosen)
            self._show(dialog)

        self._calls.bridge.ask(self._backend.lessons, show, replaces="lessons")

    def choose_model(self) -> None:
        """Show what can play: the practice model, a checkpoint, a server."""
        dialog = ModelDialog(self._backend.model_catalogue(), self._calls.bridge, self._window)
        dialog.used.connect(self._calls.refresh_all)
        self._session.pause()
        self._show(dialog)

    def judge_blind(self, round_id: int) -> None:
        """Show clips of a round, before and after, for the person to judge."""

        def show(comparison: BlindComparison) -> None:
            dialog = BlindDialog(comparison, self._theme, self._window)
            # Whatever came of it: the card tells, and another agent may play.
            dialog.finished.connect(self._calls.refresh_agent)
            dialog.next_asked.connect(lambda: self.judge_blind(round_id))
            self._show(dialog)

        if not self._backend.own_window:
            self._session.pause()
        elif self._session.snapshot().phase is not Phase.WATCHING:
            # A pause might leave the game itself in its menu, and it is to be played now.
            self._session.stop()
        self._calls.bridge.ask(
            lambda: self._backend.judge_blind(round_id), show, replaces="judge blind"
        )

    def watch_film(self, round_id: int) -> None:
        """Show starts of a round's measurement before and after it, side by side."""

        def look(
            number: int, then: Callable[[FilmFacts], None], failed: Callable[[str], None]
        ) -> None:
            self._calls.bridge.ask(
                lambda: self._backend.film(round_id, number), then, replaces="film", failed=failed
            )

        if not self._backend.own_window:
            self._session.pause()
        self._show(FilmDialog(look, self._theme, self._window))

    def show_practised(self, round_id: int) -> None:
        """Show some of what a practice counted as done."""

        def show(facts: Sequence[PractisedFacts]) -> None:
            self._show(PractisedDialog(facts, self._theme, self._window))

        self._calls.bridge.ask(
            lambda: self._backend.practice_strips(round_id), show, replaces="practised"
        )

    def describe_game(self) -> None:
        """Show the wizard for a game that nobody described."""
        try:
            calibration = self._backend.open_calibration()
        except KnownError as error:
            self.tell_problem(error.sentence)
            return
        wizard = GameWizard(calibration, self._window)
        wizard.made.connect(self.choose_game)
        self._show(wizard)

    def tell_privacy(self) -> None:
        """Say once what is watched of a game in a window of its own."""
        if not self._backend.own_window or self.preferences.seen_privacy:
            self._run_told()
            return
        panic = short_key(self.preferences.hotkeys[Hotkey.PANIC])
        dialog = PrivacyDialog(self._backend.game_title, panic, self._window)
        dialog.accepted.connect(self._on_told)
        self._show(dialog)

    def once_told(self, call: Callable[[], None]) -> None:
        """Do something, but not before the person knows what is watched."""
        if not self._backend.own_window or self.preferences.seen_privacy:
            call()
        else:
            self._once_told.append(call)

    def _on_told(self) -> None:
        self.preferences = replace(self.preferences, seen_privacy=True)
        self._calls.save_preferences(self.preferences)
        self._run_told()

    def _run_told(self) -> None:
        waiting, self._once_told = self._once_told, []
        for call in waiting:
            call()

    # Settings and the like

    def settings(self) -> None:
        """Show the settings."""
        dialog = SettingsDialog(
            self.preferences,
            self._backend.default_bindings,
            self._calls.storage,
            self._window,
            own_window=self._backend.own_window,
        )
        dialog.theme_tried.connect(self._theme.choose)
        dialog.empty_bin_asked.connect(self._calls.empty_bin)
        dialog.accepted.connect(lambda: self._on_settings(dialog))
        dialog.rejected.connect(self._restore_look)
        self._show(dialog)

    def apply_preferences(self) -> None:
        """Put the settings in force in the window and the session."""
        wanted = self.preferences
        self._restore_look()
        self._page.view.use_bindings(wanted.bindings)
        self._page.view.use_own_window(
            self._backend.own_window, short_key(wanted.hotkeys.get(Hotkey.HAND_BACK, ""))
        )
        self._page.view.use_sensitivity(wanted.mouse_sensitivity)
        self._session.set_idle_handback_s(wanted.idle_handback_s)
        self._page.view.use_hand_back_by_itself(wanted.idle_handback_s is not None)

    def _restore_look(self) -> None:
        """Give the window the look that is set, where it has another, as one that was tried."""
        wanted = (self.preferences.theme, self.preferences.text_percent)
        if (self._theme.choice, self._theme.text_percent) != wanted:
            self._theme.choose(*wanted)

    def about(self) -> None:
        """Show version and licences; they are read from many small files, so elsewhere."""
        self._calls.bridge.ask(
            components, lambda parts: self._show(AboutDialog(parts, self._window)), replaces="about"
        )

    def remember_welcomed(self) -> None:
        """Do not show the introduction by itself again."""
        if not self.preferences.seen_welcome:
            self.preferences = replace(self.preferences, seen_welcome=True)
            self._calls.save_preferences(self.preferences)

    def copy_diagnostics(self) -> None:
        """Put a report for a person who helps into the clipboard."""
        QGuiApplication.clipboard().setText(
            report(
                snapshot=self._session.snapshot(),
                agent=self._calls.agent,
                storage=self._calls.storage,
                log_file=self._backend.log_file(),
            )
        )
        self._calls.done.emit("The diagnostics are in the clipboard.")

    def show_log(self) -> None:
        """Show the end of the log."""
        self._show(LogDialog(self._backend.log_file(), self._window))

    def show_shortcuts(self) -> None:
        """Show the shortcut table."""
        self._show(ShortcutsDialog(self._window))

    def may_watch(self) -> bool:
        """Return whether the person knows what is watched; else they are told now."""
        if not self._backend.own_window or self.preferences.seen_privacy:
            return True
        self.tell_privacy()
        return False

    def close(self) -> None:
        """End every dialog that is open, and what it does: a download would be waited for."""
        for dialog in self._window.findChildren(QDialog):
            dialog.reject()

    def _on_settings(self, dialog: SettingsDialog) -> None:
        self.preferences = dialog.edited()
        self._calls.save_preferences(self.preferences)
        self.apply_preferences()

    def tell_problem(self, sentence: str) -> None:
        """Show a sentence where the person looks."""
        log.warning("%s", sentence)
        self._page.notice.tell(sentence)

    def _show(self, dialog: QDialog) -> None:
        self._page.view.release()
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
