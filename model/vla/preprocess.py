"""From a frame to what the vision tower reads: the one path of play and of training.

What a checkpoint expects is its :class:`CheckpointSpec`, stored beside its weights as
``playteach.json``; a folder without one is taken as a JARVIS-VLA checkpoint that sees pictures
as its own files say (:mod:`model.vla.own_files`).  NumPy and
Pillow only.
"""

from __future__ import annotations

import io
import json
import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.language.prompts import PROMPT_FORMS
from model.vla.own_files import PICTURES_FILE, adopted
from recorder import json_values
from recorder.errors import ModelError
from recorder.types import RGBImage

SPEC_FILE = "playteach.json"
SPEC_VERSION = 1
MAX_HISTORY = 4
"""Most earlier frames in a prompt."""
MAX_TEMPERATURE = 2.0
"""Hottest sampling that a spec may ask for."""
MAX_SIDE = 4096
"""Largest picture side that a spec may ask for, in pixels."""
# Means and deviations of Qwen2-VL's own image processor (OpenAI CLIP's), RGB in 0..1.
QWEN_MEAN = (0.48145466, 0.4578275, 0.40821073)
QWEN_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class CheckpointSpec:
    """What a checkpoint wants to see and to be told.

    ``pixels`` is "jpeg" (resize, JPEG at quality 75, CLIP normalisation, the frame twice
    in time: JARVIS-VLA) or "coordinates" (resize, values in -1..1; the second temporal
    slice holds the pixel's own x and y in -1..1, because Qwen2-VL's vision tower knows
    relative places only).  ``prompt`` is "jarvis" or "plain" (:mod:`model.language.prompts`).
    ``history`` is the number of earlier frames, ``chunk`` the number of actions of one
    answer.  ``parts``: it was taught to say whether something has just been done, so that
    sentences with several parts are heard one part after the other
    (:mod:`model.language.subgoals`).
    ``temperature`` is what its actions are drawn with, 0 for the likeliest, and
    ``adapter_temperature`` with an adapter, None for the same.  ``steady``: turns to and fro
    are damped (:mod:`model.play.damping`).  ``mean`` and ``std`` normalise "jpeg" pictures,
    RGB in 0..1.
    """

    pixels: str = "jpeg"
    width: int = 644
    height: int = 364
    patch_size: int = 14
    merge_size: int = 2
    prompt: str = "jarvis"
    history: int = 0
    chunk: int = 1
    parts: bool = False
    temperature: float = 0.0
    steady: bool = False
    adapter_temperature: float | None = None
    version: int = SPEC_VERSION
    mean: tuple[float, float, float] = QWEN_MEAN
    std: tuple[float, float, float] = QWEN_STD

    @property
    def grid(self) -> tuple[int, int]:
        """Patches down and across."""
        return self.height // self.patch_size, self.width // self.patch_size

    @property
    def told_in_parts(self) -> bool:
        """Whether sentences with several parts are told part by part, in play and in training.

        Questions are asked behind the picture that was answered, one tick after the other.
        """
        plain = self.prompt == "picture" and not self.history and self.chunk == 1
        return self.parts and plain

    @property
    def image_tokens(self) -> int:
        """Vision tokens of one frame in the language model."""
        rows, columns = self.grid
        return rows * columns // self.merge_size**2

    def temperature_of(self, *, adapted: bool) -> float:
        """Return what actions are drawn with, with an adapter or without one."""
        if adapted and self.adapter_temperature is not None:
            return self.adapter_temperature
        return self.temperature

    @property
    def token_grid(self) -> tuple[int, int]:
        """Vision tokens down and across."""
        rows, columns = self.grid
        return rows // self.merge_size, columns // self.merge_size


JARVIS_SPEC = CheckpointSpec()


