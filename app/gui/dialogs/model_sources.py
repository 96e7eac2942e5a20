"""Where a model can come from: each source with its fields, what is known of it, and its note."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.backend.models.choice import ModelChoice
from app.backend.models.ports import ModelCatalogue, ModelFacts
from app.gui.calls.async_calls import Bridge
from app.gui.dialogs.model_options import amount
from app.gui.style.dialog_parts import confirmed
from app.gui.style.theme import GRID
from app.gui.style.widgets import button, label, set_role

INDENT = 28
Chosen = Callable[[], ModelChoice]
"""Returns what the whole dialog says."""


class Source(QWidget):
    """A source's section of the dialog.

    Signals: changed() if it may be usable now, or no longer; looked() when other ``facts`` are
    known; said(str) with a sentence for the dialog's own note, "" for none.
    """

    changed = Signal()
    looked = Signal()
    said = Signal(str)
    title = ""

    def __init__(self) -> None:
        super().__init__()
        self.facts: ModelFacts | None = None
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(INDENT, 0, 0, GRID)
        self.rows.setSpacing(6)

    @property
    def ready(self) -> bool:
        """Whether a model of this source may be used."""
        return True

    def begin(self) -> None:
        """Look for what is to be known, each time that the person chooses this source."""

    def applied_to(self, choice: ModelChoice) -> ModelChoice:
        """Return a choice with this source's fields as they stand."""
        return choice


class PracticeSource(Source):
    """The model that came with Playteach."""

    title = "The practice model that came with Playteach"

    def __init__(self) -> None:
        super().__init__()
        self.rows.addWidget(
            label("Small and quick; it plays the practice yard and Luanti.", "caption", wrap=True)
        )


class CheckpointSource(Source):
    """A checkpoint that is looked up before it can be used."""

    kind = ""
    """What :attr:`ModelChoice.source` calls it."""

    def __init__(
        self, text: str, catalogue: ModelCatalogue, bridge: Bridge, chosen: Chosen
    ) -> None:
        """``text`` says at first which checkpoint it is."""
        super().__init__()
        self.edit = QLineEdit(text)
        self._catalogue = catalogue
        self._bridge = bridge
        self._chosen = chosen
        self.note = label("", "caption", wrap=True)

    def begin(self) -> None:
        """Look it up if nothing is known of it."""
        if self.facts is None:
            self.look()

    def look(self) -> None:
        """Look it up anew; does nothing if no checkpoint is named."""
        if not self.edit.text().strip():
            return
        choice = replace(self._chosen(), source=self.kind)
        set_role(self.note, tone="")
        self.note.setText("Looking …")
        self.facts = None
        self._bridge.ask(
            lambda: self._catalogue.look(choice),
            self._on_looked,
            replaces="model",
            failed=self._on_not_found,
        )

    def _on_looked(self, facts: ModelFacts) -> None:
        self.facts = facts
        if facts.here:
            self.note.setText(f"It is here: {amount(facts.total)}. {facts.device}".strip())
        else:
            begun = facts.total - facts.missing
            self.note.setText(
                f"{amount(facts.total)}, of which {amount(facts.missing)} are not here "
                f"yet{'; fetching goes on where it ended' if begun else ''}."
            )
        self.looked.emit()

    def _on_not_found(self, sentence: str) -> None:
        set_role(self.note, tone="bad")
        self.note.setText(sentence)
        self.changed.emit()


class FolderSource(CheckpointSource):
    """A checkpoint in a folder of this machine."""

    title = "A checkpoint in a folder"
    kind = "folder"

    def __init__(self, catalogue: ModelCatalogue, bridge: Bridge, chosen: Chosen) -> None:
        folder = catalogue.choice().folder
        super().__init__("" if folder is None else str(folder), catalogue, bridge, chosen)
        self.edit.setPlaceholderText("A folder with config.json and safetensors weights")
        self.edit.setAccessibleName("The checkpoint's folder")
        browse = button("Choose …")
        browse.clicked.connect(self._on_browse)
        self.rows.addLayout(_row(self.edit, browse))
        self.rows.addWidget(self.note)
        self.edit.editingFinished.connect(self.look)

    @property
    def ready(self) -> bool:
        """Whether a checkpoint lies there."""
        return self.facts is not None

    def applied_to(self, choice: ModelChoice) -> ModelChoice:
        """Return a choice with the folder."""
        folder = self.edit.text().strip()
        return replace(choice, folder=Path(folder) if folder else None)

    def _on_browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self.window(), "Checkpoint", self.edit.text())
        if chosen:
            self.edit.setText(chosen)
            self.look()


