"""Starting a Luanti that ends at once, as one of two in the same second does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recorder.errors import GameError
from recorder.games.luanti import game
from recorder.games.luanti.judge import Event


class FakeProcess:
    """A Luanti of which the first ``ending`` end before anybody is in the world."""

    ending = 0
    made: list["FakeProcess"] = []  # noqa: RUF012  # emptied by every test

    def __init__(self, assets: Path, *, slowed: bool) -> None:
        self.world = assets
        self.running = len(self.made) >= self.ending
        self.closed = False
        self.made.append(self)

    def close(self) -> None:
        self.closed = True


class FakeJudge:
    def __init__(self, world: Path, alive: Callable[[], bool]) -> None:
        self.alive = alive

    def wait_for(self, wanted: Callable[[Event], bool], timeout_s: float) -> Event:
        if not self.alive():
            raise GameError("Luanti ended by itself.")
        joined: Event = {"ev": "join"}
        assert wanted(joined)
        return joined


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeProcess, "made", [])
    monkeypatch.setattr(game, "LuantiProcess", FakeProcess)
    monkeypatch.setattr(game, "JudgeClient", FakeJudge)


def test_one_that_ends_at_once_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeProcess, "ending", game.STARTS - 1)
    started: object = game._joined(tmp_path, slowed=False)[0]
    *before, last = FakeProcess.made
    assert started is last
    assert not last.closed
    assert len(before) == game.STARTS - 1
    assert all(each.closed for each in before)


def test_one_that_always_ends_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeProcess, "ending", 100)
    with pytest.raises(GameError, match="ended by itself"):
        game._joined(tmp_path, slowed=False)
    assert len(FakeProcess.made) == game.STARTS
    assert all(each.closed for each in FakeProcess.made)
