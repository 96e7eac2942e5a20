from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from questions import Answers
from sample import SampleBackend, SampleSession

from app.backend.games.ports import GameFacts, GameWish, Trial
from app.backend.ports import Preferences, RoundUpdate
from app.gui.dialogs.game_wizard import GameWizard
from app.gui.dialogs.games_dialog import GamesDialog, PrivacyDialog
from app.gui.dialogs.hotkeys_page import HotkeysPage, rebind_hotkey
from app.gui.dialogs.settings_dialog import SettingsDialog
from app.gui.dialogs.wizard_pages import short_name
from app.gui.dialogs.wizard_parts import KeyPad
from app.gui.main_window import MainWindow
from app.session.api import Phase
from recorder.capture.base import Rect, WindowInfo
from recorder.errors import GameError
from recorder.games.base import Bindings
from recorder.games.desktop.calibration import Candidate
from recorder.games.desktop.profile import Profile
from recorder.input.hearing import DEFAULT_HOTKEYS, Hotkey

GAMES = (
    GameFacts("doom", "Practice yard", in_use=True),
    GameFacts("own", "My game", command=("my-game", "a b")),
    GameFacts("luanti", "Luanti", problem="Luanti is not installed."),
    GameFacts("minecraft", "Minecraft"),
)


class FakeCalibration:
    """Two windows; the mouse has moved by ``counts``; the trial ends ``off`` its start."""

    def __init__(self) -> None:
        rect = Rect(0, 0, 640, 360)
        picture = np.zeros((135, 240, 3), dtype=np.uint8)
        self.found: Sequence[Candidate] = (
            Candidate(WindowInfo(5, "Digger 2 - world", "digger", 40, rect), picture),
            Candidate(WindowInfo(6, "Letters", "mail", 41, rect), None),
        )
        self.counts = 0.0
        self.off = 0.1
        self.turning: int | None = None
        self.saved: list[Profile] = []
        self.checked: list[Profile] = []
        self.closed = False
        self.problem = ""

    def candidates(self) -> Sequence[Candidate]:
        if self.problem:
            raise GameError(self.problem)
        return self.found

    def begin_turn(self, window: WindowInfo) -> None:
        self.turning = window.id

    def turned_counts(self) -> float:
        return self.counts

    def end_turn(self) -> None:
        self.turning = None

    def check(self, profile: Profile, window: WindowInfo) -> Trial:
        self.checked.append(profile)
        if self.off < 0:
            raise GameError("The game's picture did not change.")
        return Trial(self.off, 31.5)

    def taken_names(self) -> frozenset[str]:
        return frozenset({"doom"})

    def save(self, profile: Profile) -> Path:
        self.saved.append(profile)
        return Path("x.toml")

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def calibration() -> FakeCalibration:
    return FakeCalibration()


@pytest.fixture
def wizard(qtbot: QtBot, calibration: FakeCalibration) -> GameWizard:
    made = GameWizard(calibration)
    qtbot.addWidget(made)
    qtbot.waitUntil(lambda: len(made.window_page.candidates) == 2)
    return made


def teach_keys(qtbot: QtBot, wizard: GameWizard) -> None:
    qtbot.keyClick(wizard.keys_page.pad, Qt.Key.Key_W)
    qtbot.keyClick(wizard.keys_page.pad, Qt.Key.Key_S)
    for _ in range(6):
        qtbot.keyClick(wizard.keys_page.pad, Qt.Key.Key_Escape)
    qtbot.mousePress(wizard.keys_page.pad, Qt.MouseButton.LeftButton)


def turn_around(qtbot: QtBot, wizard: GameWizard, calibration: FakeCalibration) -> None:
    wizard.mouse_page.turn.click()
    qtbot.waitUntil(lambda: calibration.turning == 5)
    calibration.counts = -1800.0
    qtbot.waitUntil(lambda: wizard.mouse_page.counts.text() == "1800 counts")


