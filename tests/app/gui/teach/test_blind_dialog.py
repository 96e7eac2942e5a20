"""Judging blind in the window: the keys, the buttons, what is shown and when it is revealed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from sample import SampleBackend, SampleComparison, room

from app.backend.blind.ports import BlindResult, BlindState
from app.backend.ports import Preferences, VerdictFacts
from app.gui.dialogs.settings_dialog import SettingsDialog
from app.gui.main_window import MainWindow
from app.gui.style.theme import Theme
from app.gui.teach import blind_dialog
from app.gui.teach.blind_dialog import BlindDialog
from app.gui.teach.blind_result import own_words
from app.gui.teach.verdict_card import VerdictCard
from recorder.games.base import Bindings
from trainer.evaluation.verdicts.lines import unknown_line
from trainer.evaluation.verdicts.verdict import Choice, Part, VerdictKind

RESULT = BlindResult(
    VerdictKind.BETTER, 0, 6, 6, 99.0, 50.0, 100.0, 2, 2, "It is checked next.", Choice.WAIT
)
UNMEASURED = VerdictFacts(
    kind=None,
    sentence="Judge it blind.",
    before=0,
    after=0,
    tries=0,
    points=0,
    low=-100,
    high=100,
    interval="",
    adapter_id="r3",
    round_id=3,
    lines=(unknown_line(Part.TAUGHT, "dance", "Not measured."),),
    to_judge=("dance",),
)
KEYS = {
    Qt.Key.Key_1: 1,
    Qt.Key.Key_2: 2,
    Qt.Key.Key_3: 3,
    Qt.Key.Key_4: 4,
}


@pytest.fixture(autouse=True)
def looks_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blind_dialog, "LOOK_FIRST_MS", 1)


@pytest.fixture
def comparison() -> SampleComparison:
    made = SampleComparison([room(0.1 * i) for i in range(4)], clips=4)
    made.outcome = RESULT
    return made


@pytest.fixture
def dialog(qtbot: QtBot, theme: Theme, comparison: SampleComparison) -> Iterator[BlindDialog]:
    made = opened(qtbot, theme, comparison)
    yield made
    if made.isVisible():
        made.reject()


def opened(qtbot: QtBot, theme: Theme, comparison: SampleComparison) -> BlindDialog:
    made = BlindDialog(comparison, theme)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    settle(qtbot, made)
    return made


def settle(qtbot: QtBot, dialog: BlindDialog) -> None:
    """Wait until all that was asked is answered and shown."""
    qtbot.waitUntil(
        lambda: (
            dialog._bridge.pending == 0
            and not dialog._busy
            and (dialog._shown is None or dialog._looked)
        )
    )


def press(qtbot: QtBot, dialog: BlindDialog, key: Qt.Key) -> None:
    qtbot.keyClick(dialog, key)
    settle(qtbot, dialog)


def test_one_key_each_answers_skips_and_takes_back(
    qtbot: QtBot, dialog: BlindDialog, comparison: SampleComparison
) -> None:
    assert dialog.number.text() == "Clip 1 of at most 47"
    assert dialog.sentence.accessibleName() == "“dance around the barrel”"
    for key in (Qt.Key.Key_D, Qt.Key.Key_N, Qt.Key.Key_S):
        press(qtbot, dialog, key)
    assert comparison.said == [(0, True), (1, False), (2, None)]
    assert dialog.number.text() == "Clip 4 of at most 47"
    assert dialog.progress.value() == 3
    press(qtbot, dialog, Qt.Key.Key_Backspace)
    assert comparison.said == [(0, True), (1, False)]
    assert dialog.back.isEnabled()


def test_a_key_pressed_twice_judges_one_clip(
    qtbot: QtBot,
    dialog: BlindDialog,
    comparison: SampleComparison,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blind_dialog, "LOOK_FIRST_MS", 60_000)
    qtbot.keyClick(dialog, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: dialog._shown == 1)
    qtbot.keyClick(dialog, Qt.Key.Key_D)
    assert not dialog.done_.isEnabled()
    qtbot.waitUntil(lambda: dialog._bridge.pending == 0)
    assert comparison.said == [(0, True)]


def test_each_button_does_what_its_key_does_and_shows_it(
    qtbot: QtBot, dialog: BlindDialog, comparison: SampleComparison
) -> None:
    for each, key in ((dialog.done_, "D"), (dialog.not_done, "N"), (dialog.skip, "S")):
        assert each.text().endswith(f"· {key}")
        each.click()
        settle(qtbot, dialog)
    dialog.back.click()
    settle(qtbot, dialog)
    assert comparison.said == [(0, True), (1, False)]


def test_the_speed_follows_the_keys_and_the_clip_begins_again(
    qtbot: QtBot, dialog: BlindDialog
) -> None:
    assert dialog.view.speed == 2
    for key, speed in KEYS.items():
        qtbot.keyClick(dialog, key)
        assert dialog.view.speed == speed
        assert [chip.isChecked() for chip in dialog.speeds] == [n == speed for n in (1, 2, 3, 4)]
    with qtbot.waitSignal(dialog.view.shown_once):
        pass
    assert dialog.view.index == 7
    qtbot.keyClick(dialog, Qt.Key.Key_Space)
    assert dialog.view.index == 0


def test_which_was_which_is_shown_at_the_end_and_not_before(
    qtbot: QtBot, dialog: BlindDialog, comparison: SampleComparison
) -> None:
    for _ in range(3):
        press(qtbot, dialog, Qt.Key.Key_D)
        assert not dialog.outcome.isVisible()
        assert dialog.outcome.title.text() == ""
    press(qtbot, dialog, Qt.Key.Key_D)
    assert dialog.outcome.isVisible()
    assert dialog.outcome.title.text() == "It got better"
    assert dialog.outcome.difference.text() == "+99 points"
    assert "+50" in dialog.outcome.how_sure.text()
    assert "+100" in dialog.outcome.how_sure.text()
    assert dialog.outcome.follows.text() == "It is checked next."
    assert "0 of 6 clips done, after it 6 of 6" in dialog.outcome.bars.accessibleName()
    # After the reveal no key changes anything.
    for key in (Qt.Key.Key_N, Qt.Key.Key_Backspace, Qt.Key.Key_S):
        press(qtbot, dialog, key)
    assert len(comparison.said) == 4
    assert not dialog.next.isVisible()


def test_another_sentence_that_waits_is_offered(
    qtbot: QtBot, theme: Theme, comparison: SampleComparison
) -> None:
    comparison.now = replace(comparison.now, clip=None, result=replace(RESULT, next_sentence="bow"))
    dialog = opened(qtbot, theme, comparison)
    assert dialog.next.isVisible()
    with qtbot.waitSignal(dialog.next_asked):
        dialog.next.click()
    assert not dialog.isVisible()


def test_closing_puts_it_off_and_stops_what_is_played(
    qtbot: QtBot, dialog: BlindDialog, comparison: SampleComparison
) -> None:
    press(qtbot, dialog, Qt.Key.Key_D)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert comparison.asked == ["put off"]
    assert comparison.said == [(0, True)]


def test_what_is_played_is_waited_for(
    qtbot: QtBot, theme: Theme, comparison: SampleComparison
) -> None:
    comparison.now = replace(comparison.now, clip=None, playing=True, ready=3, wanted=14)
    dialog = opened(qtbot, theme, comparison)
    assert "3 of 14 clips are ready" in dialog.view.accessibleName()
    assert not dialog.done_.isEnabled()
    press(qtbot, dialog, Qt.Key.Key_D)
    assert comparison.said == []
    comparison.now = replace(comparison.now, notice="Leave keyboard and mouse alone.", ready=4)
    qtbot.waitUntil(lambda: "mouse alone" in dialog.view.accessibleName())
    assert "4 of 14" in dialog.view.accessibleName()
    comparison.now = replace(comparison.now, clip=0, playing=False, notice="")
    qtbot.waitUntil(dialog.done_.isEnabled)
    dialog.reject()


def test_the_screen_is_asked_for_before_a_game_in_its_own_window_plays(
    qtbot: QtBot, theme: Theme, comparison: SampleComparison
) -> None:
    comparison.now = replace(comparison.now, clip=None, asks_screen=True, wanted=14, screen_s=130.0)
    dialog = opened(qtbot, theme, comparison)
    assert "14 clips on your screen first, which takes about 3 min" in dialog.view.accessibleName()
    assert comparison.asked == []
    dialog.play.click()
    settle(qtbot, dialog)
    assert comparison.asked == ["play"]
    qtbot.waitUntil(dialog.done_.isVisible)
    dialog.reject()


def test_why_no_clips_come_is_told_and_tried_again(
    qtbot: QtBot, theme: Theme, comparison: SampleComparison
) -> None:
    comparison.now = replace(comparison.now, clip=None, problem="The game does not start.")
    dialog = opened(qtbot, theme, comparison)
    assert dialog.notice.text() == "The game does not start."
    dialog.notice.buttons[0].click()
    settle(qtbot, dialog)
    assert (comparison.asked, dialog.notice.text()) == (["play"], "")
    dialog.reject()


def test_the_card_of_a_round_that_nobody_judged_says_so_and_offers_to(
    qtbot: QtBot, theme: Theme
) -> None:
    card = VerdictCard(theme)
    qtbot.addWidget(card)
    card.show_facts(UNMEASURED)
    assert card.title.text() == "Not measured yet"
    assert card.judge.text() == "Judge it blind · about 3 min"
    assert not card.judge.isHidden()
    with qtbot.waitSignal(card.judge_asked) as asked:
        card.judge.click()
    assert asked.args == [3]
    card.show_facts(replace(UNMEASURED, judged_clips=7))
    assert card.judge.text() == "Go on judging · 7 done"
    judged = replace(UNMEASURED, kind=VerdictKind.SAME, tries=20, blind=True, to_judge=())
    card.show_facts(judged)
    assert card.judge.isHidden()
    assert card.side.text() == "20 clips each, by you"
    card.show_facts(replace(UNMEASURED, checking=True))
    assert card.judge.isHidden()


def test_the_button_on_the_card_opens_the_dialog(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    place.verdict = UNMEASURED
    window.calls.refresh_agent()
    qtbot.waitUntil(lambda: not window.side.verdict.isHidden())
    window.side.verdict.judge.click()
    qtbot.waitUntil(lambda: bool(window.findChildren(BlindDialog)))
    assert place.judged == [3]
    (dialog,) = window.findChildren(BlindDialog)
    settle(qtbot, dialog)
    assert isinstance(dialog._state, BlindState)
    dialog.reject()
    assert place.comparison.asked == ["put off"]


def test_whether_clips_are_kept_is_a_setting(qtbot: QtBot) -> None:
    dialog = SettingsDialog(Preferences(), Bindings(), None)
    qtbot.addWidget(dialog)
    assert not dialog.edited().keep_clips
    dialog.keep_clips.setChecked(True)
    assert dialog.edited().keep_clips
    again = SettingsDialog(dialog.edited(), Bindings(), None)
    qtbot.addWidget(again)
    assert again.keep_clips.isChecked()


@pytest.mark.parametrize(
    ("alike", "twice", "words"),
    [
        (0, 0, ""),
        (1, 1, "One clip came twice: you marked it the same."),
        (0, 1, "One clip came twice: you marked it differently."),
        (3, 3, "3 clips came twice: you marked all of them the same both times."),
        (2, 3, "3 clips came twice: you marked 2 of them the same both times."),
    ],
)
def test_the_persons_own_consistency_is_told(alike: int, twice: int, words: str) -> None:
    assert own_words(alike, twice) == words
