"""Which device and number format a model runs in, and why."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from recorder.errors import ModelError, UsageError

SMALL_HIDDEN = 1024
"""Models with a narrower language model are small: quick in float32 on any device."""
_TITLES = {"cuda": "CUDA device", "mps": "Apple GPU", "cpu": "CPU"}
DEVICES: tuple[str, ...] = tuple(_TITLES)


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """``device`` is cuda, mps or cpu; ``dtype`` bfloat16, float16 or float32."""

    device: str
    dtype: str
    reason: str


def cpu_has_fast_bf16() -> bool:
    """Return whether this CPU multiplies bfloat16 in hardware (AVX512-BF16, AMX)."""
    if platform.system() != "Linux":
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def choose_device(wanted: str | None = None, *, small: bool = True) -> DeviceChoice:
    """Choose by what is there; ``wanted`` ("cuda", "mps", "cpu") overrides the device.

    A ``small`` model runs in float32 everywhere, where it is quick enough and plays the
    same on every device.  A large one runs in bfloat16 where the device multiplies it in
    hardware.  Raises UsageError for a device that there is no such kind of, ModelError
    for one that this machine lacks.
    """
    import torch

    if wanted not in (None, *DEVICES):
        raise UsageError(
            f"There is no device called {wanted!r}, so no model was loaded; choose one of: "
            f"{', '.join(DEVICES)}."
        )
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted is not None and not there.get(wanted, True):
        raise ModelError(
            f"This machine has no usable {_TITLES[wanted]}, so no model was loaded; leave the "
            "device to Playteach or choose the CPU."
        )
    if wanted == "cuda" or (wanted is None and there["cuda"]):
        half = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
        where = f"Plays on the GPU ({torch.cuda.get_device_name()})"
        return DeviceChoice("cuda", "float32" if small else half, f"{where}: it is the fastest.")
    if wanted == "mps" or (wanted is None and there["mps"]):
        dtype = "float32" if small else "float16"
        return DeviceChoice("mps", dtype, "Plays on the GPU of this Mac: it is the fastest.")
    why = "as asked" if wanted == "cpu" else "no CUDA device found"
    if not small and cpu_has_fast_bf16():
        return DeviceChoice("cpu", "bfloat16", f"Plays on the CPU in bfloat16: {why}.")
    return DeviceChoice("cpu", "float32", f"Plays on the CPU: {why}.")


def default_threads() -> int:
    """Return how many CPU threads a model should take where nobody said.

    Half of the cores: game, window and recorder run beside it, and a thread that waits
    for a core holds up all the others of the same product.
    """
    return max(1, (os.cpu_count() or 1) // 2)
