"""One path from a frame to the tower: the same numbers as Qwen2-VL's own processor."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.vla.preprocess import (
    JARVIS_SPEC,
    SPEC_FILE,
    SPEC_VERSION,
    CheckpointSpec,
    load_spec,
    patches,
    resize,
    save_spec,
)
from model.vla.tiny import TINY_SPEC
from recorder.errors import ModelError

SMALL_JPEG = CheckpointSpec(width=112, height=56)
SMALL = CheckpointSpec(pixels="coordinates", width=96, height=64, patch_size=16, prompt="plain")


def picture(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def uncut(cut: NDArray[np.float32], spec: CheckpointSpec, slice_: int) -> NDArray[np.float32]:
    """Put one temporal slice of one picture's patches together again, the slow way."""
    rows, columns = spec.grid
    side, merge = spec.patch_size, spec.merge_size
    image = np.zeros((spec.height, spec.width, 3), dtype=np.float32)
    blocks = iter(cut.reshape(-1, 3, 2, side, side))
    for block_row in range(0, rows, merge):
        for block_column in range(0, columns, merge):
            for row in range(block_row, block_row + merge):
                for column in range(block_column, block_column + merge):
                    y, x = row * side, column * side
                    image[y : y + side, x : x + side] = next(blocks)[:, slice_].transpose(1, 2, 0)
    return image


def test_jarvis_pictures_are_the_published_ones() -> None:
    assert JARVIS_SPEC.grid == (26, 46)
    assert JARVIS_SPEC.image_tokens == 13 * 23
    assert JARVIS_SPEC.token_grid == (13, 23)


def test_jpeg_patches_are_those_of_transformers_own_processor() -> None:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
        Qwen2VLImageProcessorPil,
    )

    image = picture(SMALL_JPEG.width, SMALL_JPEG.height)
    processor = Qwen2VLImageProcessorPil(min_pixels=28 * 28, max_pixels=10**7)
    expected = processor(images=[image], return_tensors="np")
    assert expected["image_grid_thw"].tolist() == [[1, *SMALL_JPEG.grid]]
    ours = patches(image[None], SMALL_JPEG)[0]
    np.testing.assert_allclose(ours, expected["pixel_values"], atol=1e-5)


def test_coordinate_patches_hold_the_picture_and_where_each_pixel_is() -> None:
    image = picture(SMALL.width, SMALL.height)
    cut = patches(image[None], SMALL)
    assert cut.shape == (1, 24, 3 * 2 * 16 * 16)
    assert cut.dtype == np.float32
    np.testing.assert_allclose(uncut(cut[0], SMALL, 0), image / 127.5 - 1, atol=1e-6)
    places = uncut(cut[0], SMALL, 1)
    np.testing.assert_allclose(
        places[:, :, 0], np.linspace(-1, 1, 96)[None].repeat(64, 0), atol=1e-6
    )
    np.testing.assert_allclose(
        places[:, :, 1], np.linspace(-1, 1, 64)[:, None].repeat(96, 1), atol=1e-6
    )
    assert not places[:, :, 2].any()


@pytest.mark.parametrize("spec", [SMALL, SMALL_JPEG], ids=lambda spec: spec.pixels)
def test_a_batch_is_its_pictures_one_by_one(spec: CheckpointSpec) -> None:
    images = np.stack([picture(spec.width, spec.height, seed) for seed in range(3)])
    batch = patches(images, spec)
    for index in range(3):
        assert np.array_equal(batch[index], patches(images[index : index + 1], spec)[0])


@pytest.mark.parametrize("spec", [TINY_SPEC, JARVIS_SPEC], ids=lambda spec: spec.pixels)
@pytest.mark.parametrize("size", [(640, 360), (320, 180), (64, 64)])
def test_every_frame_comes_out_at_the_checkpoints_size(
    spec: CheckpointSpec, size: tuple[int, int]
) -> None:
    frame = picture(*size)
    frame.flags.writeable = False
    small = resize(frame, spec)
    assert small.shape == (spec.height, spec.width, 3)
    assert small.dtype == np.uint8


def test_a_picture_of_the_right_size_is_left_alone_unless_it_goes_through_jpeg() -> None:
    image = picture(SMALL.width, SMALL.height)
    assert np.array_equal(resize(image, SMALL), image)
    flat = np.full((56, 112, 3), 90, dtype=np.uint8)
    assert np.abs(resize(flat, SMALL_JPEG).astype(int) - 90).max() <= 2
    noisy = picture(SMALL_JPEG.width, SMALL_JPEG.height)
    assert not np.array_equal(resize(noisy, SMALL_JPEG), noisy)


def test_a_spec_survives_its_file(tmp_path: Path) -> None:
    save_spec(tmp_path, TINY_SPEC)
    assert load_spec(tmp_path) == TINY_SPEC


def test_a_folder_without_a_spec_is_jarvis(tmp_path: Path) -> None:
    assert load_spec(tmp_path) == JARVIS_SPEC


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ('{"colour": "red"}', "cannot be read"),
        ("[]", "cannot be read"),
        (json.dumps({"version": SPEC_VERSION + 1}), "newer Playteach"),
        ('{"pixels": "sound"}', "cannot make"),
        ('{"width": 645}', "cannot make"),
        ('{"height": 0}', "cannot make"),
        ('{"patch_size": 0}', "cannot make"),
        ('{"width": "wide"}', "cannot"),
    ],
)
def test_a_file_that_is_no_spec_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / SPEC_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=words):
        load_spec(tmp_path)
