"""Watching a start before and after a round, side by side."""

from __future__ import annotations

from pytestqt.qtbot import QtBot
from sample import FILMED_ROUND, SampleBackend

from app.gui.main_window import MainWindow
from app.gui.teach.film_dialog import DONE, NOT_DONE, FilmDialog


def opened(qtbot: QtBot, window: MainWindow, round_id: int) -> FilmDialog:
    window.side.verdict.film_asked.emit(round_id)
    qtbot.waitUntil(lambda: window.findChild(FilmDialog) is not None)
    dialog = window.findChild(FilmDialog)
    assert isinstance(dialog, FilmDialog)
    return dialog


def test_both_are_shown_and_the_next_start_follows(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    del place
    dialog = opened(qtbot, window, FILMED_ROUND)
    # While it is played again there is nothing to go on to.
    assert not dialog.next.isEnabled()
    qtbot.waitUntil(dialog.next.isEnabled)
    assert dialog.place.text() == "start 1 of 2 (changed ones come first) · seed 7"
    assert [each.text() for each in dialog.outcomes] == [NOT_DONE, DONE]
    for view in dialog.views:
        qtbot.waitUntil(lambda view=view: view.index > 0)
    dialog.next.click()
    qtbot.waitUntil(dialog.next.isEnabled)
    assert dialog.place.text() == "start 2 of 2 (changed ones come first) · seed 8"
    dialog.set_speed(4)
    assert [view.speed for view in dialog.views] == [4, 4]
    dialog.restart()
    assert [view.index for view in dialog.views] == [0, 0]
    dialog.close_.click()
    qtbot.waitUntil(lambda: window.findChild(FilmDialog) is None)


def test_what_cannot_be_shown_is_said_in_the_dialog(qtbot: QtBot, window: MainWindow) -> None:
    dialog = opened(qtbot, window, FILMED_ROUND + 1)
    qtbot.waitUntil(lambda: dialog.sentence.accessibleName() == "No film")
    assert "Nothing was played" in dialog.views[0].accessibleName()
    assert not dialog.next.isEnabled()


def test_a_film_that_comes_after_the_dialog_was_closed_is_not_shown(
    qtbot: QtBot, window: MainWindow
) -> None:
    dialog = opened(qtbot, window, FILMED_ROUND)
    dialog.reject()
    qtbot.waitUntil(lambda: window.findChild(FilmDialog) is None)
    qtbot.waitUntil(lambda: not window.calls.bridge.pending)


def test_a_window_that_closes_ends_what_is_played_for_it(
    window: MainWindow, place: SampleBackend
) -> None:
    window.close()
    assert place.left
