"""What is there, what is missing and what to do about it, one line each."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.setup.display import has_display
from app.setup.system_needs import display_kind, missing_libraries, missing_libraries_sentence
from recorder.errors import GameError, KnownError
from recorder.games import DEFAULT_GAME, GameSpec, free_task, game_spec, open_game
from recorder.games.registry import DEFAULT_CHECKPOINT, GAMES
from recorder.store import Reader, database_path
from recorder.types import MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH

GB = 1_000_000_000
LITTLE_MEMORY_GB = 2.0
"""Measured: the app with its default model takes about 1 GB; a round about as much again."""
LITTLE_DISK_GB = 5.0
FULL_DISK_GB = 0.5
"""An hour of play takes about 1 GB."""


class Status(StrEnum):
    """How a line stands: ``problem`` keeps something from working, ``warn`` may come to."""

    OK = "ok"
    WARN = "warn"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class DoctorLine:
    """One thing that was looked at; ``todo`` is "" where there is nothing to do."""

    name: str
    status: Status
    text: str
    todo: str = ""


def run_doctor(data: Path) -> list[DoctorLine]:
    """Look at everything that Playteach needs; ``data`` is the data folder (may not exist).

    Takes some seconds: it loads torch and starts each game once.  Writes nothing.
    """
    checks: tuple[Callable[[], Iterator[DoctorLine]], ...] = (
        display_lines,
        device_lines,
        memory_lines,
        shared_memory_lines,
        lambda: disk_lines(data),
        lambda: folder_lines(data),
        lambda: database_lines(data),
        game_lines,
        model_lines,
        lambda: adapter_lines(data),
        permission_lines,
    )
    return [line for check in checks for line in check()]


def display_lines() -> Iterator[DoctorLine]:
    """Tell of the screen and of the libraries that a window needs."""
    kind = display_kind()
    if not has_display():
        yield DoctorLine(
            "display",
            Status.WARN,
            "no display, so the window cannot open; every command works",
            "start from a desktop, or run `playteach demo --quick`",
        )
    else:
        words = {"wayland": "Wayland", "x11": "X11", "native": "the system's own"}
        yield DoctorLine("display", Status.OK, words.get(kind, "drawn off the screen"))
    missing = missing_libraries(kind)
    if missing:
        text, _, todo = missing_libraries_sentence(missing).partition("; ")
        yield DoctorLine("window libraries", Status.PROBLEM, text, todo)
    else:
        yield DoctorLine("window libraries", Status.OK, "all there")


def device_lines() -> Iterator[DoctorLine]:
    """Tell where a model would run, and why there."""
    try:
        from model.vla.device import choose_device

        choice = choose_device()
        version = importlib.metadata.version("torch")
    except (ImportError, OSError) as error:
        yield DoctorLine(
            "GPU",
            Status.PROBLEM,
            f"PyTorch cannot be loaded ({error}), so no model can play",
            "remove the folder .venv and run `python3 play.py` again",
        )
        return
    unused = choice.device == "cpu" and shutil.which("nvidia-smi") is not None
    yield DoctorLine(
        "GPU",
        Status.WARN if unused else Status.OK,
        f"{choice.reason} PyTorch {version}, {choice.dtype}.",
        "this PyTorch does not see the NVIDIA card: update its driver" if unused else "",
    )


def memory_lines() -> Iterator[DoctorLine]:
    """Tell of the memory that is free now."""
    import psutil

    memory = psutil.virtual_memory()
    free, total = memory.available / GB, memory.total / GB
    little = free < LITTLE_MEMORY_GB
    yield DoctorLine(
        "memory",
        Status.WARN if little else Status.OK,
        f"{free:.1f} of {total:.1f} GB free",
        "close other programs before you teach" if little else "",
    )


def shared_memory_lines() -> Iterator[DoctorLine]:
    """Tell whether the practice yard's engine has the shared memory that it fills."""
    from recorder.games.doom.leftovers import SHARED, require_shared, shared_needed

    try:
        free = require_shared(shared_needed((MAX_FRAME_WIDTH, MAX_FRAME_HEIGHT), labels=True))
    except GameError as error:
        yield DoctorLine("shared memory", Status.PROBLEM, *_split(error))
        return
    text = "no limit of its own here" if free is None else f"{free / 1e6:.0f} MB free in {SHARED}"
    yield DoctorLine("shared memory", Status.OK, text)


def disk_lines(data: Path) -> Iterator[DoctorLine]:
    """Tell of the room on the data folder's disk."""
    free = shutil.disk_usage(_nearest(data)).free / GB
    if free < FULL_DISK_GB:
        status, todo = Status.PROBLEM, "free some space; nothing more can be recorded soon"
    elif free < LITTLE_DISK_GB:
        status, todo = Status.WARN, "free some space; an hour of play takes about 1 GB"
    else:
        status, todo = Status.OK, ""
    yield DoctorLine("disk", status, f"{free:.1f} GB free", todo)


def folder_lines(data: Path) -> Iterator[DoctorLine]:
    """Tell whether the data folder can be written to."""
    place = _nearest(data)
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        state = "" if data.exists() else ", made when something is recorded"
        yield DoctorLine("data folder", Status.OK, f"{data}{state}")
    else:
        yield DoctorLine(
            "data folder",
            Status.PROBLEM,
            f"{data} cannot be written to, so nothing can be recorded",
            "give yourself the right to write there or choose another one with --data",
        )


