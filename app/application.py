"""The composition root of the window: builds every part in reading order, and stops them."""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path

from app.session.session import LiveSession
from app.session.settings import SettingsFile, config_folder
from recorder.games import open_game
from recorder.games.base import Bindings
from recorder.store import Reader, Store, default_data_folder, logs_path
from recorder.store.rows import EpisodeKind


def run_window(data: Path | None = None, *, quit_when_playing: bool = False) -> int:
    """Show the window until it is closed; return the exit code.

    Raises KnownError where the data folder or the game cannot be opened.
    ``quit_when_playing`` closes it after the first action (for the start-up benchmark).
    """
    from PySide6.QtCore import QSettings, QTimer
    from PySide6.QtWidgets import QApplication

    from app.gui.main_window import MainWindow
    from app.gui.theme import Theme
    from app.workplace import LiveWorkplace

    application = QApplication.instance() or QApplication(sys.argv[:1])
    if not isinstance(application, QApplication):
        raise RuntimeError("a Qt application without widgets is running already")
    application.setApplicationName("Playteach")
    application.setDesktopFileName("playteach")
    settings_file = SettingsFile(config_folder())
    settings = settings_file.load()
    folder = data or (Path(settings.data_folder) if settings.data_folder else default_data_folder())
    log_file = logs_path(folder) / "playteach.log"
    keep_log(log_file)
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(Store.open(folder))
        reader = stack.enter_context(Reader.open(folder))
        game = open_game("doom")
        bindings = Bindings(
            {**game.bindings.keys, **settings.keys}, game.bindings.degrees_per_count
        )
        session_id = store.begin_session(
            game.name,
            tick_rate_hz=game.tick_rate_hz,
            width=640,
            height=360,
            realtime=game.realtime,
            bindings=dict(bindings.keys),
        )
        stack.callback(store.end_session, session_id)

        def recording(kind: EpisodeKind, adapter_id: int | None) -> object:
            return store.episode_recorder(session_id, kind=kind, adapter_id=adapter_id)

        session = LiveSession(
            game,
            make_recording=recording,  # type: ignore[arg-type]
            bindings=bindings,
            idle_handback_s=settings.idle_handback_s,
        )
        stack.callback(session.close)
        workplace = LiveWorkplace(
            session, store, reader, settings_file, settings,
            data=folder, game_title=game.title, default_bindings=game.bindings, log_file=log_file,
        )  # fmt: skip
        theme = Theme(workplace.preferences().theme)
        theme.apply()
        state = QSettings(str(config_folder() / "window.ini"), QSettings.Format.IniFormat)
        window = MainWindow(workplace, theme, state)
        window.show()
        session.start()
        # The window is on the screen before the model's libraries are loaded.
        QTimer.singleShot(0, workplace.load_agent_in_background)
        if quit_when_playing:
            _quit_when_playing(session, application)
        return application.exec()


def keep_log(path: Path) -> None:
    """Write warnings and worse, and our own news, to ``path`` (at most 2 MB, one old one)."""
    from logging.handlers import RotatingFileHandler

    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=2_000_000, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def _quit_when_playing(session: LiveSession, application: object) -> None:
    """Say on stderr when the window stood and when the agent acted, then quit."""
    import time

    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    sys.stderr.write(f"visible {time.time():.3f}\n")
    session.play("go to the red torch")
    timer = QTimer(application if isinstance(application, QApplication) else None)

    def look() -> None:
        if session.snapshot().latency_ms is not None:
            sys.stderr.write(f"playing {time.time():.3f}\n")
            QApplication.quit()

    timer.timeout.connect(look)
    timer.start(20)
