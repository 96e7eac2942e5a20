"""The window's own game under a real X server: Qt hears places, whatever the layout types."""

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from places import ROOT

from app.benchmarks.desktop_cases.parts import Hand, until
from app.benchmarks.desktop_cases.stage import missing_programs
from recorder.capture.x11 import X11Windows
from recorder.games.controls import HeldControls
from recorder.games.doom.game import DOOM_BINDINGS
from recorder.types import NO_ACTION

pytest_plugins = ("live_fixtures",)
pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(bool(missing_programs()), reason="Xvfb or openbox is not installed"),
    pytest.mark.skipif(shutil.which("setxkbmap") is None, reason="setxkbmap is not installed"),
]
CHILD = """
import os, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from app.gui.style.key_places import short_key
from app.gui.play.play_view import PlayView
from sample import BINDINGS, SampleSession
from app.gui.style.theme import Theme
from app.session.api import Phase

class Telling(SampleSession):
    def key(self, name, down, mono_ns):
        print("key", name, int(down), flush=True)

app = QApplication([])
session = Telling()
session.set(phase=Phase.DEMONSTRATING, instruction="walk about")
view = PlayView(session, Theme(app))
view.use_bindings(BINDINGS)
view.setWindowTitle("Key places")
view.resize(400, 300)
view.show()
def ready():
    if view.hasFocus():
        # As while a person drives: else a Shift waits, as it may begin a shortcut.
        view.capture()
        print("ready", short_key("1") + short_key("W"), flush=True)
    else:
        view.activateWindow()
        view.setFocus()
        QTimer.singleShot(50, ready)
QTimer.singleShot(0, ready)
app.exec()
"""
PATIENCE_S = 30.0
"""Only a failing test waits this long."""
LABELS = {"us": "1W", "fr": "&Z", "cz": "+W"}


class Window:
    """A play view in a process of its own; ``read`` waits for so many keys."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        self._out = process.stdout

    def ready(self) -> str:
        word, labels = self._out.readline().decode().split()
        assert word == "ready"
        return labels

    def read(self, count: int) -> list[tuple[str, bool]]:
        keys = []
        for _ in range(count):
            there, _, _ = select.select([self._out], [], [], PATIENCE_S)
            assert there, f"after {keys} nothing more was heard"
            word, name, down = self._out.readline().decode().split()
            assert word == "key"
            keys.append((name, down == "1"))
        return keys


@pytest.fixture(params=["us", "fr", "cz"])
def layout(desktop: str, request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    subprocess.run(["setxkbmap", name], check=True)
    return name


@pytest.fixture
def view(layout: str) -> Iterator[Window]:
    helpers = ROOT / "tests" / "helpers"
    environment = {
        **os.environ, "QT_QPA_PLATFORM": "xcb", "PYTHONPATH": f"{ROOT}{os.pathsep}{helpers}"
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdout=subprocess.PIPE, bufsize=0, env=environment
    ) as process:
        try:
            yield Window(process)
        finally:
            process.kill()


def test_digits_and_letters_are_heard_as_places(
    view: Window, layout: str, hand: Hand, windows: X11Windows
) -> None:
    assert view.ready() == LABELS[layout]
    for _ in until(10.0):
        found = [each for each in windows.windows() if each.title == "Key places"]
        if found and windows.look(found[0].id).trouble is None:
            break
    # 1 down, Shift down, 1 up: it comes up.  2 with Shift still held: it is chosen.
    steps = [
        ("1", True), ("Shift", True), ("1", False), ("2", True), ("2", False), ("Shift", False),
        ("W", True), ("W", False), ("A", True), ("A", False),
    ]  # fmt: skip
    for name, down in steps:
        hand.press(name, down)
    heard = view.read(len(steps))
    assert heard == steps
    controls = HeldControls(DOOM_BINDINGS)
    slots = []
    for name, down in heard:
        controls.key(name, down, 0)
        slots.append(controls.take()[0].hotbar)
    assert slots[:5] == [1, 1, 0, 2, 0]
    assert controls.take()[0] == NO_ACTION
    # The layout changes under a pressed key.
    hand.press("Z", True)
    subprocess.run(["setxkbmap", "fr" if layout != "fr" else "us"], check=True)
    hand.press("Z", False)
    hand.press("1", True)
    hand.press("1", False)
    assert view.read(4) == [("Z", True), ("Z", False), ("1", True), ("1", False)]
