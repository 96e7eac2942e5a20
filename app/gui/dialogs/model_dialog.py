"""Choosing the model that plays: the practice model, a checkpoint, one of the hub, a server."""

from __future__ import annotations

import threading
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.backend.model_choice import SOURCES, ModelChoice
from app.backend.model_ports import ModelCatalogue, ModelFacts
from app.gui.calls.async_calls import Bridge
from app.gui.dialogs.model_options import ModelOptions, amount
from app.gui.style.theme import GRID
from app.gui.style.widgets import button, label, set_role

INDENT = 28
TITLES = {
    "practice": "The practice model that came with Playteach",
    "folder": "A checkpoint in a folder",
    "hub": "A checkpoint of the Hugging Face hub",
    "server": "A server",
}


class ModelDialog(QDialog):
    """The page.  Signals: used() once another model plays."""

    used = Signal()
    # Bytes need more than the 32 bits of Qt's own int.
    _fetched = Signal(object, object)

    def __init__(
        self, catalogue: ModelCatalogue, bridge: Bridge, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose the model")
        self.resize(600, 720)
        self._catalogue = catalogue
        self._bridge = bridge
        self._facts: dict[str, ModelFacts] = {}
        self._stop = threading.Event()
        self._fetching = False
        self._busy = False
        choice = catalogue.choice()
        self.options = ModelOptions(choice)
        self.sources = QButtonGroup(self)
        self.folder = QLineEdit("" if choice.folder is None else str(choice.folder))
        self.hub = QLineEdit(choice.hub)
        self.server = QLineEdit(choice.server)
        self.server_model = QComboBox()
        self.key = QLineEdit()
        self.folder_note = label("", "caption", wrap=True)
        self.hub_note = label("", "caption", wrap=True)
        self.server_note = label("", "caption", wrap=True)
        self.bar = QProgressBar()
        self.fetch = button("Fetch it …")
        self.stop = button("Stop")
        self.look_up = button("Look it up")
        self.check = button("Check")
        self.note = label("", "caption", "bad", wrap=True)
        self.use = button("Use it", "agent")
        self._sections: dict[str, QWidget] = {}
        self._lay_out(choice)
        self._connect()
        self.sources.button(SOURCES.index(choice.source)).setChecked(True)
        self._show_source()

    def chosen(self) -> ModelChoice:
        """Return what the page says."""
        folder = self.folder.text().strip()
        return self.options.applied_to(
            ModelChoice(
                source=self._source,
                folder=Path(folder) if folder else None,
                hub=self.hub.text().strip(),
                server=self.server.text().strip(),
                server_model=self.server_model.currentText().strip(),
            )
        )

    # Building

    def _lay_out(self, choice: ModelChoice) -> None:
        inner = QWidget()
        inner.setProperty("role", "scrolled")
        rows = QVBoxLayout(inner)
        rows.setSpacing(6)
        for number, source in enumerate(SOURCES):
            radio = QRadioButton(TITLES[source])
            self.sources.addButton(radio, number)
            rows.addWidget(radio)
            section = self._section(source)
            self._sections[source] = section
            rows.addWidget(section)
        rows.addSpacing(GRID)
        rows.addWidget(self.options)
        rows.addStretch(1)
        area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.server_model.setEditable(True)
        self.server_model.setAccessibleName("The server's name for the model")
        edit = self.server_model.lineEdit()
        if edit is not None:
            edit.setPlaceholderText("The first that it lists")
        self.server_model.setEditText(choice.server_model)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addWidget(label("Who plays", "title"))
        layout.addWidget(area, 1)
        self.note.hide()
        layout.addWidget(self.note)
        buttons = QDialogButtonBox()
        close = button("Cancel")
        close.clicked.connect(self.reject)
        buttons.addButton(close, QDialogButtonBox.ButtonRole.RejectRole)
        buttons.addButton(self.use, QDialogButtonBox.ButtonRole.ApplyRole)
        layout.addWidget(buttons)

    def _section(self, source: str) -> QWidget:
        section = QWidget()
        rows = QVBoxLayout(section)
        rows.setContentsMargins(INDENT, 0, 0, GRID)
        rows.setSpacing(6)
        if source == "practice":
            rows.addWidget(
                label(
                    "Small and quick; it plays the practice yard and Luanti.", "caption", wrap=True
                )
            )
        elif source == "folder":
            self.folder.setPlaceholderText("A folder with config.json and safetensors weights")
            self.folder.setAccessibleName("The checkpoint's folder")
            browse = button("Choose …")
            browse.clicked.connect(self._on_browse)
            rows.addLayout(_row(self.folder, browse))
            rows.addWidget(self.folder_note)
        elif source == "hub":
            self.hub.setAccessibleName("The checkpoint's name on the hub")
            rows.addLayout(_row(self.hub, self.look_up))
            rows.addWidget(self.hub_note)
            self.bar.setTextVisible(False)
            self.bar.setAccessibleName("How much of the checkpoint is here")
            rows.addLayout(_row(self.bar, self.stop))
            rows.addWidget(self.fetch, 0, Qt.AlignmentFlag.AlignLeft)
            for widget in (self.bar, self.stop, self.fetch):
                widget.hide()
        else:
            self.server.setPlaceholderText("http://127.0.0.1:8000")
            self.server.setAccessibleName("The server's address")
            rows.addLayout(_row(self.server, self.check))
            rows.addWidget(self.server_model)
            self.key.setEchoMode(QLineEdit.EchoMode.Password)
            self.key.setPlaceholderText("Key, where the server wants one")
            self.key.setAccessibleName("The server's key")
            rows.addWidget(self.key)
            rows.addWidget(self.server_note)
        return section

    def _connect(self) -> None:
        self.sources.idToggled.connect(lambda _number, _on: self._show_source())
        self.folder.editingFinished.connect(self._look)
        self.hub.textEdited.connect(lambda _text: self._forget_hub())
        self.hub.returnPressed.connect(self._look)
        self.look_up.clicked.connect(self._look)
        self.fetch.clicked.connect(self._on_fetch)
        self.stop.clicked.connect(self._stop.set)
        self.check.clicked.connect(self._on_check)
        self.use.clicked.connect(self._on_use)
        self._fetched.connect(self._on_fetched)

    # What is shown

    @property
    def _source(self) -> str:
        return SOURCES[max(0, self.sources.checkedId())]

    def _show_source(self) -> None:
        source = self._source
        for name, section in self._sections.items():
            section.setVisible(name in (source, "practice"))
        self.options.setVisible(source != "practice")
        self.options.show_facts(self._facts.get(source), server=source == "server")
        self._say("")
        if source == "server" and not self.server_note.text():
            self.server_note.setText(
                "Pictures of the game and your sentences go to this server, and to no other."
            )
        if source in ("folder", "hub") and source not in self._facts:
            self._look()
        self._show_use()

    def _show_use(self) -> None:
        source = self._source
        facts = self._facts.get(source)
        ready = {
            "practice": True,
            "folder": facts is not None,
            "hub": facts is not None and facts.here,
            "server": bool(self.server.text().strip()),
        }[source]
        self.use.setEnabled((ready or source == "server") and not self._busy and not self._fetching)

    def _say(self, sentence: str) -> None:
        self.note.setText(sentence)
        self.note.setVisible(bool(sentence))

    def _forget_hub(self) -> None:
        self._facts.pop("hub", None)
        self.hub_note.setText("")
        self.fetch.hide()
        self._show_use()

    # Looking

    def _look(self) -> None:
        choice = self.chosen()
        source = choice.source
        if source not in ("folder", "hub") or (source == "folder" and choice.folder is None):
            return
        note = self.folder_note if source == "folder" else self.hub_note
        if source == "hub" and not choice.hub:
            return
        set_role(note, tone="")
        note.setText("Looking …")
        self._facts.pop(source, None)
        self.fetch.hide()
        self._bridge.ask(
            lambda: self._catalogue.look(choice),
            lambda facts: self._on_looked(source, note, facts),
            replaces="model",
            failed=lambda sentence: self._on_not_found(note, sentence),
        )

    def _on_looked(self, source: str, note: QLabel, facts: ModelFacts) -> None:
        self._facts[source] = facts
        if facts.here:
            note.setText(f"It is here: {amount(facts.total)}. {facts.device}".strip())
        else:
            begun = facts.total - facts.missing
            note.setText(
                f"{amount(facts.total)}, of which {amount(facts.missing)} are not here "
                f"yet{'; fetching goes on where it ended' if begun else ''}."
            )
            self.fetch.setText(f"Fetch {amount(facts.missing)} …")
            self.fetch.setVisible(source == "hub")
        if self._source == source:
            self.options.show_facts(facts, server=False)
        self._show_use()

    def _on_not_found(self, note: QLabel, sentence: str) -> None:
        set_role(note, tone="bad")
        note.setText(sentence)
        self._show_use()

    def _on_browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Checkpoint", self.folder.text())
        if chosen:
            self.folder.setText(chosen)
            self._look()

    # Fetching

    def _on_fetch(self) -> None:
        facts = self._facts.get("hub")
        if facts is None or not self._agrees(facts):
            return
        name = self.hub.text().strip()
        self._stop.clear()
        self._fetching = True
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
        answer = QMessageBox.question(
            self,
            "Fetch it?",
            f"{amount(facts.missing)} are fetched from the Hugging Face hub and kept on this "
            "machine. You can stop at any time; what is here stays.",
        )
        return answer is QMessageBox.StandardButton.Yes

    def _on_fetched(self, done: int, total: int) -> None:
        # Qt counts in 32 bits; a thousandth is fine enough to look at.
        self.bar.setRange(0, 1000)
        self.bar.setValue(1000 * done // max(1, total))
        if self._fetching:
            self.hub_note.setText(f"{amount(done)} of {amount(total)} are here.")

    def _on_fetch_ended(self, sentence: str) -> None:
        self._fetching = False
        self._show_fetching()
        self._look()
        self._say("" if self._stop.is_set() else sentence)

    def _show_fetching(self) -> None:
        for widget in (self.bar, self.stop):
            widget.setVisible(self._fetching)
        self.fetch.setVisible(not self._fetching)
        for radio in self.sources.buttons():
            radio.setEnabled(not self._fetching)
        self.hub.setEnabled(not self._fetching)
        self.look_up.setEnabled(not self._fetching)
        self._show_use()

    # The server

    def _on_check(self) -> None:
        url, key = self.server.text().strip(), self.key.text()
        set_role(self.server_note, tone="")
        self.server_note.setText("Asking the server …")
        self._bridge.ask(
            lambda: self._catalogue.check_server(url, key),
            self._on_checked,
            replaces="server",
            failed=lambda sentence: self._on_not_found(self.server_note, sentence),
        )

    def _on_checked(self, names: tuple[str, ...]) -> None:
        wanted = self.server_model.currentText()
        self.server_model.clear()
        self.server_model.addItems(list(names))
        self.server_model.setEditText(wanted if wanted in names else names[0])
        count = f"{len(names)} models" if len(names) > 1 else "one model"
        self.server_note.setText(
            f"It answers and plays {count}. Pictures of the game and your sentences go there, and "
            "nowhere else."
        )
        self._show_use()

    # Using

    def _on_use(self) -> None:
        choice = self.chosen()
        key = self.key.text() if choice.source == "server" else ""
        self._busy = True
        self._say("")
        self.use.setText("Loading …")
        self._show_use()

        def use() -> str:
            where = self._catalogue.keep_key(choice.server, key) if key else ""
            self._catalogue.use(choice)
            return where

        self._bridge.ask(use, self._on_used, failed=self._on_not_used)

    def _on_used(self, where: str) -> None:
        self._restore_use()
        self.used.emit()
        if where and self.key.text():
            QMessageBox.information(self, "The server's key", where)
        self.accept()

    def _on_not_used(self, sentence: str) -> None:
        self._restore_use()
        self._say(sentence)

    def _restore_use(self) -> None:
        self._busy = False
        self.use.setText("Use it")
        self._show_use()

    def reject(self) -> None:
        """Close; a download stops, and goes on from there the next time."""
        self._stop.set()
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        """As :meth:`reject`."""
        self._stop.set()
        super().closeEvent(event)


def _row(wide: QWidget, narrow: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(wide, 1)
    row.addWidget(narrow)
    return row