def load_spec(folder: Path) -> CheckpointSpec:
    """Read a checkpoint folder's spec; if it has none, JARVIS-VLA's with its own pictures.

    Raises ModelError for a file that is no spec or of a newer version.
    """
    path = folder / SPEC_FILE
    if not path.exists():
        spec = adopted(folder, JARVIS_SPEC)
        if max(spec.width, spec.height) > MAX_SIDE:
            raise ModelError(
                f"{PICTURES_FILE} of the checkpoint {folder.name!r} asks for pictures of "
                f"{spec.width} x {spec.height}, more than {MAX_SIDE} a side, so the model was not "
                "loaded; take a fresh copy of the checkpoint."
            )
        return spec
    try:
        # The spec checks its values itself, below.
        raw = json_values.parse(path.read_text(encoding="utf-8"))
        for name in ("mean", "std"):
            if name in raw:
                first, second, third = map(float, raw[name])
                raw[name] = (first, second, third)
        spec = CheckpointSpec(**raw)
    except (ValueError, TypeError) as error:
        raise ModelError(
            f"{path.name} of the checkpoint {folder.name!r} cannot be read ({error}), so the "
            "model was not loaded; take a fresh copy of the checkpoint."
        ) from error
    if isinstance(spec.version, int) and spec.version > SPEC_VERSION:
        raise ModelError(
            f"The checkpoint {folder.name!r} was made for a newer Playteach, so it was not "
            "loaded; update Playteach or choose another checkpoint."
        )
    sizes = (spec.width, spec.height, spec.patch_size, spec.merge_size)
    fits = all(isinstance(size, int) and 0 < size <= MAX_SIDE for size in sizes)
    step = spec.patch_size * spec.merge_size if fits else 1
    fits = fits and not (spec.width % step or spec.height % step)
    counts = (spec.chunk, spec.history, spec.version)
    fits = fits and all(isinstance(n, int) and n >= 0 for n in counts) and spec.chunk > 0
    fits = fits and spec.history <= MAX_HISTORY
    adapted = spec.adapter_temperature
    for warmth in (spec.temperature, 0.0 if adapted is None else adapted):
        fits = fits and isinstance(warmth, int | float) and 0 <= warmth <= MAX_TEMPERATURE
    fits = fits and isinstance(spec.parts, bool) and isinstance(spec.steady, bool)
    fits = fits and all(math.isfinite(n) for n in (*spec.mean, *spec.std)) and min(spec.std) > 0
    forms = spec.pixels in ("jpeg", "coordinates") and spec.prompt in PROMPT_FORMS
    if not fits or not forms:
        raise ModelError(
            f"{path.name} of the checkpoint {folder.name!r} asks for pictures or prompts that "
            "this Playteach cannot make; take a fresh copy of the checkpoint."
        )
    return spec


def save_spec(folder: Path, spec: CheckpointSpec) -> None:
    """Write the spec beside the weights."""
    values = asdict(spec)
    for name, usual in (("mean", QWEN_MEAN), ("std", QWEN_STD), ("adapter_temperature", None)):
        # Earlier versions read what has the usual ones.
        if values[name] == usual:
            del values[name]
    text = json.dumps(values, indent=2) + "\n"
    (folder / SPEC_FILE).write_text(text, encoding="utf-8")


def resize(rgb: RGBImage, spec: CheckpointSpec) -> RGBImage:
    """Scale a frame to the checkpoint's size, uint8 height x width x 3.

    "jpeg" goes through a JPEG of quality 75, as the released model's client does.
    """
    image = Image.fromarray(rgb)
    if spec.pixels == "coordinates":
        if image.size != (spec.width, spec.height):
            image = image.resize((spec.width, spec.height), Image.Resampling.BOX)
        return np.asarray(image)
    if image.size != (spec.width, spec.height):
        image = image.resize((spec.width, spec.height), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return np.asarray(Image.open(buffer).convert("RGB"))


def patches(images: NDArray[np.uint8], spec: CheckpointSpec) -> NDArray[np.float32]:
    """Cut resized frames (B x H x W x 3, uint8) into Qwen2-VL's patches.

    Returns float32 B x N x D with N = rows x columns in the order of the merger (2 x 2
    blocks together) and D = 3 x 2 x patch x patch (channel, time, row, column).
    """
    batch = images.shape[0]
    rows, columns = spec.grid
    side, merge = spec.patch_size, spec.merge_size
    if spec.pixels == "coordinates":
        first = images.astype(np.float32) * np.float32(2 / 255) - np.float32(1)
    else:
        mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
        first = (images.astype(np.float32) / np.float32(255) - mean) / std
    shape = (batch, rows // merge, merge, side, columns // merge, merge, side, 3)
    # Batch, block row, block column, row in block, column in block, channel, pixel.
    cut = first.reshape(shape).transpose(0, 1, 4, 2, 5, 7, 3, 6)
    out = np.empty((*cut.shape[:6], 2, side, side), dtype=np.float32)
    out[..., 0, :, :] = cut
    if spec.pixels == "coordinates":
        out[..., 1, :, :] = _coordinate_patches(spec)
    else:
        out[..., 1, :, :] = cut
    return out.reshape(batch, rows * columns, -1)


@lru_cache(maxsize=4)
def _coordinate_patches(spec: CheckpointSpec) -> NDArray[np.float32]:
    """The second slice of every picture: x, y and zero, cut like a picture."""
    rows, columns = spec.grid
    side, merge = spec.patch_size, spec.merge_size
    x = np.linspace(-1, 1, spec.width, dtype=np.float32)
    y = np.linspace(-1, 1, spec.height, dtype=np.float32)
    plane = np.zeros((spec.height, spec.width, 3), dtype=np.float32)
    plane[..., 0] = x[None, :]
    plane[..., 1] = y[:, None]
    shape = (rows // merge, merge, side, columns // merge, merge, side, 3)
    return np.ascontiguousarray(plane.reshape(shape).transpose(0, 3, 1, 4, 6, 2, 5))
