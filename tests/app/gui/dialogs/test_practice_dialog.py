"""Choosing what the agent practises."""

from __future__ import annotations

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from sample import SampleBackend

from app.backend.ports import PracticeWish, SentenceFacts, TeachFacts
from app.gui.dialogs.practice_dialog import BY_EYE, MOST_SENTENCES, PracticeDialog
from app.gui.main_window import MainWindow
from app.gui.style.theme import Theme

FACTS = (
    SentenceFacts("go to the red torch", "go to", good=19, tries=20),
    SentenceFacts("shoot the imp", "shoot"),
    SentenceFacts(
        "shoot the barrel", "shoot", ways=("use your gun on the barrel",), good=4, tries=20
    ),
    SentenceFacts("open the door", "open", good=1, tries=20),
)


def test_what_the_game_judges_in_other_letters_is_not_left_to_the_own_eye(
    qtbot: QtBot, theme: Theme
) -> None:
    dialog = PracticeDialog(FACTS, ("Use your gun on the barrel!",), theme, agent="")
    qtbot.addWidget(dialog)
    shares = [dialog.tree.topLevelItem(at).text(1) for at in range(len(FACTS))]
    assert shares[0] == "4 of 20"
    assert BY_EYE not in shares
    assert dialog.tree.topLevelItemCount() == len(FACTS)


def rows(dialog: PracticeDialog) -> list[tuple[str, bool]]:
    items = [dialog.tree.topLevelItem(at) for at in range(dialog.tree.topLevelItemCount())]
    return [
        (item.text(0), item.checkState(0) is Qt.CheckState.Checked)
        for item in items
        if not item.isHidden()
    ]


def test_what_was_taught_is_ticked_in_the_persons_words_and_the_weakest_come_next(
    qtbot: QtBot, theme: Theme
) -> None:
    dialog = PracticeDialog(
        FACTS, ("use your gun on the barrel", "dance"), theme, agent="practice model + #3 dance"
    )
    assert (
        "The agent that is in use now practises: practice model + #3 dance." in dialog.intro.text()
    )
    qtbot.addWidget(dialog)
    # "dance" is none of the game's own: its own eye judges it.
    assert rows(dialog) == [
        ("use your gun on the barrel", True),
        ("dance", True),
        ("open the door", False),
        ("go to the red torch", False),
        ("shoot the imp", False),
    ]
    shares = [dialog.tree.topLevelItem(at).text(1) for at in range(5)]
    assert shares == ["4 of 20", "judged by its own eye", "1 of 20", "19 of 20", "not tried yet"]
    assert sorted(dialog.sentences) == ["dance", "use your gun on the barrel"]
    # What is ticked stays in sight of whoever looks for another.
    qtbot.keyClicks(dialog.search, "imp")
    assert [name for name, _ in rows(dialog)] == [
        "use your gun on the barrel",
        "dance",
        "shoot the imp",
    ]


def test_nothing_and_too_much_are_not_practised(qtbot: QtBot, theme: Theme) -> None:
    many = [SentenceFacts(f"do thing {n}") for n in range(MOST_SENTENCES + 1)]
    dialog = PracticeDialog(many, (), theme)
    qtbot.addWidget(dialog)
    assert not dialog.begin.isEnabled()
    assert dialog.why_not.text() == "Tick what it is to practise."
    for at in range(dialog.tree.topLevelItemCount()):
        dialog.tree.topLevelItem(at).setCheckState(0, Qt.CheckState.Checked)
    assert not dialog.begin.isEnabled()
    assert dialog.why_not.text().startswith(f"{len(many)} sentences")
    dialog.tree.topLevelItem(0).setCheckState(0, Qt.CheckState.Unchecked)
    assert dialog.begin.isEnabled()


def test_practice_begins_from_the_card_and_is_shown_there(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    said = place.sentences()[0].sentence
    window.side.teach.show_facts(TeachFacts(to_practise=(said,)))
    window.side.teach.practise.click()
    qtbot.waitUntil(lambda: window.findChild(PracticeDialog) is not None)
    dialog = window.findChild(PracticeDialog)
    assert isinstance(dialog, PracticeDialog)
    dialog.minutes.setValue(3)
    dialog.begin.click()
    assert place.practised == [PracticeWish((said,), 3.0)]
    assert window.side.teach.busy
    # Nothing that it learns from has a loss that could be shown.
    assert window.side.teach.curve.isHidden()
    # While it runs nothing else begins.
    window.commands.choose_practice()
    window.commands.start_practice(PracticeWish((said,), 1.0))
    assert len(place.practised) == 1
    with qtbot.waitSignal(window.calls.rounds.updated):
        window.commands.cancel_round()
    assert not window.side.teach.busy


def test_the_card_says_why_the_agent_cannot_practise(qtbot: QtBot, window: MainWindow) -> None:
    teach = window.side.teach
    teach.show_facts(TeachFacts(practice_blocked="Practice needs a game that waits."))
    assert not teach.practise.isEnabled()
    assert teach.practise.toolTip() == "Practice needs a game that waits."
