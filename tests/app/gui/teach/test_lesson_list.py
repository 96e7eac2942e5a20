"""The list of what is taught: its rows, its ticks, and what was cut."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.backend.ports import LessonFacts
from app.gui.style.widgets import Elided
from app.gui.teach.lesson_list import MOST_ROWS, LessonList

SHOWN = (
    LessonFacts(9, "go there", 1.4, 3.9, "3.9 s in which you stood still are left out"),
    LessonFacts(8, "go there", 0.0, 0.0, "it ran out of time"),
    LessonFacts(7, "go there", 5.2, pauses=True),
)


@pytest.fixture
def lessons(qtbot: QtBot) -> LessonList:
    made = LessonList()
    qtbot.addWidget(made)
    made.show_lessons(SHOWN)
    made.show()
    return made


def links(lessons: LessonList) -> dict[str, QPushButton]:
    found = (each for each in lessons.findChildren(QPushButton) if each is not lessons.head)
    return {each.accessibleName(): each for each in found}


def test_it_opens_on_a_line_that_counts(qtbot: QtBot, lessons: LessonList) -> None:
    assert "2 of 3 attempts" in lessons.head.text()
    assert not lessons.open
    qtbot.mouseClick(lessons.head, Qt.MouseButton.LeftButton)
    assert lessons.open
    assert [tick.isChecked() for tick in lessons.rows.values()] == [True, False, True]
    said = {each.toolTip() or each.text() for each in lessons.findChildren(Elided)}
    assert "it ran out of time" in said


@pytest.mark.parametrize(("episode", "wanted"), [(9, False), (8, True)])
def test_a_tick_is_the_persons_wish(
    qtbot: QtBot, lessons: LessonList, episode: int, *, wanted: bool
) -> None:
    lessons.head.click()
    with qtbot.waitSignal(lessons.wished) as heard:
        lessons.rows[episode].click()
    assert heard.args == [episode, wanted, False]


def test_pauses_are_put_back_and_cut_again(qtbot: QtBot, lessons: LessonList) -> None:
    found = links(lessons)
    assert sorted(found) == ["cut the pauses, attempt 7", "put back, attempt 9"]
    for name, args in (
        ("put back, attempt 9", [9, None, True]),
        ("cut the pauses, attempt 7", [7, None, False]),
    ):
        with qtbot.waitSignal(lessons.wished) as heard:
            found[name].click()
        assert heard.args == args


def test_without_anything_shown_there_is_nothing_to_see(lessons: LessonList) -> None:
    lessons.show_lessons(SHOWN[:1])
    assert lessons.head.text().endswith("1 of 1 attempt")
    lessons.show_lessons(())
    assert not lessons.isVisible()


def test_a_card_is_no_library(lessons: LessonList) -> None:
    lessons.show_lessons([LessonFacts(number, "go", 1.0) for number in range(100)])
    assert sorted(lessons.rows) == list(range(MOST_ROWS))
