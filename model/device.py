"""Which device and number format a model runs in, and why."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path


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
    """Choose by what is there; ``wanted`` overrides the device.

    A ``small`` model is quicker in float32 on every CPU, so bfloat16 is left to large ones.
    """
    import torch

    if wanted == "cuda" or (wanted is None and torch.cuda.is_available()):
        name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CUDA"
        return DeviceChoice("cuda", "bfloat16", f"Plays on the GPU: {name}.")
    if wanted == "mps" or (wanted is None and torch.backends.mps.is_available()):
        return DeviceChoice("mps", "float16", "Plays on the GPU of this Mac.")
    why = "as asked" if wanted == "cpu" else "no CUDA device found"
    if not small and cpu_has_fast_bf16():
        return DeviceChoice("cpu", "bfloat16", f"Plays on the CPU in bfloat16: {why}.")
    return DeviceChoice("cpu", "float32", f"Plays on the CPU: {why}.")
