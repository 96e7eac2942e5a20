import gc
import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from questions import Answers
from sample import BINDINGS, SampleBackend, SampleSession

from app.backend.ports import Preferences, ThemeChoice
from app.gui.main_window import MainWindow
from app.gui.style.theme import Theme

HERE = Path(__file__).parent
UNSUPPORTED = ("propagateSizeHints", "grabbing the mouse", "grabbing the keyboard", "support raise")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # What the offscreen platform cannot do, it says; the real ones can.
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore(*UNSUPPORTED, extend=True))


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    # The windows of the test before, or all that is in them is given the new style as well.
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    # What is left of them is collected here: a worker of the next window that happened to collect
    # it would destroy widgets in a thread that is not theirs.
    gc.collect()
    theme = Theme(ThemeChoice.DARK)
    theme.apply()
    return theme


@pytest.fixture
def answers(qapp: QApplication) -> Iterator[Answers]:
    """Answer questions; a test sets ``words`` to those on the button that it means."""
    answers = Answers("")
    yield answers
    answers.stop()


@pytest.fixture
def session() -> SampleSession:
    return SampleSession()


@pytest.fixture
def place(tmp_path: Path, session: SampleSession) -> SampleBackend:
    place = SampleBackend(tmp_path, session)
    place.settings = Preferences(bindings=BINDINGS, seen_welcome=True, theme=ThemeChoice.DARK)
    return place


@pytest.fixture
def state(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def window(
    qtbot: QtBot, place: SampleBackend, theme: Theme, state: QSettings
) -> Iterator[MainWindow]:
    window = MainWindow(place, theme, state)
    qtbot.addWidget(window)
    window.resize(1440, 900)
    with qtbot.waitExposed(window):
        window.show()
    qtbot.waitUntil(lambda: window.calls.bridge.pending == 0)
    yield window
    place.round = None
    window.close()
