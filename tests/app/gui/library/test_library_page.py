"""The library's list: what is shown if nothing fits, what is chosen, and what is done with it."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot
from sample import SampleBackend, sample_episodes

from app.backend.ports import LessonFacts, TeachFacts
from app.gui import header as pages
from app.gui.library.attempt_menu import AttemptMenu
from app.gui.library.library_page import Library
from app.gui.main_window import MainWindow
from recorder.types import Outcome

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


def filled(qtbot: QtBot, window: MainWindow, place: SampleBackend, count: int = 4) -> None:
    place.kept = sample_episodes(0.0, count)
    window.calls.refresh_lessons()
    qtbot.waitUntil(lambda: window.library.model.rowCount() == count)
    window.show_page(pages.LIBRARY)


def click(
    qtbot: QtBot,
    library: Library,
    episode_id: int,
    held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    which: Qt.MouseButton = LEFT,
) -> QPoint:
    """Click on an attempt's row, and return where."""
    row = library.model.row_of(episode_id)
    assert row is not None
    place = library.list.visualRect(library.filter.index(row, 0)).center()
    qtbot.mouseClick(library.list.viewport(), which, held, place)
    return place


def ids(library: Library) -> list[int]:
    return [each.id for each in library.chosen()]


def entry(menu: AttemptMenu, words: str) -> QAction:
    return next(each for each in menu.actions() if each.text().split("\t")[0] == words)


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


