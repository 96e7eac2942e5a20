"""A Luanti is closed wholly, whatever one step of the closing says."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from fake_desktop import PROFILE, Desk, FakeEars

from recorder.games.luanti.game import LuantiGame
from recorder.games.luanti.judge import JudgeClient
from recorder.games.luanti.launch import LuantiProcess


class FakeProcess:
    """A Luanti in slowed time that is told of signals and of its end."""

    def __init__(self, folder: Path) -> None:
        self.faketime = folder / "faketime"
        self.faketime.write_text("-0.0\n", encoding="ascii")
        self.signals: list[signal.Signals] = []
        self.closed = False

    def send(self, number: signal.Signals) -> None:
        self.signals.append(number)

    def close(self) -> None:
        self.closed = True


class BrokenError(Exception):
    """A step of the closing fails."""


def failing(step: Callable[[], None]) -> Callable[[], None]:
    """Return a step that does its part and fails then."""

    def fail() -> None:
        step()
        raise BrokenError

    return fail


@pytest.mark.parametrize("broken", ["listener", "device", "grabber", "windows", "process"])
def test_every_part_is_closed_though_one_fails(
    tmp_path: Path, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, process = Desk(), FakeProcess(tmp_path)
    game = LuantiGame(
        PROFILE, cast(LuantiProcess, process), cast(JudgeClient, None), 7, desk.windows,
        desk.grabber, desk.hands,
    )  # fmt: skip
    game.listen(FakeEars())
    desk.hands.hold(["W"])
    parts = {
        "listener": desk.listener, "device": desk.device, "grabber": desk.grabber,
        "windows": desk.windows, "process": process,
    }  # fmt: skip
    monkeypatch.setattr(parts[broken], "close", failing(parts[broken].close))
    with pytest.raises(BrokenError):
        game.close()
    assert [name for name, part in parts.items() if not part.closed] == []
    assert desk.device.down == set()


def test_a_stopped_game_runs_on_and_is_ended_though_its_clock_cannot_be_set(
    tmp_path: Path,
) -> None:
    desk, process = Desk(), FakeProcess(tmp_path)
    game = LuantiGame(
        PROFILE, cast(LuantiProcess, process), cast(JudgeClient, None), 7, desk.windows,
        desk.grabber, desk.hands,
    )  # fmt: skip
    assert game._time is not None
    game._time.stop()
    # As on a full disk.
    process.faketime = tmp_path / "gone" / "faketime"
    game._time._file = process.faketime
    with pytest.raises(OSError, match="gone"):
        game.close()
    assert process.signals == [signal.SIGSTOP, signal.SIGCONT]
    assert process.closed
    assert desk.windows.closed
