"""How much memory a checkpoint needs, told before it is loaded.

From the headers of its safetensors files and its config.json, nothing of the weights is
read::

    weights = sum of numbers x bytes of a number
    cache   = 2 x layers x key heads x head size x tokens x bytes of a number
    work    = max(prompt tokens x 4 x intermediate size, patches x 8 x vision width) x bytes
    need    = weights + cache + work (+ 0.6 GB that a CUDA context takes by itself)

A number takes 4 bytes in float32 and 2 in bfloat16 or float16.  With 8 or 4 bits only the
language model's linear layers shrink: to 1 byte and 4 bytes a row, or to half a byte and
4 bytes for every 64 numbers (bitsandbytes' NF4).  Embeddings, head, norms and the vision
tower keep two bytes.
"""

from __future__ import annotations

import logging
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from model.vla.device import SMALL_HIDDEN, DeviceChoice
from recorder import json_values
from recorder.errors import ModelError, UsageError

PRECISIONS = ("bf16", "8bit", "4bit")
PROMPT_TOKENS = 1024
"""Tokens of a prompt for which room is counted: one picture and its words."""
PATCHES = 1196
CUDA_CONTEXT_BYTES = 600_000_000
_LAYER = re.compile(r"layers\.\d+\.(?:self_attn|mlp)\.\w+_proj\.weight$")
_NF4_GROUP = 64
_NO_BITS = (
    "Playing with 8 or 4 bits needs the package bitsandbytes, which is not installed, so no "
    "model was loaded; install it with: pip install 'playteach[bits]'."
)


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a checkpoint takes: its weights, the cache, room to work, the context."""

    weights: int
    cache: int
    work: int
    context: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.cache + self.work + self.context


def predict(folder: Path, dtype: str, precision: str | None = None, device: str = "cpu") -> Need:
    """Return what a checkpoint will need; ``dtype`` float32, bfloat16 or float16.

    Raises ModelError for a file whose header is none, UsageError for a ``precision`` that
    is not one of PRECISIONS.
    """
    if precision not in (None, *PRECISIONS):
        raise UsageError(
            f"There is no precision called {precision!r}, so no model was loaded; choose one of: "
            f"{', '.join(PRECISIONS)}."
        )
    size = 4 if dtype == "float32" and precision is None else 2
    weights = 0.0
    for path in sorted(folder.glob("*.safetensors")):
        for name, shape in _shapes(path).items():
            weights += _bytes(name, shape, size, precision)
    text, vision = _tables(folder)
    hidden, heads = _number(text, "hidden_size"), _number(text, "num_attention_heads")
    key_heads = _number(text, "num_key_value_heads") or heads
    layers, wide = _number(text, "num_hidden_layers"), _number(text, "intermediate_size")
    head = hidden // heads if heads else 0
    cache = 2 * layers * key_heads * head * PROMPT_TOKENS * size
    work = max(PROMPT_TOKENS * 4 * wide, PATCHES * 8 * _number(vision, "embed_dim")) * size
    context = CUDA_CONTEXT_BYTES if device.startswith("cuda") else 0
    return Need(round(weights), cache, work, context)


@dataclass(frozen=True, slots=True)
class Measures:
    """A language model's sizes; ``outside_layers`` counts the numbers that no format packs."""

    hidden: int
    intermediate: int
    layers: int
    key_width: int
    outside_layers: int


def measures(folder: Path) -> Measures:
    """Return a checkpoint's sizes; raises ModelError for a file whose header is none."""
    text, _ = _tables(folder)
    hidden, heads = _number(text, "hidden_size"), _number(text, "num_attention_heads")
    key_heads = _number(text, "num_key_value_heads") or heads
    outside = sum(
        math.prod(shape)
        for path in sorted(folder.glob("*.safetensors"))
        for name, shape in _shapes(path).items()
        if not (len(shape) == 2 and _LAYER.search(name))
    )
    return Measures(
        hidden,
        _number(text, "intermediate_size"),
        _number(text, "num_hidden_layers"),
        hidden // heads * key_heads if heads else hidden,
        outside,
    )


