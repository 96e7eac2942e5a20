"""The X server goes in the middle of an attempt: one sentence, and what was recorded is kept."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from Xlib import X

from app.benchmarks.desktop_cases.parts import plain_session, until
from app.benchmarks.desktop_cases.stage import missing_programs, own_desktop
from app.session.api import Phase
from recorder.capture.x11 import LOST, close_display, open_display
from recorder.errors import KnownError
from recorder.store import EpisodeKind, Reader, Store
from recorder.store.episode_recorder import EpisodeRecorder
from recorder.types import Outcome

pytestmark = [
    pytest.mark.desktop,
    pytest.mark.skipif(bool(missing_programs()), reason="Xvfb or openbox is not installed"),
]


@pytest.fixture
def window() -> Iterator[int]:
    """A window that nobody serves: it needs no thread that would fall with the server."""
    with own_desktop():
        display = open_display()
        screen = display.screen()
        made = screen.root.create_window(
            100, 60, 640, 360, 0, screen.root_depth, background_pixel=0x406080
        )
        made.set_wm_name("Plain game")
        made.map()
        display.sync()
        for _ in until(10.0):
            if made.get_attributes().map_state == X.IsViewable:
                break
        yield int(made.id)
        close_display(display)


def server() -> psutil.Process:
    """Return the X server of :func:`own_desktop`, which this process has started."""
    shown = os.environ["DISPLAY"]
    (found,) = (
        each
        for each in psutil.Process().children(recursive=True)
        if each.name() == "Xvfb" and shown in each.cmdline()
    )
    return found


def test_a_lost_x_server_ends_the_attempt_with_a_sentence(window: int, tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        number = store.begin_session(
            "plain", tick_rate_hz=20.0, width=640, height=360, realtime=True, bindings={}
        )

        def recording(kind: EpisodeKind, adapter_id: int | None) -> EpisodeRecorder:
            return store.episode_recorder(number, kind=kind, policy="", adapter_id=adapter_id)

        session = plain_session(window, recording).start()
        try:
            session.play("walk")
            assert session.wait_for(lambda shot: shot.tick >= 10, 20.0), session.snapshot()
            server().send_signal(signal.SIGKILL)
            assert session.wait_for(lambda shot: shot.problem is not None, 20.0)
            shot = session.snapshot()
            assert isinstance(shot.problem, KnownError), shot.problem
            assert shot.message == shot.problem.sentence
            assert shot.phase is Phase.WATCHING
            assert "screen" in shot.message
            # The loop goes on: who plays again is told it again.
            session.play("walk again")
            assert session.wait_for(lambda now: now.problem not in (None, shot.problem), 20.0)
            assert session.snapshot().message == LOST
        finally:
            session.close()
    with Reader.open(tmp_path) as reader:
        rows = reader.episodes()
        assert [row.outcome for row in rows] == [Outcome.INTERRUPTED]
        assert rows[0].ticks >= 9
        assert not rows[0].open
