"""The window: its pages, its timer, and every connection between the parts."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.backend.games.ports import GameWish
from app.backend.ports import Backend, EpisodeFacts, RoundUpdate, VerdictFacts
from app.gui import header as pages
from app.gui.calls.backend_calls import BackendCalls
from app.gui.commands import Commands
from app.gui.dialogs.dialog_commands import DialogCommands
from app.gui.dialogs.welcome import Welcome
from app.gui.header import Header
from app.gui.library.library_page import Library
from app.gui.play.beside_game import NARROW_PX, takes_back
from app.gui.play.hands import Hands
from app.gui.play.instruction_bar import History
from app.gui.play.play_page import MARGIN, PlayPage, SideColumn
from app.gui.play.status_line import StatusLine
from app.gui.shortcuts import fill_menu, make_actions, tip_of
from app.gui.style import icons
from app.gui.style.dialog_parts import confirmed
from app.gui.style.theme import Theme, scaled
from app.gui.window_state import UnwrittenEpisode, WindowState
from app.session.api import Phase, Snapshot
from recorder.types import Outcome

SNAPSHOT_MS = 33
ASK_AGAIN_MS = 300
TEACH_PAGE_PX = 560


class MainWindow(QMainWindow):
    """Everything on the screen.  It owns widgets and timers, not the session.

    ``state`` keeps layout and history between starts.
    """

    def __init__(self, backend: Backend, theme: Theme, state: QSettings) -> None:
        super().__init__()
        self._backend = backend
        self._session = backend.session
        self._theme = theme
        self._state = WindowState(state)
        self._snapshot: Snapshot = self._session.snapshot()
        self._pulled: tuple[Snapshot, int] | None = None
        self._unwritten = UnwrittenEpisode()
        self._narrow: bool | None = None
        self._shown_before = False
        self._escape_stamp = -1
        self._asks = True
        self._called_away = False
        self.next_game: GameWish | None = None
        """The game that the person wants next, once the window is closed."""
        self.calls = BackendCalls(backend)
        self._history = History(self._state.history)
        self.header = Header(theme)
        self.play_page = PlayPage(self._session, theme, self._history)
        self.side = SideColumn(theme)
        self.library = Library(theme)
        self.teach_page = QWidget()
        self.pages = QStackedWidget()
        self.status = StatusLine(theme, backend.remote_server)
        self._build()
        self.dialogs = DialogCommands(backend, self.calls, theme, self, self.play_page)
        self.commands = Commands(
            backend,
            self.dialogs,
            self.calls,
            page=self.play_page,
            side=self.side,
            library=self.library,
        )
        self.hands = Hands(
            self.play_page, self.commands.focus_instruction, own_window=backend.own_window
        )
        self.welcome = Welcome(
            theme, self._central, (self.play_page.bar, self.play_page.view, self.side.teach)
        )
        self.actions_by_id = make_actions(self, self.commands.handlers())
        fill_menu(self.header.menu, self.actions_by_id)
        self._timer = QTimer(self)
        self._timer.setInterval(SNAPSHOT_MS)
        self._connect_signals()
        self.dialogs.apply_preferences()
        self.play_page.chips.show_tasks(self._session.tasks())
        self._restore_layout()
        self._timer.start()
        self.calls.start()

    def _build(self) -> None:
        self.setWindowTitle("Playteach")
        self.setWindowIcon(icons.application_icon())
        self.setMinimumSize(820, 560)
        teach = QVBoxLayout(self.teach_page)
        teach.setContentsMargins(MARGIN, 14, MARGIN, 14)
        self.teach_page.setProperty("role", "page")
        for page in (self.play_page, self.library, self.teach_page):
            self.pages.addWidget(page)
        central = self._central = QWidget()
        central.setProperty("role", "page")
        layout = QVBoxLayout(central)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.header)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.status)
        self.setCentralWidget(central)
        show_tips(self.play_page, self.side, self.library)

    def _connect_signals(self) -> None:
        commands, calls = self.commands, self.calls
        page = self.play_page
        # the session, pulled
        self._timer.timeout.connect(self.pull)
        connect_backend(calls, self.dialogs, page, self.side, self.library, self.status)
        calls.episodes_changed.connect(self._on_episodes)
        calls.verdict_changed.connect(self._on_verdict)
        calls.round_updated.connect(self._on_round)
        calls.hinted.connect(commands.tell_hint)
        connect_page(page, self.side, commands, self.dialogs)
        page.library_asked.connect(lambda: self.show_page(pages.LIBRARY))
        # the window itself
        self.header.page_chosen.connect(self.show_page)
        self.header.help_asked.connect(self.actions_by_id["help"].trigger)
        commands.page_wanted.connect(self.show_page)
        commands.welcome_wanted.connect(self._begin_welcome)
        commands.full_screen_wanted.connect(self._toggle_full_screen)
        commands.close_wanted.connect(self.close)
        self.dialogs.game_wanted.connect(self._go_to_game)
        self.welcome.finished.connect(self._on_welcomed)
        self.welcome.lesson_wanted.connect(commands.guiding.begin)
        self._theme.changed.connect(self._arrange)
        app = QApplication.instance()
        assert app is not None
        app.installEventFilter(self)

    # What is shown

    def pull(self) -> None:
        """Show the session's newest state."""
        before = self._snapshot
        snapshot = self._snapshot = self._session.snapshot()
        seen, self._pulled = self._pulled, (snapshot, self.pages.currentIndex())
        if seen is not None and seen[0] is snapshot and seen[1] == self._pulled[1]:
            # Nothing happened since: painting it again would only slow the model's loading.
            return
        page = self.play_page
        if self.pages.currentIndex() == pages.PLAY:
            page.view.show_snapshot(snapshot)
        page.bar.show_snapshot(snapshot)
        page.chips.show_snapshot(snapshot)
        self.side.teach.show_snapshot(snapshot)
        self.status.show_snapshot(snapshot)
        where = self._backend.game_title
        # The starts of a game that nobody lays out have no numbers.
        judged = bool(self._session.tasks())
        self.header.where.setText(f"{where} · seed {snapshot.seed}" if judged else where)
        # An outcome may be gone before it was looked at: a new start was laid out.
        ended = snapshot.outcome is not None and before.outcome is None
        ended |= before.recording and not snapshot.recording
        if ended or snapshot.episode_id != before.episode_id:
            self.calls.refresh_lessons()
        if snapshot.who_plays != before.who_plays:
            self.calls.refresh_agent()
        if self._backend.own_window and takes_back(before, snapshot):
            self._to_front()
        self.hands.follow(before, snapshot)
        self.commands.follow(before, snapshot)

    def _to_front(self) -> None:
        self.raise_()
        self.activateWindow()

    def show_page(self, page: int) -> None:
        """Show a page; in a wide window the teach page is the play page's right column."""
        if page == pages.TEACH and not self._narrow:
            page = pages.PLAY
            self.side.teach.retrain.setFocus()
        if page != pages.PLAY:
            self.play_page.view.release()
            self.welcome.hide()
        self.pages.setCurrentIndex(page)
        self.header.show_page(page)
        self._show_frame()

    def _on_episodes(self, episodes: list[EpisodeFacts]) -> None:
        self.library.show_episodes(episodes)
        self.play_page.recent.show_episodes(episodes)
        self.play_page.show_any_attempts(bool(episodes))
        if self._unwritten.ask_again(episodes, self._snapshot):
            QTimer.singleShot(ASK_AGAIN_MS, self.calls, self.calls.refresh_lessons)

    def _on_verdict(self, facts: VerdictFacts | None) -> None:
        self.commands.know_verdict(facts)
        self.side.verdict.show_facts(facts)

    def _on_round(self, update: RoundUpdate) -> None:
        self.side.teach.show_update(update)
        if update.notice:
            self._called_away = True
            self.play_page.notice.tell(update.notice)
        if update.finished and self._called_away:
            # The measured game had the keyboard; its window is gone.
            self._called_away = False
            self.play_page.notice.clear()
            self._to_front()
        if update.verdict is not None:
            self._on_verdict(update.verdict)
        self.commands.guiding.follow_round(update)

    def _begin_welcome(self) -> None:
        self.show_page(pages.PLAY)
        self.welcome.begin(offers_lesson=self._backend.first_lesson is not None)

    def _on_welcomed(self) -> None:
        self.dialogs.remember_welcomed()
        self.commands.focus_instruction()
        self.dialogs.tell_privacy()

    def _go_to_game(self, wish: GameWish) -> None:
        """Close, where nothing speaks against it, to open again over another game."""
        self.next_game = wish
        if not self.close():
            self.next_game = None

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        self._show_frame()

    def _show_frame(self) -> None:
        """Leave nothing but game and sentence on a full screen."""
        alone = self.isFullScreen() and self.pages.currentIndex() == pages.PLAY
        for widget in (self.header, self.status):
            widget.setVisible(not alone)
        self.play_page.show_alone(alone)

    def close_at_once(self) -> None:
        """Close without asking, as when the system ends."""
        self._asks = False
        self.close()

    # Qt's events

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Esc releases everything and pauses, whatever has the focus; it stays usable there."""
        if event.type() == QEvent.Type.Shortcut:
            self.play_page.view.keys.forget_shortcut()
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            # One press is offered to several receivers in turn; it counts once.
            new = event.timestamp() != self._escape_stamp or not event.timestamp()
            in_window = QApplication.activeModalWidget() is None
            idle = self._session.snapshot().phase is Phase.WATCHING
            # In a dialog with nobody driving, Esc only closes the dialog.
            if event.key() == Qt.Key.Key_Escape and new and (in_window or not idle):
                self._escape_stamp = event.timestamp()
                self.commands.stop_everything()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Move the cards into a page of their own where the window is narrow."""
        super().resizeEvent(event)
        self._arrange()

    def showEvent(self, event: QShowEvent) -> None:
        """Explain itself at the first start."""
        super().showEvent(event)
        if not self._shown_before:
            self._shown_before = True
            self._arrange()
            self.play_page.bar.edit.setFocus()
            if not self.dialogs.preferences.seen_welcome:
                # Once the layout has settled, so that the steps point at the right places.
                QTimer.singleShot(0, self, self._begin_welcome)
            else:
                QTimer.singleShot(0, self, self.dialogs.tell_privacy)

    def changeEvent(self, event: QEvent) -> None:
        """Let the mouse go when another window becomes active."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.play_page.view.release()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the layout, stop the timers, leave nothing pressed."""
        if self._asks and self.calls.rounds.running and not self._may_drop_round():
            event.ignore()
            return
        self.calls.rounds.cancel()
        self.commands.stop_everything()
        self._timer.stop()
        app = QApplication.instance()
        assert app is not None
        app.removeEventFilter(self)
        self._state.keep(self, self._history.lines)
        self.library.player.shut_down()
        self.dialogs.close()
        self.calls.close()
        super().closeEvent(event)

    def _may_drop_round(self) -> bool:
        return confirmed(
            self,
            "A round is running",
            "Closing cancels the round; the agent stays as it is and nothing you recorded is lost.",
            "Close anyway",
        )

    def _arrange(self) -> None:
        narrow = self.width() < scaled(NARROW_PX)
        if narrow:
            self.side.setFixedWidth(min(scaled(TEACH_PAGE_PX), self.width() - 2 * MARGIN))
        if narrow is self._narrow:
            return
        self._narrow = narrow
        layout = self.teach_page.layout()
        assert layout is not None
        if narrow:
            self.play_page.give_side()
            layout.addWidget(self.side)
            layout.setAlignment(self.side, Qt.AlignmentFlag.AlignHCenter)
            self.side.show()
        else:
            layout.removeWidget(self.side)
            self.play_page.take_side(self.side)
            if self.pages.currentIndex() == pages.TEACH:
                self.show_page(pages.PLAY)
        self.header.show_teach_tab(narrow)

    def _restore_layout(self) -> None:
        # Always on the game: what it does is not seen from the library.
        self._state.restore(self, own_window=self._backend.own_window)


