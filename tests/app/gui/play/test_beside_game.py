"""Where the window comes beside a game's own, and when it takes the keyboard back."""

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from sample import SampleBackend, SampleSession

from app.gui.main_window import MainWindow
from app.gui.play.beside_game import first_place
from app.session.api import Phase
from recorder.types import Driver, Outcome


@pytest.mark.qt_log_ignore("does not support raise")
@pytest.mark.parametrize(
    ("own_window", "drivers", "ends", "comes"),
    [
        (True, (), False, True),
        (True, ((Driver.PERSON, 4), (Driver.POLICY, 9)), True, True),
        (True, ((Driver.POLICY, 9), (Driver.PERSON, 4)), True, False),
        (False, (), False, False),
        (False, ((Driver.POLICY, 9),), True, False),
    ],
)
def test_the_window_comes_back_when_a_start_is_laid_out_or_the_agent_has_ended(
    window: MainWindow,
    place: SampleBackend,
    session: SampleSession,
    qtbot: QtBot,
    own_window: bool,
    drivers: tuple[tuple[Driver, int], ...],
    ends: bool,
    comes: bool,
) -> None:
    place.own_window = own_window
    other = QWidget()
    qtbot.addWidget(other)
    other.show()
    other.activateWindow()
    qtbot.waitUntil(other.isActiveWindow)
    session.set(phase=Phase.PLAYING, outcome=None, tick=13, drivers=drivers)
    session.show_frame(0)
    window.pull()
    assert other.isActiveWindow()
    session.set(
        phase=Phase.WATCHING,
        outcome=Outcome.SUCCESS if ends else None,
        tick=13 if ends else 0,
    )
    session.show_frame(1)
    window.pull()
    if comes:
        qtbot.waitUntil(window.isActiveWindow)
    else:
        qtbot.wait(50)
        assert other.isActiveWindow()


@pytest.mark.parametrize(
    ("width", "own_window", "expected"),
    [(1920, False, 1440), (1920, True, 1220), (2560, True, 1440), (1366, True, 1326)],
)
def test_the_window_comes_beside_a_game_of_its_own_where_there_is_room(
    width: int, own_window: bool, expected: int
) -> None:
    place = first_place(QRect(0, 20, width, 1000), own_window)
    assert (place.left(), place.top()) == (0, 20)
    assert (place.width(), place.height()) == (expected, 900)
    game_left = width - 656
    assert not own_window or width < 1800 or place.right() < game_left
