"""All 8,641 x 441 joint actions: the codec's tables against VPT's arithmetic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from joint_actions import BUTTONS, from_joint_index, joint_index

from model.actions.tokens import (
    CAMERA_BINS,
    CENTRE_BIN,
    camera_bin,
    camera_degrees,
    decode,
    encode,
    group_values,
)
from recorder.types import Action

CAMERAS = CAMERA_BINS**2
NULL = CENTRE_BIN * CAMERA_BINS + CENTRE_BIN
BASES = (10, 3, 3, 3, 2, 2, 2, 2, 2)
"""VPT's groups from hotbar to camera meta."""


def test_the_tables_factor_so_that_every_joint_action_is_covered() -> None:
    """Buttons and camera meet only in the meta bit, so two exhaustive lists prove the grid."""
    indices = np.arange(BUTTONS - 1)
    digits = np.stack(np.unravel_index(indices, BASES), axis=1)
    plain = [from_joint_index(b, NULL) for b in range(BUTTONS - 1)]
    assert [group_values(a) for a in plain] == [tuple(map(int, row[:-1])) for row in digits]
    bins = [divmod(c, CAMERA_BINS) for c in range(CAMERAS)]
    turned = [from_joint_index(1, c).camera for c in range(CAMERAS)]
    assert turned == [(camera_degrees(p), camera_degrees(y)) for p, y in bins]
    assert [(camera_bin(p), camera_bin(y)) for p, y in turned] == bins
    # The whole grid at once: what joint_index must give for from_joint_index(b, c).
    buttons, cameras = np.meshgrid(np.arange(BUTTONS), np.arange(CAMERAS), indexing="ij")
    moves = (buttons % 2 == 1) & (cameras != NULL) & (buttons < BUTTONS - 1)
    wanted_buttons = np.where(buttons == BUTTONS - 1, buttons, buttons - buttons % 2 + moves)
    wanted_cameras = np.where(moves, cameras, NULL)
    assert wanted_buttons.size == 8641 * 441
    # Reduced pairs are fixed points: the second round trip changes nothing any more.
    again = (wanted_buttons % 2 == 1) & (wanted_cameras != NULL) & (wanted_buttons < BUTTONS - 1)
    assert (again == moves).all()
    rows = np.random.default_rng(0).integers(0, wanted_buttons.size, 4000)
    for row in rows.tolist():
        b, c = divmod(row, CAMERAS)
        found = joint_index(from_joint_index(b, c))
        assert found == (wanted_buttons[b, c], wanted_cameras[b, c])


def test_each_button_class_with_each_kind_of_camera_goes_through_tokens() -> None:
    """Every button class, at rest and turning; every camera class, with and without keys."""
    turning = 3 * CAMERA_BINS + 17
    for b in range(BUTTONS):
        for c in (NULL, turning):
            action = from_joint_index(b, c)
            assert decode(encode(action)) == [action]
    for c in range(CAMERAS):
        for b in (1, 2 * 4319 + 1):
            action = from_joint_index(b, c)
            assert decode(encode(action)) == [action]


@given(st.integers(0, BUTTONS - 2), st.integers(0, CAMERAS - 1))
def test_a_joint_action_is_its_buttons_and_its_camera(buttons: int, camera: int) -> None:
    whole = from_joint_index(buttons, camera)
    keys = from_joint_index(buttons - buttons % 2, NULL)
    moved = from_joint_index(1, camera).camera if buttons % 2 else (0.0, 0.0)
    assert whole == replace(keys, camera=moved)
    assert isinstance(whole, Action)
