"""Looking at what practice counted as done."""

from __future__ import annotations

from dataclasses import replace

from pytestqt.qtbot import QtBot
from sample import FILMED_ROUND, SampleBackend

from app.backend.ports import VerdictFacts
from app.gui.main_window import MainWindow
from app.gui.teach.practised_dialog import PractisedDialog

FACTS = VerdictFacts(None, "Practised.", 0, 0, 0, 0.0, 0.0, 0.0, "", "r1", round_id=FILMED_ROUND)


def test_the_card_shows_it_and_each_attempt_says_who_judged(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    card = window.side.verdict
    card.show_facts(FACTS)
    assert not card.practised.isVisible()
    card.show_facts(replace(FACTS, practised=True))
    assert card.practised.isVisible()
    card.practised.click()
    qtbot.waitUntil(lambda: window.findChild(PractisedDialog) is not None)
    dialog = window.findChild(PractisedDialog)
    assert isinstance(dialog, PractisedDialog)
    assert "Its own eye called these done" in dialog.intro.text()
    assert [each.accessibleName() for each in dialog.strips] == ["6 pictures of hop"] * 2
    assert not dialog.grab().isNull()
    dialog.close_.click()
    qtbot.waitUntil(lambda: window.findChild(PractisedDialog) is None)
