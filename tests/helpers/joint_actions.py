"""VPT's own arithmetic for joint actions, against which the codec's tables are checked."""

from __future__ import annotations

from model.actions.tokens import (
    CAMERA_BINS,
    CENTRE_BIN,
    GROUPS,
    action_from_groups,
    camera_bin,
    group_values,
)
from recorder.types import Action

BUTTONS = 8641


def joint_index(action: Action) -> tuple[int, int]:
    """Return VPT's joint classes: buttons 0..8640 and camera 0..440 (null 220)."""
    if action.inventory:
        return BUTTONS - 1, CENTRE_BIN * CAMERA_BINS + CENTRE_BIN
    pitch, yaw = (camera_bin(v) for v in action.camera)
    index = 0
    for (_, options), value in zip(GROUPS, group_values(action), strict=True):
        index = index * len(options) + value
    moves = (pitch, yaw) != (CENTRE_BIN, CENTRE_BIN)
    return index * 2 + int(moves), pitch * CAMERA_BINS + yaw


def from_joint_index(buttons: int, camera: int) -> Action:
    """Return the action of VPT's joint classes; a camera meta of 0 rests the camera.

    Raises ValueError outside 0..8640 and 0..440.
    """
    if not 0 <= buttons < BUTTONS or not 0 <= camera < CAMERA_BINS**2:
        raise ValueError(f"joint action ({buttons}, {camera}) is out of range")
    if buttons == BUTTONS - 1:
        return Action(inventory=True)
    index, moves = divmod(buttons, 2)
    values = []
    for _, options in reversed(GROUPS):
        index, value = divmod(index, len(options))
        values.append(value)
    pitch, yaw = divmod(camera, CAMERA_BINS) if moves else (CENTRE_BIN, CENTRE_BIN)
    return action_from_groups(values[::-1], pitch, yaw)