def test_the_wizard_makes_a_profile_step_by_step(
    qtbot: QtBot, wizard: GameWizard, calibration: FakeCalibration
) -> None:
    assert not wizard.next.isEnabled()
    wizard.window_page.grid._grid.itemAt(0).widget().click()
    wizard.next.click()
    teach_keys(qtbot, wizard)
    assert wizard.draft.lesson.keys == {"forward": "W", "back": "S", "attack": "LeftButton"}
    wizard.next.click()
    assert not wizard.next.isEnabled()
    turn_around(qtbot, wizard, calibration)
    assert wizard.next.isEnabled()
    wizard.next.click()
    # Nothing is saved that was not tried.
    assert not wizard.next.isEnabled()
    wizard.trial_page.trial.click()
    qtbot.waitUntil(lambda: "calibrated" in wizard.trial_page.came_back.text())
    assert (wizard.next.isEnabled(), wizard.next.text()) == (True, "Next")
    assert calibration.checked[0].bindings.degrees_per_count == pytest.approx(0.2)
    wizard.next.click()
    assert wizard.name_page.name.text() == "digger_2_world"
    wizard.name_page.name.setText("digger")
    wizard.name_page._on_chat("T")
    with qtbot.waitSignal(wizard.made) as made:
        wizard.next.click()
    assert made.args == ["digger"]
    profile = calibration.saved[0]
    assert profile.matches("Digger 2 - another world", "digger")
    assert not profile.matches("Letters", "mail")
    assert profile.chat == {"T"}
    assert {"T", "Esc"} <= profile.forbidden
    assert profile.input_to_frame_ms == 31.5
    assert calibration.closed


def test_without_a_window_the_middle_says_what_is_missing_and_what_to_do(
    qtbot: QtBot, calibration: FakeCalibration
) -> None:
    found, calibration.found = calibration.found, ()
    wizard = GameWizard(calibration)
    qtbot.addWidget(wizard)
    wizard.show()
    page, empty = wizard.window_page, wizard.window_page.empty
    qtbot.waitUntil(empty.act.isVisible)
    assert "window open" in empty.title.text()
    assert "Start the game" in empty.text.text()
    assert not page.grid.isVisible()
    assert wizard.note.text() == ""
    middle = empty.title.mapTo(wizard, empty.title.rect().center())
    assert abs(middle.x() - wizard.width() / 2) < 20
    assert wizard.height() / 4 < middle.y() < wizard.height() * 3 / 5
    # A screen that cannot be looked at is told in the same place.
    calibration.problem = "The screen cannot be read."
    empty.act.click()
    qtbot.waitUntil(lambda: empty.text.text() == calibration.problem)
    calibration.problem, calibration.found = "", found
    empty.act.click()
    qtbot.waitUntil(page.grid.isVisible)
    assert not empty.isVisible()
    shown, covered = (page.grid._grid.itemAt(n).widget() for n in range(2))
    assert "covers it" in covered.text()
    # The whole picture is to be seen.
    qtbot.waitUntil(lambda: shown.height() > shown.iconSize().height())
    wizard.reject()


def test_a_turn_that_does_not_come_back_is_told_and_can_be_done_again(
    qtbot: QtBot, wizard: GameWizard, calibration: FakeCalibration
) -> None:
    wizard.window_page.choose(0)
    wizard.next.click()
    teach_keys(qtbot, wizard)
    wizard.next.click()
    turn_around(qtbot, wizard, calibration)
    wizard.next.click()
    calibration.off = 0.9
    wizard.trial_page.trial.click()
    qtbot.waitUntil(lambda: "did not come back" in wizard.trial_page.came_back.text())
    assert wizard.next.text() == "Next all the same"
    calibration.off = -1.0
    wizard.trial_page.trial.click()
    qtbot.waitUntil(lambda: wizard.note.text() == "The game's picture did not change.")
    assert wizard.trial_page.trial.isEnabled()
    wizard.back.click()
    assert wizard.pages.currentIndex() == 2
    # Another turn is another trial.
    turn_around(qtbot, wizard, calibration)
    wizard.next.click()
    assert not wizard.next.isEnabled()
    wizard.reject()


def test_nothing_is_counted_after_the_mouse_s_page_was_left_at_once(
    qtbot: QtBot, wizard: GameWizard, calibration: FakeCalibration
) -> None:
    wizard.window_page.choose(0)
    wizard.next.click()
    teach_keys(qtbot, wizard)
    wizard.next.click()
    wizard.mouse_page.turn.click()
    wizard.back.click()
    qtbot.waitUntil(lambda: wizard._bridge.pending == 0)
    assert calibration.turning is None
    assert not wizard.mouse_page.count_timer.isActive()
    wizard.reject()


