"""A desktop of the test's own: its window, a hand on it, and what a test waits for there."""

import pytest

from app.benchmarks.desktop_cases.parts import Hand, until
from app.session.api import Phase
from app.session.control_loop import LiveSession
from recorder.capture.base import Trouble
from recorder.capture.x11 import X11Windows
from recorder.games.luanti.launch import program

needs_luanti = pytest.mark.skipif(program() is None, reason="Luanti is not installed")


def wait_for_trouble(windows: X11Windows, window_id: int, trouble: Trouble | None) -> None:
    for _ in until(10.0):
        if windows.look(window_id).trouble is trouble:
            return
    assert windows.look(window_id).trouble is trouble


def wait_for_phase(session: LiveSession, phase: Phase) -> None:
    assert session.wait_for(lambda shot: shot.phase is phase, 10.0), session.snapshot().phase


def wait_until_down(hand: Hand, *names: str) -> None:
    for _ in until(10.0):
        if set(names) <= set(hand.down()):
            return
    assert set(names) <= set(hand.down())
