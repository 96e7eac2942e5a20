from dataclasses import replace

import pytest
from PySide6.QtWidgets import QDialog, QLabel
from pytestqt.qtbot import QtBot
from sample import SampleBackend, SampleSession

from app.backend.ports import LessonFacts, RoundPart, RoundUpdate, TeachFacts, VerdictFacts
from app.gui.failing_start import FOUND_MEANWHILE, LOOKING
from app.gui.header import LIBRARY
from app.gui.main_window import MainWindow
from app.gui.style.theme import Theme
from app.gui.teach.teach_panel import CORRECTING_TEXT, EMPTY_TEXT, TeachPanel
from app.session.api import Phase
from recorder.types import Driver, Outcome


def test_a_long_stage_does_not_make_the_panel_wider(qtbot: QtBot, theme: Theme) -> None:
    panel = TeachPanel(theme)
    qtbot.addWidget(panel)
    panel.begin_round()
    panel.show_update(RoundUpdate(stage="Learning"))
    before = panel.minimumSizeHint().width()
    panel.show_update(RoundUpdate(stage="Doing something that takes a very long sentence. " * 3))
    assert panel.minimumSizeHint().width() == before
    assert panel.stage.accessibleName().startswith("Doing something")


def test_what_it_can_do_already_is_in_sight_while_it_is_taught(qtbot: QtBot, theme: Theme) -> None:
    panel = TeachPanel(theme)
    qtbot.addWidget(panel)
    panel.begin_round()
    panel.show_update(RoundUpdate(aside="It can do the first already."))
    panel.show_update(RoundUpdate(aside="It can do the second already."))
    panel.show_update(RoundUpdate(stage="Training", step=1, steps=9, loss=0.5))
    assert panel.notice.text() == "It can do the first already. It can do the second already."
    panel.show_update(RoundUpdate(problem="The disk is full.", finished=True))
    assert panel.notice.text() == "The disk is full."
    panel.begin_round()
    assert panel.notice.text() == ""
    panel.show_update(RoundUpdate(left_s=70.0))
    assert panel.left.text() == "1 min left"
    panel.show_update(RoundUpdate(aside="It can do the first already."))
    panel.show_cancelling()
    # News that were on their way say nothing of a time that is not waited for.
    panel.show_update(RoundUpdate(stage="Training", step=2, steps=9, left_s=30.0))
    assert (panel.stage.text(), panel.left.text()) == ("Stopping", "")
    panel.show_update(RoundUpdate(finished=True))
    assert "cancelled" in panel.notice.text()
    assert "already" not in panel.notice.text()


def test_a_correction_in_the_attempt_that_runs_is_not_denied(
    window: MainWindow, session: SampleSession
) -> None:
    text = window.side.teach.sentence
    assert text.text() == EMPTY_TEXT
    window.commands.play("go to the barrel")
    session.set(drivers=((Driver.POLICY, 9), (Driver.PERSON, 4)))
    window.pull()
    assert text.text() == CORRECTING_TEXT
    session.set(phase=Phase.WATCHING, outcome=Outcome.SUCCESS)
    window.pull()
    assert text.text() == EMPTY_TEXT


def test_one_bar_goes_through_the_whole_round_and_never_back(qtbot: QtBot, theme: Theme) -> None:
    panel = TeachPanel(theme)
    qtbot.addWidget(panel)
    panel.begin_round()
    assert panel.progress.maximum() == 0
    news = (
        (RoundPart.BEFORE, 5, 10),
        (RoundPart.PREPARE, None, None),
        (RoundPart.TRAIN, 30, 60),
        (RoundPart.TRAIN, 60, 60),
        (RoundPart.CHECK, None, None),
        (RoundPart.MEASURE, 10, 40),
        # More starts than were thought at first.
        (RoundPart.MEASURE, 11, 80),
    )
    seen = []
    for part, step, steps in news:
        panel.show_update(RoundUpdate(part=part, step=step, steps=steps))
        seen.append(panel.progress.value())
    assert seen == [5, 10, 40, 60, 60, 78, 78]
    panel.show_update(RoundUpdate(aside="It can do it already."))
    assert panel.progress.value() == 78


STEP = TeachFacts(next_step="It fails at it 8 of 20 times: correct it there.", fails_at="swim home")


def test_what_to_do_next_leads_and_gives_way_to_a_round(qtbot: QtBot, theme: Theme) -> None:
    panel = TeachPanel(theme)
    qtbot.addWidget(panel)
    assert panel.next_step.isHidden()
    assert panel.failing.isHidden()
    panel.show_facts(STEP)
    assert panel.next_step.text() == STEP.next_step
    assert not panel.failing.isHidden()
    panel.show_facts(replace(STEP, fails_at=""))
    assert not panel.next_step.isHidden()
    assert panel.failing.isHidden()
    panel.show_facts(STEP)
    panel.begin_round()
    assert panel.next_step.isHidden()
    assert panel.failing.isHidden()
    panel.show_update(RoundUpdate(finished=True))
    assert not panel.next_step.isHidden()


