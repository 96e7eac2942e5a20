"""What plays, and the list to change it."""

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot
from sample import SampleBackend, SampleSession

from app.backend.models.loader import LOADING, NOT_LOADED
from app.backend.ports import AdapterFacts
from app.gui.main_window import MainWindow
from app.gui.play.agent_panel import story_of
from trainer.evaluation.verdicts.verdict import Line, Part, VerdictKind

GONE = "The checkpoint is not there any more, so nothing plays; choose another one."


@pytest.fixture
def session() -> SampleSession:
    made = SampleSession()
    made.set(policy="", policy_ready=False)
    return made


@pytest.fixture
def place(place: SampleBackend) -> SampleBackend:
    place.agent_facts = replace(place.agent_facts, device=LOADING)
    return place


def test_a_model_that_could_not_be_loaded_ends_the_waiting(
    qtbot: QtBot, window: MainWindow, place: SampleBackend, session: SampleSession
) -> None:
    card = window.side.agent
    assert card.device.text() == LOADING
    place.agent_facts = replace(place.agent_facts, device=NOT_LOADED, problem=GONE)
    session.set(policy_problem=GONE, message=GONE)
    with qtbot.waitSignal(window.calls.agent_changed):
        window.pull()
    assert (card.device.text(), card.problem.text()) == (NOT_LOADED, GONE)


def test_an_adapter_says_when_it_was_made_what_it_was_taught_and_how_well() -> None:
    now = 1_800_000_000.0
    one = Line(
        Part.TAUGHT, "hop", VerdictKind.BETTER, 2, 9, 10, 0.7, 0.3, 0.9, 0.1, True, ""
    )  # fmt: skip
    facts = AdapterFacts("3", "#3 hop", verdict=VerdictKind.BETTER, taught=(one,), made_wall_s=now)
    first, second = story_of(facts, now).splitlines()
    assert first.endswith(" · better")
    assert second == "hop: 2 → 9 of 10"
    free = replace(one, name="dance", n=0)
    many = replace(facts, taught=(free, one, one, one, one), verdict=None, made_wall_s=0.0)
    assert story_of(many, now).splitlines() == [
        "not measured yet",
        "dance",
        "hop: 2 → 9 of 10",
        "hop: 2 → 9 of 10",
        "and 2 more",
    ]
    assert (
        story_of(replace(facts, passed_gates=False), now)
        .splitlines()[0]
        .endswith("better, a check failed")
    )
