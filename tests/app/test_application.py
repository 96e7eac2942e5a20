"""The whole window on the real game, without a screen and without a checkpoint."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fake_desktop import Desk
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from toy_game import ToyGame, WalkPolicy

from app.application import effective_bindings, run_window
from app.backend.games.ports import GameWish
from app.backend.lessons.round_in_progress import RoundInProgress
from app.backend.models.choice import ModelChoice
from app.backend.settings import FILE_NAME, Settings, load_settings
from app.gui.main_window import MainWindow
from app.session.control_loop import LiveSession
from model.play.runner import WaitingRunner
from recorder.errors import DataBusyError, NoDisplayError, UsageError
from recorder.games.seeds import SeedRange
from recorder.store import Reader, RoundStatus, Store
from trainer.rounds.books import RoundResult
from trainer.rounds.client import RoundClient


@pytest.fixture(autouse=True)
def offscreen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")


@pytest.mark.timeout(90)
def test_the_window_opens_shows_the_game_and_tells_what_is_wrong(
    tmp_path: Path, qapp: QApplication
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / FILE_NAME).write_text('theme = "pink"\n', encoding="utf-8")
    seen: list[object] = []
    reached: list[str] = []

    def opened(window: MainWindow) -> None:
        timer = QTimer(window)

        def look() -> None:
            snapshot = window._session.snapshot()
            if snapshot.frame is not None and snapshot.message:
                seen.append(snapshot)
                window.close()

        timer.timeout.connect(look)
        timer.start(20)

    code = run_window(
        tmp_path / "data",
        base=tmp_path / "none",
        config=config,
        milestone=reached.append,
        opened=opened,
    )
    assert code == 0
    assert reached[:1] == ["visible"]
    assert seen, "the sentence on the missing model was never shown"
    log = (tmp_path / "data" / "logs" / "playteach.log").read_text(encoding="utf-8")
    assert "theme" in log
    Store.open(tmp_path / "data").close()


@pytest.mark.timeout(90)
def test_a_polite_kill_closes_the_window_and_everything_behind_it(
    tmp_path: Path, qapp: QApplication
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def opened(window: MainWindow) -> None:
        # A round that runs must not make it ask.
        client = RoundClient(tmp_path, None, tmp_path)  # type: ignore[arg-type]
        window.calls.rounds._handle = RoundInProgress(client, lambda _handle: None)
        os.kill(os.getpid(), signal.SIGTERM)

    assert run_window(tmp_path / "data", base=tmp_path / "none", opened=opened) == 0
    assert signal.getsignal(signal.SIGTERM) is before
    Store.open(tmp_path / "data").close()


@pytest.mark.timeout(90)
def test_the_window_begins_with_a_start_that_was_never_played(
    tmp_path: Path, qapp: QApplication
) -> None:
    from app.automation.demonstrations import record_demonstrations

    played = SeedRange.TEACHING.first + 6
    with Store.open(tmp_path / "data") as store:
        record_demonstrations(store, "doom", "turn left", [played])
    shown: list[int] = []
    runners: list[type] = []

    def opened(window: MainWindow) -> None:
        session = window._backend.session
        shown.append(session.snapshot().seed)
        assert isinstance(session, LiveSession)
        runner = session._seat._make_runner(WalkPolicy())
        runners.append(type(runner))
        runner.close()
        window.close()

    assert run_window(tmp_path / "data", base=tmp_path / "none", opened=opened) == 0
    assert shown == [played + 1]
    # The practice yard waits for every answer.
    assert runners == [WaitingRunner]


@pytest.mark.timeout(90)
def test_a_round_has_done_its_books_before_the_store_is_closed(
    tmp_path: Path, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = threading.Event()

    def run(client: RoundClient, **_arguments: object) -> RoundResult:
        number = client._store.add_round()
        began.set()
        while not client._cancelled:
            time.sleep(0.01)
        # As a round's process does that has to be waited for.
        time.sleep(0.5)
        client._store.update_round(number, status=RoundStatus.CANCELLED)
        return RoundResult(number, RoundStatus.CANCELLED, "It was cancelled.")

    monkeypatch.setattr(RoundClient, "run", run)
    # The session and then the store are closed after it: how long that takes saves no round.
    closed: list[bool] = []
    close = LiveSession.close

    def look_and_close(session: LiveSession) -> None:
        closed.append("round" in [thread.name for thread in threading.enumerate()])
        close(session)

    monkeypatch.setattr(LiveSession, "close", look_and_close)

    def opened(window: MainWindow) -> None:
        window.calls.rounds.start()
        assert began.wait(60)
        window.close_at_once()

    assert run_window(tmp_path / "data", base=tmp_path / "none", opened=opened) == 0
    assert closed == [False]
    with Reader.open(tmp_path / "data") as reader:
        assert [row.status for row in reader.rounds()] == [RoundStatus.CANCELLED]


def test_a_game_that_gets_no_session_is_closed(
    tmp_path: Path, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    game = ToyGame()
    monkeypatch.setattr("app.application.open_game", lambda *_, **__: game)
    judged = SeedRange.VALIDATION.first
    with pytest.raises(UsageError, match="judged"):
        run_window(tmp_path / "data", config=tmp_path / "config", seed=judged)
    assert game.closed


@pytest.mark.timeout(90)
def test_a_model_of_the_command_line_is_no_setting(tmp_path: Path, qapp: QApplication) -> None:
    asked = ModelChoice("folder", folder=tmp_path / "none")
    played: list[ModelChoice] = []

    def opened(window: MainWindow) -> None:
        played.append(window._backend.model_catalogue().choice())
        wanted = replace(window.dialogs.preferences, seen_welcome=True)
        window._backend.save_preferences(wanted)
        window.close()

    config = tmp_path / "config"
    assert run_window(tmp_path / "data", config=config, opened=opened, model=asked) == 0
    assert played == [asked]
    saved = load_settings(config).settings
    assert (saved.seen_welcome, saved.model) == (True, ModelChoice())


def test_a_second_window_on_the_same_data_is_refused(tmp_path: Path, qapp: QApplication) -> None:
    with Store.open(tmp_path / "data"), pytest.raises(DataBusyError):
        run_window(tmp_path / "data", config=tmp_path / "config")


def test_without_a_screen_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(NoDisplayError):
        run_window(tmp_path / "data")


def test_the_persons_keys_lie_on_top_of_the_games() -> None:
    bindings = effective_bindings(ToyGame(), Settings(keys={"left": "Left"}))
    assert (bindings.keys["left"], bindings.keys["right"]) == ("Left", "D")


@pytest.mark.timeout(120)
def test_a_game_in_its_own_window_keeps_its_own_keys() -> None:
    game = Desk().game
    assert effective_bindings(game, Settings(keys={"forward": "Up"})) == game.bindings


def test_a_game_that_cannot_be_opened_leaves_the_one_before_with_a_sentence(
    tmp_path: Path, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    windows: list[MainWindow] = []
    told: list[str] = []

    def look() -> None:
        for window in qapp.topLevelWidgets():
            if not isinstance(window, MainWindow) or not window.isVisible():
                continue
            if window not in windows:
                windows.append(window)
                if len(windows) == 1:
                    window._go_to_game(GameWish("minecraft"))
            elif "display" in window.play_page.notice.text():
                told.append(window.play_page.notice.text())
                timer.stop()
                window.close()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(50)
    config = tmp_path / "config"
    assert run_window(tmp_path / "data", base=tmp_path / "none", config=config) == 0
    assert len(windows) == 2
    assert windows[1]._backend.game_title == "Practice yard"
    assert "a game in a window cannot be" in told[0]


def test_a_game_that_is_none_is_refused_at_once(tmp_path: Path, qapp: QApplication) -> None:
    with pytest.raises(UsageError, match="choose one of"):
        run_window(tmp_path / "data", config=tmp_path / "config", game_name="chess")