class HubSource(CheckpointSource):
    """A checkpoint of the Hugging Face hub, which may have to be fetched first."""

    title = "A checkpoint of the Hugging Face hub"
    kind = "hub"
    # Bytes need more than the 32 bits of Qt's own int.
    _fetched = Signal(object, object)

    def __init__(self, catalogue: ModelCatalogue, bridge: Bridge, chosen: Chosen) -> None:
        super().__init__(catalogue.choice().hub, catalogue, bridge, chosen)
        self._stop = threading.Event()
        self.fetching = False
        self.look_up = button("Look it up")
        self.bar = QProgressBar()
        self.stop = button("Stop")
        self.fetch = button("Fetch it …")
        self.edit.setAccessibleName("The checkpoint's name on the hub")
        self.rows.addLayout(_row(self.edit, self.look_up))
        self.rows.addWidget(self.note)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("How much of the checkpoint is here")
        self.rows.addLayout(_row(self.bar, self.stop))
        self.rows.addWidget(self.fetch, 0, Qt.AlignmentFlag.AlignLeft)
        for widget in (self.bar, self.stop, self.fetch):
            widget.hide()
        self.edit.textEdited.connect(lambda _text: self._forget())
        self.edit.returnPressed.connect(self.look)
        self.look_up.clicked.connect(self.look)
        self.fetch.clicked.connect(self._on_fetch)
        self.stop.clicked.connect(self.stop_fetching)
        self._fetched.connect(self._on_fetched)

    @property
    def ready(self) -> bool:
        """Whether the checkpoint is known and here."""
        return self.facts is not None and self.facts.here

    def applied_to(self, choice: ModelChoice) -> ModelChoice:
        """Return a choice with the checkpoint's name."""
        return replace(choice, hub=self.edit.text().strip())

    def look(self) -> None:
        """Look it up anew; does nothing if no checkpoint is named."""
        if self.edit.text().strip():
            self.fetch.hide()
        super().look()

    def stop_fetching(self) -> None:
        """End a download; it goes on from there the next time."""
        self._stop.set()

    def _on_looked(self, facts: ModelFacts) -> None:
        if not facts.here:
            self.fetch.setText(f"Fetch {amount(facts.missing)} …")
            self.fetch.show()
        super()._on_looked(facts)

    def _forget(self) -> None:
        self.facts = None
        self.note.setText("")
        self.fetch.hide()
        self.changed.emit()

    def _on_fetch(self) -> None:
        facts = self.facts
        if facts is None or not self._agrees(facts):
            return
        name = self.edit.text().strip()
        self._stop.clear()
        self.fetching = True
        self._show_fetching()
        self._on_fetched(facts.total - facts.missing, facts.total)

        def progress(done: int, total: int) -> bool:
            self._fetched.emit(done, total)
            return not self._stop.is_set()

        self._bridge.ask(
            lambda: self._catalogue.fetch(name, progress),
            lambda _nothing: self._on_fetch_ended(""),
            failed=self._on_fetch_ended,
        )

    def _agrees(self, facts: ModelFacts) -> bool:
        return confirmed(
            self.window(),
            "Fetch it?",
            f"{amount(facts.missing)} are fetched from the Hugging Face hub and kept on this "
            "machine. You can stop at any time; what is here stays.",
            "Fetch it",
        )

    def _on_fetched(self, done: int, total: int) -> None:
        # Qt counts in 32 bits; a thousandth is fine enough to look at.
        self.bar.setRange(0, 1000)
        self.bar.setValue(1000 * done // max(1, total))
        if self.fetching:
            self.note.setText(f"{amount(done)} of {amount(total)} are here.")

    def _on_fetch_ended(self, sentence: str) -> None:
        self.fetching = False
        self._show_fetching()
        self.look()
        self.said.emit("" if self._stop.is_set() else sentence)

    def _show_fetching(self) -> None:
        for widget in (self.bar, self.stop):
            widget.setVisible(self.fetching)
        self.fetch.setVisible(not self.fetching)
        self.edit.setEnabled(not self.fetching)
        self.look_up.setEnabled(not self.fetching)
        self.changed.emit()


class ServerSource(Source):
    """A model that a server plays."""

    title = "A server"

    def __init__(self, catalogue: ModelCatalogue, bridge: Bridge) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._bridge = bridge
        choice = catalogue.choice()
        self.address = QLineEdit(choice.server)
        self.check = button("Check")
        self.model = QComboBox()
        self.key = QLineEdit()
        self.note = label("", "caption", wrap=True)
        self.address.setPlaceholderText("http://127.0.0.1:8000")
        self.address.setAccessibleName("The server's address")
        self.rows.addLayout(_row(self.address, self.check))
        self.model.setEditable(True)
        self.model.setAccessibleName("The server's name for the model")
        edit = self.model.lineEdit()
        if edit is not None:
            edit.setPlaceholderText("The first that it lists")
        self.model.setEditText(choice.server_model)
        self.rows.addWidget(self.model)
        self.key.setEchoMode(QLineEdit.EchoMode.Password)
        self.key.setPlaceholderText("Key, where the server wants one")
        self.key.setAccessibleName("The server's key")
        self.rows.addWidget(self.key)
        self.rows.addWidget(self.note)
        self.check.clicked.connect(self._on_check)

    def begin(self) -> None:
        """Say where pictures will go."""
        if not self.note.text():
            self.note.setText(
                "Pictures of the game and your sentences go to this server, and to no other."
            )

    def applied_to(self, choice: ModelChoice) -> ModelChoice:
        """Return a choice with the server's address and its name for the model."""
        return replace(
            choice,
            server=self.address.text().strip(),
            server_model=self.model.currentText().strip(),
        )

    def _on_check(self) -> None:
        url, key = self.address.text().strip(), self.key.text()
        set_role(self.note, tone="")
        self.note.setText("Asking the server …")
        self._bridge.ask(
            lambda: self._catalogue.check_server(url, key),
            self._on_checked,
            replaces="server",
            failed=self._on_no_answer,
        )

    def _on_checked(self, names: tuple[str, ...]) -> None:
        wanted = self.model.currentText()
        self.model.clear()
        self.model.addItems(list(names))
        self.model.setEditText(wanted if wanted in names else names[0])
        count = f"{len(names)} models" if len(names) > 1 else "one model"
        self.note.setText(
            f"It answers and plays {count}. Pictures of the game and your sentences go there, and "
            "nowhere else."
        )

    def _on_no_answer(self, sentence: str) -> None:
        set_role(self.note, tone="bad")
        self.note.setText(sentence)


def _row(wide: QWidget, narrow: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(wide, 1)
    row.addWidget(narrow)
    return row
