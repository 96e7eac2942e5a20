"""The wizard's hands and eyes on a real X server of the test's own."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.backend.games.wizard_screen import DesktopCalibration
from app.benchmarks.desktop_cases.parts import Hand, until
from app.benchmarks.desktop_cases.stage import PlainWindow, missing_programs
from recorder.capture.base import WindowInfo
from recorder.errors import GameError
from recorder.games import find_task, game_names, open_game
from recorder.games.desktop import calibration as turning
from recorder.games.desktop.calibration import new_profile
from recorder.games.luanti.launch import program

pytest_plugins = ("live_fixtures",)
pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(bool(missing_programs()), reason="Xvfb or openbox is not installed"),
]


@pytest.fixture
def window(desktop: str) -> Iterator[PlainWindow]:
    made = PlainWindow("Plain game - level 1", left=100, top=60, width=640, height=360)
    yield made
    made.close()


@pytest.fixture
def calibration(window: PlainWindow, tmp_path: Path) -> Iterator[DesktopCalibration]:
    made = DesktopCalibration(tmp_path)
    yield made
    made.close()


def the_window(calibration: DesktopCalibration, window: PlainWindow) -> WindowInfo:
    for _ in until(10.0):
        for candidate in calibration.candidates():
            if candidate.window.id == window.id and candidate.picture is not None:
                return candidate.window
    raise AssertionError("the window was not found")


def test_it_counts_the_mouse_in_the_games_window_and_hears_no_key(
    calibration: DesktopCalibration, window: PlainWindow
) -> None:
    found = the_window(calibration, window)
    hand = Hand()
    try:
        calibration.begin_turn(found)
        for _ in range(3):
            hand.move(20, 5)
        hand.press("W", True)
        hand.press("W", False)
        for _ in until(10.0):
            if calibration.turned_counts() == 60:
                break
        assert calibration.turned_counts() == 60
        calibration.end_turn()
        hand.move(20, 0)
        assert calibration.turned_counts() == 60
    finally:
        hand.close()


@pytest.mark.long(7, "a real window is waited for until it is given up")
def test_a_game_that_does_not_turn_is_told_of_and_nothing_stays_behind(
    calibration: DesktopCalibration, window: PlainWindow
) -> None:
    found = the_window(calibration, window)
    profile = new_profile("plain", found, {"forward": "W"}, 0.5)
    with pytest.raises(GameError, match="did not change"):
        calibration.check(profile, found)


def test_what_is_saved_is_offered(
    calibration: DesktopCalibration, window: PlainWindow, tmp_path: Path
) -> None:
    found = the_window(calibration, window)
    assert "plain" not in calibration.taken_names()
    calibration.save(new_profile("plain", found, {"forward": "W"}, 0.5))
    assert "plain" in calibration.taken_names()
    assert "plain" in game_names(tmp_path)


def test_a_window_that_is_gone_is_told_of(
    calibration: DesktopCalibration, window: PlainWindow
) -> None:
    found = the_window(calibration, window)
    gone = WindowInfo(found.id + 1000, "gone", "", os.getpid(), found.rect)
    with pytest.raises(GameError, match="window is gone"):
        calibration.begin_turn(gone)


@pytest.mark.long(15, "a real Luanti, which runs in real time")
@pytest.mark.skipif(program() is None, reason="Luanti is not installed")
def test_a_real_game_turns_once_around_by_the_right_calibration_only(
    desktop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    game = open_game("luanti")
    calibration = DesktopCalibration(tmp_path)
    try:
        # A tree ahead, so that the views differ.
        game.reset(find_task(game, "chop a tree"), 1)
        found = next(
            each.window
            for each in calibration.candidates()
            if game.profile.matches(each.window.title, each.window.process)
        )
        right = new_profile("copy", found, {"forward": "W"}, 0.2)
        # What is still being drawn of the world is no turn.
        seen = [calibration.candidates()[0].picture]
        for _ in range(40):
            time.sleep(0.25)
            seen.append(calibration.candidates()[0].picture)
            if np.array_equal(seen[-1], seen[-2]):
                break
        trial = calibration.check(right, found)
        assert trial.off < 0.5
        assert trial.delay_ms is not None
        assert 0 < trial.delay_ms < 500
        # Of turns that are made anew tests/recorder/games/desktop/test_calibration.py knows.
        monkeypatch.setattr(turning, "TURNS", 1)
        wrong = new_profile("copy", found, {"forward": "W"}, 0.31)
        assert calibration.check(wrong, found).off > 0.5
    finally:
        calibration.close()
        game.close()
