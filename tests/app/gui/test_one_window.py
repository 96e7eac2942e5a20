"""A second start brings the first window to the front."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app import application
from app.application import run_window
from app.gui.one_window import Bell
from recorder.errors import DataBusyError
from recorder.store import Store

RING = """
import pathlib, sys
from app.gui.one_window import ring
print(ring(pathlib.Path(sys.argv[1])))
"""


def rung(qtbot: QtBot, folder: Path) -> bool:
    """Ring from another process, while the window's events are served."""
    other = subprocess.Popen(
        [sys.executable, "-c", RING, str(folder)], stdout=subprocess.PIPE, text=True
    )
    qtbot.waitUntil(lambda: other.poll() is not None, timeout=30_000)
    return {"True\n": True, "False\n": False}[other.communicate()[0]]


def test_the_window_that_is_open_comes_to_the_front(qtbot: QtBot, tmp_path: Path) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    bell = Bell(tmp_path / "here", window)
    window.showMinimized()
    assert not rung(qtbot, tmp_path / "elsewhere")
    assert window.isMinimized()
    assert rung(qtbot, tmp_path / "elsewhere" / ".." / "here")
    assert not window.isMinimized()
    assert window.isVisible()
    bell.close()
    assert not rung(qtbot, tmp_path / "here")


def test_one_that_was_killed_leaves_nothing_in_the_way(qtbot: QtBot, tmp_path: Path) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    Bell(tmp_path, window)
    # A second one on the same name: what a process that was killed leaves behind.
    bell = Bell(tmp_path, window)
    window.show()
    assert rung(qtbot, tmp_path)
    # One that is closing stays away, and does not answer as if it stayed.
    window.hide()
    assert not rung(qtbot, tmp_path)
    assert not window.isVisible()
    bell.close()


def test_a_second_start_opens_no_second_window(
    qapp: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rings: list[Path] = []
    monkeypatch.setattr(application, "require_display", lambda: None)
    with Store.open(tmp_path):
        # Something without a window has the folder: that is told, as before.
        with pytest.raises(DataBusyError):
            run_window(tmp_path, config=tmp_path / "config")
        monkeypatch.setattr(application, "ring", lambda folder: rings.append(folder) is None)
        assert run_window(tmp_path, config=tmp_path / "config") == 0
        assert "was brought to the front" in capsys.readouterr().err
    assert rings == [tmp_path]
