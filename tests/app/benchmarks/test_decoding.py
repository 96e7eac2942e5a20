"""The decoding benchmark on a few pictures and a small shape, and its baseline's grammar."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from app.benchmarks.decoding import measure
from app.benchmarks.decoding_cases.large import copy_speed, eight_tokens, measure_cuda
from app.benchmarks.decoding_cases.shapes import QWEN_2B, QWEN_7B
from model.actions.tokens import ACTION_BEGIN, decode_ids
from model.vla.preprocess import CheckpointSpec

SMALL = replace(
    QWEN_2B, name="small", hidden=64, intermediate=128, layers=2, heads=2, key_heads=1,
    vocabulary=1000,
)  # fmt: skip


def test_the_parameters_of_the_shapes_are_those_published() -> None:
    assert QWEN_2B.language_parameters == pytest.approx(1.54e9, rel=0.01)
    assert QWEN_7B.language_parameters == pytest.approx(7.62e9, rel=0.01)


def test_the_benchmark_says_what_it_measured_and_that_answers_agree() -> None:
    said: list[str] = []
    document = measure(1, said.append, count=3, shape=SMALL, prompt=20, threads=1)
    median = document["median"]
    assert median["greedy_agreement"] == 1
    assert median["large_agreement"] == 1
    assert median["takeover_ticks"] <= 1
    assert all(median[name] > 0 for name in ("default_decoding_x", "default_whole_x"))
    assert document["large"]["shape"] == "small"
    assert set(document["targets"]) >= {"default_decoding_x", "default_whole_x", "large_decoding_x"}
    if not torch.cuda.is_available():
        assert "There is no CUDA GPU here" in document["cuda"]
        assert document["cuda"] in said
        assert not any(name.startswith("cuda") for name in document["targets"])


def test_the_gpu_s_measurement_runs_on_any_device() -> None:
    spec = CheckpointSpec(width=112, height=84)
    shape = replace(SMALL, vision_depth=1, vision_width=64, vision_heads=2)
    torch.set_num_threads(1)
    # Twice: a step of a round must leave the model as it was.
    found = measure_cuda(2, shape, spec, "cpu")
    for figures in found.each:
        assert figures["cuda_agreement"] == 1
        assert (figures["cuda_lora_step_s"] or 0) > 0
        assert (figures["cuda_bandwidth_share"] or 0) > 0
        assert (figures["cuda_passes_an_action"] or 0) >= 1
    assert re.search(r"passes x .* GB/s copied here = .* ms", found.facts["bound"])
    assert copy_speed("cpu", 1 << 16) > 0


def test_a_gpu_that_is_too_small_is_said_and_nothing_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (6_000_000_000, 8_000_000_000))
    found = measure_cuda(2)
    assert "6.0 GB are free" in found.facts["skipped"]
    assert [figures["cuda_actions_per_s"] for figures in found.each] == [None, None]


def test_the_grammar_of_eight_tokens_always_ends_in_one_action() -> None:
    prefix = [ACTION_BEGIN]
    while legal := eight_tokens(prefix):
        prefix.append(legal[-1])
    assert len(prefix) == 8
    assert len(decode_ids(prefix)) == 1
