"""Settings: keys, mouse, hand-back, data folder, look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QSlider,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.backend.ports import Preferences, StorageFacts, ThemeChoice
from app.backend.readable import spoken_size
from app.backend.settings import TEXT_PERCENTS
from app.gui.dialogs.hotkeys_page import HotkeysPage
from app.gui.dialogs.key_button import RESERVED_KEYS, KeyButton, control_words
from app.gui.style.dialog_parts import button_row, confirmed, give_size
from app.gui.style.key_places import short_key, shown_layout
from app.gui.style.theme import GRID
from app.gui.style.widgets import button, label
from recorder.games.base import Bindings
from recorder.input.layout import in_places

THEME_WORDS = {
    ThemeChoice.SYSTEM: "As the system",
    ThemeChoice.DARK: "Dark",
    ThemeChoice.LIGHT: "Light",
}


SIZE = (580, 560)
REBIND = "Press a button, then the key or mouse button it should be."
OWN_KEYS = (
    "This game has a window of its own and hears its own keys: these, by its profile. If you "
    "changed them in the game, change the profile too."
)


def rebind(keys: Mapping[str, str], control: str, key: str) -> tuple[dict[str, str], str]:
    """Bind ``control`` to ``key``; a control that had the key gets the old one in exchange.

    Returns the new table and a sentence on the exchange or the refusal, "" for neither.
    """
    table = dict(keys)
    if key in RESERVED_KEYS:
        return table, f"{key} is always kept for pausing or handing back; choose another key."
    other = next((c for c, k in table.items() if k == key and c != control), None)
    sentence = ""
    if other is not None:
        table[other] = table[control]
        sentence = (
            f"{control_words(other)} had {short_key(key)}; it is now {short_key(table[other])}."
        )
    table[control] = key
    return table, sentence


def _places(bindings: Bindings) -> set[str]:
    """Return the places that the game's keys are on."""
    keys = bindings.keys.values()
    return {in_places(key, shown_layout()) for key in keys} if bindings.letters else set(keys)