def connect_backend(
    calls: BackendCalls,
    dialogs: DialogCommands,
    page: PlayPage,
    side: SideColumn,
    library: Library,
    status: StatusLine,
) -> None:
    """Let each widget ask the backend, and show what it answers."""
    library.open_wanted.connect(calls.open_playback)
    library.label_wanted.connect(calls.label)
    library.delete_wanted.connect(calls.delete)
    library.restore_wanted.connect(calls.restore)
    library.picture_wanted.connect(calls.load_picture)
    library.teach_wanted.connect(calls.teach)
    calls.teach_changed.connect(lambda facts: library.show_lessons(facts.lessons))
    page.recent.picture_wanted.connect(calls.load_picture)
    side.teach.lessons.wished.connect(calls.wish)
    side.verdict.use_asked.connect(calls.use_adapter)
    side.verdict.back_asked.connect(calls.go_back)
    side.verdict.back_asked.connect(side.teach.curve.hide)
    side.verdict.more_asked.connect(calls.play_more)
    side.verdict.judge_asked.connect(dialogs.judge_blind)
    side.verdict.film_asked.connect(dialogs.watch_film)
    side.verdict.practised_asked.connect(dialogs.show_practised)
    calls.teach_changed.connect(side.teach.show_facts)
    calls.agent_changed.connect(side.agent.show_facts)
    calls.agent_changed.connect(lambda facts: status.show_remote(facts.remote))
    calls.agent_failed.connect(side.agent.show_problem)
    calls.storage_changed.connect(status.show_storage)
    calls.picture_loaded.connect(library.show_picture)
    calls.picture_loaded.connect(page.recent.show_picture)
    calls.playback_opened.connect(library.show_playback)
    calls.playback_failed.connect(library.show_problem)
    calls.deleted.connect(library.show_deleted)
    calls.problem.connect(dialogs.tell_problem)
    calls.problem.connect(library.tell_problem)
    calls.done.connect(lambda text: page.notice.tell(text, tone="agent"))
    calls.done.connect(library.tell_problem)


