"""The window as a person uses it, on a session and a backend with invented data."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from gallery import STATES, Stage, furnish
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QSlider,
)
from pytestqt.qtbot import QtBot
from questions import Answers
from sample import SampleBackend, SampleSession, room, sample_episodes
from sample_models import SampleModels

from app.backend.models.choice import SOURCES
from app.backend.models.ports import FetchProgress
from app.backend.ports import (
    EpisodeFacts,
    Gate,
    Hint,
    LessonFacts,
    PracticeWish,
    RoundPart,
    RoundUpdate,
    TeachFacts,
    ThemeChoice,
    VerdictFacts,
)
from app.backend.settings import TEXT_PERCENTS
from app.gui import header as pages
from app.gui.dialogs.model_dialog import ModelDialog
from app.gui.dialogs.settings_dialog import SettingsDialog
from app.gui.main_window import MainWindow
from app.gui.play.hud import hint
from app.gui.shortcuts import ENTRIES, ShortcutsDialog
from app.gui.style.theme import DARK, LIGHT, Theme
from app.session.api import Phase
from recorder.games.registry import FirstLesson
from recorder.types import Outcome
from trainer.evaluation.verdicts.lines import old_tasks_line, sentence_line
from trainer.evaluation.verdicts.sequential import Pairs, Plan, round_alpha
from trainer.evaluation.verdicts.verdict import Choice, Line, Part, VerdictKind
from trainer.rounds.measuring.measurement import old_tasks_pending

VERDICT = VerdictFacts(
    kind=VerdictKind.BETTER,
    sentence="It now manages more starts than before.",
    before=12,
    after=31,
    tries=40,
    points=47.5,
    low=30,
    high=62,
    interval="exact",
    adapter_id="r1",
    film_before=(room(0.0),) * 5,
    film_after=(room(0.1),) * 2,
    film_seed=7,
)


def names(session: SampleSession) -> list[object]:
    return [call[0] for call in session.calls]


def settle(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: window.calls.bridge.pending == 0)


def test_enter_plays_and_the_view_gets_the_focus(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    edit = window.play_page.bar.edit
    qtbot.keyClicks(edit, "go to the barrel")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert ("play", "go to the barrel") in session.calls
    assert window.play_page.view.hasFocus()
    window.pull()
    assert window.play_page.bar.pause.isEnabled()
    # In mid-episode another sentence changes its mind.
    edit.setText("shoot the imp")
    assert window.play_page.bar.play.text() == "Change"


def test_empty_instruction_is_one_sentence(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    qtbot.keyClick(window.play_page.bar.edit, Qt.Key.Key_Return)
    assert "play" not in names(session)
    assert "no instruction" in window.play_page.notice.text()
    assert window.play_page.bar.edit.hasFocus()


def test_a_sentence_that_is_too_long_is_refused_whole_and_not_cut(
    window: MainWindow,
) -> None:
    edit = window.play_page.bar.edit
    edit.setText("go " * 1000)
    assert edit.text() == "go " * 1000


def test_an_unfamiliar_sentence_is_played_and_can_be_shown(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, session: SampleSession
) -> None:
    place.said = Hint("The agent was not taught this sentence.", ("shoot the imp", "face the imp"))
    notice = window.play_page.notice
    edit = window.play_page.bar.edit
    qtbot.keyClicks(edit, "photograph the imp")
    with qtbot.waitSignal(window.calls.hinted):
        qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert notice.text() == place.said.sentence
    assert ("play", "photograph the imp") in session.calls
    wanted = ["Show it myself", "Try “shoot the imp”", "Try “face the imp”"]
    assert [each.text() for each in notice.buttons] == wanted
    qtbot.mouseClick(notice.buttons[0], Qt.MouseButton.LeftButton)
    assert ("demonstrate", "photograph the imp") in session.calls
    assert window.play_page.view.captured
    assert notice.text() == ""


def test_the_nearest_known_sentence_is_one_click_away(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, session: SampleSession
) -> None:
    place.said = Hint("The agent was not taught this sentence.", ("shoot the imp",))
    with qtbot.waitSignal(window.calls.hinted):
        window.commands.play("photograph the imp")
    place.said = Hint()
    qtbot.mouseClick(window.play_page.notice.buttons[1], Qt.MouseButton.LeftButton)
    # On a start of its own: the room may hold no imp.
    asked = [call for call in session.calls if call[0] in {"stop", "play"}]
    assert asked[-2:] == [("stop", Outcome.ABANDONED), ("play", "shoot the imp")]
    assert window.play_page.bar.edit.text() == "shoot the imp"


def test_typing_does_not_reach_the_game(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    qtbot.keyClicks(window.play_page.bar.edit, "wasd")
    assert "key" not in names(session)


def test_taking_over_and_handing_back(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    window.commands.play("go to the barrel")
    view = window.play_page.view
    qtbot.keyPress(view, Qt.Key.Key_W)
    assert session.state.phase is Phase.CORRECTING
    window.pull()
    assert "You drive" in view.accessibleDescription()
    qtbot.keyPress(view, Qt.Key.Key_Return)
    assert session.state.phase is Phase.PLAYING
    # Where the agent drives already, Enter in the view asks for nothing.
    session.calls.clear()
    qtbot.keyPress(view, Qt.Key.Key_Return)
    assert "hand_back" not in names(session)


@pytest.mark.parametrize("where", ["view", "field", "library", "dialog"])
def test_escape_releases_and_pauses_wherever_the_focus_is(
    qtbot: QtBot, window: MainWindow, session: SampleSession, where: str
) -> None:
    window.commands.play("go to the barrel")
    window.play_page.view.capture()
    target = window.play_page.view if where == "view" else window.play_page.bar.edit
    if where == "field":
        target.setFocus()
    elif where == "library":
        window.show_page(pages.LIBRARY)
        target = window.library.search
        target.setFocus()
    elif where == "dialog":
        window.actions_by_id["help"].trigger()
        target = window.findChild(ShortcutsDialog)
        qtbot.waitUntil(target.isVisible)
    session.calls.clear()
    qtbot.keyClick(target, Qt.Key.Key_Escape)
    assert ("pause",) in session.calls
    assert ("focus_lost",) in session.calls
    assert not window.play_page.view.captured
    assert session.state.phase is Phase.PAUSED


def test_escape_only_closes_a_dialog_while_nobody_drives(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    window.actions_by_id["help"].trigger()
    dialog = window.findChild(ShortcutsDialog)
    qtbot.waitUntil(dialog.isVisible)
    session.calls.clear()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert ("pause",) not in session.calls


def test_escape_without_an_attempt_offers_none(window: MainWindow, session: SampleSession) -> None:
    window.actions_by_id["pause"].trigger()
    assert session.state.phase is Phase.WATCHING
    window.pull()
    page = window.play_page
    offered = (page.bar.stop, page.bar.pause, page.chips.success, page.chips.failure)
    assert [each.isEnabled() for each in offered] == [False] * 4
    assert hint(session.state, focused=True).startswith("Type")
    window.commands.play("go to the barrel")
    window.actions_by_id["pause"].trigger()
    window.pull()
    assert [each.isEnabled() for each in offered] == [True] * 4
    assert "F6" in hint(session.state, focused=True)


def test_pause_and_go_on(window: MainWindow, session: SampleSession) -> None:
    window.commands.play("go to the barrel")
    window.actions_by_id["pause"].trigger()
    assert session.state.phase is Phase.PAUSED
    window.pull()
    assert window.play_page.bar.pause.accessibleName() == "Go on"
    window.actions_by_id["pause"].trigger()
    assert session.state.phase is Phase.PLAYING


def test_demonstration_captures_the_mouse(window: MainWindow, session: SampleSession) -> None:
    window.play_page.bar.edit.setText("go to the barrel")
    window.actions_by_id["demonstrate"].trigger()
    assert ("demonstrate", "go to the barrel") in session.calls
    assert window.play_page.view.captured
    window.pull()
    session.set(phase=Phase.WATCHING, outcome=Outcome.SUCCESS)
    window.pull()
    assert not window.play_page.view.captured


def test_marks_and_reset(window: MainWindow, session: SampleSession) -> None:
    chips = window.play_page.chips
    assert not chips.success.isEnabled()
    window.commands.play("go to the barrel")
    window.pull()
    chips.success.click()
    chips.failure.click()
    window.actions_by_id["stop"].trigger()
    window.play_page.bar.reset.click()
    wanted = [
        ("mark", Outcome.SUCCESS),
        ("mark", Outcome.FAILURE),
        ("stop", Outcome.ABANDONED),
        ("reset", None),
    ]
    assert [c for c in session.calls if c[0] in {"mark", "stop", "reset"}][:1] == wanted[:1]
    assert ("reset", None) in session.calls


def test_example_chip_plays_it(window: MainWindow, session: SampleSession) -> None:
    chip = next(
        b
        for b in window.play_page.chips.findChildren(QAbstractButton)
        if b.accessibleName().startswith("Example: ")
    )
    chip.click()
    assert ("play", chip.text()) in session.calls
    assert window.play_page.bar.edit.text() == chip.text()


def test_ended_attempt_refreshes_the_lists(
    qtbot: QtBot, window: MainWindow, session: SampleSession, place: SampleBackend
) -> None:
    window.commands.play("go to the barrel")
    window.pull()
    place.kept = sample_episodes(0.0, 3)
    place.teach_facts = TeachFacts(3, 1, 12.4, sentence="One correction.", predicted_s=61)
    session.set(outcome=Outcome.FAILURE, phase=Phase.WATCHING)
    window.pull()
    settle(qtbot, window)
    teach = window.side.teach
    assert teach.episodes.value.text() == "3"
    assert teach.person.value.text() == "12 s"
    assert teach.retrain.text() == "Teach · about 1 min"
    assert window.library.model.rowCount() == 3


def test_a_tick_in_the_list_of_what_is_taught_reaches_the_backend(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    shown = (LessonFacts(4, "go there", 1.0), LessonFacts(3, "go there", 2.0))
    place.teach_facts = TeachFacts(2, 0, 3, sentence="Yours.", lessons=shown)
    window.calls.refresh_all()
    settle(qtbot, window)
    lessons = window.side.teach.lessons
    lessons.rows[4].click()
    settle(qtbot, window)
    assert [each.use for each in place.teach_facts.lessons] == [False, None]
    assert [tick.isChecked() for tick in lessons.rows.values()] == [False, True]


def test_round_from_click_to_verdict_and_back(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    place.teach_facts = TeachFacts(7, 5, 42, sentence="Half of it is yours.", predicted_s=118)
    window.calls.refresh_all()
    settle(qtbot, window)
    teach, card = window.side.teach, window.side.verdict
    teach.retrain.click()
    assert teach.busy
    round_ = place.round
    assert round_ is not None
    for step in range(3):
        news = RoundUpdate("Training", step, 3, 3.0 - step, 1.0 - step / 4, part=RoundPart.TRAIN)
        round_.send(news)
    qtbot.waitUntil(lambda: len(teach.curve.points[0]) == 3)
    assert teach.left.text() == "1 s left"
    # Two of three steps of a training that is two fifths of the round.
    assert (teach.progress.value(), teach.progress.maximum()) == (47, 100)
    place.verdict = VERDICT
    round_.send(
        RoundUpdate(
            gates=(Gate("corrections", True), Gate("play", False)), verdict=VERDICT, finished=True
        )
    )
    qtbot.waitUntil(lambda: not teach.busy)
    settle(qtbot, window)
    assert card.isVisible()
    assert card.title.text() == "Better"
    assert card.counts.text() == "12 → 31 of 40"
    assert card.points.text() == "+48 points (+30 … +62)"
    card.use.click()
    settle(qtbot, window)
    assert place.used == ["r1"]
    assert card.state.text() == "In use now."
    card.back.click()
    settle(qtbot, window)
    assert place.used == ["r1", None]
    assert not card.back.isVisible()


def test_cancelled_round_says_so(qtbot: QtBot, window: MainWindow, place: SampleBackend) -> None:
    window.side.teach.retrain.click()
    assert place.round is not None
    window.side.teach.cancel.click()
    qtbot.waitUntil(lambda: not window.side.teach.busy)
    assert place.round.cancelled.is_set()
    assert "as it was" in window.side.teach.notice.text()


def test_failed_round_shows_its_sentence(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    window.side.teach.retrain.click()
    assert place.round is not None
    place.round.send(RoundUpdate(problem="The disk is full.", finished=True))
    qtbot.waitUntil(lambda: not window.side.teach.busy)
    assert window.side.teach.notice.text() == "The disk is full."


def test_blocked_round_cannot_start(qtbot: QtBot, window: MainWindow, place: SampleBackend) -> None:
    place.teach_facts = TeachFacts(blocked="Nothing was collected since the last round.")
    window.calls.refresh_all()
    settle(qtbot, window)
    assert not window.side.teach.retrain.isEnabled()
    window.actions_by_id["teach"].trigger()
    assert place.round is None


@pytest.mark.parametrize("choice", list(Choice))
def test_verdict_card_offers_what_the_decision_allows(window: MainWindow, choice: Choice) -> None:
    card = window.side.verdict
    card.show_facts(replace(VERDICT, choice=choice))
    assert card.use.text() == ("Use it" if choice is Choice.USE else "Try it anyway")
    assert card.use.isVisible()
    assert not card.back.isVisible()
    assert card.more.isVisible() == (choice in (Choice.WAIT, Choice.PLAY_MORE))
    card.show_facts(replace(VERDICT, choice=choice, checking=True, progress="3 of 300"))
    assert not card.more.isVisible()
    assert card.state.text() == "3 of 300"
    card.show_facts(replace(VERDICT, choice=choice, in_use=True, can_go_back=True))
    assert not card.use.isVisible()
    assert not card.more.isVisible()
    assert card.back.isVisible()


def test_verdict_card_has_a_line_for_each_thing_that_was_measured(window: MainWindow) -> None:
    card = window.side.verdict
    taught = sentence_line(Part.TAUGHT, "go to it", Plan(round_alpha(1)), Pairs(gained=10))
    kept = old_tasks_line(Pairs(280, 2, 2, 16), "base")
    card.show_facts(replace(VERDICT, lines=(taught, old_tasks_pending())))
    shown = [each.text() for each in card.lines.findChildren(QLabel) if not each.isHidden()]
    assert shown == [
        "go to it", "0 → 10 of 10", "better",
        "What it could before", "", "still being checked",
    ]  # fmt: skip
    card.show_facts(replace(VERDICT, lines=(taught, kept)))
    shown = [each.text() for each in card.lines.findChildren(QLabel) if not each.isHidden()]
    assert shown[3:] == ["What it could before (base)", "282 → 282 of 300", "kept"]
    card.show_facts(VERDICT)
    assert not card.lines.isVisible()


def test_more_starts_are_asked_for_and_looked_after(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    place.verdict = replace(VERDICT, choice=Choice.PLAY_MORE, round_id=4)
    window.calls.refresh_agent()
    settle(qtbot, window)
    window.side.verdict.more.click()
    settle(qtbot, window)
    assert place.more == [4]
    place.verdict = replace(VERDICT, choice=Choice.WAIT, checking=True, progress="8 of 300")
    window.calls.refresh_agent()
    settle(qtbot, window)
    place.verdict = replace(VERDICT, choice=Choice.USE, in_use=True)
    window.calls._look_again()
    settle(qtbot, window)
    assert window.side.verdict.state.text() == "In use now."


def test_library_plays_back_labels_deletes_and_undoes(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    place.kept = sample_episodes(0.0, 4)
    window.calls.refresh_lessons()
    settle(qtbot, window)
    library = window.library
    with qtbot.waitSignal(library.player.frame_shown) as shown:
        window.commands.open_in_library(3)
    assert shown.args == [0]
    assert window.pages.currentIndex() == pages.LIBRARY
    with qtbot.waitSignal(library.player.frame_shown, check_params_cb=lambda i: i == 80):
        library.player.scrubber.setValue(80)
    assert library.player.who.text() == "You drove"
    library.failed.click()
    settle(qtbot, window)
    assert next(e for e in place.kept if e.id == 3).outcome is Outcome.FAILURE
    library.delete.click()
    settle(qtbot, window)
    assert [e.id for e in place.kept] == [1, 2, 4]
    assert library.toast.isVisible()
    # The one beside it is chosen.
    assert library.title.accessibleName() == place.kept[1].instruction
    window.actions_by_id["undo"].trigger()
    settle(qtbot, window)
    assert sorted(e.id for e in place.kept) == [1, 2, 3, 4]


def test_a_label_given_just_before_the_window_is_closed_is_kept(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    place.kept = sample_episodes(0.0, 2)
    calls = window.calls

    def until_closed() -> None:
        while not calls.bridge._closed:
            time.sleep(0.001)

    for _ in range(2):
        calls.bridge.ask(until_closed)
    calls.label((1,), Outcome.FAILURE)
    window.close()
    assert next(e for e in place.kept if e.id == 1).outcome is Outcome.FAILURE


class SlowModels(SampleModels):
    """A hub from which hardly anything comes."""

    began = stopped = False

    def fetch(self, name: str, progress: FetchProgress) -> None:
        self.began = True
        until_s = time.monotonic() + 4
        while not self.stopped and time.monotonic() < until_s:
            time.sleep(0.001)
            self.stopped = not progress(1, self.facts.total)


def test_a_window_that_is_closed_while_a_model_is_fetched_does_not_wait_for_it(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, answers: Answers
) -> None:
    answers.words = "Fetch it"
    models = place.models = SlowModels()
    window.dialogs.choose_model()
    dialog = window.findChild(ModelDialog)
    assert isinstance(dialog, ModelDialog)
    dialog.sources.button(SOURCES.index("hub")).setChecked(True)
    settle(qtbot, window)
    dialog.hub.fetch.click()
    qtbot.waitUntil(lambda: models.began)
    window.close_at_once()
    assert models.stopped


def test_an_attempt_that_cannot_be_deleted_is_not_said_to_be(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    recorded, done = sample_episodes(0.0, 2)[:2]
    place.kept = [replace(recorded, open=True), done]
    window.calls.refresh_lessons()
    settle(qtbot, window)
    window.commands.open_in_library(recorded.id)
    settle(qtbot, window)
    window.library.delete.click()
    settle(qtbot, window)
    assert "still being recorded" in window.library.toast.text.accessibleName()
    assert not window.library.toast.undo.isVisible()
    # There is nothing to bring back.
    with qtbot.assertNotEmitted(window.library.restore_wanted):
        window.actions_by_id["undo"].trigger()


def test_what_the_disk_finishes_late_is_shown_all_the_same(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    late, done = sample_episodes(0.0, 2)[:2]
    place.kept = [replace(late, open=True), done]

    def written(episodes: list[EpisodeFacts]) -> bool:
        closed = not episodes[0].open
        place.kept = [late, done]
        return closed

    with qtbot.waitSignal(window.calls.episodes_changed, check_params_cb=written):
        window.calls.refresh_lessons()


def test_an_attempt_that_the_disk_has_not_begun_yet_is_shown_once_it_is_there(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, session: SampleSession
) -> None:
    late, done = sample_episodes(0.0, 2)[:2]
    settle(qtbot, window)
    session.set(phase=Phase.WATCHING, episode_id=late.id, recording=False)
    place.kept = []
    window.pull()

    def there(episodes: list[EpisodeFacts]) -> bool:
        place.kept = [late, done]
        return bool(episodes)

    with qtbot.waitSignal(window.calls.episodes_changed, check_params_cb=there):
        window.calls.refresh_lessons()


def test_who_types_already_loses_no_letter(qtbot: QtBot, window: MainWindow) -> None:
    edit = window.play_page.bar.edit
    edit.setFocus()
    qtbot.keyClicks(edit, "go to ")
    window.commands.focus_instruction()
    qtbot.keyClicks(edit, "the imp")
    assert edit.text() == "go to the imp"
    window.play_page.view.setFocus()
    window.commands.focus_instruction()
    assert edit.selectedText() == "go to the imp"


def test_time_left_is_shown_only_while_it_is_known(window: MainWindow) -> None:
    panel = window.side.teach
    panel.begin_round()
    panel.show_update(RoundUpdate(step=1, steps=2, left_s=9.0))
    assert "9 s" in panel.left.text()
    panel.show_update(RoundUpdate(stage="Playing the same starts", step=1, steps=40))
    assert panel.left.text() == ""


def test_library_filter(qtbot: QtBot, window: MainWindow, place: SampleBackend) -> None:
    place.kept = sample_episodes(0.0, 9)
    window.calls.refresh_lessons()
    settle(qtbot, window)
    window.actions_by_id["search"].trigger()
    assert window.library.filter.rowCount() == 9
    qtbot.keyClicks(window.library.search, "torch")
    wanted = sum("torch" in e.instruction for e in place.kept)
    assert window.library.filter.rowCount() == wanted > 0


def test_damaged_attempt_is_a_sentence(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    place.kept = sample_episodes(0.0, 2)
    window.calls.refresh_lessons()
    settle(qtbot, window)
    place.kept = []
    window.library.choose(2)
    settle(qtbot, window)
    assert "in the bin" in window.library.player.picture.accessibleName()


def test_narrow_window_moves_the_cards_to_a_tab(qtbot: QtBot, window: MainWindow) -> None:
    assert window.side.isVisible()
    window.resize(1000, 640)
    qtbot.waitUntil(lambda: not window.side.isVisible())
    window.actions_by_id["page_teach"].trigger()
    qtbot.waitUntil(window.side.isVisible)
    assert window.pages.currentIndex() == pages.TEACH
    window.resize(1440, 900)
    qtbot.waitUntil(lambda: window.pages.currentIndex() == pages.PLAY)
    assert window.side.isVisible()


def test_first_start_explains_itself_once(
    qtbot: QtBot, place: SampleBackend, theme: Theme, state: QSettings
) -> None:
    place.settings = replace(place.settings, seen_welcome=False)
    window = MainWindow(place, theme, state)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(window.welcome.isVisible)
    for step in range(3):
        assert window.welcome.step == step
        window.welcome.next.click()
    assert not window.welcome.isVisible()
    settle(qtbot, window)
    assert place.settings.seen_welcome
    window.close()


def test_a_round_does_not_end_a_check_unasked(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, answers: Answers
) -> None:
    place.teach_facts = TeachFacts(episodes=1, sentence="Enough.")
    window.side.teach.show_facts(place.teach_facts)
    window.commands.know_verdict(replace(VERDICT, checking=True))
    answers.words = "Cancel"
    window.commands.start_round()
    assert place.round is None
    window.commands.start_practice(PracticeWish(("hop",), 1))
    assert not place.practised
    answers.words = "Begin anyway"
    window.commands.start_round()
    qtbot.waitUntil(lambda: place.round is not None)
    assert place.round is not None
    place.round.send(RoundUpdate(problem="The disk is full.", finished=True))
    qtbot.waitUntil(lambda: not window.calls.rounds.running)


def test_the_introduction_ends_in_a_first_lesson(
    qtbot: QtBot, place: SampleBackend, theme: Theme, state: QSettings, session: SampleSession
) -> None:
    place.settings = replace(place.settings, seen_welcome=False)
    place.first_lesson = FirstLesson("use your gun on the barrel", "Shoot it.")
    window = MainWindow(place, theme, state)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(window.welcome.isVisible)
    for _ in range(2):
        assert not window.welcome.lesson.isVisible()
        window.welcome.next.click()
    window.welcome.lesson.click()
    notice = window.play_page.notice
    assert not window.welcome.isVisible()
    assert "Your first lesson: “use your gun on the barrel”" in notice.text()
    assert [each.text() for each in notice.buttons] == [
        "Watch it try",
        "Show it myself",
        "Not now",
    ]
    notice.buttons[0].click()
    assert session.calls[-1] == ("play", "use your gun on the barrel")
    session.set(phase=Phase.PLAYING, instruction="use your gun on the barrel", attempts=1)
    window.pull()
    session.set(phase=Phase.WATCHING, outcome=Outcome.TIMEOUT)
    window.pull()
    assert "show it 6 times" in notice.text()
    notice.buttons[0].click()
    assert session.calls[-1] == ("demonstrate", "use your gun on the barrel")
    session.set(phase=Phase.DEMONSTRATING, outcome=None)
    window.pull()
    session.set(phase=Phase.WATCHING, outcome=Outcome.SUCCESS)
    window.pull()
    assert "Shown 1 of 6 times" in notice.text()
    # Who leaves is left alone.
    notice.buttons[-1].click()
    assert notice.text() == ""
    session.set(phase=Phase.DEMONSTRATING, outcome=None)
    window.pull()
    session.set(phase=Phase.WATCHING, outcome=Outcome.SUCCESS)
    window.pull()
    assert notice.text() == ""
    settle(qtbot, window)
    assert place.settings.seen_welcome
    window.close()


def test_a_first_lesson_that_was_shown_before_goes_on_and_ends_in_its_verdict(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, session: SampleSession
) -> None:
    lesson = FirstLesson("use your gun on the barrel", "Shoot it.")
    place.first_lesson = lesson
    place.teach_facts = TeachFacts(
        6, sentence="Enough.", lessons=tuple(LessonFacts(n, lesson.sentence, 3.0) for n in range(5))
    )
    window.calls.refresh_all()
    settle(qtbot, window)
    window.commands.guiding.begin()
    notice = window.play_page.notice
    assert "You have shown it 5 of 6 times" in notice.text()
    notice.buttons[0].click()
    session.set(phase=Phase.DEMONSTRATING, instruction=lesson.sentence, attempts=1, outcome=None)
    window.pull()
    session.set(phase=Phase.WATCHING, outcome=Outcome.SUCCESS)
    window.pull()
    notice.buttons[0].click()
    assert notice.text() == ""
    assert place.round is not None
    # Chosen again meanwhile, it says how it stands.
    window.commands.guiding.begin()
    assert "being taught now" in notice.text()
    line = Line(
        Part.TAUGHT, lesson.sentence, VerdictKind.BETTER, 1, 10, 12, 0.8, 0.5, 0.9, 0.1, True, ""
    )
    verdict = replace(VERDICT, lines=(line,), round_id=3, choice=Choice.WAIT)
    # Who is asked how an attempt went answers first, and what is being typed stays.
    session.set(phase=Phase.PAUSED, instruction="open", attempts=2, outcome=None, asks=True)
    window.pull()
    window.play_page.bar.edit.setText("open the gre")
    question = notice.text()
    place.round.send(RoundUpdate(verdict=verdict, finished=True))
    qtbot.waitUntil(lambda: not window.side.teach.busy)
    settle(qtbot, window)
    assert notice.text() == question
    session.set(phase=Phase.PLAYING, asks=False)
    window.pull()
    assert "once before your lesson and 10 times after it" in notice.text()
    assert "until then the old agent plays" in notice.text()
    assert window.play_page.bar.edit.text() == "open the gre"
    window.calls.verdict_changed.emit(replace(verdict, checking=True))
    window.calls.verdict_changed.emit(replace(verdict, in_use=True, choice=Choice.USE))
    assert "now type a sentence of your own" in notice.text()
    notice.buttons[0].click()
    # The attempt that runs is another agent's.
    assert session.calls[-2][0] == "stop"
    assert session.calls[-1] == ("play", lesson.sentence)
    window.calls.verdict_changed.emit(replace(verdict, choice=Choice.TRY))
    assert notice.text() == ""


def test_a_first_lesson_whose_round_was_cancelled_is_at_the_teach_button(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    place.first_lesson = FirstLesson("hop", "Jump.")
    place.teach_facts = TeachFacts(
        6, sentence="Enough.", lessons=tuple(LessonFacts(n, "hop", 3.0) for n in range(6))
    )
    window.calls.refresh_all()
    settle(qtbot, window)
    window.commands.guiding.begin()
    notice = window.play_page.notice
    told = notice.text()
    assert told.startswith("That is enough. Press Teach")
    notice.buttons[0].click()
    window.side.teach.cancel.click()
    qtbot.waitUntil(lambda: not window.side.teach.busy)
    assert notice.text() == told


def test_without_a_first_lesson_a_sentence_says_so(
    window: MainWindow, answers: Answers, place: SampleBackend
) -> None:
    assert place.first_lesson is None
    window.commands.guiding.begin()
    assert "practice model in the practice yard" in window.play_page.notice.text()


def test_settings_are_edited_saved_and_in_force(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, session: SampleSession
) -> None:
    window.actions_by_id["settings"].trigger()
    dialog = window.findChild(SettingsDialog)
    dialog._on_key("forward", "Z")
    dialog.never.setChecked(True)
    dialog.sensitivity.setValue(150)
    dialog.theme.setCurrentIndex(list(ThemeChoice).index(ThemeChoice.LIGHT))
    dialog.text_size.setCurrentIndex(TEXT_PERCENTS.index(115))
    dialog.accept()
    settle(qtbot, window)
    assert place.settings.text_percent == 115
    assert place.settings.bindings.keys["forward"] == "Z"
    assert place.settings.idle_handback_s is None
    assert place.settings.mouse_sensitivity == 1.5
    assert place.settings.theme is ThemeChoice.LIGHT
    assert ("set_idle_handback_s", None) in session.calls


def test_cancelled_settings_change_nothing(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, theme: Theme
) -> None:
    before = place.settings
    window.actions_by_id["settings"].trigger()
    dialog = window.findChild(SettingsDialog)
    dialog.theme.setCurrentIndex(list(ThemeChoice).index(ThemeChoice.LIGHT))
    assert not theme.tokens.dark
    dialog.reject()
    assert theme.tokens.dark
    assert place.settings == before


def test_layout_and_history_are_remembered(
    qtbot: QtBot, place: SampleBackend, theme: Theme, state: QSettings
) -> None:
    first = MainWindow(place, theme, state)
    qtbot.addWidget(first)
    first.resize(1300, 800)
    first.show()
    first.play_page.bar.edit.setText("go to the barrel")
    first.play_page.bar.submit()
    first.show_page(pages.LIBRARY)
    first.close()
    second = MainWindow(place, theme, state)
    qtbot.addWidget(second)
    # The game goes on unseen in the library, so the window opens on the game.
    assert second.pages.currentIndex() == pages.PLAY
    assert second.play_page.bar.edit.history.lines == ["go to the barrel"]
    second.close()


def test_closing_pauses_and_leaves_nothing_pressed(
    window: MainWindow, session: SampleSession
) -> None:
    window.commands.play("go to the barrel")
    session.calls.clear()
    window.close()
    assert ("pause",) in session.calls
    assert ("focus_lost",) in session.calls


def test_diagnostics_hide_the_home_folder(
    window: MainWindow, place: SampleBackend, tmp_path: Path
) -> None:
    place.log = tmp_path / "log"
    place.log.write_text(f"opened {Path.home()}/lessons.db\n", encoding="utf-8")
    window.actions_by_id["diagnostics"].trigger()
    text = QGuiApplication.clipboard().text()
    assert "Playteach: " in text
    assert "opened ~/lessons.db" in text
    assert f"{Path.home()}/" not in text


def test_every_action_is_in_the_menu_and_has_a_tip(window: MainWindow) -> None:
    listed = set()
    for action in window.header.menu.actions():
        menu = action.menu()
        for entry in menu.actions() if menu is not None else [action]:
            listed.add(entry.objectName())
    assert {entry.id for entry in ENTRIES} <= listed
    assert all(action.toolTip() for action in window.actions_by_id.values())


def test_every_control_has_a_name_and_a_place_in_the_focus_order(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    furnish(place, ThemeChoice.DARK)
    window.calls.refresh_all()
    settle(qtbot, window)
    controls = [
        widget
        for kind in (QAbstractButton, QLineEdit, QSlider)
        for widget in window.findChildren(kind)
        if not widget.objectName().startswith("qt_") and type(widget).__name__ != "QToolButton"
    ]
    assert len(controls) > 25
    for widget in controls:
        if widget.isHidden():
            continue
        name = widget.accessibleName() or getattr(widget, "text", str)()
        assert name, f"{widget} has no name"
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus or widget.x() < 0, name


@pytest.mark.parametrize("state_name", list(STATES))
def test_every_state_of_the_gallery_can_be_painted(
    qtbot: QtBot,
    window: MainWindow,
    session: SampleSession,
    place: SampleBackend,
    state_name: str,
) -> None:
    furnish(place, ThemeChoice.DARK)
    window.calls.refresh_all()
    settle(qtbot, window)
    STATES[state_name](Stage(window, session, place, [room(0.1 * i) for i in range(4)]))
    settle(qtbot, window)
    window.pull()
    assert not window.grab().isNull()
    for dialog in QApplication.topLevelWidgets():
        if dialog is not window and dialog.isVisible():
            assert not dialog.grab().isNull()
            dialog.close()


def test_window_follows_a_change_of_theme(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, theme: Theme
) -> None:
    furnish(place, ThemeChoice.DARK)
    window.calls.refresh_all()
    settle(qtbot, window)
    dark = window.grab().toImage()
    theme.choose(ThemeChoice.LIGHT)
    light = window.grab().toImage()
    corner = (4, dark.height() - 4)
    assert dark.pixelColor(*corner).name() == DARK.bar
    assert light.pixelColor(*corner).name() == LIGHT.bar
