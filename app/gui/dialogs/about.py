"""About Playteach: its version and the licences of everything it is built on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from importlib import metadata
from pathlib import Path, PurePath
from typing import cast

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QPlainTextEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

import app
from app.gui.style import icons
from app.gui.style.dialog_parts import give_size
from app.gui.style.theme import GRID
from app.gui.style.widgets import button, label

LICENCE_FILES = re.compile(r"(licen[cs]e|copying|notice)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Component:
    """A package that is used: its name, version, licence in short, home page or ""."""

    name: str
    version: str
    licence: str
    home: str


def short_licence(data: Message) -> str:
    """Return a package's licence in a few words, from whichever field it fills in."""
    expression = data.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [
        value.rsplit("::", 1)[-1].strip()
        for value in data.get_all("Classifier") or []
        if value.startswith("License ::") and not value.endswith("OSI Approved")
    ]
    if classifiers:
        return ", ".join(classifiers)
    first_line = str(data.get("License") or "").strip().split("\n")[0]
    return first_line or "see the licence text"


def components(root: str = "playteach") -> list[Component]:
    """Return every installed package that ``root`` needs, directly or not, by name."""
    found: dict[str, Component] = {}
    queue = [root]
    seen = {_normal(root)}
    while queue:
        try:
            dist = metadata.distribution(queue.pop())
        except metadata.PackageNotFoundError:
            # Needed on another platform or by an extra that is not installed.
            continue
        # The standard library declares less than it returns: metadata is an email message.
        data = cast(Message, dist.metadata)
        if _normal(dist.name) != _normal(root):
            found[_normal(dist.name)] = Component(
                dist.name, dist.version, short_licence(data), _home(data)
            )
        for name in _required(dist.requires or ()):
            if _normal(name) not in seen:
                seen.add(_normal(name))
                queue.append(name)
    return [found[name] for name in sorted(found)]


def licence_text(name: str) -> str:
    """Return the licence files of an installed package, or a sentence where it ships none."""
    files = metadata.distribution(name).files or []
    texts = []
    for path in files:
        if LICENCE_FILES.search(PurePath(path).name) and path.suffix not in {".py", ".pyc"}:
            located = Path(str(path.locate()))
            try:
                texts.append(f"{path}\n\n{located.read_text(encoding='utf-8', errors='replace')}")
            except OSError as error:
                texts.append(f"{path}\n\nThis file cannot be read: {error.strerror}.")
    return "\n\n".join(texts) or f"{name} ships no licence text; see its home page."


def _required(lines: Iterable[str]) -> list[str]:
    names = []
    for line in lines:
        match = re.match(r"[A-Za-z0-9._-]+", line)
        if match and "extra ==" not in line:
            names.append(match.group())
    return names


def _home(data: Message) -> str:
    for value in data.get_all("Project-URL") or []:
        name, _, url = value.partition(",")
        if name.strip().lower() in {"homepage", "home", "source", "repository"}:
            return str(url.strip())
    return str(data.get("Home-page") or "")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class AboutDialog(QDialog):
    """Version and licences; ``parts`` are what :func:`components` returned."""

    def __init__(self, parts: list[Component], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Playteach")
        give_size(self, 820, 600)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        head = QHBoxLayout()
        picture = label("")
        picture.setPixmap(icons.application_icon().pixmap(56, 56))
        head.addWidget(picture)
        words = QVBoxLayout()
        words.addWidget(label(f"Playteach {app.__version__}", "heading"))
        words.addWidget(
            label("Watch it play, take over when it goes wrong, teach it by what you did.", "muted")
        )
        head.addLayout(words, 1)
        layout.addLayout(head)
        layout.addWidget(
            label("Playteach is under the MIT licence. It is built on these packages:", wrap=True)
        )
        self.table = QTableWidget()
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Licence text")
        self.text.setPlaceholderText("Choose a package to read its licence.")
        self._fill(parts)
        layout.addWidget(self.table, 3)
        layout.addWidget(self.text, 2)
        close = button("Close")
        close.clicked.connect(self.reject)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
        self.table.currentCellChanged.connect(self._on_row)

    def _fill(self, rows: list[Component]) -> None:
        self.table.setAccessibleName("Packages and their licences")
        self.table.setColumnCount(4)
        self.table.setHorizontalHeaderLabels(["Package", "Version", "Licence", "Home"])
        self.table.setRowCount(len(rows))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        for row, part in enumerate(rows):
            for column, text in enumerate((part.name, part.version, part.licence, part.home)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(row, column, item)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Interactive)
        self.table.setColumnWidth(3, 220)

    def _on_row(self, row: int, _column: int, _before: int, _before_column: int) -> None:
        item = self.table.item(row, 0)
        if item is not None:
            self.text.setPlainText(licence_text(item.text()))
