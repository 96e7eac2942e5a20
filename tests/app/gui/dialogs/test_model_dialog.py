"""The page on which another model is chosen: a folder, the hub, a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QDialog, QLineEdit
from pytestqt.qtbot import QtBot
from questions import Answers
from sample import SampleBackend
from sample_models import SampleModels

from app.backend.models.choice import RELEASED, SOURCES, ModelChoice, model_choice
from app.command_line import build_parser
from app.gui.calls.async_calls import Bridge
from app.gui.dialogs.model_dialog import ModelDialog
from app.gui.dialogs.model_options import WRITTEN
from app.gui.main_window import MainWindow
from app.gui.style.theme import Theme
from model.actions.codecs import CODECS


def test_every_way_to_write_actions_has_a_name_and_can_be_asked_for() -> None:
    assert set(WRITTEN) == set(CODECS)
    for name in CODECS:
        assert build_parser().parse_args(["play", "--actions", name]).actions == name


class Page:
    """The dialog over set answers."""

    def __init__(self, qtbot: QtBot, models: SampleModels) -> None:
        self.qtbot = qtbot
        self.models = models
        self.bridge = Bridge()
        self.dialog = ModelDialog(models, self.bridge)
        qtbot.addWidget(self.dialog)
        self.dialog.show()
        self.wait()

    def wait(self) -> None:
        """Until every answer is shown."""
        self.qtbot.waitUntil(lambda: self.bridge.pending == 0)

    def choose(self, source: str) -> None:
        self.dialog.sources.button(SOURCES.index(source)).click()
        self.wait()

    def press_use(self) -> None:
        self.dialog.use.click()
        self.wait()

    @property
    def asked(self) -> list[object]:
        return [call[0] for call in self.models.calls]


@pytest.fixture
def page(qtbot: QtBot, theme: Theme) -> Iterator[Page]:
    page = Page(qtbot, SampleModels())
    yield page
    page.bridge.close()


def test_it_opens_on_what_plays_and_asks_nothing_of_the_network(page: Page) -> None:
    assert page.dialog.chosen() == ModelChoice()
    assert page.asked == []
    assert page.dialog.hub.edit.text() == RELEASED
    assert not page.dialog.options.isVisible()
    assert page.dialog.use.isEnabled()


def test_the_hub_tells_the_size_and_fetches_only_after_a_yes(page: Page, answers: Answers) -> None:
    dialog = page.dialog
    page.choose("hub")
    assert "16.6 GB" in dialog.hub.note.text()
    assert dialog.hub.fetch.isVisible()
    assert not dialog.use.isEnabled()
    answers.words = "Cancel"
    dialog.hub.fetch.click()
    page.wait()
    assert "16.6 GB" in answers.asked[0]
    assert "fetch" not in page.asked
    answers.words = "Fetch it"
    dialog.hub.fetch.click()
    assert dialog.hub.stop.isVisible()
    page.wait()
    assert page.asked.count("fetch") == 1
    assert "It is here" in dialog.hub.note.text()
    assert dialog.use.isEnabled()
    assert not dialog.hub.stop.isVisible()
    page.press_use()
    assert page.models.current.source == "hub"
    assert dialog.result() == QDialog.DialogCode.Accepted


def test_what_can_be_fetched_can_be_after_a_look_at_a_folder(page: Page, tmp_path: Path) -> None:
    page.choose("hub")
    page.choose("folder")
    page.dialog.folder.edit.setText(str(tmp_path))
    page.dialog.folder.edit.editingFinished.emit()
    page.wait()
    page.choose("hub")
    assert page.dialog.hub.fetch.isVisible()


def test_a_download_stops_when_the_person_says_so(page: Page, answers: Answers) -> None:
    page.choose("hub")
    answers.words = "Fetch it"
    page.models.go_on.clear()
    page.dialog.hub.fetch.click()
    page.dialog.hub.stop.click()
    page.models.go_on.set()
    page.wait()
    assert page.asked[-2:] == ["fetch", "look"]
    assert not page.models.facts.here
    assert not page.dialog.hub.bar.isVisible()
    assert page.dialog.hub.fetch.isVisible()
    # What was asked for is no problem.
    assert not page.dialog.note.isVisible()


def test_another_name_on_the_hub_must_be_looked_up_first(page: Page) -> None:
    page.models.facts = page.models.fetched()
    page.choose("hub")
    assert page.dialog.use.isEnabled()
    page.dialog.hub.edit.setText("")
    page.qtbot.keyClicks(page.dialog.hub.edit, "owner/other")
    assert not page.dialog.use.isEnabled()
    page.dialog.hub.look_up.click()
    page.wait()
    looked = page.models.calls[-1]
    assert looked[0] == "look"
    assert isinstance(looked[1], ModelChoice)
    assert looked[1].hub == "owner/other"
    assert page.dialog.use.isEnabled()


def test_number_formats_that_do_not_fit_cannot_be_chosen(page: Page) -> None:
    page.models.facts = page.models.fetched()
    page.choose("hub")
    options = page.dialog.options
    model = options.precision.model()
    assert isinstance(model, QStandardItemModel)
    assert [model.item(row).isEnabled() for row in range(4)] == [True, False, True, True]
    assert "15.2 GB" in options.memory.text()
    assert "8 bits or 4 bits" in options.memory.text()
    options.precision.setCurrentIndex(3)
    assert "8.3 GB" in options.memory.text()
    page.press_use()
    assert page.models.current.precision == "4bit"


def test_what_is_set_comes_back_as_it_was(page: Page) -> None:
    page.models.facts = page.models.fetched()
    page.choose("hub")
    options = page.dialog.options
    options.temperature.setValue(0.9)
    options.history.setValue(4)
    options.prompt.setCurrentIndex(2)
    options.rewrite.setChecked(False)
    # How actions are written is asked of servers only.
    assert not options.written.isVisibleTo(options)
    page.choose("server")
    assert options.written.isVisibleTo(options)
    options.written.setCurrentIndex(1)
    page.choose("hub")
    page.press_use()
    used = page.models.current
    assert used == ModelChoice(
        "hub", temperature=0.9, history=4, prompt="jarvis-recipe", rewrite=False, actions="text"
    )
    assert model_choice(used.to_table()) == used
    again = Page(page.qtbot, page.models)
    assert again.dialog.chosen() == used
    again.bridge.close()


def test_a_server_is_checked_and_its_key_is_kept_apart(page: Page, answers: Answers) -> None:
    answers.words = "OK"
    dialog = page.dialog
    page.choose("server")
    assert dialog.server.key.echoMode() is QLineEdit.EchoMode.Password
    assert "go to this server" in dialog.server.note.text()
    assert not dialog.options.precision.isVisible()
    dialog.server.address.setText("http://127.0.0.1:8000")
    dialog.server.key.setText("sesame")
    dialog.server.check.click()
    page.wait()
    assert page.models.calls[-1] == ("check", "http://127.0.0.1:8000", "sesame")
    assert "2 models" in dialog.server.note.text()
    dialog.server.model.setCurrentIndex(1)
    page.press_use()
    assert page.asked[-2:] == ["key", "use"]
    assert page.models.current.server_model == "jarvis-vla-torches"
    assert "sesame" not in repr(page.models.current)
    assert answers.asked == ["The key is in this system's keyring."]


def test_a_problem_is_one_sentence_and_the_page_stays(page: Page) -> None:
    page.models.problem = "The server cannot be asked; see whether it runs."
    page.choose("server")
    page.dialog.server.address.setText("http://127.0.0.1:9")
    page.dialog.server.check.click()
    page.wait()
    assert page.dialog.server.note.text() == page.models.problem
    page.press_use()
    assert page.dialog.note.text() == page.models.problem
    assert page.dialog.isVisible()
    assert page.dialog.use.isEnabled()
    assert page.models.current == ModelChoice()


def test_a_folder_is_looked_at_when_it_is_typed(page: Page, tmp_path: Path) -> None:
    page.models.facts = page.models.fetched()
    page.choose("folder")
    assert page.asked == []
    assert not page.dialog.use.isEnabled()
    page.dialog.folder.edit.setText(str(tmp_path))
    page.dialog.folder.edit.editingFinished.emit()
    page.wait()
    assert page.asked == ["look"]
    page.press_use()
    assert page.models.current.folder == tmp_path


def test_the_window_opens_it_and_says_where_pictures_go(
    qtbot: QtBot, window: MainWindow, place: SampleBackend
) -> None:
    window.actions_by_id["models"].trigger()
    dialog = window.findChild(ModelDialog)
    assert dialog is not None
    assert window.status.privacy.text() == "Nothing leaves this machine"
    place.agent_facts = replace(place.agent_facts, remote="127.0.0.1:8000")
    dialog.use.click()
    qtbot.waitUntil(lambda: window.calls.bridge.pending == 0)
    assert window.status.privacy.text() == "Pictures go to 127.0.0.1:8000"