def test_the_wizard_refuses_a_key_twice_and_a_name_that_is_taken(
    qtbot: QtBot, wizard: GameWizard, calibration: FakeCalibration
) -> None:
    wizard.window_page.choose(0)
    wizard.next.click()
    qtbot.keyClick(wizard.keys_page.pad, Qt.Key.Key_W)
    qtbot.keyClick(wizard.keys_page.pad, Qt.Key.Key_W)
    assert "forward already" in wizard.note.text()
    wizard.back.click()
    assert wizard.draft.lesson.keys == {}
    teach_keys(qtbot, wizard)
    wizard.draft.degrees = 0.2
    wizard._go(4)
    for name in ("doom", "No Name!"):
        wizard.name_page.name.setText(name)
        wizard.next.click()
        assert wizard.note.text()
    assert calibration.saved == []
    wizard.reject()
    assert calibration.closed


def test_a_title_becomes_a_name_that_a_profile_may_have() -> None:
    rect = Rect(0, 0, 9, 9)
    for title, name in (("My Game! 1.2", "my_game_1_2"), ("Ü", "my_game"), ("a" * 60, "a" * 40)):
        assert short_name(WindowInfo(1, title, "", None, rect)) == name


def test_control_is_the_key_that_the_keyboard_calls_so(qtbot: QtBot) -> None:
    pad = KeyPad()
    qtbot.addWidget(pad)
    heard: list[str] = []
    pad.pressed.connect(heard.append)
    qtbot.keyClick(pad, Qt.Key.Key_Tab)
    qtbot.keyClick(pad, Qt.Key.Key_Control)
    assert heard == ["Tab", "Ctrl"]


def test_a_command_of_ones_own_profile_is_shown_and_agreed_to(
    qtbot: QtBot, answers: Answers
) -> None:
    dialog = GamesDialog(GAMES)
    qtbot.addWidget(dialog)
    wishes: list[GameWish] = []
    dialog.game_wanted.connect(wishes.append)
    assert not dialog.play.isEnabled()
    dialog.choose("own")
    answers.words = "Cancel"
    dialog.play.click()
    assert wishes == []
    answers.words = "Run it"
    dialog.play.click()
    assert wishes == [GameWish("own", ("my-game", "a b"))]
    assert answers.details == ["my-game 'a b'"] * 2


def test_a_game_that_cannot_be_played_cannot_be_chosen(qtbot: QtBot) -> None:
    dialog = GamesDialog(GAMES)
    qtbot.addWidget(dialog)
    assert [dialog._group.button(n).isEnabled() for n in range(4)] == [True, True, False, True]
    dialog.choose("minecraft")
    with qtbot.waitSignal(dialog.game_wanted) as wanted:
        dialog.play.click()
    assert wanted.args == [GameWish("minecraft")]


def test_slowed_time_is_offered_where_it_can_be(qtbot: QtBot) -> None:
    can = GameFacts("luanti", "Luanti", slowable=True)
    dialog = GamesDialog((GameFacts("doom", "Practice yard", in_use=True), can))
    qtbot.addWidget(dialog)
    assert dialog.slowed.isHidden()
    dialog.choose("luanti")
    assert not dialog.slowed.isHidden()
    dialog.slowed.click()
    with qtbot.waitSignal(dialog.game_wanted) as wanted:
        dialog.play.click()
    assert wanted.args == [GameWish("luanti", slowed=True)]


def test_the_open_game_can_be_opened_in_the_other_time(qtbot: QtBot) -> None:
    dialog = GamesDialog((GameFacts("luanti", "Luanti", in_use=True, slowable=True, slowed=True),))
    qtbot.addWidget(dialog)
    assert dialog.slowed.isChecked()
    assert not dialog.play.isEnabled()
    dialog.slowed.click()
    with qtbot.waitSignal(dialog.game_wanted) as wanted:
        dialog.play.click()
    assert wanted.args == [GameWish("luanti")]


def test_what_slowed_time_lacks_is_said(qtbot: QtBot) -> None:
    facts = GameFacts("luanti", "Luanti", slowable=True, slow_problem="It needs libfaketime.")
    dialog = GamesDialog((facts,))
    qtbot.addWidget(dialog)
    dialog.choose("luanti")
    assert not dialog.slowed.isEnabled()
    assert dialog._slowed_detail.text() == "It needs libfaketime."
    assert dialog.play.isEnabled()


