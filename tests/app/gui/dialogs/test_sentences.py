"""The list of what can be said, and the completion below the field."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot
from sample import TASKS, SampleBackend, SampleSession

from app.backend.ports import SentenceFacts
from app.gui.dialogs.sentences_dialog import SENTENCE_ROLE, SentencesDialog, fits
from app.gui.main_window import MainWindow
from app.gui.play.instruction_bar import completions


def sentences_in(dialog: SentencesDialog) -> list[str]:
    tree = dialog.tree
    tops = [tree.topLevelItem(at) for at in range(tree.topLevelItemCount())]
    return [top.child(at).data(0, SENTENCE_ROLE) for top in tops for at in range(top.childCount())]


def opened(qtbot: QtBot, window: MainWindow) -> SentencesDialog:
    window.play_page.chips.more.click()
    qtbot.waitUntil(lambda: window.findChild(SentencesDialog) is not None)
    dialog = window.findChild(SentencesDialog)
    assert isinstance(dialog, SentencesDialog)
    return dialog


def test_every_sentence_is_listed_by_its_verb_with_how_well_the_agent_does_it(
    qtbot: QtBot, window: MainWindow
) -> None:
    dialog = opened(qtbot, window)
    assert sorted(sentences_in(dialog)) == sorted(task.instruction for task in TASKS)
    top = dialog.tree.topLevelItem(0)
    assert top.text(0) == "go to  (4)"
    assert [top.child(at).text(1) for at in range(4)] == [
        "20 of 20", "19 of 20", "not tried yet", "17 of 20",
    ]  # fmt: skip
    assert top.text(1) == "56 of 60"


def test_a_search_finds_other_ways_to_say_it_and_enter_plays_what_it_found(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    dialog = opened(qtbot, window)
    qtbot.keyClicks(dialog.search, "please demon")
    assert sentences_in(dialog) == ["shoot the demon"]
    qtbot.keyClick(dialog.search, Qt.Key.Key_Return)
    assert ("play", "shoot the demon") in session.calls
    assert window.play_page.bar.edit.text() == "shoot the demon"


def test_what_is_not_listed_can_be_typed_all_the_same(qtbot: QtBot, window: MainWindow) -> None:
    dialog = opened(qtbot, window)
    qtbot.keyClicks(dialog.search, "zigzag")
    assert sentences_in(dialog) == []
    assert "zigzag" in dialog.none.text()
    assert not dialog.play.isEnabled()


def test_a_sentence_fits_by_the_beginnings_of_words() -> None:
    facts = SentenceFacts("go to the red torch", ways=("walk to the red flame",))
    assert fits(facts, "")
    assert fits(facts, "tor red")
    assert fits(facts, "walk fl")
    # Both words have to be of one way to say it.
    assert not fits(facts, "walk torch")
    assert not fits(facts, "orch")


def test_what_is_typed_is_completed_below_the_field(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, session: SampleSession
) -> None:
    del place
    edit = window.play_page.bar.edit
    qtbot.keyClicks(edit, "shoot the d")
    chips = [
        each
        for each in window.play_page.chips.findChildren(QAbstractButton)
        if each.accessibleName().startswith("Example: ") and not each.isHidden()
    ]
    assert [each.text() for each in chips] == ["shoot the demon"]
    chips[0].click()
    assert ("play", "shoot the demon") in session.calls
    # Once it is played, the examples are offered again.
    again = window.play_page.chips.findChildren(QAbstractButton)
    assert sum(
        not each.isHidden() and each.accessibleName().startswith("Example: ") for each in again
    ) == len(TASKS)


def test_completions_begin_as_typed_before_they_only_hold_the_words() -> None:
    known = ["go to the red torch", "turn left", "face the red torch", "go to the barrel"]
    assert completions(known, "go to the") == ("go to the barrel", "go to the red torch")
    assert completions(known, "red") == ("face the red torch", "go to the red torch")
    assert completions(known, "dance") == ()