def connect_page(
    page: PlayPage, side: SideColumn, commands: Commands, dialogs: DialogCommands
) -> None:
    """Let what is pressed on the play page and on its cards ask for it."""
    side.teach.round_asked.connect(commands.start_round)
    side.teach.failing_asked.connect(commands.failing.look)
    side.teach.lessons_asked.connect(
        lambda: dialogs.show_lessons(plays=not side.teach.facts.practice_blocked)
    )
    side.teach.practice_asked.connect(commands.choose_practice)
    dialogs.practice_chosen.connect(commands.start_practice)
    side.teach.cancel_asked.connect(commands.cancel_round)
    side.agent.change_asked.connect(dialogs.choose_agent)
    page.view.hand_back_asked.connect(commands.hand_back_from_view)
    page.bar.play_asked.connect(commands.play)
    page.bar.play_asked.connect(lambda _sentence: page.chips.complete(""))
    page.bar.pause_asked.connect(commands.toggle_pause)
    page.bar.stop_asked.connect(commands.stop)
    page.bar.reset_asked.connect(commands.reset)
    page.chips.example_chosen.connect(commands.play_example)
    page.chips.more_asked.connect(dialogs.show_sentences)
    dialogs.sentence_chosen.connect(commands.play_example)
    dialogs.failing_chosen.connect(commands.failing.look)
    page.bar.edit.textEdited.connect(page.chips.complete)
    page.chips.demonstrate_asked.connect(commands.demonstrate)
    page.chips.success_asked.connect(lambda: commands.mark(Outcome.SUCCESS))
    page.chips.failure_asked.connect(lambda: commands.mark(Outcome.FAILURE))
    page.recent.chosen.connect(commands.open_in_library)


def show_tips(page: PlayPage, side: SideColumn, library: Library) -> None:
    """Give each button the tip of its entry in the shortcut table."""
    bar, chips = page.bar, page.chips
    for widget, entry in (
        (bar.play, "play"),
        (bar.pause, "pause"),
        (bar.stop, "stop"),
        (bar.reset, "reset"),
        (chips.more, "sentences"),
        (chips.demonstrate, "demonstrate"),
        (chips.success, "success"),
        (chips.failure, "failure"),
        (side.teach.retrain, "teach"),
        (side.teach.cancel, "cancel_round"),
        (side.verdict.back, "go_back"),
        (side.verdict.use, "use"),
        (side.agent.change, "agents"),
        (library.delete, "delete"),
    ):
        widget.setToolTip(tip_of(entry))
