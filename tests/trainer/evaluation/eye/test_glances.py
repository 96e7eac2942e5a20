"""What the eye goes by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recorder.types import BUTTON_CONTROLS, NO_ACTION, Action
from trainer.evaluation.eye.glances import DEEDS, MANNER, WINDOW, Seen, deeds_of, manner, seen_of

FORWARD, SPRINT = (BUTTON_CONTROLS.index(name) for name in ("forward", "sprint"))
BUTTONS = len(BUTTON_CONTROLS)


@given(arrays(np.float32, (7, DEEDS), elements=st.floats(-90, 90, width=16)))
def test_an_attempt_comes_back_from_its_bytes(deeds: np.ndarray) -> None:
    glances = np.arange(14, dtype=np.float32).reshape(7, 2)
    again = seen_of(Seen(glances, deeds).to_bytes())
    assert np.array_equal(again.glances, glances)
    assert np.array_equal(again.deeds, deeds)


EMPTY = Seen(np.zeros((2, 3), np.float32), np.zeros((2, DEEDS), np.float32))


@pytest.mark.parametrize("data", [b"", b"no safetensors", EMPTY.to_bytes()[:-4]])
def test_what_is_no_attempt_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no attempt"):
        seen_of(data)


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="no attempt"):
        Seen(np.zeros((2, 3), np.float32), np.zeros((3, DEEDS), np.float32))


def test_the_manner_is_told_of_what_was_walked() -> None:
    stand, walk, run = NO_ACTION, Action(forward=True), Action(forward=True, sprint=True)
    told = manner(deeds_of([stand, stand, walk, run, run, stand]))
    assert told.shape == (6, MANNER)
    share = told[:, :BUTTONS] / 2
    # Of one tick of walking none was run, of three two; standing changes nothing of it.
    assert [round(float(each), 3) for each in share[:, SPRINT]] == [0, 0, 0, 0.5, 0.667, 0.667]
    assert [float(each) for each in share[:, FORWARD]] == [0, 0, 1, 1, 1, 1]
    pressed = np.expm1(told[:, 2 * BUTTONS : 3 * BUTTONS])
    assert pressed[-1, [FORWARD, SPRINT]] == pytest.approx(1)


def test_the_manner_of_turning() -> None:
    turns = [NO_ACTION.with_camera(3.0, 90.0), NO_ACTION.with_camera(3.0, -45.0)]
    right, plain, down, swept, newest, size, stood, walked = manner(deeds_of(turns))[-1, -8:]
    assert (right, plain, down, swept) == pytest.approx((0.5, 0.5, 0.2, 1.5))
    assert (newest, size) == pytest.approx((1.5, 1.5))
    assert (stood, walked) == (0.0, 0.0)


def test_what_was_done_lately_is_forgotten_after_a_second() -> None:
    told = manner(deeds_of([Action(jump=True)] * 5 + [NO_ACTION] * (WINDOW + 3)))
    lately = told[:, BUTTONS + BUTTON_CONTROLS.index("jump")] / 2
    assert lately[4] == 1.0
    assert lately[WINDOW - 1] == pytest.approx(5 / WINDOW)
    assert lately[-1] == 0.0
    assert np.isfinite(told).all()


@given(st.integers(1, 60))
def test_each_tick_tells_only_of_what_was_before_it(ticks: int) -> None:
    rng = np.random.default_rng(ticks)
    deeds = np.concatenate(
        [rng.integers(0, 2, (ticks, BUTTONS)), rng.normal(0, 9, (ticks, 2))], axis=1
    ).astype(np.float32)
    whole = manner(deeds)
    part = manner(deeds[: ticks // 2 + 1])
    assert np.allclose(whole[: len(part)], part, atol=1e-4)
