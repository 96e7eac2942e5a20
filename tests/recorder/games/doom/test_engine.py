"""The engine is a process of its own: its folder, its crashes and its hangs are not ours."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from recorder.errors import GameEndedError
from recorder.games.doom.game import DoomGame
from recorder.types import Action, Frame


@pytest.fixture(scope="module")
def shared_yard() -> Iterator[DoomGame]:
    game = DoomGame(width=160, height=120)
    yield game
    game.close()


@pytest.fixture
def yard(shared_yard: DoomGame) -> DoomGame:
    shared_yard.reset(shared_yard.tasks()[0], 1)
    return shared_yard


def holder_of(yard: DoomGame) -> psutil.Process:
    assert yard._room.engine is not None
    return psutil.Process(yard._room.engine.pid)


def engine_of(yard: DoomGame) -> psutil.Process:
    (engine,) = holder_of(yard).children()
    return engine


def folder_of(yard: DoomGame) -> Path:
    assert yard._room.folder is not None
    return yard._room.folder.path


def fresh(seed: int) -> Frame:
    game = DoomGame(width=160, height=120)
    try:
        return game.reset(game.tasks()[0], seed)
    finally:
        game.close()


def test_the_engine_has_a_folder_of_its_own_and_ours_never_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def moved(path: object) -> None:
        raise AssertionError(f"this process was moved to {path}")

    monkeypatch.setattr(os, "chdir", moved)
    game = DoomGame(width=160, height=120)
    try:
        game.reset(game.tasks()[0], 1)
        assert Path(engine_of(game).cwd()) == folder_of(game) != Path.cwd()
        assert "vizdoom" not in Path(f"/proc/{os.getpid()}/maps").read_text(encoding="utf-8")
    finally:
        game.close()


@pytest.mark.parametrize("which", [engine_of, holder_of])
def test_an_engine_that_ended_between_two_attempts_is_started_anew(
    yard: DoomGame, which: Callable[[DoomGame], psutil.Process]
) -> None:
    victim = which(yard)
    victim.kill()
    psutil.wait_procs([victim], timeout=30)
    frame = yard.reset(yard.tasks()[0], 2)
    assert np.array_equal(frame.rgb, fresh(2).rgb)
    assert yard.outcome() is None


@pytest.mark.parametrize("which", [engine_of, holder_of])
def test_an_engine_that_ends_in_an_attempt_ends_it_in_one_sentence(
    yard: DoomGame, which: Callable[[DoomGame], psutil.Process]
) -> None:
    before = folder_of(yard)
    victim = which(yard)
    victim.kill()
    psutil.wait_procs([victim], timeout=30)
    with pytest.raises(GameEndedError, match=r"engine ended by itself .* does not count"):
        yard.step(Action(forward=True))
    # And again, instead of a picture of before.
    with pytest.raises(GameEndedError):
        yard.step(Action(forward=True))
    frame = yard.reset(yard.tasks()[0], 3)
    assert np.array_equal(frame.rgb, fresh(3).rgb)
    assert folder_of(yard) == before or not before.exists()


def test_an_engine_that_hangs_is_ended(yard: DoomGame) -> None:
    assert yard._room.engine is not None
    yard._room.engine._step_s = 0.3
    holder, engine = holder_of(yard), engine_of(yard)
    engine.suspend()
    with pytest.raises(GameEndedError, match=r"no answer within 0\.3 s"):
        yard.step(Action())
    _, alive = psutil.wait_procs([holder, engine], timeout=30)
    assert not alive


def test_an_engine_that_is_killed_at_a_wrong_moment_is_missed_soon(yard: DoomGame) -> None:
    assert yard._room.engine is not None
    yard._room.engine._step_s = 20.0
    holder, engine = holder_of(yard), engine_of(yard)
    # As if it had held the lock of the queue that the library waits at, for ever then.
    holder.suspend()
    engine.kill()
    began_s = time.monotonic()
    with pytest.raises(GameEndedError, match="it is gone"):
        yard.step(Action())
    assert time.monotonic() - began_s < 10.0
    _, alive = psutil.wait_procs([holder, engine], timeout=30)
    assert not alive


@pytest.mark.parametrize("what", ["folder", "map"])
def test_a_folder_that_somebody_emptied_is_made_anew(yard: DoomGame, what: str) -> None:
    engine = engine_of(yard)
    folder = folder_of(yard)
    if what == "folder":
        shutil.rmtree(folder)
    else:
        (folder / "yard.wad").unlink()
    # The engine has the old map open, which is not the one that is asked for now.
    assert np.array_equal(yard.reset(yard.tasks()[0], 4).rgb, fresh(4).rgb)
    assert not engine.is_running()


def test_who_is_closed_is_closed(yard: DoomGame) -> None:
    game = DoomGame(width=160, height=120)
    game.reset(game.tasks()[0], 1)
    folder = folder_of(game)
    game.close()
    game.close()
    assert not folder.exists()
    with pytest.raises(RuntimeError, match="reset"):
        game.step(Action())
