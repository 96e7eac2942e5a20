"""Playback, the recorder's manners on the control thread, and what measuring says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from places import ROOT

from app.benchmarks.recording_measure import measure_recording, play_frames, psnr_db
from model.play.episode import EpisodeObserver
from recorder.clock import ManualClock
from recorder.errors import DataError
from recorder.store.frames.playback import EpisodePlayback
from recorder.types import Driver, Outcome, RGBImage


def test_the_recorder_is_an_episode_observer(kit: Any) -> None:
    observer: EpisodeObserver = kit.recorder()
    assert callable(observer.on_tick)


def test_playback_seeks_and_runs(kit: Any, make_picture: Callable[..., RGBImage]) -> None:
    recorder = kit.recorder()
    recorder.on_start(kit.start)
    for index in range(50):
        if index == 20:
            recorder.on_instruction(20, "Now the barrel")
        recorder.on_tick(kit.tick(index, driver=Driver.PERSON if index >= 40 else Driver.POLICY))
    recorder.on_end(kit.end)
    kit.store.wait()
    playback = EpisodePlayback(kit.folder, 1)
    assert (playback.frames, playback.tick_rate_hz) == (50, 20.0)
    assert playback.drivers == ((Driver.POLICY, 40), (Driver.PERSON, 10))
    for index in [*range(50), 49, 0, 31, 14, 15, 16, 15, 14]:
        error = np.abs(playback.frame(index).astype(int) - make_picture(index)).mean()
        assert error < 4, index
        assert playback.tick(index).index == index
    assert playback.instruction(19) == "Go to the red torch"
    assert playback.instruction(20) == "Now the barrel"
    segment = playback.segment(45)
    assert segment is not None
    assert segment.kind == "correction"
    for beyond in (-1, 50):
        with pytest.raises(IndexError):
            playback.frame(beyond)
    playback.close()
    playback.close()
    with pytest.raises(DataError, match="no episode 9"):
        EpisodePlayback(kit.folder, 9)


def test_playback_of_an_episode_erased_meanwhile(kit: Any) -> None:
    episode = kit.record(20)
    playback = EpisodePlayback(kit.folder, episode)
    kit.store.delete_episode(episode)
    kit.store.purge()
    with pytest.raises(DataError, match="no picture"):
        playback.frame(3)
    playback.close()


def test_ticks_outside_an_episode_are_mistakes(kit: Any) -> None:
    recorder = kit.recorder()
    with pytest.raises(RuntimeError, match="on_start"):
        recorder.on_tick(kit.tick(0))


def test_a_new_start_closes_what_was_not_ended(kit: Any) -> None:
    recorder = kit.recorder()
    for _ in range(2):
        recorder.on_start(kit.start)
        for index in range(3):
            recorder.on_tick(kit.tick(index))
    recorder.on_end(kit.end)
    kit.store.wait()
    assert recorder.recorded_s == pytest.approx(0.15)
    with kit.reader() as reader:
        outcomes = [row.outcome for row in reader.episodes()]
    assert outcomes == [Outcome.SUCCESS, Outcome.INTERRUPTED]


def test_psnr() -> None:
    assert psnr_db(0.0) == float("inf")
    assert psnr_db(255.0**2) == 0.0


@pytest.mark.parametrize("paced", [True, False])
def test_measuring_counts_what_is_there(
    tmp_path: Path, make_picture: Callable[..., RGBImage], paced: bool
) -> None:
    grain = np.random.default_rng(1).integers(-20, 20, (40, 36, 64, 3))
    frames = [
        np.clip(make_picture(index, 64, 36) + grain[index], 0, 255).astype(np.uint8)
        for index in range(40)
    ]
    figures = measure_recording(tmp_path, frames, paced=paced, clock=ManualClock())
    assert (figures.frames, figures.width, figures.height) == (40, 64, 36)
    assert figures.lost_ticks == 0
    assert figures.psnr_rgb_db > 25
    assert 0 < figures.gb_per_hour < 1
    assert figures.paced is paced
    with pytest.raises(ValueError, match="nothing to record"):
        measure_recording(tmp_path / "x", [])


@pytest.mark.slow
def test_the_figures_to_reach_on_game_frames(tmp_path: Path) -> None:
    from recorder.games import open_game

    game = open_game("doom")
    try:
        frames = play_frames(game, 200)
    finally:
        game.close()
    figures = measure_recording(tmp_path, frames)
    assert figures.lost_ticks == 0
    assert figures.gb_per_hour <= 1.2
    assert figures.psnr_y_db >= 38
    assert figures.psnr_rgb_db >= 36


def test_a_list_of_episodes_needs_no_codec_and_no_heavy_library() -> None:
    code = (
        "import sys, recorder.store; "
        "print([m for m in ('av', 'sqlite_utils', 'torch', 'PySide6') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.strip() == "[]"