class SettingsDialog(QDialog):
    """The dialog.  It edits a copy; :meth:`edited` is what the person wants.

    Signals: theme_tried(ThemeChoice, int) while the person tries looks and text sizes (per cent);
    empty_bin_asked(), once confirmed.
    """

    theme_tried = Signal(object, int)
    empty_bin_asked = Signal()

    def __init__(
        self,
        preferences: Preferences,
        defaults: Bindings,
        storage: StorageFacts | None,
        parent: QWidget | None = None,
        *,
        own_window: bool = False,
    ) -> None:
        super().__init__(parent)
        self._own_window = own_window
        self.setWindowTitle("Settings")
        give_size(self, *SIZE)
        self._preferences = preferences
        self._defaults = defaults
        self._keys = dict(preferences.bindings.keys)
        self._buttons: dict[str, KeyButton] = {}
        self.note = label("", "caption", "person", wrap=True)
        self.sensitivity = QSlider(Qt.Orientation.Horizontal)
        self.sensitivity_value = label("", "strong")
        self.idle = QDoubleSpinBox()
        self.never = QCheckBox("Never: only when I say so (F8, or Enter in the view)")
        self.folder = QLineEdit()
        self.keep_clips = QCheckBox("Keep the clips that I judge blind after their result")
        self.theme = QComboBox()
        self.text_size = QComboBox()
        tabs = QTabWidget()
        tabs.addTab(self._keys_page(), "Keys")
        tabs.addTab(self._driving_page(), "Mouse and hand-back")
        self.hotkeys = HotkeysPage(preferences.hotkeys, _places(preferences.bindings))
        tabs.addTab(self.hotkeys, "In the game")
        tabs.addTab(self._data_page(storage), "Data")
        tabs.addTab(self._look_page(), "Look")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, GRID, 2 * GRID, 2 * GRID)
        layout.addWidget(tabs, 1)
        save = button("Save", "agent")
        cancel = button("Cancel")
        save.setDefault(True)
        save.clicked.connect(self.accept)
        cancel.clicked.connect(self.reject)
        layout.addLayout(button_row(cancel, save))

    def edited(self) -> Preferences:
        """Return the settings as they stand in the dialog."""
        folder = self.folder.text().strip()
        return replace(
            self._preferences,
            bindings=replace(self._preferences.bindings, keys=dict(self._keys)),
            mouse_sensitivity=self.sensitivity.value() / 100,
            idle_handback_s=None if self.never.isChecked() else self.idle.value(),
            data_folder=Path(folder) if folder else None,
            theme=self._theme_choice(),
            text_percent=self._text_percent(),
            hotkeys=self.hotkeys.chosen(),
            keep_clips=self.keep_clips.isChecked(),
        )

    def _keys_page(self) -> QWidget:
        inner = QWidget()
        inner.setProperty("role", "scrolled")
        grid = QGridLayout(inner)
        grid.setHorizontalSpacing(3 * GRID)
        grid.setVerticalSpacing(5)
        half = (len(self._keys) + 1) // 2
        for index, (control, key) in enumerate(self._keys.items()):
            row, column = index % half, 2 * (index // half)
            grid.addWidget(label(control_words(control)), row, column)
            choice = KeyButton(control, key, letters=self._preferences.bindings.letters)
            choice.setEnabled(not self._own_window)
            choice.chosen.connect(lambda name, c=control: self._on_key(c, name))
            self._buttons[control] = choice
            grid.addWidget(choice, row, column + 1)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(2, 1)
        grid.setRowStretch(half, 1)
        area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        again = button("Back to the game's own keys", "link")
        again.clicked.connect(self._on_defaults)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.addWidget(label(OWN_KEYS if self._own_window else REBIND, "muted", wrap=True))
        again.setEnabled(not self._own_window)
        layout.addWidget(area, 1)
        layout.addWidget(self.note)
        layout.addWidget(again, 0, Qt.AlignmentFlag.AlignLeft)
        return page

    def _driving_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setSpacing(GRID)
        self.sensitivity.setRange(10, 500)
        self.sensitivity.setPageStep(25)
        self.sensitivity.setAccessibleName("Mouse sensitivity in per cent")
        self.sensitivity.valueChanged.connect(
            lambda value: self.sensitivity_value.setText(f"{value} %")
        )
        self.sensitivity.setValue(round(100 * self._preferences.mouse_sensitivity))
        row = QHBoxLayout()
        row.addWidget(self.sensitivity, 1)
        row.addWidget(self.sensitivity_value)
        layout.addWidget(label("Mouse sensitivity", "strong"))
        layout.addLayout(row)
        layout.addWidget(label("Your mouse only; the agent turns in degrees.", "caption"))
        layout.addSpacing(2 * GRID)
        layout.addWidget(label("Hand back to the agent", "strong"))
        seconds = self._preferences.idle_handback_s
        self.idle.setRange(0.2, 60)
        self.idle.setSingleStep(0.5)
        self.idle.setDecimals(1)
        self.idle.setSuffix(" s without your input")
        self.idle.setAccessibleName("Seconds without input until the agent drives again")
        self.idle.setValue(1.5 if seconds is None else seconds)
        self.never.toggled.connect(self.idle.setDisabled)
        self.never.setChecked(seconds is None)
        layout.addWidget(self.idle, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.never)
        layout.addStretch(1)
        return page

    def _data_page(self, storage: StorageFacts | None) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setSpacing(GRID)
        layout.addWidget(label("Folder of lessons and agents", "strong"))
        folder = self._preferences.data_folder
        self.folder.setText("" if folder is None else str(folder))
        self.folder.setPlaceholderText(
            "The system's usual place" if storage is None else str(storage.folder)
        )
        self.folder.setAccessibleName("Data folder")
        browse = button("Choose …")
        browse.clicked.connect(self._on_browse)
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(browse)
        layout.addLayout(row)
        layout.addWidget(
            label("Counts from the next start; what is recorded stays where it is.", "caption")
        )
        self.keep_clips.setChecked(self._preferences.keep_clips)
        layout.addWidget(self.keep_clips)
        layout.addSpacing(2 * GRID)
        if storage is not None:
            layout.addWidget(label("Size", "strong"))
            layout.addWidget(
                label(
                    f"{spoken_size(storage.database)} of lessons, "
                    f"{spoken_size(storage.free)} free on this disk"
                )
            )
            erase = button(f"Erase the bin for good ({spoken_size(storage.bin)})")
            erase.setEnabled(storage.bin > 0)
            erase.clicked.connect(self._on_erase)
            layout.addWidget(erase, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch(1)
        return page

    def _look_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setSpacing(GRID)
        layout.addWidget(label("Theme", "strong"))
        for choice in ThemeChoice:
            self.theme.addItem(THEME_WORDS[choice])
        self.theme.setCurrentIndex(list(ThemeChoice).index(self._preferences.theme))
        self.theme.setAccessibleName("Theme")
        layout.addWidget(self.theme, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addSpacing(2 * GRID)
        layout.addWidget(label("Text size", "strong"))
        for percent in TEXT_PERCENTS:
            self.text_size.addItem(f"{percent} %")
        self.text_size.setCurrentIndex(TEXT_PERCENTS.index(self._preferences.text_percent))
        self.text_size.setAccessibleName("Text size")
        layout.addWidget(self.text_size, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(label("On top of your system's display scale.", "caption"))
        for choose in (self.theme, self.text_size):
            choose.currentIndexChanged.connect(lambda _index: self._try_look())
        layout.addStretch(1)
        return page

    def _try_look(self) -> None:
        self.theme_tried.emit(self._theme_choice(), self._text_percent())
        # By now the text has another size.
        give_size(self, *SIZE)

    def _text_percent(self) -> int:
        return TEXT_PERCENTS[self.text_size.currentIndex()]

    def _theme_choice(self) -> ThemeChoice:
        # Not kept as the item's data: Qt would hand a str enum back as a plain string.
        return list(ThemeChoice)[self.theme.currentIndex()]

    def _on_key(self, control: str, key: str) -> None:
        if not key:
            return
        self._keys, sentence = rebind(self._keys, control, key)
        self.note.setText(sentence)
        self._show_keys()

    def _on_defaults(self) -> None:
        self._keys = {c: self._defaults.keys.get(c, k) for c, k in self._keys.items()}
        self.note.setText("")
        self._show_keys()

    def _show_keys(self) -> None:
        for name, choice in self._buttons.items():
            choice.show_key(self._keys[name])

    def _on_browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Data folder", self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _on_erase(self) -> None:
        wanted = confirmed(
            self,
            "Erase for good?",
            "What is in the bin is erased from the database and cannot come back.",
            "Erase it",
        )
        if wanted:
            self.empty_bin_asked.emit()
