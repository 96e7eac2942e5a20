"""Where notices lie, and that they are seen wherever the person is."""

import pytest
from PySide6.QtCore import QRect
from pytestqt.qtbot import QtBot

from app.gui import header as pages
from app.gui.main_window import MainWindow
from app.gui.style.widgets import Offer


@pytest.mark.parametrize("size", [(900, 600), (1600, 1000)])
def test_a_notice_stays_over_the_picture_as_the_window_changes_its_size(
    qtbot: QtBot, window: MainWindow, size: tuple[int, int]
) -> None:
    page = window.play_page
    page.notice.tell("Something is wrong, " * 6, [Offer("Do it", list), Offer("Or that", list)])
    window.resize(*size)
    qtbot.waitUntil(lambda: window.width() == size[0])

    def inside() -> bool:
        origin = page.view.mapTo(page, page.view.rect().topLeft())
        return QRect(origin, page.view.size()).contains(page.notice.geometry())

    qtbot.waitUntil(inside)
    for each in page.notice.buttons:
        assert page.notice.rect().contains(each.geometry())


def test_a_notice_follows_the_column_in_which_the_view_stays_where_it_is(
    qtbot: QtBot, window: MainWindow
) -> None:
    page = window.play_page
    page.notice.tell("Something is wrong.")
    qtbot.waitUntil(page.notice.isVisible)
    before = page.notice.x()
    page.left.move(page.left.x() + 70, page.left.y())
    qtbot.waitUntil(lambda: page.notice.x() == before + 70)


def test_a_full_screen_is_the_games(qtbot: QtBot, window: MainWindow) -> None:
    page = window.play_page
    before = page.view.height()
    window.actions_by_id["full_screen"].trigger()
    qtbot.waitUntil(lambda: page.view.height() > before)
    assert [each.isVisible() for each in (window.header, window.status, window.side)] == [False] * 3
    assert page.bar.isVisible()
    window.show_page(pages.LIBRARY)
    assert window.header.isVisible()
    window.show_page(pages.PLAY)
    window.actions_by_id["full_screen"].trigger()
    qtbot.waitUntil(window.side.isVisible)
    assert window.header.isVisible()


def test_the_diagnostics_are_told_of_in_the_library_too(qtbot: QtBot, window: MainWindow) -> None:
    window.show_page(pages.LIBRARY)
    window.actions_by_id["diagnostics"].trigger()
    assert window.library.toast.isVisible()
    assert "clipboard" in window.library.toast.text.accessibleName()
