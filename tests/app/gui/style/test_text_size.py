"""The text size: everything that shows text follows it at once, and nothing is cut by it."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot
from sample import SampleBackend

from app.backend.settings import TEXT_PERCENTS
from app.gui.dialogs.settings_dialog import SettingsDialog
from app.gui.main_window import MainWindow
from app.gui.style.theme import Theme, scaled, ui_font


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
    dialog.text_size.setCurrentIndex(TEXT_PERCENTS.index(150))
    assert pixels(shown) == 20
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
