"""Who has keyboard and mouse as an attempt begins, changes hands and ends."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from sample import SampleBackend, SampleSession

from app.backend.ports import Hint
from app.gui import header as pages
from app.gui.main_window import MainWindow
from app.gui.play.hands import SETTLE_MS
from app.session.api import Phase
from recorder.types import Outcome

BARREL = "go to the barrel"


def type_anywhere(qtbot: QtBot, text: str) -> None:
    for letter in text:
        target = QApplication.focusWidget()
        assert target is not None
        qtbot.keyClicks(target, letter)


def end(window: MainWindow, session: SampleSession, outcome: Outcome = Outcome.SUCCESS) -> None:
    session.set(phase=Phase.WATCHING, outcome=outcome)
    window.pull()


def play(window: MainWindow) -> None:
    window.play_page.bar.edit.setText(BARREL)
    window.play_page.bar.submit()
    window.pull()


def test_after_an_attempt_the_next_sentence_can_be_typed(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    play(window)
    assert window.play_page.view.hasFocus()
    end(window, session)
    type_anywhere(qtbot, "shoot the imp")
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert session.calls[-1] == ("play", "shoot the imp")


@pytest.mark.parametrize("clicked", ["success", "failure", "stop"])
def test_a_button_that_ends_an_attempt_does_not_keep_the_keys(
    qtbot: QtBot, window: MainWindow, session: SampleSession, clicked: str
) -> None:
    play(window)
    page = window.play_page
    buttons = {"success": page.chips.success, "failure": page.chips.failure, "stop": page.bar.stop}
    qtbot.mouseClick(buttons[clicked], Qt.MouseButton.LeftButton)
    window.pull()
    type_anywhere(qtbot, "turn left now")
    assert page.bar.edit.text() == "turn left now"
    assert window.pages.currentIndex() == pages.PLAY


def test_a_letter_anywhere_on_the_page_begins_a_sentence(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    edit = window.play_page.bar.edit
    edit.setText(BARREL)
    for start in (window.play_page.view, window.play_page.bar.reset, window.side.agent.change):
        start.setFocus()
        type_anywhere(qtbot, "open it")
        assert edit.text() == "open it"
    assert "key" not in {call[0] for call in session.calls}


def drive_to_the_end(qtbot: QtBot, window: MainWindow, session: SampleSession) -> None:
    """Take over with W, which stays down as the attempt ends."""
    play(window)
    view = window.play_page.view
    qtbot.keyPress(view, Qt.Key.Key_W)
    window.pull()
    assert view.captured
    end(window, session)
    assert not view.captured


def test_keys_that_drove_when_the_attempt_ended_are_no_letters(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    drive_to_the_end(qtbot, window, session)
    edit = window.play_page.bar.edit
    type_anywhere(qtbot, "d")
    qtbot.waitUntil(edit.hasFocus, timeout=10 * SETTLE_MS)
    # The key is still down, and repeats; a busy machine takes repeats for new presses.
    none = Qt.KeyboardModifier.NoModifier
    for repeats in (True, False, True):
        event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_W, none, "w", repeats)
        QApplication.sendEvent(edit, event)
    assert edit.text() == BARREL
    type_anywhere(qtbot, "jump")
    assert edit.text() == "jump"


def test_a_held_key_that_is_told_as_pressed_again_and_again_is_no_letter(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    """A busy machine does not know a repeat: it tells of a release and of a new press."""
    drive_to_the_end(qtbot, window, session)
    view, edit = window.play_page.view, window.play_page.bar.edit
    # Typed already, too early to be taken, and no key of the game's: it comes as it is typed again.
    type_anywhere(qtbot, "u")
    for _ in range(3):
        qtbot.keyRelease(view, Qt.Key.Key_W)
        qtbot.keyPress(view, Qt.Key.Key_W)
    qtbot.waitUntil(edit.hasFocus, timeout=10 * SETTLE_MS)
    for _ in range(3):
        qtbot.keyRelease(edit, Qt.Key.Key_W)
        qtbot.keyPress(edit, Qt.Key.Key_W)
    assert edit.text() == BARREL
    qtbot.keyRelease(edit, Qt.Key.Key_W)
    type_anywhere(qtbot, "jump")
    assert edit.text() == "jump"


def test_showing_it_during_an_attempt_gives_the_keys_to_the_game(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    """The end of the agent's attempt, seen for a moment, moves the focus to the field."""
    play(window)
    end(window, session, Outcome.ABANDONED)
    edit, view = window.play_page.bar.edit, window.play_page.view
    assert edit.hasFocus()
    session.set(phase=Phase.DEMONSTRATING, outcome=None, instruction=BARREL)
    window.pull()
    assert view.captured
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_W)
    assert [call[:2] for call in session.calls[-2:]] == [("key", "W"), ("key", "W")]
    assert edit.text() == BARREL


