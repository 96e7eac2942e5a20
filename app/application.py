"""The composition root of the window: builds every part in reading order, and stops them."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from app.backend.games.ports import GameWish
from app.backend.models.choice import ModelChoice
from app.backend.settings import Settings, config_folder, load_settings
from app.backend.window_backend import WindowBackend
from app.gui.main_window import MainWindow
from app.gui.one_window import Bell, ring
from app.gui.style.theme import Theme
from app.session.control_loop import LiveSession
from app.session.teaching_seeds import fresh_teaching_seed
from app.session.thinking_time import runner_of
from app.session.wiring import store_recording, take_short_turns
from app.setup.display import require_display
from model.paths import default_checkpoint
from recorder.errors import DataBusyError, KnownError
from recorder.games import DEFAULT_GAME, agreed_command, open_game
from recorder.games.base import Bindings, Game, OwnWindowGame
from recorder.store import Reader, Store, default_data_folder, logs_path

log = logging.getLogger(__name__)

ASK_AFTER_S = 20.0
LOG_BYTES = 2_000_000
RAISED = "Playteach is open already on this data folder, so its window was brought to the front."
NOTICE_MS = 400
"""After the window stands, so that a sentence about the settings is not overlooked."""

Milestone = Callable[[str], None]
"""Told "visible" and "playing", each once."""


def run_window(
    data: Path | None = None,
    *,
    base: Path | None = None,
    config: Path | None = None,
    game_name: str = DEFAULT_GAME,
    slowed: bool = False,
    play: str = "",
    seed: int | None = None,
    milestone: Milestone | None = None,
    opened: Callable[[MainWindow], None] | None = None,
    agreed: bool = False,
    model: ModelChoice | None = None,
) -> int:
    """Show the window until it is closed; return the exit code.

    The person may go on to another game in it.  ``agreed`` agrees to the command of the
    game's profile; ``slowed`` has the first game wait for every thought.  ``model`` plays
    instead of the one that is set.

    ``play`` starts with a sentence, ``seed`` is the first start's, None for a
    teaching seed that the game was never played on; ``milestone`` hears
    how far the start-up is, and ``opened`` gets the window once it stands.  Raises
    NoDisplayError without a screen, another KnownError where the data folder or the game
    cannot be opened.  If a window is open on the data folder, that one is brought to the front.
    """
    require_display()
    application = QApplication.instance() or QApplication(sys.argv[:1])
    if not isinstance(application, QApplication):
        raise RuntimeError("a Qt application without widgets is running already")
    take_short_turns()
    application.setApplicationName("Playteach")
    application.setDesktopFileName("playteach")
    settings = load_settings(config).settings
    folder = data or settings.data_folder or default_data_folder()
    confirmed = agreed_command(game_name, folder, agreed)
    wish: GameWish | None = GameWish(game_name, confirmed, slowed)
    before: GameWish | None = None
    problem = ""
    code = 0
    while wish is not None:
        start = _Start(wish, play, seed, problem, milestone, opened, model)
        try:
            code, wanted = _open_once(application, folder, base, config, start)
            _let_go_of_windows()
        except DataBusyError:
            if before is None and _raised(folder):
                return 0
            raise
        except KnownError as error:
            if before is None or not start.unopened:
                raise
            # The game that was asked for cannot be played; the one before still can.
            log.warning("%s", error.sentence)
            problem, play, wish, before = error.sentence, "", before, None
            continue
        before, wish = wish, wanted
        # What was asked for on the command line was for the first game.
        play, seed, problem, milestone, opened, model = "", None, "", None, None, None
    return code


def _let_go_of_windows() -> None:
    """End what is left of a closed window here, and not in whatever thread collects garbage next.

    Qt's objects may end in their own thread only.
    """
    gc.collect()


def _raised(folder: Path) -> bool:
    """Bring the window to the front that is open on a data folder; return whether there is one.

    Playteach may be started from an icon, where nobody reads what is printed.
    """
    raised = ring(folder)
    if raised:
        sys.stderr.write(f"{RAISED}\n")
    return raised


@dataclass(slots=True)
class _Start:
    """How a game is to be opened; ``unopened`` until it stands."""

    wish: GameWish
    play: str
    seed: int | None
    problem: str
    milestone: Milestone | None
    opened: Callable[[MainWindow], None] | None
    model: ModelChoice | None = None
    unopened: bool = True


def _open_once(
    application: QApplication,
    folder: Path,
    base: Path | None,
    config: Path | None,
    start: _Start,
) -> tuple[int, GameWish | None]:
    """Show the window over one game until it is closed.

    Returns the exit code, and the game that the person wants next, None for none.
    """
    loaded = load_settings(config)
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(Store.open(folder))
        log_file = logs_path(folder) / "playteach.log"
        stack.enter_context(log_to(log_file))
        for problem in loaded.problems:
            log.warning("%s", problem)
        reader = stack.enter_context(Reader.open(folder))
        game, session = _open_session(stack, store, reader, folder, loaded.settings, start)
        backend = WindowBackend(
            session,
            store,
            reader,
            loaded.settings,
            data=folder,
            base=base or default_checkpoint(start.wish.name),
            game=game,
            log_file=log_file,
            config=config,
            model=start.model,
        )
        # Before session and store, which a round still needs to write down its end.
        stack.callback(backend.close)
        look = backend.preferences()
        theme = Theme(look.theme, look.text_percent)
        theme.apply()
        layout = (config or config_folder()) / "window.ini"
        window = MainWindow(backend, theme, QSettings(str(layout), QSettings.Format.IniFormat))
        start.unopened = False
        bell = Bell(folder, window)
        window.show()
        session.start()
        problems = loaded.problems + ((start.problem,) if start.problem else ())
        watch = _Watch(session, start.milestone, start.play, problems, parent=window)
        # The window is on the screen before the model's libraries are loaded.
        QTimer.singleShot(0, watch, backend.load_agent_in_background)
        QTimer.singleShot(0, watch, watch.window_stands)
        if (opened := start.opened) is not None:
            QTimer.singleShot(0, watch, lambda: opened(window))
        with closed_by_sigterm(window):
            code = int(application.exec())
        bell.close()
        return code, window.next_game


def _open_session(
    stack: contextlib.ExitStack,
    store: Store,
    reader: Reader,
    folder: Path,
    settings: Settings,
    start: _Start,
) -> tuple[Game, LiveSession]:
    """Open the game and a session over it, which ``stack`` closes."""
    opens = partial(
        open_game,
        start.wish.name,
        slowed=start.wish.slowed,
        data=folder,
        hotkeys=settings.hotkeys,
        confirmed=start.wish.confirmed,
    )
    game = opens()
    # The session closes the game too, but it may never come to a session.
    stack.callback(game.close)
    session_id, make_recording = store_recording(store, game)
    stack.callback(store.end_session, session_id)
    session: LiveSession = LiveSession(
        game,
        make_recording=make_recording,
        make_runner=runner_of(game, lambda: session),
        # In slowed time there are no deadlines at all.
        paced=not start.wish.slowed,
        bindings=effective_bindings(game, settings),
        idle_handback_s=settings.idle_handback_s,
        ask_after_s=asks_after_s(game),
        starts_seen=True,
        seed=fresh_teaching_seed(reader, game.name) if start.seed is None else start.seed,
        reopen=opens,
    )
    stack.callback(session.close)
    if isinstance(game, OwnWindowGame):
        # The person takes over in the game's own window.
        game.listen(session)
    return game, session


def asks_after_s(game: Game) -> float | None:
    """Return how long the agent may be at a sentence that nobody judges before it asks.

    As long as any task of the game may take; never in a window of its own, which does not wait.
    """
    if isinstance(game, OwnWindowGame):
        return None
    longest = max((task.max_ticks for task in game.tasks()), default=0)
    return max(ASK_AFTER_S, longest / game.tick_rate_hz)


@contextlib.contextmanager
def closed_by_sigterm(window: MainWindow) -> Iterator[None]:
    """Let SIGTERM close the window, and with it the game, instead of ending the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Heard soon: the window's timer runs Python 30 times a second.
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: window.close_at_once())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def effective_bindings(game: Game, settings: Settings) -> Bindings:
    """Return the game's own keys with the person's on top.

    A game in a window of its own hears its own keys, whatever the person chose for the others.
    """
    if isinstance(game, OwnWindowGame):
        return game.bindings
    return replace(game.bindings, keys={**game.bindings.keys, **settings.keys})


@contextlib.contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Write the log to ``path`` (at most 2 MB and one older file) while the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


class _Watch(QObject):
    """Follows the start-up: tells how far it is, begins to play, shows what is wrong."""

    def __init__(
        self,
        session: LiveSession,
        milestone: Milestone | None,
        play: str,
        problems: tuple[str, ...],
        *,
        parent: MainWindow,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._milestone = milestone
        self._play = play
        self._problems = problems
        self._window = parent
        self._timer = QTimer(self)
        self._timer.setInterval(10)
        self._timer.timeout.connect(self._look)

    def window_stands(self) -> None:
        """Note that the event loop runs and the window was painted."""
        if self._milestone is not None:
            self._milestone("visible")
            self._timer.start()
        if self._problems:
            QTimer.singleShot(NOTICE_MS, self, self._tell)
        if self._play:
            # Not before the person has read what is watched.
            self._window.dialogs.once_told(lambda: self._session.play(self._play))

    def _look(self) -> None:
        if self._session.snapshot().latency_ms is not None and self._milestone is not None:
            self._timer.stop()
            self._milestone("playing")

    def _tell(self) -> None:
        self._window.dialogs.tell_problem(" ".join(self._problems))
