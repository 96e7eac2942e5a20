"""The dialogs: one name each, the main button at the right, and no icons in the questions."""

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QInputDialog,
    QLabel,
    QMessageBox,
    QProxyStyle,
    QPushButton,
    QStyle,
    QStyleOption,
    QWidget,
)
from pytestqt.qtbot import QtBot
from questions import Answers
from sample import SampleBackend

from app.backend.ports import RoundUpdate
from app.gui.main_window import MainWindow
from app.gui.shortcuts import ENTRIES
from app.gui.style.dialog_parts import Question, confirmed
from app.gui.style.theme import Theme

DIALOGS = ("agents", "models", "games", "practise", "sentences", "settings", "help", "about")


def opened(qtbot: QtBot, window: MainWindow, action: str) -> QDialog:
    window.side.teach.practise.setEnabled(True)
    window.actions_by_id[action].trigger()
    qtbot.waitUntil(lambda: QApplication.activeModalWidget() is not None)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QDialog)
    return dialog


def left_of(button: QWidget) -> int:
    return button.mapTo(button.window(), QPoint(0, 0)).x()


@pytest.mark.parametrize("action", DIALOGS)
def test_a_dialog_is_called_as_in_the_menu_and_its_main_button_is_at_the_right(
    qtbot: QtBot, window: MainWindow, action: str
) -> None:
    dialog = opened(qtbot, window, action)
    entry = next(each for each in ENTRIES if each.id == action)
    name = entry.text.removesuffix(" …")
    assert dialog.windowTitle() == name
    for heading in dialog.findChildren(QLabel):
        if heading.property("role") == "title":
            assert heading.text() == name
    buttons = [each for each in dialog.findChildren(QPushButton) if each.isVisible()]
    leave = next(each for each in buttons if each.text() in {"Cancel", "Close"})
    for main in buttons:
        if main.property("role") == "agent":
            assert left_of(main) > left_of(leave)
    dialog.reject()


def test_a_question_s_button_says_what_it_does_and_has_no_icon(
    qtbot: QtBot, window: MainWindow
) -> None:
    question = Question(window, "Erase for good?", "It cannot come back.", "Erase it")
    qtbot.addWidget(question)
    question.show()
    assert left_of(question.do) > left_of(question.leave)
    assert question.do.icon().isNull()
    assert question.leave.icon().isNull()
    assert question.do.isDefault()
    question.close()


@pytest.mark.parametrize(("words", "wanted"), [("Do it", True), ("Cancel", False)])
def test_a_question_is_answered_by_its_buttons(
    theme: Theme, answers: Answers, words: str, wanted: bool
) -> None:
    answers.words = words
    assert confirmed(None, "Sure?", "This is done.", "Do it") is wanted
    assert answers.asked == ["This is done."]


class Desktop(QProxyStyle):
    """A style as of a desktop that wants icons on the buttons of its boxes."""

    def styleHint(  # noqa: N802 - Qt's name
        self,
        hint: QStyle.StyleHint,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
        data: object = None,
    ) -> int:
        """Want icons."""
        if hint is QStyle.StyleHint.SH_DialogButtonBox_ButtonsHaveIcons:
            return 1
        return super().styleHint(hint, option, widget)


def test_qt_s_own_boxes_are_like_ours_whatever_the_desktop(
    qtbot: QtBot, qapp: QApplication, theme: Theme
) -> None:
    qapp.setStyle(Desktop("Fusion"))
    try:
        asks = QInputDialog()
        qtbot.addWidget(asks)
        standard = QMessageBox.StandardButton
        says = QMessageBox(
            QMessageBox.Icon.NoIcon, "Title", "Text", standard.Yes | standard.No, asks
        )
        for box, main in ((asks, "OK"), (says, "&Yes")):
            with qtbot.waitExposed(box):
                box.show()
            buttons = {each.text(): each for each in box.findChildren(QPushButton)}
            assert all(each.icon().isNull() for each in buttons.values())
            assert buttons[main] is max(buttons.values(), key=left_of)
    finally:
        qapp.setStyle("Fusion")


def test_closing_in_the_middle_of_a_round_asks(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, answers: Answers
) -> None:
    window.calls.rounds.start()
    running = place.round
    assert running is not None
    answers.words = "Cancel"
    window.close()
    assert window.isVisible()
    answers.words = "Close anyway"
    window.close()
    assert not window.isVisible()
    assert running.cancelled.is_set()
    assert len(answers.asked) == 2
    running.send(RoundUpdate(finished=True))
