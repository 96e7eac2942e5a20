"""What a checkpoint's own files say of pictures and prompts, beside our description of it.

A released checkpoint brings ``preprocessor_config.json`` and a chat template.  What they say
of pictures is adopted where the folder has no ``playteach.json``; where two descriptions do
not agree, :func:`disagreement` names both.  The chat template is read, never run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from model.language.prompts import SYSTEM_SENTENCE
from recorder import json_values
from recorder.errors import ModelError
from recorder.types import MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH

if TYPE_CHECKING:
    from model.vla.preprocess import CheckpointSpec

PICTURES_FILE = "preprocessor_config.json"
_SYSTEM = re.compile(r"<\|im_start\|>system(?:\\n|\n)([^{}]*?)<\|im_end\|>")
_PROBLEM = (
    "{file} of the checkpoint {folder!r} cannot be used ({why}), so the model was not loaded; take "
    "a fresh copy of the checkpoint."
)


def adopted(folder: Path, spec: CheckpointSpec) -> CheckpointSpec:
    """Return the spec of a folder without one of ours, with what its own files say of pictures.

    The size is that which Qwen2-VL's processor gives a frame of 640 x 360 within the pixels
    that the file allows.  Raises ModelError for a file that cannot be used.
    """
    raw = _table(folder, PICTURES_FILE)
    try:
        width, height = _size(raw, spec.patch_size * spec.merge_size)
        mean, std = _three(raw, "image_mean", spec.mean), _three(raw, "image_std", spec.std)
        if min(std) <= 0:
            raise ValueError("a deviation is not above zero")
    except (ValueError, TypeError, OverflowError) as error:
        raise ModelError(_PROBLEM.format(file=PICTURES_FILE, folder=folder.name, why=error)) from (
            error
        )
    return replace(spec, width=width, height=height, mean=mean, std=std)


def disagreement(folder: Path, spec: CheckpointSpec) -> str:
    """Return where a checkpoint's own files and what is played differ, one sentence, or "".

    ``spec`` is what is played, with what a person has set.
    """
    parts = [*_of_pictures(folder, spec), *_of_prompts(folder, spec)]
    if not parts:
        return ""
    return (
        f"The files of the checkpoint {folder.name!r} do not agree with how it is played: "
        f"{', and '.join(parts)}; what is played counts."
    )


def _of_pictures(folder: Path, spec: CheckpointSpec) -> Iterator[str]:
    if spec.pixels != "jpeg" or not (folder / PICTURES_FILE).is_file():
        return
    theirs = adopted(folder, spec)
    if (theirs.width, theirs.height) != (spec.width, spec.height):
        yield (
            f"pictures of {theirs.width} x {theirs.height} by {PICTURES_FILE}, of {spec.width} x "
            f"{spec.height} in play"
        )
    for name, own, played in (
        ("mean", theirs.mean, spec.mean),
        ("deviation", theirs.std, spec.std),
    ):
        if not all(math.isclose(a, b, abs_tol=1e-5) for a, b in zip(own, played, strict=True)):
            yield f"a {name} of {_listed(own)} by {PICTURES_FILE}, of {_listed(played)} in play"


def _of_prompts(folder: Path, spec: CheckpointSpec) -> Iterator[str]:
    template = _chat_template(folder) if spec.prompt.startswith("jarvis") else ""
    if not template:
        return
    found = _SYSTEM.search(template)
    theirs = "" if found is None else found[1].strip()
    if theirs != SYSTEM_SENTENCE:
        said = f"the system turn “{theirs}”" if theirs else "no fixed system turn"
        yield f"{said} by its chat template, “{SYSTEM_SENTENCE}” in play"


def _chat_template(folder: Path) -> str:
    """Return the text of a folder's chat template, "" if it has none."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8", errors="replace")
    for name in ("chat_template.json", "tokenizer_config.json"):
        found = _table(folder, name).get("chat_template")
        if isinstance(found, list):
            # Several by name; this one is taken where nobody names one.
            named = {one.get("name"): one.get("template") for one in found if isinstance(one, dict)}
            found = named.get("default")
        if isinstance(found, str) and found:
            return found
    return ""


def _table(folder: Path, name: str) -> dict[str, object]:
    """Return a JSON file's table, an empty one if there is no file."""
    path = folder / name
    if not path.is_file():
        return {}
    try:
        raw: object = json_values.parse(path.read_text(encoding="utf-8"))
        if not isinstance(raw, dict):
            raise ValueError("it holds no table")
    except (OSError, ValueError) as error:
        raise ModelError(_PROBLEM.format(file=name, folder=folder.name, why=error)) from error
    return raw


def _size(raw: dict[str, object], step: int) -> tuple[int, int]:
    """Return width and height of a frame as Qwen2-VL's processor scales it."""
    size = raw.get("size")
    sides = size if isinstance(size, dict) else {}
    least = _bound(raw.get("min_pixels", sides.get("shortest_edge")), 0, "min_pixels")
    most = _bound(raw.get("max_pixels", sides.get("longest_edge")), math.inf, "max_pixels")
    if not (step * step <= most and least <= most):
        raise ValueError(f"{least} to {most} pixels hold no picture")
    width, height = MAX_FRAME_WIDTH, MAX_FRAME_HEIGHT
    wide, high = (round(side / step) * step for side in (width, height))
    if wide * high > most:
        shrink = math.sqrt(width * height / most)
        wide, high = (
            max(step, math.floor(side / shrink / step) * step) for side in (width, height)
        )
    elif wide * high < least:
        grow = math.sqrt(least / (width * height))
        wide, high = (math.ceil(side * grow / step) * step for side in (width, height))
    return wide, high


def _bound(value: object, otherwise: float, name: str) -> float:
    if value is None:
        return otherwise
    if not isinstance(value, int | float):
        raise TypeError(f"{name} is no number")
    return value


def _three(
    raw: dict[str, object], name: str, usual: tuple[float, float, float]
) -> tuple[float, float, float]:
    found = raw.get(name, usual)
    if not isinstance(found, Sequence):
        raise TypeError(f"{name} is no list")
    first, second, third = (float(value) for value in found)
    if not all(math.isfinite(value) for value in (first, second, third)):
        raise ValueError(f"{name} is not finite")
    return first, second, third


def _listed(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:g}" for value in values)
