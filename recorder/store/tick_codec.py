"""Ticks as table rows and back, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recorder.store.rows import TickRow
from recorder.types import BUTTON_CONTROLS, NO_ACTION, Action, Driver, Tick

TICK_COLUMNS = (
    "episode_id, tick, mono_ns, frame_id, frame_mono_ns, driver, instruction_id, "
    "hotbar, buttons, pitch, yaw, "
    "shadow_hotbar, shadow_buttons, shadow_pitch, shadow_yaw, plan_age_ticks, latency_ms"
)
TICK_PLACES = ", ".join("?" * 17)

ActionValues = tuple[int, int, float, float]


def action_values(action: Action) -> ActionValues:
    """Return (hotbar, button bits, pitch, yaw); bit k is ``BUTTON_CONTROLS[k]``."""
    bits = sum(1 << bit for bit, name in enumerate(BUTTON_CONTROLS) if getattr(action, name))
    return action.hotbar, bits, *action.camera


NO_ACTION_VALUES = action_values(NO_ACTION)


def action_from(hotbar: int, bits: int, pitch: float, yaw: float) -> Action:
    """Undo :func:`action_values`."""
    pressed = {name: True for bit, name in enumerate(BUTTON_CONTROLS) if bits >> bit & 1}
    return Action(hotbar=hotbar, camera=(pitch, yaw), **pressed)


def tick_values(episode_id: int, instruction_id: int, tick: Tick) -> tuple[object, ...]:
    """Return the row of a tick in the order of :data:`TICK_COLUMNS`."""
    shadow: tuple[object, ...] = (
        (None, None, None, None) if tick.shadow is None else action_values(tick.shadow)
    )
    return (
        episode_id,
        tick.index,
        tick.mono_ns,
        tick.frame.id,
        tick.frame.mono_ns,
        tick.driver.value,
        instruction_id,
        *action_values(tick.executed),
        *shadow,
        tick.plan_age_ticks,
        tick.latency_ms,
    )


def tick_from(row: Sequence[Any]) -> TickRow:
    """Return the tick of a row that was selected by :data:`TICK_COLUMNS`."""
    return TickRow(
        episode_id=row[0],
        index=row[1],
        mono_ns=row[2],
        frame_id=row[3],
        frame_mono_ns=row[4],
        driver=Driver(row[5]),
        instruction_id=row[6],
        executed=action_from(*row[7:11]),
        shadow=None if row[11] is None else action_from(*row[11:15]),
        plan_age_ticks=row[15],
        latency_ms=row[16],
    )