def test_shift_ctrl_and_ctrl_a_choose_several_and_the_card_counts_them(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    filled(qtbot, window, place, 6)
    library = window.library
    click(qtbot, library, 5)
    assert library.title.accessibleName() == place.kept[4].instruction
    click(qtbot, library, 3, SHIFT)
    assert ids(library) == [5, 4, 3]
    click(qtbot, library, 1, CONTROL)
    assert ids(library) == [5, 4, 3, 1]
    assert library.title.accessibleName() == "4 attempts are chosen"
    assert library.delete.text() == "Delete 4"
    qtbot.keyClick(library.list, Qt.Key.Key_A, CONTROL)
    assert ids(library) == [6, 5, 4, 3, 2, 1]
    click(qtbot, library, 2)
    assert ids(library) == [2]
    assert library.delete.text() == "Delete"
    # No key goes to an attempt without choosing it: the buttons are about what is shown.
    qtbot.keyClick(library.list, Qt.Key.Key_Down, CONTROL)
    assert ids(library) == [1]
    assert library.title.accessibleName() == place.kept[0].instruction
    click(qtbot, library, 2)
    # Nor is one shown that was taken out of several.
    click(qtbot, library, 4, CONTROL)
    click(qtbot, library, 6, CONTROL)
    click(qtbot, library, 6, CONTROL)
    assert ids(library) == [4, 2]
    assert place.kept[3].instruction in library.line.text()
    click(qtbot, library, 4, CONTROL)
    assert ids(library) == [2]
    # Who takes the open one out of two is about the other.
    click(qtbot, library, 4, CONTROL)
    click(qtbot, library, 4, CONTROL)
    assert ids(library) == [2]
    assert library.title.accessibleName() == place.kept[1].instruction


def test_del_deletes_all_chosen_and_undo_brings_all_of_them_back(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    filled(qtbot, window, place, 7)
    library = window.library
    click(qtbot, library, 5)
    click(qtbot, library, 3, CONTROL)
    with qtbot.waitSignal(window.calls.deleted) as deleted:
        qtbot.keyClick(library.list, Qt.Key.Key_Delete)
    assert deleted.args == [(5, 3), ""]
    qtbot.waitUntil(lambda: library.model.rowCount() == 5)
    assert library.toast.text.accessibleName() == "Deleted 2 attempts."
    # Near the place: the one that came to where the first of them was.
    assert ids(library) == [4]
    click(qtbot, library, 1)
    with qtbot.waitSignal(window.calls.deleted):
        qtbot.keyClick(library.list, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: library.model.rowCount() == 4)
    assert ids(library) == [2]
    # What went at once comes back at once, the newest deletion first.
    window.actions_by_id["undo"].trigger()
    qtbot.waitUntil(lambda: library.model.rowCount() == 5)
    window.actions_by_id["undo"].trigger()
    qtbot.waitUntil(lambda: library.model.rowCount() == 7)
    assert ids(library) == [5, 3]
    with qtbot.assertNotEmitted(library.restore_wanted):
        window.actions_by_id["undo"].trigger()


def test_one_that_cannot_be_deleted_does_not_keep_the_others(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    filled(qtbot, window, place)
    library = window.library
    place.kept[3] = replace(place.kept[3], open=True)
    click(qtbot, library, 4)
    qtbot.keyClick(library.list, Qt.Key.Key_A, CONTROL)
    with qtbot.waitSignal(window.calls.deleted) as deleted:
        qtbot.keyClick(library.list, Qt.Key.Key_Delete)
    assert deleted.args[0] == (3, 2, 1)
    told = library.toast.text.accessibleName()
    assert told.startswith("Deleted 3 attempts. Episode 4 is still being recorded")
    assert library.toast.undo.isVisible()
    qtbot.waitUntil(lambda: library.model.rowCount() == 1)
    assert ids(library) == [4]
    library.toast.undo.click()
    qtbot.waitUntil(lambda: library.model.rowCount() == 4)


def test_a_mark_is_for_all_chosen_and_they_stay_chosen(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    filled(qtbot, window, place)
    library = window.library
    click(qtbot, library, 3)
    click(qtbot, library, 1, CONTROL)
    with qtbot.waitSignal(window.calls.episodes_changed):
        library.unclear.click()
    unclear = [each.id for each in place.episodes() if each.outcome is Outcome.UNKNOWN]
    assert unclear == [3, 1]
    assert ids(library) == [3, 1]
    # Nor does a new attempt take the choice away.
    place.kept = sample_episodes(0.0, 5)
    window.calls.refresh_lessons()
    qtbot.waitUntil(lambda: library.model.rowCount() == 5)
    assert ids(library) == [3, 1]


def test_a_right_click_chooses_and_offers_what_can_be_done(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    filled(qtbot, window, place)
    library = window.library
    click(qtbot, library, 4)
    at = click(qtbot, library, 2, which=RIGHT)
    assert ids(library) == [2]
    library.list.customContextMenuRequested.emit(at)
    menu = library.findChild(AttemptMenu)
    assert isinstance(menu, AttemptMenu)
    qtbot.waitUntil(menu.isVisible)
    assert [each.text().split("\t")[0] for each in menu.actions() if each.text()] == [
        "Play back", "Mark as done", "Mark as failed", "Mark as not judged", "Delete"
    ]  # fmt: skip
    # It is done already, so that needs no saying.
    assert not entry(menu, "Mark as done").isEnabled()
    with qtbot.waitSignal(window.calls.episodes_changed):
        entry(menu, "Mark as failed").trigger()
    assert next(e for e in place.episodes() if e.id == 2).outcome is Outcome.FAILURE
    menu.close()
    # On one of several it leaves them chosen.
    click(qtbot, library, 4, CONTROL)
    click(qtbot, library, 2, which=RIGHT)
    assert ids(library) == [4, 2]
    menu = library.make_menu(library.chosen())
    assert menu.actions()[0].text() == "2 attempts"
    with qtbot.waitSignal(window.calls.deleted) as deleted:
        entry(menu, "Delete").trigger()
    assert deleted.args[0] == (4, 2)


@pytest.mark.parametrize("use", [True, False])
def test_the_menu_says_whether_rounds_learn_from_an_attempt(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, use: bool
) -> None:
    lessons = (
        LessonFacts(4, "go there", 1.5, pauses=True),
        LessonFacts(3, "go there", 0.0, note="it failed"),
    )
    place.teach_facts = TeachFacts(2, 0, 3, sentence="Yours.", lessons=lessons)
    filled(qtbot, window, place)
    library = window.library
    # The agent drove alone in 1 and 2: a round learns nothing from these.
    menu = library.make_menu([each for each in place.episodes() if each.id < 3])
    assert not any(each.text().startswith(("Teach", "Leave")) for each in menu.actions())
    menu = library.make_menu([each for each in place.episodes() if each.id == 4])
    assert not entry(menu, "Teach it").isEnabled()
    assert entry(menu, "Leave it out of teaching").isEnabled()
    menu = library.make_menu(place.episodes())
    entry(menu, "Teach them" if use else "Leave them out of teaching").trigger()
    qtbot.waitUntil(lambda: [e.use for e in place.teach_facts.lessons] == [use, use])
    # What was said of the pauses stays said.
    assert [each.pauses for each in place.teach_facts.lessons] == [True, False]


def test_nothing_is_deleted_that_is_out_of_sight(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    filled(qtbot, window, place)
    window.library.choose(3)
    window.show_page(pages.PLAY)
    with qtbot.assertNotEmitted(window.library.delete_wanted):
        window.actions_by_id["delete"].trigger()


def test_what_the_filter_hides_is_not_chosen_any_more(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    filled(qtbot, window, place, 6)
    library = window.library
    click(qtbot, library, 4)
    qtbot.keyClick(library.list, Qt.Key.Key_A, CONTROL)
    assert len(ids(library)) == 6
    wanted = place.kept[0].instruction
    library.search.setText(wanted)
    shown = [each.id for each in place.episodes() if each.instruction == wanted]
    assert ids(library) == shown
    assert library.title.accessibleName() == wanted
