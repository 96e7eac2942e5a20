"""Where a model runs, in which numbers, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.vla import device
from model.vla.device import choose_device, cpu_has_fast_bf16, default_threads
from recorder.errors import ModelError, UsageError


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a CPU without bfloat16, whatever this one has."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(device, "cpu_has_fast_bf16", lambda: False)


def with_cuda(monkeypatch: pytest.MonkeyPatch, *, bf16: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Fast Card")


def test_a_machine_with_nothing_but_a_cpu() -> None:
    choice = choose_device()
    assert (choice.device, choice.dtype) == ("cpu", "float32")
    assert choice.reason == "Plays on the CPU: no CUDA device found."
    assert choose_device("cpu").reason == "Plays on the CPU: as asked."


@pytest.mark.parametrize(("small", "dtype"), [(True, "float32"), (False, "bfloat16")])
def test_bfloat16_is_for_large_models_on_a_cpu_that_multiplies_it(
    monkeypatch: pytest.MonkeyPatch, small: bool, dtype: str
) -> None:
    monkeypatch.setattr(device, "cpu_has_fast_bf16", lambda: True)
    choice = choose_device(small=small)
    assert choice.dtype == dtype
    assert ("bfloat16" in choice.reason) == (dtype == "bfloat16")


@pytest.mark.parametrize(
    ("small", "bf16", "dtype"),
    [(True, True, "float32"), (False, True, "bfloat16"), (False, False, "float16")],
)
def test_a_gpu_is_taken_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, small: bool, bf16: bool, dtype: str
) -> None:
    with_cuda(monkeypatch, bf16=bf16)
    choice = choose_device(small=small)
    assert (choice.device, choice.dtype) == ("cuda", dtype)
    assert "Fast Card" in choice.reason
    assert choose_device("cpu", small=small).device == "cpu"


def test_the_gpu_of_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert (choose_device().device, choose_device().dtype) == ("mps", "float32")
    assert choose_device(small=False).dtype == "float16"


@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_one_sentence(wanted: str) -> None:
    with pytest.raises(ModelError, match="no usable"):
        choose_device(wanted)


def test_a_device_that_does_not_exist_is_one_sentence() -> None:
    with pytest.raises(UsageError, match="no device called 'toaster'"):
        choose_device("toaster")


@pytest.mark.parametrize(
    ("flags", "fast"),
    [("fma avx2 avx512f", False), ("avx512_bf16", True), ("amx_tile amx_bf16", True), ("", False)],
)
def test_a_cpu_says_whether_it_multiplies_bfloat16(
    monkeypatch: pytest.MonkeyPatch, flags: str, fast: bool
) -> None:
    monkeypatch.setattr(device.platform, "system", lambda: "Linux")
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: f"flags : {flags}\n")
    assert cpu_has_fast_bf16() is fast


def test_a_system_that_does_not_tell_is_taken_as_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(*_: object, **__: object) -> str:
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", hidden)
    assert not cpu_has_fast_bf16()
    monkeypatch.setattr(device.platform, "system", lambda: "Windows")
    assert not cpu_has_fast_bf16()


@pytest.mark.parametrize(("cores", "threads"), [(None, 1), (1, 1), (2, 1), (8, 4)])
def test_half_of_the_cores_is_left_to_the_game(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, threads: int
) -> None:
    monkeypatch.setattr(device.os, "cpu_count", lambda: cores)
    assert default_threads() == threads
