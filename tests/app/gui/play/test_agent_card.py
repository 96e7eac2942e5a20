"""The card of the agent never says for ever that a model is being loaded."""

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot
from sample import SampleBackend, SampleSession

from app.backend.model_loader import LOADING, NOT_LOADED
from app.gui.main_window import MainWindow

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
