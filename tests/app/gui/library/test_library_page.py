"""The library's list: what is shown if nothing fits, and the keys that work on it."""

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from sample import SampleBackend, sample_episodes

from app.gui import header as pages
from app.gui.main_window import MainWindow


def filled(qtbot: QtBot, window: MainWindow, place: SampleBackend) -> None:
    place.kept = sample_episodes(0.0, 4)
    window.calls.refresh_lessons()
    qtbot.waitUntil(lambda: window.library.model.rowCount() == 4)
    window.show_page(pages.LIBRARY)


def test_a_search_without_a_match_says_so(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    library = window.library
    assert library.empty.text().startswith("Nothing recorded yet")
    filled(qtbot, window, place)
    assert not library.empty.isVisible()
    library.search.setText("no such thing")
    assert library.empty.isVisible()
    assert library.empty.text().startswith("No attempt has these words")
    assert not library.list.isVisible()
    library.search.clear()
    assert library.list.isVisible()


def test_delete_puts_the_chosen_attempt_into_the_bin(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    filled(qtbot, window, place)
    window.library.choose(3)
    with qtbot.waitSignal(window.calls.deleted):
        qtbot.keyClick(window.library.list, Qt.Key.Key_Delete)
    assert [each.id for each in place.episodes()] == [4, 2, 1]
    # Who deletes one after the other need not choose each.
    qtbot.waitUntil(lambda: window.library.model.rowCount() == 3)
    with qtbot.waitSignal(window.calls.deleted):
        qtbot.keyClick(window.library.list, Qt.Key.Key_Delete)
    assert [each.id for each in place.episodes()] == [4, 1]
