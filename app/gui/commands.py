"""What the person may ask the window for: each action of the shortcut table, and its dialogs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QInputDialog, QWidget

from app.backend.game_ports import GameFacts
from app.backend.ports import Backend, VerdictFacts
from app.gui import header as pages
from app.gui.calls.backend_calls import BackendCalls
from app.gui.dialogs.about import AboutDialog, components
from app.gui.dialogs.diagnostics import LogDialog, report
from app.gui.dialogs.game_wizard import GameWizard
from app.gui.dialogs.games_dialog import GamesDialog, PrivacyDialog
from app.gui.dialogs.model_dialog import ModelDialog
from app.gui.dialogs.settings_dialog import SettingsDialog
from app.gui.library.library_page import Library
from app.gui.play.agent_panel import AgentsDialog
from app.gui.play.play_page import PlayPage, SideColumn
from app.gui.shortcuts import ShortcutsDialog
from app.gui.style.key_places import short_key
from app.gui.style.theme import Theme
from app.session.api import Phase
from recorder.errors import KnownError
from recorder.input.hearing import Hotkey
from recorder.types import Outcome

log = logging.getLogger(__name__)

LARGEST_SEED = 2**31 - 1


class Commands(QObject):
    """Turns wishes into requests to the session and calls of the backend.

    Signals: page_wanted(int), welcome_wanted(), full_screen_wanted(), close_wanted(),
    game_wanted(GameWish).
    """

    page_wanted = Signal(int)
    welcome_wanted = Signal()
    full_screen_wanted = Signal()
    close_wanted = Signal()
    game_wanted = Signal(object)

    def __init__(
        self,
        backend: Backend,
        calls: BackendCalls,
        theme: Theme,
        window: QWidget,
        *,
        page: PlayPage,
        side: SideColumn,
        library: Library,
    ) -> None:
        super().__init__()
        self._backend = backend
        self._session = backend.session
        self._calls = calls
        self._theme = theme
        self._window = window
        self._page = page
        self._side = side
        self._library = library
        self._verdict: VerdictFacts | None = None
        self._once_told: list[Callable[[], None]] = []
        self.preferences = backend.preferences()

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Return what each action of the shortcut table does."""
        window = self._window
        return {
            "play": self._page.bar.submit,
            "pause": self.toggle_pause,
            "demonstrate": self.demonstrate,
            "hand_back": self._session.hand_back,
            "success": lambda: self._session.mark(Outcome.SUCCESS),
            "failure": lambda: self._session.mark(Outcome.FAILURE),
            "stop": self.stop,
            "reset": self.reset,
            "seed": self.reset_with_seed,
            "instruction": self.focus_instruction,
            "view": self.focus_view,
            "page_play": lambda: self.page_wanted.emit(pages.PLAY),
            "page_library": lambda: self.page_wanted.emit(pages.LIBRARY),
            "page_teach": lambda: self.page_wanted.emit(pages.TEACH),
            "search": self.search,
            "teach": self.start_round,
            "cancel_round": self.cancel_round,
            "use": self.use_newest,
            "go_back": self._calls.go_back,
            "agents": self.choose_agent,
            "undo": self._library.undo_delete,
            "delete": self._library.delete_chosen,
            "games": self.choose_game,
            "models": self.choose_model,
            "full_screen": self.full_screen_wanted.emit,
            "settings": self.settings,
            "welcome": self.welcome_wanted.emit,
            "diagnostics": self.copy_diagnostics,
            "log": lambda: self._show(LogDialog(self._backend.log_file(), window)),
            "help": lambda: self._show(ShortcutsDialog(window)),
            "about": self.about,
            "quit": self.close_wanted.emit,
        }

    # Playing

    def play(self, instruction: str) -> None:
        """Let the agent play; the view gets the focus, so that any game key takes over."""
        if not self._may_watch():
            return
        if self._ask(lambda: self._session.play(instruction)):
            self._calls.look_up_hint(instruction)
            self.focus_view()
        else:
            self.focus_instruction()

    def play_example(self, instruction: str) -> None:
        """Play a sentence that was clicked."""
        self._page.bar.edit.setText(instruction)
        self._page.bar.submit()

    def demonstrate(self) -> None:
        """Let the person drive from the first tick."""
        if not self._may_watch():
            return
        text = self._page.bar.edit.text().strip()
        self.page_wanted.emit(pages.PLAY)
        if self._ask(lambda: self._session.demonstrate(text)):
            if not self._backend.own_window:
                self._page.view.capture()
        else:
            self.focus_instruction()

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        if self._session.snapshot().phase is Phase.PAUSED:
            self._session.resume()
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
        seed, chosen = QInputDialog.getInt(
            self._window,
            "Reset with a seed",
            "The same number gives the same start:",
            self._session.snapshot().seed,
            0,
            LARGEST_SEED,
        )
        if chosen:
            self._session.reset(seed)

    def hand_back_from_view(self) -> None:
        """Give the hands back, where the person has them from the agent."""
        if self._session.snapshot().phase is Phase.CORRECTING:
            self._session.hand_back()

    # Teaching

    def know_verdict(self, facts: VerdictFacts | None) -> None:
        """Remember the verdict that the card shows."""
        self._verdict = facts

    def start_round(self) -> None:
        """Begin a round, where one can begin."""
        if not self._calls.rounds.running and self._side.teach.retrain.isEnabled():
            self._side.teach.begin_round()
            self._calls.rounds.start()

    def cancel_round(self) -> None:
        """Ask the round to stop."""
        if self._calls.rounds.running:
            self._side.teach.show_cancelling()
            self._calls.rounds.cancel()

    def use_newest(self) -> None:
        """Use the agent that the verdict is about."""
        if self._verdict is not None and not self._verdict.in_use:
            self._calls.use_adapter(self._verdict.adapter_id)

    def choose_agent(self) -> None:
        """Show the list of adapters."""
        if self._calls.agent is not None:
            dialog = AgentsDialog(self._calls.agent, self._window)
            dialog.use_asked.connect(self._calls.use_adapter)
            dialog.back_asked.connect(self._calls.go_back)
            self._show(dialog)

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

    # Games

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

    def choose_model(self) -> None:
        """Show what can play: the practice model, a checkpoint, a server."""
        dialog = ModelDialog(self._backend.model_catalogue(), self._calls.bridge, self._window)
        dialog.used.connect(self._calls.refresh_all)
        self._session.pause()
        self._show(dialog)

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
        dialog.rejected.connect(lambda: self._theme.choose(self.preferences.theme))
        self._show(dialog)

    def apply_preferences(self) -> None:
        """Put the settings in force in the window and the session."""
        wanted = self.preferences
        if self._theme.choice is not wanted.theme:
            self._theme.choose(wanted.theme)
        self._page.view.use_bindings(wanted.bindings)
        self._page.view.use_own_window(
            self._backend.own_window, short_key(wanted.hotkeys.get(Hotkey.HAND_BACK, ""))
        )
        self._page.view.use_sensitivity(wanted.mouse_sensitivity)
        self._session.set_idle_handback_s(wanted.idle_handback_s)

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
        self._page.notice.tell("The diagnostics are in the clipboard.", tone="agent")

    def tell_problem(self, sentence: str) -> None:
        """Show a sentence where the person looks."""
        log.warning("%s", sentence)
        self._page.notice.tell(sentence)

    def tell_hint(self, sentence: str) -> None:
        """Say what is unfamiliar about the sentence that is played, and offer to teach it."""
        if sentence and not self._page.notice.text():
            self._page.notice.tell(sentence, "Show it myself", tone="agent")

    def _ask(self, call: Callable[[], None]) -> bool:
        """Run a request to the session; a KnownError is told, and False returned."""
        try:
            call()
        except KnownError as error:
            self.tell_problem(error.sentence)
            return False
        self._page.notice.clear()
        return True

    def _may_watch(self) -> bool:
        """Return whether the person knows what is watched; else they are told now."""
        if not self._backend.own_window or self.preferences.seen_privacy:
            return True
        self.tell_privacy()
        return False

    def _on_settings(self, dialog: SettingsDialog) -> None:
        self.preferences = dialog.edited()
        self._calls.save_preferences(self.preferences)
        self.apply_preferences()

    def _show(self, dialog: QDialog) -> None:
        self._page.view.release()
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