def test_the_mouse_is_captured_while_the_person_drives_and_theirs_after_it(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    view = window.play_page.view
    play(window)
    assert not view.captured
    qtbot.keyPress(view, Qt.Key.Key_W)
    window.pull()
    assert view.captured
    # Handed back: a mouse that is moved to a button must not take over again.
    qtbot.keyRelease(view, Qt.Key.Key_W)
    qtbot.keyPress(view, Qt.Key.Key_Return)
    window.pull()
    assert session.state.phase is Phase.PLAYING
    assert not view.captured
    assert view.hasFocus()


def test_the_mouse_is_captured_again_when_a_demonstration_goes_on(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    view = window.play_page.view
    window.play_page.bar.edit.setText(BARREL)
    window.actions_by_id["demonstrate"].trigger()
    window.pull()
    assert view.captured
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    window.pull()
    assert not view.captured
    window.actions_by_id["pause"].trigger()
    session.set(phase=Phase.DEMONSTRATING)
    window.pull()
    assert view.captured


def test_an_attempt_that_is_over_can_still_be_judged(
    qtbot: QtBot, window: MainWindow, session: SampleSession, place: SampleBackend
) -> None:
    chips = window.play_page.chips
    play(window)
    assert chips.caption.text() == "This attempt:"
    end(window, session, Outcome.UNKNOWN)
    assert chips.caption.text() == "How was it?"
    labelled: list[tuple[int, Outcome]] = []
    place.label = lambda episode, outcome: labelled.append((episode, outcome))  # type: ignore[method-assign]
    qtbot.mouseClick(chips.failure, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: labelled == [(1, Outcome.FAILURE)])
    window.pull()
    assert not chips.failure.isEnabled()
    window.actions_by_id["success"].trigger()
    qtbot.waitUntil(lambda: labelled[1:] == [(1, Outcome.SUCCESS)])


def test_an_attempt_that_nobody_judges_asks(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    play(window)
    session.set(phase=Phase.PAUSED, asks=True, message="How did it go?")
    window.pull()
    notice = window.play_page.notice
    assert notice.text() == "How did it go?"
    assert [each.text() for each in notice.buttons] == ["Done", "Failed", "Go on", "Show it myself"]
    qtbot.mouseClick(notice.buttons[2], Qt.MouseButton.LeftButton)
    assert session.calls[-1] == ("resume",)
    assert notice.text() == ""


def test_what_is_not_in_the_room_is_said_and_can_be_put_in(
    qtbot: QtBot, window: MainWindow, session: SampleSession, place: SampleBackend
) -> None:
    play(window)
    place.said = Hint("Which one do you mean?", ("shoot the imp",))
    session.set(instruction="kill the monster", missing="monster")
    window.pull()
    notice = window.play_page.notice
    assert notice.text() == "There is no monster in this room."
    qtbot.waitUntil(lambda: len(notice.buttons) == 2)
    assert [each.text() for each in notice.buttons] == ["Put one in", "Try “shoot the imp”"]
    qtbot.mouseClick(notice.buttons[0], Qt.MouseButton.LeftButton)
    asked = [call for call in session.calls if call[0] in {"stop", "play"}]
    assert asked[-2:] == [("stop", Outcome.ABANDONED), ("play", "kill the monster")]


def test_tab_stops_only_at_what_is_seen(qtbot: QtBot, window: MainWindow) -> None:
    chips = window.play_page.chips
    qtbot.waitUntil(lambda: chips.demonstrate.x() > 0)
    row = chips.findChildren(type(chips.success))
    hidden = [each for each in row if each.x() < 0]
    assert hidden
    seen = set()
    window.play_page.bar.edit.setFocus()
    for _ in range(60):
        focused = QApplication.focusWidget()
        assert focused is not None
        assert focused not in hidden
        seen.add(focused)
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    assert chips.success in seen or not chips.success.isEnabled()
    assert chips.demonstrate in seen
