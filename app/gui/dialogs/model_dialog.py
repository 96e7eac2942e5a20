"""Choosing the model that plays: the practice model, a checkpoint, one of the hub, a server."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.backend.models.choice import SOURCES, ModelChoice
from app.backend.models.ports import ModelCatalogue
from app.gui.calls.async_calls import Bridge
from app.gui.dialogs.model_options import ModelOptions
from app.gui.dialogs.model_sources import (
    FolderSource,
    HubSource,
    PracticeSource,
    ServerSource,
    Source,
)
from app.gui.style.dialog_parts import button_row, give_size, tell
from app.gui.style.theme import GRID
from app.gui.style.widgets import button, label


class ModelDialog(QDialog):
    """The page.  Signals: used() once another model plays."""

    used = Signal()

    def __init__(
        self, catalogue: ModelCatalogue, bridge: Bridge, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose the model")
        give_size(self, 600, 720)
        self._catalogue = catalogue
        self._bridge = bridge
        self._busy = False
        choice = catalogue.choice()
        self.options = ModelOptions(choice)
        self.sources = QButtonGroup(self)
        self.folder = FolderSource(catalogue, bridge, self.chosen)
        self.hub = HubSource(catalogue, bridge, self.chosen)
        self.server = ServerSource(catalogue, bridge)
        self._sections: dict[str, Source] = {
            "practice": PracticeSource(),
            "folder": self.folder,
            "hub": self.hub,
            "server": self.server,
        }
        self.note = label("", "caption", "bad", wrap=True)
        self.use = button("Use it", "agent")
        self._lay_out()
        self._connect()
        self.sources.button(SOURCES.index(choice.source)).setChecked(True)
        self._show_source()

    def chosen(self) -> ModelChoice:
        """Return what the page says."""
        choice = ModelChoice(source=self._source)
        for section in self._sections.values():
            choice = section.applied_to(choice)
        return self.options.applied_to(choice)

    # Building

    def _lay_out(self) -> None:
        inner = QWidget()
        inner.setProperty("role", "scrolled")
        rows = QVBoxLayout(inner)
        rows.setSpacing(6)
        for number, source in enumerate(SOURCES):
            section = self._sections[source]
            radio = QRadioButton(section.title)
            self.sources.addButton(radio, number)
            rows.addWidget(radio)
            rows.addWidget(section)
        rows.addSpacing(GRID)
        rows.addWidget(self.options)
        rows.addStretch(1)
        area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addWidget(label("Choose the model", "title"))
        layout.addWidget(area, 1)
        self.note.hide()
        layout.addWidget(self.note)
        close = button("Cancel")
        close.clicked.connect(self.reject)
        layout.addLayout(button_row(close, self.use))

    def _connect(self) -> None:
        self.sources.idToggled.connect(lambda _number, _on: self._show_source())
        self.use.clicked.connect(self._on_use)
        for section in self._sections.values():
            section.changed.connect(self._show_use)
            section.looked.connect(self._show_facts)
            section.said.connect(self._say)

    # What is shown

    @property
    def _source(self) -> str:
        return SOURCES[max(0, self.sources.checkedId())]

    def _show_source(self) -> None:
        source = self._source
        for name, section in self._sections.items():
            section.setVisible(name in (source, "practice"))
        self.options.setVisible(source != "practice")
        self._show_facts()
        self._say("")
        self._sections[source].begin()
        self._show_use()

    def _show_facts(self) -> None:
        source = self._source
        self.options.show_facts(self._sections[source].facts, server=source == "server")
        self._show_use()

    def _show_use(self) -> None:
        fetching = self.hub.fetching
        for radio in self.sources.buttons():
            radio.setEnabled(not fetching)
        ready = self._sections[self._source].ready
        self.use.setEnabled(ready and not self._busy and not fetching)

    def _say(self, sentence: str) -> None:
        self.note.setText(sentence)
        self.note.setVisible(bool(sentence))

    # Using

    def _on_use(self) -> None:
        choice = self.chosen()
        key = self.server.key.text() if choice.source == "server" else ""
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
        if where and self.server.key.text():
            tell(self, "The server's key", where)
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
        self.hub.stop_fetching()
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        """As :meth:`reject`."""
        self.hub.stop_fetching()
        super().closeEvent(event)
