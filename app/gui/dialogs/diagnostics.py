"""What a report of a problem needs, as plain text; and the log in a window."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from pathlib import Path

import PySide6
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

import app
from app.backend.ports import AgentFacts, StorageFacts
from app.gui.style.dialog_parts import give_size
from app.gui.style.theme import GRID
from app.gui.style.widgets import button, label
from app.session.api import Snapshot

LOG_LINES = 80
PACKAGES = ("torch", "transformers", "peft", "vizdoom", "av", "pynput", "sqlite-utils", "numpy")


def tail(path: Path | None, lines: int = LOG_LINES) -> str:
    """Return the last lines of a log, or a sentence where it cannot be read."""
    if path is None:
        return "No log is written."
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return f"The log cannot be read: {error.strerror}."
    return "\n".join(text.splitlines()[-lines:]) or "The log is empty."


def report(
    *,
    snapshot: Snapshot,
    agent: AgentFacts | None,
    storage: StorageFacts | None,
    log_file: Path | None,
) -> str:
    """Return everything that helps to find a problem, without what was recorded.

    The person's home folder is written as "~".
    """
    screens = ", ".join(
        f"{s.size().width()}x{s.size().height()} at {s.devicePixelRatio():g}"
        for s in QGuiApplication.screens()
    )
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    rows = [
        ("Playteach", app.__version__),
        ("Python", f"{sys.version.split()[0]} on {platform.platform()}"),
        ("Qt", f"PySide6 {PySide6.__version__}, {QGuiApplication.platformName()}"),
        ("Screens", screens),
        ("Packages", versions),
        ("Phase", f"{snapshot.phase.value}, tick {snapshot.tick}, seed {snapshot.seed}"),
        ("Policy", f"{snapshot.policy or 'none'}, ready: {snapshot.policy_ready}"),
        (
            "Loop",
            f"{snapshot.measured_rate_hz:.2f} of {snapshot.tick_rate_hz:.2f} Hz, "
            f"{snapshot.missed_ticks} missed, {snapshot.lost_ticks} lost, "
            f"{snapshot.invalid_outputs} invalid, {snapshot.dropped_actions} dropped",
        ),
        ("Message", snapshot.message or "none"),
    ]
    if agent is not None:
        rows.append(("Agent", f"{' > '.join(agent.chain)}; {agent.device} {agent.problem}"))
    if storage is not None:
        rows.append(("Data", f"{storage.database} bytes, {storage.free} free, {storage.folder}"))
    head = "\n".join(f"{name}: {value}" for name, value in rows)
    text = f"{head}\n\nLog, newest last:\n{tail(log_file)}\n"
    return text.replace(str(Path.home()), "~")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


class LogDialog(QDialog):
    """The log's last lines, with its place and a copy button."""

    def __init__(self, path: Path | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Log")
        give_size(self, 820, 520)
        text = QPlainTextEdit(tail(path, 1000))
        text.setReadOnly(True)
        text.setAccessibleName("Log")
        text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.addWidget(label("Log", "title"))
        where = label(str(path) if path else "", "caption")
        where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(where)
        layout.addWidget(text, 1)
        row = QHBoxLayout()
        row.addStretch(1)
        copy = button("Copy")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(text.toPlainText()))
        close = button("Close")
        close.clicked.connect(self.reject)
        row.addWidget(copy)
        row.addWidget(close)
        layout.addLayout(row)
        bar = text.verticalScrollBar()
        bar.setValue(bar.maximum())
