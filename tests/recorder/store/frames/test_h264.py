from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.benchmarks.recording_measure import psnr_db
from recorder.errors import DataError
from recorder.store.frames.h264 import SegmentEncoder, decode_segment, frames_per_segment
from recorder.types import RGBImage


def encode(frames: list[RGBImage], *, blocky: bool = False) -> bytes:
    height, width = frames[0].shape[:2]
    encoder = SegmentEncoder(width, height, 20.0, blocky=blocky)
    for frame in frames:
        encoder.add(frame)
    return encoder.finish()


@given(
    width=st.integers(1, 70), height=st.integers(1, 50), count=st.integers(1, 16),
    blocky=st.booleans(),
)  # fmt: skip
@settings(max_examples=12, deadline=None)
def test_any_size_comes_back_with_every_frame(
    width: int, height: int, count: int, blocky: bool
) -> None:
    frames = [np.full((height, width, 3), 10 * i + 20, np.uint8) for i in range(count)]
    back = list(decode_segment(encode(frames, blocky=blocky), width, height))
    assert [frame.shape for frame in back] == [(height, width, 3)] * count
    assert all(np.abs(a.astype(int) - b).max() <= 3 for a, b in zip(back, frames, strict=True))


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)])
def test_pure_colours_keep_their_value_and_their_edges(colour: tuple[int, int, int]) -> None:
    # Single-pixel stripes: what subsampled colour would smear into grey.
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[:, ::2] = colour
    (back,) = decode_segment(encode([rgb]), 64, 64)
    assert np.abs(back.astype(int) - rgb).mean() < 6


def test_hard_edges_are_truer_without_smoothing() -> None:
    # Squares of texels that move, as in a game of blocks.
    rng = np.random.default_rng(3)
    wall = rng.integers(40, 216, (24, 36, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    frames = [np.ascontiguousarray(wall[:144, 3 * i : 3 * i + 224]) for i in range(8)]
    errors, sizes = {}, {}
    for blocky in (False, True):
        data = encode(frames, blocky=blocky)
        back = np.stack(list(decode_segment(data, 224, 144))).astype(float)
        errors[blocky] = ((back - np.stack(frames)) ** 2).mean()
        sizes[blocky] = len(data)
    assert psnr_db(errors[True]) > psnr_db(errors[False])
    assert sizes[True] < 1.1 * sizes[False]


def test_the_range_is_not_squeezed() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 32, 0).repeat(3, 2)
    (back,) = decode_segment(encode([ramp]), 256, 32)
    error = ((back.astype(float) - ramp) ** 2).mean()
    assert psnr_db(error) > 45
    assert back.min() <= 3
    assert back.max() >= 252


def test_a_segment_is_at_most_three_quarters_of_a_second() -> None:
    for rate_hz in (1.0, 17.5, 20.0, 60.0):
        assert frames_per_segment(rate_hz) <= max(1, 0.75 * rate_hz)
    assert frames_per_segment(20.0) == 15


def test_cut_or_foreign_bytes_are_known_errors(make_picture: Callable[..., RGBImage]) -> None:
    data = encode([make_picture(i) for i in range(15)])
    with pytest.raises(DataError, match="damaged"):
        list(decode_segment(b"no video at all" * 20, 32, 18))
    with pytest.raises(DataError, match="32 x 18 where 64 x 18"):
        list(decode_segment(data, 64, 18))


def test_frames_of_another_size_are_refused(make_picture: Callable[..., RGBImage]) -> None:
    encoder = SegmentEncoder(32, 18, 20.0)
    with pytest.raises(ValueError, match="frame is"):
        encoder.add(make_picture(0, 16, 18))
