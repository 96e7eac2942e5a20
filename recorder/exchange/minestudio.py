"""Recordings of MineStudio's RecordCallback: ``episode_1.mp4`` and ``episode_1_action.json``.

The first entry of the actions is the reset's and empty; entry i led to picture i, so what
was done on seeing picture i is entry i + 1.  The last picture has no action.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from recorder import json_values
from recorder.errors import DataError
from recorder.exchange import ForeignEpisode, Step
from recorder.exchange.vpt import bad_recording, fitted
from recorder.types import BUTTON_CONTROLS, MAX_CAMERA_DEG, NO_ACTION, Action


def actions_file(video: Path) -> Path:
    """Return where the actions of a recording lie."""
    return video.with_name(f"{video.stem}_action.json")


def read_minestudio(video: Path, *, instruction: str) -> ForeignEpisode:
    """Return a recording as an episode; raises DataError, naming entry and field."""
    path = actions_file(video)
    try:
        raw = json_values.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise bad_recording(path.name, f"it is no JSON ({error})") from error
    if not isinstance(raw, list) or len(raw) < 2:
        raise bad_recording(path.name, "it holds no list of actions")
    actions = [_action(path.name, number, entry) for number, entry in enumerate(raw)]
    return ForeignEpisode(video.name, instruction, _steps(video, actions[1:]))


def _steps(video: Path, actions: list[Action]) -> Iterator[Step]:
    import av

    shown = 0
    try:
        with av.open(str(video)) as container:
            for frame, action in zip(container.decode(video=0), actions, strict=False):
                yield Step(fitted(frame), action)
                shown += 1
    except (av.error.FFmpegError, OSError) as error:
        raise bad_recording(video.name, f"picture {shown + 1} cannot be read") from error
    if shown < len(actions):
        raise bad_recording(video.name, f"it has {shown} pictures for {len(actions)} actions")


def _action(file: str, number: int, entry: object) -> Action:
    if not isinstance(entry, Mapping):
        raise _wrong(file, number, "entry", "is no table")
    action = NO_ACTION
    hotbar = 0
    for name in (*BUTTON_CONTROLS, *(f"hotbar.{n}" for n in range(1, 10))):
        value = _plain(entry.get(name, 0))
        if not isinstance(value, int | float):
            raise _wrong(file, number, name, "is neither 0 nor 1")
        if value and name.startswith("hotbar."):
            hotbar = int(name.removeprefix("hotbar."))
        elif value:
            action = action.pressing(name)
    camera = entry.get("camera", (0.0, 0.0))
    if not isinstance(camera, list | tuple):
        raise _wrong(file, number, "camera", "is no pair of degrees")
    degrees = [_plain(value) for value in camera]
    if len(degrees) != 2 or not all(
        isinstance(v, int | float) and not isinstance(v, bool) and abs(v) <= MAX_CAMERA_DEG
        for v in degrees
    ):
        raise _wrong(file, number, "camera", "is no pair of degrees")
    pitch, yaw = (float(str(v)) for v in degrees)
    return replace(action, hotbar=hotbar, camera=(pitch, yaw))


def _plain(value: object) -> object:
    """Return a number that may be wrapped into a list of one, as arrays are written."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _wrong(file: str, number: int, field: str, why: str) -> DataError:
    return bad_recording(file, f"in entry {number} the field {field!r} {why}")
