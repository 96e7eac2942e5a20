"""All that was taught, in one list."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from sample import SampleBackend, SampleSession

from app.backend.ports import LessonState, TaughtSentence
from app.gui.header import LIBRARY, PLAY
from app.gui.main_window import MainWindow
from app.gui.style.theme import Theme
from app.gui.teach.lessons_dialog import (
    CURVE,
    NOT_ALONE,
    NOTHING,
    SHARE,
    SHOWN,
    STATE,
    LessonsDialog,
    curve_words,
)

HOP = TaughtSentence("hop", LessonState.LEARNING, 7, 31.0, ((0, 0.0), (3, 0.7)), 14, 20)
DANCE = TaughtSentence("dance", LessonState.NOT_MEASURED, 1, 4.0, judged=True)


def opened(qtbot: QtBot, window: MainWindow) -> LessonsDialog:
    window.side.teach.all_lessons.click()
    qtbot.waitUntil(lambda: window.findChild(LessonsDialog) is not None)
    dialog = window.findChild(LessonsDialog)
    assert isinstance(dialog, LessonsDialog)
    return dialog


def test_where_nothing_plays_without_the_person_no_start_is_looked_for(
    qtbot: QtBot, theme: Theme
) -> None:
    for plays in (True, False):
        dialog = LessonsDialog([DANCE], theme, plays=plays)
        qtbot.addWidget(dialog)
        dialog.tree.setCurrentItem(dialog.tree.topLevelItem(0))
        assert dialog.failing.isEnabled() is plays
        assert dialog.failing.toolTip() == ("" if plays else NOT_ALONE)


def test_each_lesson_has_its_state_and_its_way_there(qtbot: QtBot, theme: Theme) -> None:
    dialog = LessonsDialog([HOP, DANCE], theme)
    qtbot.addWidget(dialog)
    dialog.show()
    rows = [dialog.tree.topLevelItem(at) for at in range(2)]
    columns = (0, SHARE, STATE, SHOWN)
    assert [[row.text(column) for column in columns] for row in rows] == [
        ["hop", "14 of 20", "learning", "7×, 31 s"],
        ["dance", "not tried yet", "not measured", "1×, 4 s"],
    ]
    assert rows[0].toolTip(CURVE) == "before: 0%, round 3: 70%"
    assert curve_words(DANCE) == ""
    # The small lines are really drawn.
    area = dialog.tree.visualItemRect(rows[0])
    pictures = [
        dialog.tree.viewport().grab(dialog.tree.visualItemRect(row)).toImage() for row in rows
    ]
    agent = theme.colour("agent").rgb()
    drawn = [
        sum(
            image.pixel(x, y) == agent
            for x in range(area.width() - 150, area.width())
            for y in range(image.height())
        )
        for image in pictures
    ]
    assert drawn[0] > 50
    assert drawn[1] == 0


def test_a_lesson_is_played_or_begun_where_it_fails(
    qtbot: QtBot, window: MainWindow, session: SampleSession, place: SampleBackend
) -> None:
    place.taught = (HOP, DANCE)
    place.failing = {"dance": 10_000_007}
    dialog = opened(qtbot, window)
    dialog.play.click()
    assert session.calls[-1] == ("play", "hop")
    qtbot.waitUntil(lambda: window.findChild(LessonsDialog) is None)
    dialog = opened(qtbot, window)
    # Nobody can find out where it fails at what the game does not judge.
    assert not dialog.failing.isEnabled()
    dialog.tree.setCurrentItem(dialog.tree.topLevelItem(1))
    window.show_page(LIBRARY)
    dialog.failing.click()
    assert window.pages.currentIndex() == PLAY
    qtbot.waitUntil(lambda: session.calls[-1] == ("play", "dance"))
    assert ("reset", 10_000_007) in session.calls


def test_before_the_first_lesson_it_says_what_to_do(qtbot: QtBot, window: MainWindow) -> None:
    dialog = opened(qtbot, window)
    assert dialog.tree.isHidden()
    assert not dialog.play.isEnabled()
    assert not dialog.failing.isEnabled()
    assert NOTHING in [each.text() for each in dialog.findChildren(QLabel)]
