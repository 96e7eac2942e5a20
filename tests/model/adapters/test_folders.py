"""Adapter folders: whole or not there, never edited, refused where they do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.adapters.folders import AdapterMeta, MergedAdapter, fingerprint, read_meta, write_adapter
from model.vla import vla
from model.vla.play_options import PlayOptions
from model.vla.vla import VlaPolicy
from recorder.errors import DataError, ModelError

WEIGHTS = "adapter_model.safetensors"
META = AdapterMeta("lesson", "base", parent="first", round_id=3, metrics={"loss": 0.25})


class Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.one = torch.nn.Linear(5, 3)
        self.two = torch.nn.Linear(3, 3, bias=False)


def tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return {
        "base_model.model.one.lora_A.weight": torch.randn(2, 5, generator=generator),
        "base_model.model.one.lora_B.weight": torch.randn(3, 2, generator=generator),
    }


def written(folder: Path, meta: AdapterMeta = META) -> Path:
    write_adapter(folder / meta.name, tensors(), {"r": 2, "lora_alpha": 8}, meta)
    return folder / meta.name


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = written(tmp_path / "deep" / "adapters")
    assert read_meta(folder) == META
    assert sorted(path.name for path in folder.parent.iterdir()) == ["lesson"]
    state = load_file(folder / WEIGHTS)
    assert all(torch.equal(state[name], tensor) for name, tensor in tensors().items())


def test_a_folder_is_never_written_twice(tmp_path: Path) -> None:
    folder = written(tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ModelError, match="never overwritten"):
        written(tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_write_that_was_cut_off_is_no_adapter_and_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", full)
        with pytest.raises(DataError, match="No space left on device"):
            written(tmp_path)
    assert list(tmp_path.iterdir()) == []
    # A process that was killed cleans up nothing.
    half = tmp_path / ".lesson.new"
    half.mkdir()
    (half / "adapter.json").write_text(json.dumps({"name": "lesson", "base": "base"}))
    (half / WEIGHTS).write_bytes(b"half")
    assert read_meta(written(tmp_path)) == META


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"name": 3, "base": "x"}',
        '{"title": "x"}',
        '{"name": "x"}',
        '{"name": "x", "base": "x", "remembers": {"hop": ["fly"]}}',
    ],
)
def test_metadata_that_is_none_is_one_sentence(tmp_path: Path, text: str) -> None:
    folder = written(tmp_path)
    (folder / "adapter.json").write_text(text)
    with pytest.raises(ModelError, match="no adapter of Playteach's"):
        read_meta(folder)


def test_a_merged_weight_is_the_weight_plus_the_scaled_product(tmp_path: Path) -> None:
    model = Model()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    merged = MergedAdapter(model)
    assert merged.apply(written(tmp_path), "base") == META
    down, up = tensors().values()
    torch.testing.assert_close(model.one.weight, before["one.weight"] + 4 * up @ down)
    assert torch.equal(model.one.bias, before["one.bias"])
    assert torch.equal(model.two.weight, before["two.weight"])
    # A second adapter takes the first one's place, it does not add to it.
    merged.apply(tmp_path / "lesson", "base")
    torch.testing.assert_close(model.one.weight, before["one.weight"] + 4 * up @ down)
    merged.remove()
    merged.remove()
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())


def rank_zero(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"r": 0, "lora_alpha": 8}')


def no_rank(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")


def config_is_a_list(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("[2, 8]")


def no_config(folder: Path) -> None:
    (folder / "adapter_config.json").unlink()


def truncated(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[:-7])


def empty(folder: Path) -> None:
    save_file({}, folder / WEIGHTS)


def one_half(folder: Path) -> None:
    save_file(dict(list(tensors().items())[:1]), folder / WEIGHTS)


def other_half(folder: Path) -> None:
    save_file(dict(list(tensors().items())[1:]), folder / WEIGHTS)


def not_finite(folder: Path) -> None:
    state = tensors()
    state["base_model.model.one.lora_B.weight"][0, 0] = float("nan")
    save_file(state, folder / WEIGHTS)


def halves_that_do_not_meet(folder: Path) -> None:
    state = tensors()
    state["base_model.model.one.lora_B.weight"] = torch.ones(3, 1)
    save_file(state, folder / WEIGHTS)


def something_else(folder: Path) -> None:
    save_file({**tensors(), "base_model.model.one.weight": torch.ones(3, 5)}, folder / WEIGHTS)


def another_shape(folder: Path) -> None:
    save_file({n.replace("one", "two"): t for n, t in tensors().items()}, folder / WEIGHTS)


def unknown_weight(folder: Path) -> None:
    save_file({n.replace("one", "ten"): t for n, t in tensors().items()}, folder / WEIGHTS)


def newer_tokens(folder: Path) -> None:
    meta = json.loads((folder / "adapter.json").read_text())
    (folder / "adapter.json").write_text(json.dumps({**meta, "codec_version": 2}))


def no_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (rank_zero, "damaged"),
        (no_rank, "damaged"),
        (config_is_a_list, "damaged"),
        (no_config, "damaged"),
        (truncated, "damaged"),
        (empty, "damaged"),
        (one_half, "damaged"),
        (other_half, "damaged"),
        (not_finite, "not finite"),
        (halves_that_do_not_meet, "damaged"),
        (something_else, "no part of a LoRA"),
        (another_shape, "does not fit"),
        (unknown_weight, "does not fit"),
        (newer_tokens, "newer Playteach"),
        (no_weights, "lost its weights"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_adapter_that_is_no_good_is_one_sentence_and_changes_nothing(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    folder = written(tmp_path)
    spoil(folder)
    model = Model()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    with pytest.raises(ModelError, match=words) as caught:
        MergedAdapter(model).apply(folder, "base")
    assert "\n" not in str(caught.value)
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())


@pytest.mark.parametrize("bits", ["8bit", "4bit"])
def test_an_adapter_on_few_bits_is_one_sentence_before_anything_is_read(
    bits: str, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the weights were read")

    monkeypatch.setattr(vla, "load_weights", never)
    options = PlayOptions(precision=bits)
    sentence = rf"'round-7' plays on weights of 16 bits and cannot .* those of {bits[0]}, .*bf16"
    with pytest.raises(ModelError, match=sentence):
        VlaPolicy.load(checkpoint, adapter=tmp_path / "round-7", device="cpu", options=options)


def test_a_fingerprint_is_of_every_weight_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no safetensors"):
        fingerprint(tmp_path)
    (tmp_path / "a.safetensors").write_bytes(b"one")
    (tmp_path / "notes.txt").write_bytes(b"not a weight")
    first = fingerprint(tmp_path)
    (tmp_path / "notes.txt").write_bytes(b"changed")
    assert fingerprint(tmp_path) == first
    (tmp_path / "b.safetensors").write_bytes(b"two")
    both = fingerprint(tmp_path)
    assert both != first
    (tmp_path / "b.safetensors").write_bytes(b"three")
    assert fingerprint(tmp_path) != both
    (tmp_path / "b.safetensors").unlink()
    assert fingerprint(tmp_path) == first


def test_a_fingerprint_is_the_plain_sha256_of_the_files(checkpoint: Path) -> None:
    import hashlib

    data = (checkpoint / "model.safetensors").read_bytes()
    assert fingerprint(checkpoint) == hashlib.sha256(data).hexdigest()
