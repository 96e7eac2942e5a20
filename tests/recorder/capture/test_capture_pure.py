from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.capture.base import SENTENCES, Rect, Trouble, WindowState
from recorder.capture.grab import MssGrabber, fit, fitted_size, rgb_of
from recorder.capture.system import refuse
from recorder.errors import GameError, NoDisplayError
from recorder.types import MAX_FRAME_HEIGHT, MAX_FRAME_WIDTH

SIDES = st.integers(1, 5000)
RECTS = st.builds(
    Rect, st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 60), st.integers(1, 60)
)


@given(RECTS, RECTS)
def test_overlap_is_a_shared_pixel(one: Rect, other: Rect) -> None:
    shared = {
        (x, y)
        for x in range(max(one.left, other.left), min(one.right, other.right))
        for y in range(max(one.top, other.top), min(one.bottom, other.bottom))
    }
    assert one.overlaps(other) is other.overlaps(one) is bool(shared)
    assert all(one.contains(*pixel) and other.contains(*pixel) for pixel in shared)
    assert one.inside(other) is (len(shared) == one.width * one.height)


@given(SIDES, SIDES)
def test_a_picture_is_made_to_fit_and_never_larger(width: int, height: int) -> None:
    wide, high = fitted_size(width, height)
    assert 2 <= wide <= MAX_FRAME_WIDTH
    assert 2 <= high <= MAX_FRAME_HEIGHT
    assert wide % 2 == high % 2 == 0


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32))
def test_colours_come_in_their_order(width: int, height: int, seed: int) -> None:
    screen = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    rgb = rgb_of(screen)
    assert (rgb == screen[..., [2, 1, 0]]).all()
    # Its own memory: what is on the screen may change.
    screen[:] = 0
    assert rgb.flags.owndata
    assert rgb.flags.c_contiguous


def test_a_picture_that_fits_is_left_alone() -> None:
    rgb = np.zeros((360, 640, 3), np.uint8)
    assert fit(rgb) is rgb
    assert fit(np.full((720, 1280, 3), 7, np.uint8)).shape == (360, 640, 3)


def test_every_trouble_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Trouble)
    rect = Rect(0, 0, 1, 1)
    assert WindowState(rect).sentence == ""
    assert all(WindowState(rect, trouble).sentence.endswith(".") for trouble in Trouble)


@pytest.mark.parametrize(
    ("platform", "environment", "error", "word"),
    [
        ("darwin", {"DISPLAY": ":0"}, GameError, "macOS"),
        ("win32", {}, GameError, "Windows"),
        ("linux", {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, GameError, "Wayland"),
        ("linux", {"DISPLAY": ":0", "XDG_SESSION_TYPE": "wayland"}, GameError, "Wayland"),
        ("linux", {}, NoDisplayError, "DISPLAY"),
    ],
)
def test_a_machine_without_x11_is_told_why(
    platform: str, environment: dict[str, str], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        refuse(platform, environment)


def test_an_x11_session_is_fine() -> None:
    refuse("linux", {"DISPLAY": ":0", "XDG_SESSION_TYPE": "x11"})


def test_a_screen_with_other_pixels_than_the_pointers_is_told_of() -> None:
    def screen(times: int) -> MssGrabber:
        def shoot(where: dict[str, int]) -> SimpleNamespace:
            width, height = where["width"] * times, where["height"] * times
            return SimpleNamespace(raw=bytes(4 * width * height), width=width, height=height)

        grabber = object.__new__(MssGrabber)
        grabber._screen = SimpleNamespace(grab=shoot)
        grabber._error = OSError
        return grabber

    rect = Rect(5, 5, 64, 36)
    assert screen(1).grab(rect).shape == (36, 64, 3)
    with pytest.raises(GameError, match=r"64 x 36 has 128 x 72 pixels.*100 %"):
        screen(2).grab(rect)