def database_lines(data: Path) -> Iterator[DoctorLine]:
    """Tell what the database holds, or why it cannot be read."""
    path = database_path(data)
    if not path.exists():
        yield DoctorLine("database", Status.OK, "none yet; the first recording makes it")
        return
    try:
        with Reader.open(data) as reader:
            count, size = len(reader.episodes()), reader.size_bytes()
    except KnownError as error:
        yield DoctorLine("database", Status.PROBLEM, *_split(error))
        return
    episodes = "1 episode" if count == 1 else f"{count} episodes"
    yield DoctorLine("database", Status.OK, f"{episodes}, {size / 1e6:.1f} MB")


def game_lines() -> Iterator[DoctorLine]:
    """Tell of each game whether it can be played; what needs nothing is started once.

    Games that need the same are told of once, and those that only a profile describes never.
    """
    told: set[str] = set()
    for spec in GAMES:
        if spec.described or spec.needs in told:
            continue
        if spec.missing is None:
            yield _started_line(spec)
        else:
            told.add(spec.needs)
            yield installed_line(spec)


def _started_line(spec: GameSpec) -> DoctorLine:
    """Start a game once and tell whether it shows a picture."""
    try:
        game = open_game(spec.name)
        try:
            tasks = game.tasks()
            frame = game.reset(tasks[0] if tasks else free_task("look"), 0)
            text = f"starts, {len(tasks)} tasks, {frame.width} x {frame.height} pictures"
        finally:
            game.close()
    except GameError as error:
        return DoctorLine(f"game {spec.name}", Status.PROBLEM, *_split(error))
    except ImportError as error:
        return DoctorLine(
            f"game {spec.name}",
            Status.PROBLEM,
            f"a part of it cannot be loaded ({error}), so it cannot be played",
            "remove the folder .venv and run `python3 play.py` again",
        )
    return DoctorLine(f"game {spec.name}", Status.OK, text)


def installed_line(spec: GameSpec) -> DoctorLine:
    """Tell whether what a game needs is there, without starting it: that may take minutes.

    Nobody misses a game that no model of its own ships for, unless it was installed and broke.
    """
    from recorder.capture.system import refuse

    name = f"game {spec.name}"
    if spec.missing is not None and (missing := spec.missing()) is not None:
        if missing.broken or spec.checkpoint != DEFAULT_CHECKPOINT:
            return DoctorLine(name, Status.WARN, f"{spec.title} {missing.problem}", spec.needs)
        return DoctorLine(name, Status.OK, f"{missing.problem}; {spec.needs}")
    if spec.own_window:
        try:
            refuse(sys.platform, os.environ)
        except KnownError as error:
            return DoctorLine(name, Status.WARN, *_split(error))
    slowed = spec.slow_missing is not None and not spec.slow_missing()
    return DoctorLine(name, Status.OK, f"is installed{', also in slowed time' if slowed else ''}")


def model_lines() -> Iterator[DoctorLine]:
    """Tell whether the checkpoints that ship are there and whole."""
    from model.paths import shipped_checkpoints

    for game, folder in shipped_checkpoints().items():
        if game == DEFAULT_GAME:
            yield _model_line(
                "model base",
                folder,
                "the small default",
                "the default checkpoint is missing, so only scripted players can play",
                Status.PROBLEM,
            )
        else:
            title = game_spec(game).title
            yield _model_line(
                f"model for {title}",
                folder,
                "small too",
                f"the small {title} model is missing, so the practice yard's plays there",
                Status.WARN,
            )


def _model_line(name: str, folder: Path, text: str, missing: str, status: Status) -> DoctorLine:
    if not folder.is_dir():
        todo = f"bring assets/{folder.name} back from the repository"
        return DoctorLine(name, status, missing, todo)
    try:
        from model.vla.vla import check_checkpoint

        check_checkpoint(folder)
    except KnownError as error:
        return DoctorLine(name, Status.PROBLEM, *_split(error))
    except (ImportError, OSError) as error:
        return DoctorLine(name, Status.PROBLEM, f"cannot be looked at ({error})")
    size = sum(file.stat().st_size for file in folder.glob("*") if file.is_file())
    return DoctorLine(name, Status.OK, f"{text}, {size / 1e6:.1f} MB")


def adapter_lines(data: Path) -> Iterator[DoctorLine]:
    """Tell which adapters there are and whether the active one is whole."""
    from model.adapters.folders import read_meta

    if not database_path(data).exists():
        yield DoctorLine("adapters", Status.OK, "none yet; teaching makes the first")
        return
    try:
        with Reader.open(data) as reader:
            known, active = reader.adapters(), reader.active_adapter()
        if active is not None:
            read_meta(Path(active.folder))
    except KnownError as error:
        yield DoctorLine("adapters", Status.PROBLEM, *_split(error))
        return
    plays = "the base plays" if active is None else f"number {active.id} plays"
    yield DoctorLine("adapters", Status.OK, f"{len(known)}, {plays}")


def permission_lines() -> Iterator[DoctorLine]:
    """Tell which rights the system must grant."""
    yield DoctorLine(
        "permissions",
        Status.OK,
        "none needed: the embedded game takes its keys from Playteach's window only",
    )


def _split(error: KnownError) -> tuple[str, str]:
    """Return what happened and what to do: our sentences part them by a semicolon."""
    text, _, todo = error.sentence.rpartition("; ")
    return (text, todo) if text else (todo, "")


def _nearest(path: Path) -> Path:
    """Return ``path`` or the nearest folder above it that exists."""
    return next(place for place in (path, *path.absolute().parents) if place.exists())
