"""What a checkpoint's own files say is adopted, or named beside what is played."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_jarvis import write_small_jarvis

from model.language.prompts import SYSTEM_SENTENCE
from model.vla.own_files import PICTURES_FILE, disagreement
from model.vla.preprocess import JARVIS_SPEC, CheckpointSpec, load_spec, patches, save_spec
from model.vla.vla import VlaPolicy
from recorder.errors import ModelError


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_jarvis(tmp_path_factory.mktemp("released") / "small")


@pytest.fixture
def folder(released: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(released, tmp_path / "mine"))


def change(folder: Path, file: str, **values: Any) -> None:
    path = folder / file
    raw = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**raw, **values}), encoding="utf-8")


def test_the_released_files_agree_with_how_it_is_played(folder: Path) -> None:
    assert load_spec(folder) == JARVIS_SPEC
    assert disagreement(folder, JARVIS_SPEC) == ""


@pytest.mark.parametrize(
    "given",
    [
        {"max_pixels": 100_000},
        {"max_pixels": 28 * 28, "min_pixels": 1},
        {"min_pixels": 400_000},
        {"size": {"shortest_edge": 3136, "longest_edge": 60_000}, "max_pixels": None},
        {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.25, 0.3]},
    ],
)
def test_pictures_are_those_of_the_checkpoints_own_processor(
    folder: Path, given: dict[str, Any]
) -> None:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
        Qwen2VLImageProcessorPil,
    )

    change(folder, PICTURES_FILE, **given)
    if given.get("max_pixels", 0) is None:
        raw = json.loads((folder / PICTURES_FILE).read_text(encoding="utf-8"))
        kept = {name: raw[name] for name in raw if name not in ("max_pixels", "min_pixels")}
        (folder / PICTURES_FILE).write_text(json.dumps(kept), encoding="utf-8")
    spec = load_spec(folder)
    processor = Qwen2VLImageProcessorPil.from_pretrained(folder, local_files_only=True)
    frame = np.random.default_rng(1).integers(0, 256, (360, 640, 3), dtype=np.uint8)
    theirs = processor(images=[frame], return_tensors="np")
    assert tuple(theirs["image_grid_thw"][0]) == (1, *spec.grid)
    # The same numbers from a picture that needs no scaling.
    exact = np.random.default_rng(2).integers(0, 256, (spec.height, spec.width, 3), dtype=np.uint8)
    wanted = processor(images=[exact], return_tensors="np")
    if tuple(wanted["image_grid_thw"][0]) == (1, *spec.grid):
        np.testing.assert_allclose(
            patches(exact[None], spec)[0], wanted["pixel_values"], rtol=0, atol=2e-5
        )
    assert disagreement(folder, spec) == ""


def test_where_two_files_do_not_agree_both_values_are_named(folder: Path) -> None:
    change(folder, PICTURES_FILE, max_pixels=100_000, image_mean=[0.5, 0.5, 0.5])
    save_spec(folder, JARVIS_SPEC)
    spec = load_spec(folder)
    assert spec == JARVIS_SPEC
    said = disagreement(folder, spec)
    assert "pictures of 420 x 224 by preprocessor_config.json, of 644 x 364 in play" in said
    assert "a mean of 0.5/0.5/0.5 by preprocessor_config.json, of 0.481455/" in said
    assert said.endswith("what is played counts.")
    # What it knows of places is in the pictures: no processor's numbers are in them.
    assert disagreement(folder, replace(spec, pixels="coordinates", prompt="plain")) == ""


TEMPLATE = (
    "{% for message in messages %}{% if loop.first %}<|im_start|>system\\nYou play Minecraft."
    "<|im_end|>\\n{% endif %}{% endfor %}"
)


@pytest.mark.parametrize("where", ["chat_template.jinja", "chat_template.json", "tokenizer"])
@pytest.mark.parametrize("ends", ["\n", "\\n"])
def test_another_system_turn_is_named_beside_ours(folder: Path, where: str, ends: str) -> None:
    text = TEMPLATE.replace("\\n", ends)
    for name in ("chat_template.jinja", "chat_template.json"):
        (folder / name).unlink(missing_ok=True)
    if where == "chat_template.jinja":
        (folder / where).write_text(text, encoding="utf-8")
    elif where == "tokenizer":
        several = [{"name": "tools", "template": "x"}, {"name": "default", "template": text}]
        change(folder, "tokenizer_config.json", chat_template=several)
    else:
        change(folder, where, chat_template=text)
    said = disagreement(folder, load_spec(folder))
    assert "the system turn “You play Minecraft.” by its chat template" in said
    assert f"“{SYSTEM_SENTENCE}” in play" in said


def test_a_template_is_read_and_never_run(folder: Path) -> None:
    endless = (
        "{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}"
    )
    (folder / "chat_template.jinja").write_text(endless, encoding="utf-8")
    assert "no fixed system turn by its chat template" in disagreement(folder, JARVIS_SPEC)


@pytest.mark.parametrize(
    "given",
    [
        {"max_pixels": "many"},
        {"max_pixels": 5},
        {"min_pixels": 10**6, "max_pixels": 10**5},
        {"image_mean": [0.5, 0.5]},
        {"image_mean": 3},
        {"image_std": [0.2, 0.0, 0.2]},
        {"image_std": [0.2, float("inf"), 0.2]},
        {"min_pixels": 10**12, "max_pixels": 10**13},
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(folder: Path, given: dict[str, Any]) -> None:
    change(folder, PICTURES_FILE, **given)
    with pytest.raises(ModelError, match=r"preprocessor_config\.json of the checkpoint 'mine'"):
        load_spec(folder)


def test_own_numbers_come_back_and_usual_ones_are_not_written(tmp_path: Path) -> None:
    save_spec(tmp_path, CheckpointSpec())
    written = json.loads((tmp_path / "playteach.json").read_text(encoding="utf-8"))
    assert not {"mean", "std"} & set(written)
    own = CheckpointSpec(mean=(0.5, 0.4, 0.3), std=(0.1, 0.2, 0.3))
    save_spec(tmp_path, own)
    assert load_spec(tmp_path) == own


def test_the_player_says_it(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    policy = VlaPolicy.load(folder, device="cpu", threads=1)
    assert "You play Minecraft." in policy.disagreement