def is_small(folder: Path) -> bool:
    """Return whether a checkpoint is so small that float32 is quick on any device."""
    text, _ = _tables(folder)
    return 0 < _number(text, "hidden_size") < SMALL_HIDDEN


def check_memory(folder: Path, choice: DeviceChoice, precision: str | None = None) -> None:
    """Raise ModelError where a checkpoint would not fit into the device's free memory."""
    need = predict(folder, choice.dtype, precision, choice.device)
    free = free_bytes(choice.device)
    if need.total <= free:
        return
    smaller = [
        f"{name} ({amount.total / 1e9:.1f} GB)"
        for name in PRECISIONS
        if (amount := predict(folder, choice.dtype, name, choice.device)).total <= free
    ]
    instead = (
        f"close other programs or play it with {' or '.join(smaller)}"
        if smaller
        else "close other programs, choose a smaller model or let a server play it"
    )
    raise ModelError(
        f"The checkpoint {folder.name!r} needs {need.total / 1e9:.1f} GB and {free / 1e9:.1f} GB "
        f"are free, so it was not loaded; {instead}."
    )


def free_bytes(device: str) -> int:
    """Return the bytes that are free on a device."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return int(psutil.virtual_memory().available)


def check_precision(precision: str | None, choice: DeviceChoice) -> DeviceChoice:
    """Return the device's choice with the number format that a precision computes in.

    Raises ModelError where fewer bits cannot be had here, UsageError for an unknown name.
    """
    if precision not in (None, *PRECISIONS):
        raise UsageError(
            f"There is no precision called {precision!r}, so no model was loaded; choose one of: "
            f"{', '.join(PRECISIONS)}."
        )
    if precision in ("8bit", "4bit"):
        import importlib.util

        if importlib.util.find_spec("bitsandbytes") is None:
            raise ModelError(_NO_BITS)
        if choice.device == "mps":
            raise ModelError(
                "This Mac's GPU cannot play with 8 or 4 bits, so no model was loaded; play with "
                "bf16 or let a server play."
            )
    if precision is not None and choice.dtype == "float32":
        return replace(choice, dtype="bfloat16")
    return choice


def quantisation(precision: str | None, dtype: Any, device: str) -> dict[str, object]:
    """Return what ``from_pretrained`` must be told for a precision; {} for whole numbers."""
    if precision not in ("8bit", "4bit"):
        return {}
    from transformers import BitsAndBytesConfig

    # Patterns over whole names: the tower's modules are called "model.visual. ...".
    whole = [r"(.*\.)?lm_head", r"(.*\.)?visual"]
    # It says of every layer that it computes in float16.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    config = (
        BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=whole)
        if precision == "8bit"
        else BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=dtype,
            llm_int8_skip_modules=whole,
        )
    )
    return {"quantization_config": config, "device_map": {"": device}}


def _bytes(name: str, shape: tuple[int, ...], size: int, precision: str | None) -> float:
    count = math.prod(shape)
    if precision in ("8bit", "4bit") and len(shape) == 2 and _LAYER.search(name):
        if precision == "8bit":
            return count + 4 * shape[0]
        return count / 2 + 4 * count / _NF4_GROUP
    return count * size


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor that a safetensors file's header names."""
    try:
        with safe_open(path, "np") as stored:
            names = stored.keys()
            return {name: tuple(stored.get_slice(name).get_shape()) for name in names}
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"The weights {path.name} of {path.parent.name!r} could not be loaded ({error}), so "
            "nothing plays; take a fresh copy or use the default model."
        ) from error


def _tables(folder: Path) -> tuple[dict[str, object], dict[str, object]]:
    """Return the config's tables of the language model and of the vision tower."""
    config = json_values.parse((folder / "config.json").read_text(encoding="utf-8"))
    text, vision = config.get("text_config", config), config.get("vision_config", {})
    return (text if isinstance(text, dict) else {}), (vision if isinstance(vision, dict) else {})


def _number(table: dict[str, object], name: str) -> int:
    value = table.get(name, 0)
    return value if isinstance(value, int) and 0 < value < 10**7 else 0
