"""Memory told before loading, beside what loading took; tokenizers that are put right."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.benchmarks.decoding_cases.shapes import QWEN_2B, random_model
from model.vla.device import DeviceChoice
from model.vla.memory import check_memory, check_precision, predict
from model.vla.tiny import RESERVED_NAMES, build_tokenizer
from model.vla.tokenizers import QWEN_TOKENS, added_tokens, check_tokenizer, repair_tokenizer
from recorder.errors import ModelError, UsageError

SHAPE = replace(
    QWEN_2B, name="measured", hidden=512, intermediate=2048, layers=10, heads=8, key_heads=2,
    vocabulary=24_000,
)  # fmt: skip
MEASURE = """
import sys, torch, psutil
from pathlib import Path
from transformers import Qwen2VLForConditionalGeneration
torch.set_num_threads(1)
small = torch.nn.Linear(4, 4)(torch.zeros(1, 4))
held = []
for dtype in sys.argv[2:]:
    before = psutil.Process().memory_info().rss
    model = Qwen2VLForConditionalGeneration.from_pretrained(
        Path(sys.argv[1]), dtype=getattr(torch, dtype), local_files_only=True)
    # Weights are mapped from their file until they are read.
    total = sum(float(p.float().sum()) for p in model.parameters())
    print(psutil.Process().memory_info().rss - before)
    # What is given back would not be taken by the next one.
    held.append(model)
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of 100 to 200 MB, stored in bfloat16."""
    import torch

    folder = tmp_path_factory.mktemp("memory") / "measured"
    tokenizer = build_tokenizer(["go"] * 4, 600)
    random_model(SHAPE, tokenizer, torch.bfloat16, "cpu").save_pretrained(folder)
    return folder


@pytest.mark.long(8, "torch is loaded anew, and a model of 200 MB twice")
def test_the_weights_take_what_was_foretold(measured: Path) -> None:
    """In a process of its own: what this one has given back would not show."""
    types = ("float32", "bfloat16")
    command = [sys.executable, "-W", "ignore", "-c", MEASURE, str(measured), *types]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for dtype, took in zip(types, done.stdout.split()[-2:], strict=True):
        assert predict(measured, dtype).weights == pytest.approx(int(took), rel=0.15), dtype


def test_fewer_bits_shrink_the_layers_alone(measured: Path) -> None:
    whole = predict(measured, "bfloat16").weights
    layers = SHAPE.language_parameters - SHAPE.vocabulary * SHAPE.hidden
    assert whole - predict(measured, "bfloat16", "8bit").weights == pytest.approx(layers, rel=0.02)
    four = predict(measured, "bfloat16", "4bit").weights
    assert whole - four == pytest.approx(layers * (2 - 0.5625), rel=0.02)


class Memory:
    available = 0


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> type[Memory]:
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    return Memory


def test_what_does_not_fit_is_told_with_what_would(measured: Path, free: type[Memory]) -> None:
    choice = DeviceChoice("cpu", "bfloat16", "")
    need = predict(measured, "bfloat16")
    free.available = need.total
    check_memory(measured, choice)
    free.available = need.total - 1
    with pytest.raises(ModelError, match=r"GB are free.*play it with 8bit .*4bit"):
        check_memory(measured, choice)
    free.available = 10
    with pytest.raises(ModelError, match="let a server play it"):
        check_memory(measured, choice)


def test_the_context_of_a_gpu_and_the_cache_count(measured: Path) -> None:
    here, there = (predict(measured, "bfloat16", device=d) for d in ("cpu", "cuda"))
    assert there.total > here.total
    assert here.cache == 2 * 10 * 2 * 64 * 1024 * 2


def test_an_unknown_precision_is_refused(measured: Path) -> None:
    with pytest.raises(UsageError, match="3bit"):
        predict(measured, "bfloat16", "3bit")
    with pytest.raises(UsageError, match="3bit"):
        check_precision("3bit", DeviceChoice("cpu", "float32", ""))
    assert check_precision("bf16", DeviceChoice("cpu", "float32", "")).dtype == "bfloat16"


class Weight:
    def __init__(self, rows: int) -> None:
        self.shape = (rows, 8)


class Model:
    """What the checks ask of a model: its embeddings' rows and its picture's id."""

    def __init__(self, rows: int, image: int) -> None:
        self.weight = Weight(rows)
        self.config = self
        self.image_token_id = image

    def get_input_embeddings(self) -> Model:
        return self


def qwen(words: int = 151_643) -> Any:
    """A tokenizer with Qwen2-VL's special tokens at their places; its words are numbers."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    vocabulary = {str(n): n for n in range(words)}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary, unk_token="0"))
    )
    marks = "object_ref_start object_ref_end box_start box_end quad_start quad_end vision_start"
    marks = f"endoftext im_start im_end {marks} vision_end vision_pad image_pad video_pad"
    special = [f"<|{mark}|>" for mark in marks.split()]
    tokenizer.add_tokens(special, special_tokens=True)
    return tokenizer


def test_the_added_tokens_are_251_in_their_order() -> None:
    assert added_tokens() == RESERVED_NAMES
    assert len(added_tokens()) == 251


def test_a_tokenizer_that_lost_its_action_tokens_is_repaired() -> None:
    tokenizer = qwen()
    model = Model(152_064, 151_655)
    assert len(tokenizer) == QWEN_TOKENS
    with pytest.raises(ModelError, match="lacks the action tokens"):
        check_tokenizer(Path("jarvis"), model, tokenizer)
    assert repair_tokenizer(tokenizer, 152_064)
    check_tokenizer(Path("jarvis"), model, tokenizer)
    assert tokenizer.convert_tokens_to_ids("<|reserved_special_token_178|>") == 151_835
    assert tokenizer.convert_tokens_to_ids("<|reserved_special_token_250|>") == 151_907
    assert not repair_tokenizer(tokenizer, 152_064)


@pytest.mark.parametrize("words", [151_642, 151_644])
def test_any_other_tokenizer_is_refused_and_left_alone(words: int) -> None:
    tokenizer = qwen(words)
    assert not repair_tokenizer(tokenizer, 152_064)
    with pytest.raises(ModelError, match="another model"):
        check_tokenizer(Path("jarvis"), Model(152_064, 151_655), tokenizer)


def test_action_tokens_at_other_places_are_refused() -> None:
    tokenizer = qwen()
    tokenizer.add_tokens(["<|new|>", *added_tokens()], special_tokens=True)
    with pytest.raises(ModelError, match="another model"):
        check_tokenizer(Path("jarvis"), Model(152_064, 151_655), tokenizer)


def test_too_few_rows_are_not_repaired() -> None:
    assert not repair_tokenizer(qwen(), QWEN_TOKENS)
