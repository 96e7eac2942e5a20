"""The decoding benchmark on a few pictures and a small shape, and its baseline's grammar."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from app.benchmarks.decoding import measure
from app.benchmarks.decoding_large import copy_speed, eight_tokens, measure_cuda
from app.benchmarks.decoding_shapes import QWEN_2B, QWEN_7B
from model.preprocess import CheckpointSpec
from model.tokens import ACTION_BEGIN, decode_ids

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
    assert document["cuda"]
    assert said


def test_the_gpu_s_measurement_runs_on_any_device() -> None:
    spec = CheckpointSpec(width=112, height=84)
    shape = replace(SMALL, vision_depth=1, vision_width=64, vision_heads=2)
    torch.set_num_threads(1)
    found = measure_cuda(1, shape, spec, "cpu")
    assert found.each[0]["cuda_agreement"] == 1
    assert found.each[0]["cuda_lora_step_s"] > 0
    assert "GB/s" in found.facts["bound"]
    assert copy_speed("cpu", 1 << 16) > 0


def test_the_grammar_of_eight_tokens_always_ends_in_one_action() -> None:
    prefix = [ACTION_BEGIN]
    while legal := eight_tokens(prefix):
        prefix.append(legal[-1])
    assert len(prefix) == 8
    assert len(decode_ids(prefix)) == 1