def test_the_window_closes_for_another_game(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    place.game_facts = GAMES
    window.dialogs.choose_game("minecraft")
    qtbot.waitUntil(lambda: bool(window.findChildren(GamesDialog)))
    window.findChildren(GamesDialog)[0].play.click()
    assert window.next_game == GameWish("minecraft")
    assert not window.isVisible()


def test_without_a_screen_a_game_cannot_be_described_and_that_is_said(
    window: MainWindow,
) -> None:
    window.dialogs.describe_game()
    assert window.play_page.notice.isVisible()


def test_nothing_is_watched_before_the_person_knows_what(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, session: SampleSession
) -> None:
    place.own_window = True
    told: list[bool] = []
    window.dialogs.once_told(lambda: told.append(True))
    window.commands.play("go on")
    assert session.snapshot().phase is Phase.WATCHING
    dialogs = window.findChildren(PrivacyDialog)
    assert len(dialogs) == 1
    assert told == []
    dialogs[0].understood.click()
    assert told == [True]
    qtbot.waitUntil(lambda: place.settings.seen_privacy)
    window.commands.play("go on")
    assert session.snapshot().phase is Phase.PLAYING


def test_a_game_in_its_own_window_hears_the_person_itself(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, session: SampleSession
) -> None:
    place.own_window = True
    window.dialogs.preferences = place.settings = place.settings.__class__(
        bindings=place.settings.bindings, seen_privacy=True
    )
    window.dialogs.apply_preferences()
    window.commands.play("go on")
    view = window.play_page.view
    qtbot.keyClick(view, Qt.Key.Key_W)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton)
    assert session.snapshot().phase is Phase.PLAYING
    assert not view.captured


def test_a_measurement_in_another_window_is_told_of_and_gives_the_focus_back(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_front: list[str] = []
    monkeypatch.setattr(window, "raise_", lambda: to_front.append("raised"))
    monkeypatch.setattr(window, "activateWindow", lambda: to_front.append("activated"))
    for notice in ("", "Another window of the game opens."):
        window.side.teach.retrain.click()
        assert place.round is not None
        place.round.send(RoundUpdate(stage="Learning"))
        if notice:
            place.round.send(RoundUpdate(stage="Measuring", notice=notice))
            qtbot.waitUntil(window.play_page.notice.isVisible)
            assert window.play_page.notice.text() == "Another window of the game opens."
        place.round.send(RoundUpdate(finished=True))
        qtbot.waitUntil(lambda: not window.side.teach.busy)
        # Whoever plays on in the game while it learns keeps the keyboard.
        assert to_front == (["raised", "activated"] if notice else [])
    assert not window.play_page.notice.isVisible()


def test_the_keys_of_a_game_in_its_own_window_are_shown_and_not_changed(qtbot: QtBot) -> None:
    wanted = Preferences(bindings=Bindings({"forward": "W"}))
    for own_window in (True, False):
        dialog = SettingsDialog(wanted, wanted.bindings, None, own_window=own_window)
        qtbot.addWidget(dialog)
        assert dialog._buttons["forward"].isEnabled() is not own_window


def test_hotkeys_are_exchanged_and_never_taken_from_the_game(qtbot: QtBot) -> None:
    table, said = rebind_hotkey(DEFAULT_HOTKEYS, Hotkey.PAUSE, "F8", ())
    assert (table[Hotkey.PAUSE], table[Hotkey.HAND_BACK]) == ("F8", "F6")
    assert "F6" in said
    for key in ("W", "Esc", "LeftButton"):
        assert rebind_hotkey(DEFAULT_HOTKEYS, Hotkey.PAUSE, key, {"W"})[0] == DEFAULT_HOTKEYS
    page = HotkeysPage(DEFAULT_HOTKEYS, {"W"})
    qtbot.addWidget(page)
    page._on_key(Hotkey.PANIC, "F2")
    assert page.chosen()[Hotkey.PANIC] == "F2"
    page._on_defaults()
    assert page.chosen() == DEFAULT_HOTKEYS


def test_a_stray_key_has_not_understood_what_is_watched(qtbot: QtBot) -> None:
    dialog = PrivacyDialog("Luanti", "F12")
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    for key in (Qt.Key.Key_C, Qt.Key.Key_Space, Qt.Key.Key_Return):
        qtbot.keyClick(dialog.focusWidget() or dialog, key)
    assert dialog.isVisible()
    dialog.understood.click()
    assert dialog.result() == PrivacyDialog.DialogCode.Accepted