@pytest.mark.parametrize(
    ("corrections", "seconds", "told"),
    [
        (0, (), ("0", "corrections")),
        (0, (2.0, 3.0, 0.0), ("2", "demonstrations")),
        (0, (2.0,), ("1", "demonstration")),
        (4, (2.0, 3.0), ("4", "corrections")),
    ],
)
def test_who_only_shows_something_is_not_told_of_no_corrections(
    qtbot: QtBot,
    theme: Theme,
    corrections: int,
    seconds: tuple[float, ...],
    told: tuple[str, str],
) -> None:
    panel = TeachPanel(theme)
    qtbot.addWidget(panel)
    lessons = tuple(LessonFacts(n, "hop", each) for n, each in enumerate(seconds))
    panel.show_facts(TeachFacts(corrections=corrections, lessons=lessons))
    assert [each.text() for each in panel.corrections.findChildren(QLabel)] == list(told)


def test_the_agent_begins_where_it_fails(
    qtbot: QtBot, window: MainWindow, session: SampleSession, place: SampleBackend
) -> None:
    place.failing = {"swim home": 10_000_007}
    teach = window.side.teach
    teach.show_facts(STEP)
    teach.failing.click()
    assert not teach.failing.isEnabled()
    assert window.play_page.notice.text() == LOOKING.format("swim home")
    qtbot.waitUntil(teach.failing.isEnabled)
    assert window.play_page.notice.text() == ""
    assert session.calls[-2:] == [("reset", 10_000_007), ("play", "swim home")]
    assert window.play_page.bar.edit.text() == "swim home"


def test_who_began_something_else_meanwhile_is_not_thrown_out_of_it(
    qtbot: QtBot, window: MainWindow, session: SampleSession, place: SampleBackend
) -> None:
    place.failing = {"swim home": 10_000_007}
    teach = window.side.teach
    teach.show_facts(STEP)
    teach.failing.click()
    session.set(attempts=session.state.attempts + 1)
    qtbot.waitUntil(teach.failing.isEnabled)
    assert ("reset", 10_000_007) not in session.calls
    assert "A start was found" in window.play_page.notice.text()


def test_who_drives_is_not_thrown_out_of_it(
    qtbot: QtBot, window: MainWindow, session: SampleSession, place: SampleBackend
) -> None:
    place.failing = {"swim home": 10_000_007}
    teach = window.side.teach
    teach.show_facts(STEP)
    teach.failing.click()
    session.set(phase=Phase.CORRECTING)
    qtbot.waitUntil(teach.failing.isEnabled)
    assert ("reset", 10_000_007) not in session.calls


@pytest.mark.parametrize("what", ["types", "goes to the library", "reads a dialog"])
def test_who_is_elsewhere_is_not_taken_to_the_start(
    qtbot: QtBot,
    window: MainWindow,
    session: SampleSession,
    place: SampleBackend,
    what: str,
) -> None:
    place.failing = {"swim home": 10_000_007}
    teach = window.side.teach
    teach.show_facts(STEP)
    dialog = QDialog(window)
    dialog.setModal(True)
    teach.failing.click()
    if what == "types":
        window.play_page.bar.edit.setText("dance")
    elif what == "reads a dialog":
        dialog.show()
    else:
        window.show_page(LIBRARY)
    qtbot.waitUntil(teach.failing.isEnabled)
    assert ("reset", 10_000_007) not in session.calls
    assert window.play_page.notice.text() == FOUND_MEANWHILE.format("swim home")
    dialog.close()


def test_an_agent_that_fails_nowhere_is_said(
    qtbot: QtBot, window: MainWindow, session: SampleSession
) -> None:
    teach = window.side.teach
    teach.show_facts(STEP)
    teach.failing.click()
    qtbot.waitUntil(teach.failing.isEnabled)
    assert not any(call[0] == "reset" for call in session.calls)
    assert "from all of 12 starts" in window.play_page.notice.text()


def test_a_verdict_that_changes_says_anew_what_to_do_next(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    """A check in the background ends long after the round, and puts the agent in use."""
    verdict = VerdictFacts(None, "", 0, 0, 0, 0.0, 0.0, 0.0, "", "r1", round_id=3, checking=True)
    place.verdict = verdict
    window.calls.refresh_agent()
    qtbot.waitUntil(lambda: not window.calls.bridge.pending)
    place.teach_facts = STEP
    place.verdict = replace(verdict, checking=False, in_use=True)
    window.calls.refresh_agent()
    qtbot.waitUntil(lambda: window.side.teach.next_step.text() == STEP.next_step)
