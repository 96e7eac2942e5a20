"""Contractor recordings of OpenAI's VPT: a 20 Hz mp4 and a line of JSON for every tick.

The conversion is VPT's own: 0.15 degrees a mouse count, a change of the hotbar by wheel or
key is the new slot's key, Escape in an open window closes it (the inventory control), and an
attack that is down in the very first tick is stuck until it is pressed anew.  The
recordings lack the cursor, so one is drawn while a window is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recorder import json_values
from recorder.errors import DataError
from recorder.exchange import ForeignEpisode, Step
from recorder.types import MAX_CAMERA_DEG, NO_ACTION, Action, RGBImage

if TYPE_CHECKING:
    pass

DEGREES_PER_COUNT = 360 / 2400
RECORDED_HEIGHT = 720
"""Window height in whose pixels the recordings' cursor is given."""
MAX_SPARE = 20
"""A second: so far video and lines may differ in length at the end."""
KEYS = {
    "key.keyboard.w": "forward",
    "key.keyboard.s": "back",
    "key.keyboard.a": "left",
    "key.keyboard.d": "right",
    "key.keyboard.space": "jump",
    "key.keyboard.left.shift": "sneak",
    "key.keyboard.left.control": "sprint",
    "key.keyboard.e": "inventory",
    "key.keyboard.q": "drop",
}
_BUTTONS = {0: "attack", 1: "use"}
_CURSOR = (
    "#", "##", "#.#", "#..#", "#...#", "#....#", "#.....#", "#......#", "#.......#",
    "#........#", "#.....#####", "#..#..#", "#.# #..#", "##  #..#", "#    #..#", "     ##",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """What a tick's line says: the action, and the cursor's place while a window is open."""

    action: Action
    cursor: tuple[float, float] | None


def read_vpt(video: Path, lines: Path | None = None, *, instruction: str) -> ForeignEpisode:
    """Return a recording as an episode; ``lines`` is by default the .jsonl beside the mp4.

    The lines are read at once, the pictures as the steps are.  Raises DataError, naming
    the line and the field, for a malformed file.
    """
    lines = lines or video.with_suffix(".jsonl")
    if not video.is_file():
        raise bad_recording(video.name, "there is no such file")
    read = read_lines(lines)
    return ForeignEpisode(video.name, instruction, _steps(video, read))


def read_lines(path: Path) -> list[Line]:
    """Return every tick of a .jsonl file; raises DataError for one that is malformed."""
    found: list[Line] = []
    stuck = False
    hotbar: int | None = None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise bad_recording(path.name, f"it cannot be read ({type(error).__name__})") from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        tick = _Fields(path.name, number, line)
        mouse = tick.table("mouse")
        buttons = mouse.numbers("buttons")
        fresh = mouse.numbers("newButtons", optional=True)
        if not found:
            stuck = fresh == [0]
        elif 0 in fresh:
            stuck = False
        held = [b for b in buttons if not (stuck and b == 0)]
        slot = tick.integer("hotbar", 0, 8)
        changed = hotbar is not None and slot != hotbar
        hotbar = slot
        open_window = tick.flag("isGuiOpen")
        keys = tick.table("keyboard").words("keys")
        action = _action(keys, held, slot + 1 if changed else 0, open_window)
        pitch, yaw = (mouse.number(name) * DEGREES_PER_COUNT for name in ("dy", "dx"))
        limit = MAX_CAMERA_DEG
        action = action.with_camera(max(-limit, min(limit, pitch)), max(-limit, min(limit, yaw)))
        cursor = (mouse.number("x"), mouse.number("y")) if open_window else None
        found.append(Line(action, cursor))
    if not found:
        raise bad_recording(path.name, "it holds no ticks")
    return found


def _action(keys: list[str], buttons: list[int], hotbar: int, open_window: bool) -> Action:
    action = NO_ACTION
    for key in keys:
        if key in KEYS:
            action = action.pressing(KEYS[key])
        elif key == "key.keyboard.escape" and open_window:
            action = action.pressing("inventory")
    for button in buttons:
        if button in _BUTTONS:
            action = action.pressing(_BUTTONS[button])
    if not hotbar:
        return action
    return replace(action, hotbar=hotbar)


def _steps(video: Path, lines: list[Line]) -> Iterator[Step]:
    import av

    shown = 0
    try:
        with av.open(str(video)) as container:
            for frame in container.decode(video=0):
                if shown == len(lines):
                    shown += 1
                    break
                rgb = fitted(frame)
                line = lines[shown]
                if line.cursor is not None:
                    rgb = draw_cursor(rgb, *line.cursor)
                yield Step(rgb, line.action)
                shown += 1
    except av.error.FFmpegError as error:
        raise bad_recording(
            video.name, f"picture {shown + 1} cannot be read ({error.strerror})"
        ) from error
    if len(lines) - shown > MAX_SPARE:
        raise bad_recording(video.name, f"it has {shown} pictures and {len(lines)} lines")


def fitted(frame: Any) -> RGBImage:
    """Return a picture of at most 640 x 360."""
    if frame.width > 640 or frame.height > 360:
        frame = frame.reformat(width=640, height=360, interpolation="AREA")
    rgb: RGBImage = frame.to_ndarray(format="rgb24")
    return rgb


def draw_cursor(rgb: RGBImage, x: float, y: float) -> RGBImage:
    """Return the picture with an arrow whose tip is at (x, y) of a 720 lines high window."""
    scale = rgb.shape[0] / RECORDED_HEIGHT
    left, top = int(x * scale), int(y * scale)
    drawn = rgb.copy()
    for row, marks in enumerate(_CURSOR):
        for column, mark in enumerate(marks):
            at = (top + row, left + column)
            inside = 0 <= at[0] < rgb.shape[0] and 0 <= at[1] < rgb.shape[1]
            if mark != " " and inside:
                drawn[at] = np.uint8(255 if mark == "." else 0)
    return drawn


class _Fields:
    """A line's values by name; whatever is missing or of another kind is named."""

    def __init__(
        self, file: str, number: int, line: str | dict[str, object], path: str = ""
    ) -> None:
        self._file = file
        self._number = number
        self._path = path
        if isinstance(line, str):
            try:
                line = json_values.parse(line)
            except ValueError as error:
                raise bad_recording(file, f"line {number} is no JSON ({error})") from error
        if not isinstance(line, dict):
            raise self._wrong(path or "line", "a table")
        self._table: dict[str, object] = line

    def _wrong(self, name: str, wanted: str) -> DataError:
        return bad_recording(
            self._file, f"in line {self._number} the field {name!r} is not {wanted}"
        )

    def table(self, name: str) -> _Fields:
        """Return a table inside."""
        value = self._table.get(name)
        if not isinstance(value, dict):
            raise self._wrong(self._path + name, "a table")
        return _Fields(self._file, self._number, value, f"{self._path}{name}.")

    def number(self, name: str) -> float:
        """Return a finite number."""
        value = self._table.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise self._wrong(self._path + name, "a number")
        return float(value)

    def integer(self, name: str, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``."""
        value = self._table.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._wrong(self._path + name, f"a whole number from {low} to {high}")
        return value

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self._table.get(name)
        if not isinstance(value, bool):
            raise self._wrong(self._path + name, "true or false")
        return value

    def numbers(self, name: str, *, optional: bool = False) -> list[int]:
        """Return a list of whole numbers; [] where it may be missing and is."""
        value = self._table.get(name, [] if optional else None)
        if not isinstance(value, list) or not all(
            isinstance(n, int | float) and np.isfinite(n) for n in value
        ):
            raise self._wrong(self._path + name, "a list of numbers")
        return [int(n) for n in value]

    def words(self, name: str) -> list[str]:
        """Return a list of words."""
        value = self._table.get(name)
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self._wrong(self._path + name, "a list of words")
        return value


def bad_recording(file: str, why: str) -> DataError:
    """Return the sentence that refuses a recording."""
    return DataError(
        f"The recording {file} cannot be imported: {why}; take a fresh copy or leave it out."
    )
