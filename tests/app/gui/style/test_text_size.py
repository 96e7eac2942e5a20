"""The text size: everything that shows text follows it at once, and nothing is cut by it."""

from collections.abc import Iterator

import pytest
from gallery import STATES, Stage, furnish
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot
from sample import SampleBackend, SampleSession, room

from app.backend.ports import ThemeChoice
from app.backend.settings import TEXT_PERCENTS
from app.gui.dialogs.settings_dialog import SettingsDialog
from app.gui.main_window import MainWindow
from app.gui.style.theme import Theme, scaled, ui_font
from app.gui.style.widgets import Elided


@pytest.fixture(autouse=True)
def usual_size_afterwards(theme: Theme) -> Iterator[None]:
    yield
    theme.choose(theme.choice, 100)


def settings_of(window: MainWindow) -> SettingsDialog:
    window.actions_by_id["settings"].trigger()
    dialog = window.findChild(SettingsDialog)
    assert isinstance(dialog, SettingsDialog)
    return dialog


def pixels(label: QLabel) -> int:
    return label.fontInfo().pixelSize()


def test_text_is_scaled_wherever_it_comes_from(qapp: QApplication, theme: Theme) -> None:
    label = QLabel("what it is")
    label.ensurePolished()
    assert (ui_font(13).pixelSize(), pixels(label), scaled(84)) == (13, 13, 84)
    with_signal = []
    theme.changed.connect(lambda: with_signal.append(ui_font(13).pixelSize()))
    theme.choose(theme.choice, 150)
    label.ensurePolished()
    assert (ui_font(13).pixelSize(), pixels(label), scaled(84)) == (20, 20, 126)
    # Who paints text is told once the new size is in force.
    assert with_signal == [20]
    assert qapp.font().pixelSize() == 20


def test_a_text_size_is_in_force_as_soon_as_it_is_tried(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, theme: Theme
) -> None:
    shown = window.side.teach.sentence
    dialog = settings_of(window)
    assert dialog.text_size.currentText() == "100 %"
    assert [dialog.text_size.itemText(n) for n in range(5)] == [f"{p} %" for p in TEXT_PERCENTS]
    narrow = dialog.width()
    dialog.text_size.setCurrentIndex(TEXT_PERCENTS.index(150))
    assert pixels(shown) == 20
    assert dialog.width() > narrow
    dialog.reject()
    assert pixels(shown) == 13
    assert place.settings.text_percent == 100
    qtbot.waitUntil(lambda: window.findChild(SettingsDialog) is None)
    dialog = settings_of(window)
    dialog.text_size.setCurrentIndex(TEXT_PERCENTS.index(130))
    dialog.accept()
    qtbot.waitUntil(lambda: place.settings.text_percent == 130)
    assert pixels(shown) == 17
    assert theme.text_percent == 130


def cut_in(window: QWidget) -> list[str]:
    """Return the words of labels and buttons that are shown, but not whole."""
    found = []
    for kind in (QLabel, QAbstractButton):
        for widget in window.findChildren(kind):
            text = widget.text()
            shown = widget.isVisible() and text and not isinstance(widget, Elided)
            # What a row of chips has no room for lies far outside.
            inside = widget.mapTo(window, QPoint(0, 0)).x() >= 0
            if not (shown and inside):
                continue
            needed = widget.sizeHint()
            wraps = isinstance(widget, QLabel) and widget.wordWrap()
            if wraps:
                short = widget.height() < widget.heightForWidth(widget.width())
            else:
                short = widget.width() < needed.width() or widget.height() < needed.height()
            if short:
                found.append(text)
    return found


@pytest.mark.parametrize(
    "state_name", ["first", "agent", "person", "paused", "problem", "library", "deleted", "teach"]
)
@pytest.mark.parametrize("percent", [100, 150])
def test_nothing_is_cut_in_a_small_window_with_large_text(
    qtbot: QtBot,
    window: MainWindow,
    session: SampleSession,
    place: SampleBackend,
    theme: Theme,
    state_name: str,
    percent: int,
) -> None:
    furnish(place, ThemeChoice.DARK)
    window.calls.refresh_all()
    window.resize(1280, 800)
    theme.choose(theme.choice, percent)
    STATES[state_name](Stage(window, session, place, [room(0.1 * i) for i in range(4)]))
    qtbot.waitUntil(lambda: window.calls.bridge.pending == 0)
    window.pull()

    def whole() -> None:
        assert cut_in(window) == []

    qtbot.waitUntil(whole)
    # The window did not have to grow for it, and its parts lie inside of it.
    assert (window.width(), window.height()) == (1280, 800)
    inside = QRect(QPoint(0, 0), window.size())
    for part in (window.header, window.status, window.pages):
        assert inside.contains(QRect(part.mapTo(window, QPoint(0, 0)), part.size()))
