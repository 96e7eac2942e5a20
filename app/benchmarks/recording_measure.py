"""What recording costs and how true the pictures stay, measured through the real store."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from recorder.clock import Clock, MonotonicClock, Pacer
from recorder.data_folder import database_path
from recorder.games.base import Game, free_task
from recorder.store.episode_recorder import EpisodeRecorder
from recorder.store.reader import Reader
from recorder.store.rows import EpisodeKind
from recorder.store.store import Store
from recorder.types import Action, Driver, Frame, Outcome, RGBImage, Tick

BYTES_PER_GB = 1e9
_LUMA_709 = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class RecordingFigures:
    """What :func:`measure_recording` found.

    ``psnr_*_db`` come from the mean squared error over all frames together, which the
    busiest ones decide: a mean of the frames' own ratios would flatter, and be infinite
    where one frame is exact.  Luma is by BT.709.
    ``cpu_ms_per_frame`` is this process's processor time; ``core_share`` that time at
    the tick rate, as a share of one core.  ``tick_ms_*`` is what a tick costs the
    control thread.  ``commit_delay_ms`` is from a segment's last tick to its being safe,
    at worst; it means something only where ``paced``.
    """

    frames: int
    width: int
    height: int
    tick_rate_hz: float
    paced: bool
    gb_per_hour: float
    bytes_per_frame: float
    psnr_y_db: float
    psnr_rgb_db: float
    cpu_ms_per_frame: float
    core_share: float
    tick_ms_median: float
    tick_ms_worst: float
    commit_delay_ms: float
    lost_ticks: int


def measure_recording(
    folder: Path,
    frames: Sequence[RGBImage],
    *,
    tick_rate_hz: float = 20.0,
    paced: bool = False,
    clock: Clock | None = None,
) -> RecordingFigures:
    """Record ``frames`` (uint8 H x W x 3, one size) as one episode and read them back.

    ``folder`` must be empty; the database stays there.  ``paced`` hands a frame over at
    each tick of the rate, otherwise they follow as fast as the encoder takes them.
    Raises ValueError without frames.
    """
    if not frames:
        raise ValueError("nothing to record")
    clock = clock if clock is not None else MonotonicClock()
    height, width = frames[0].shape[:2]
    # What an empty database takes is not the pictures' fault; closed, it has no log.
    Store.open(folder, clock=clock).close()
    empty_bytes = database_path(folder).stat().st_size
    with Store.open(folder, clock=clock) as store:
        session_id = store.begin_session(
            "measure",
            tick_rate_hz=tick_rate_hz,
            width=width,
            height=height,
            realtime=False,
            bindings={},
        )
        began_cpu_s = time.process_time()
        recorder, costs_ms = _record(store, session_id, frames, clock, tick_rate_hz, paced=paced)
        store.wait()
        cpu_s = time.process_time() - began_cpu_s
        health = store.health()
        episode_id = recorder.episode_id or 0
    with Reader.open(folder) as reader:
        size = reader.size_bytes() - empty_bytes
        stored = reader.episode(episode_id).ticks
        luma_errors, rgb_errors = _errors(frames, reader, episode_id)
    return RecordingFigures(
        frames=len(frames),
        width=width,
        height=height,
        tick_rate_hz=tick_rate_hz,
        paced=paced,
        gb_per_hour=size / stored * tick_rate_hz * 3600 / BYTES_PER_GB,
        bytes_per_frame=size / stored,
        psnr_y_db=psnr_db(float(np.mean(luma_errors))),
        psnr_rgb_db=psnr_db(float(np.mean(rgb_errors))),
        cpu_ms_per_frame=1e3 * cpu_s / len(frames),
        core_share=cpu_s / len(frames) * tick_rate_hz,
        tick_ms_median=float(np.median(costs_ms)),
        tick_ms_worst=max(costs_ms),
        commit_delay_ms=health.commit_delay_ms,
        lost_ticks=len(frames) - stored,
    )


def _record(
    store: Store,
    session_id: int,
    frames: Sequence[RGBImage],
    clock: Clock,
    tick_rate_hz: float,
    *,
    paced: bool,
) -> tuple[EpisodeRecorder, list[float]]:
    """Record one episode; return its recorder and what each tick cost its caller, ms."""
    recorder = store.episode_recorder(
        session_id,
        kind=EpisodeKind.ROLLOUT,
        policy="measure",
        when_full="stop" if paced else "wait",
    )
    task = free_task("measure")
    recorder.on_start(
        SimpleNamespace(
            task=task,
            seed=0,
            instruction=task.instruction,
            tick_rate_hz=tick_rate_hz,
            lock_step=not paced,
            policy="measure",
        )
    )
    pacer = Pacer(clock, tick_rate_hz)
    costs_ms = []
    for index, rgb in enumerate(frames):
        if paced:
            pacer.wait()
        tick = Tick(
            index=index,
            mono_ns=clock.now_ns(),
            frame=Frame(index, clock.now_ns(), rgb),
            executed=Action(forward=True),
            driver=Driver.POLICY,
        )
        began_s = time.perf_counter()
        recorder.on_tick(tick)
        costs_ms.append(1e3 * (time.perf_counter() - began_s))
    recorder.on_end(SimpleNamespace(outcome=Outcome.UNKNOWN, missed_ticks=pacer.missed))
    return recorder, costs_ms


def psnr_db(mean_squared_error: float) -> float:
    """Return the peak signal-to-noise ratio of 8-bit values; infinity without error."""
    if mean_squared_error <= 0:
        return math.inf
    return 10 * math.log10(255**2 / mean_squared_error)


def play_frames(game: Game, count: int, seed: int = 0) -> list[RGBImage]:
    """Play roughly as a person would (walk, stand, turn smoothly, shoot) and return pictures.

    Several attempts of 90 ticks at most, from several tasks, ``count`` frames in all.
    """
    rng = random.Random(seed)
    tasks = game.tasks()
    frames: list[RGBImage] = []
    attempt = 0
    while len(frames) < count:
        frame = game.reset(tasks[attempt * 3 % len(tasks)], seed + attempt)
        attempt += 1
        for action in _hand(rng, 90):
            frames.append(frame.rgb.copy())
            if len(frames) == count:
                break
            frame = game.step(action)
            if game.outcome() is not None:
                break
    return frames


def _hand(rng: random.Random, ticks: int) -> list[Action]:
    actions: list[Action] = []
    turn: list[float] = []
    walking, left = True, 10
    for tick in range(ticks):
        if not turn and rng.random() < 0.08:
            angle_deg = rng.gauss(0, 45)
            length = rng.randint(6, 14)
            turn = [
                angle_deg * math.pi / 2 / length * math.sin(math.pi * (each + 0.5) / length)
                for each in range(length)
            ]
        left -= 1
        if left <= 0:
            walking, left = rng.random() < 0.6, rng.randint(9, 50)
        actions.append(
            Action(
                forward=walking,
                left=rng.random() < 0.03,
                attack=tick % 31 == 0,
                camera=(0.0, turn.pop(0) if turn else 0.0),
            )
        )
    return actions


def _errors(
    frames: Sequence[RGBImage], reader: Reader, episode_id: int
) -> tuple[list[float], list[float]]:
    """Return each frame's mean squared error, of luma and of RGB."""
    luma: list[float] = []
    rgb: list[float] = []
    for given, kept in zip(frames, reader.frames(episode_id), strict=False):
        difference = kept.astype(np.float32) - given
        rgb.append(float((difference**2).mean()))
        luma.append(float(((difference @ _LUMA_709) ** 2).mean()))
    return luma, rgb
