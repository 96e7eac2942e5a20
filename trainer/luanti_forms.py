"""Luanti's inventory and furnace screens, played with the mouse: where to click, in what order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recorder.games.luanti.judge import PlayerState
from recorder.games.luanti.layouts import COOKED, RECIPES
from recorder.games.luanti.tasks import Goal

# Middles of slots in the window of 640 x 360 pixels that Playteach starts Luanti with.
_INVENTORY = (197.0, 35.15, 214.0)
_GRID_X, _GRID_Y = (258.0, 293.0, 328.0), (61.0, 93.0, 126.0)
_RESULT = (399.0, 93.0)
_FURNACE = (191.0, 36.8, 194.0)
_SOURCE, _FUEL, _COOKED = (292.0, 65.0), (292.0, 133.0), (365.0, 81.0)
COOK_TICKS = 66
"""Cooking takes three seconds; the rest is for the server to say so."""


@dataclass(frozen=True, slots=True)
class Click:
    """A click at (x, y) in pixels of the window; ``right`` puts one item down."""

    x: float
    y: float
    right: bool = False


@dataclass(frozen=True, slots=True)
class Rest:
    """So many ticks without doing anything."""

    ticks: int


Move = Click | Rest


def craft_moves(goal: Goal, state: PlayerState) -> Iterator[Move]:
    """Yield the moves that craft ``goal`` in the open inventory from what is in it now."""
    main = {slot: (name, count) for slot, name, count in state.main}
    free = [slot for slot in range(1, 9) if slot not in main]
    for cell, name, count in state.craft:
        # Left over from a try that went wrong.
        same = [slot for slot, (other, _) in main.items() if other == name and slot <= 8]
        slot = same[0] if same else free.pop(0)
        main[slot] = (name, count + (main[slot][1] if same else 0))
        yield Click(*_cell(cell))
        yield Click(*_slot(slot))
    cells: dict[str, list[int]] = {}
    for cell, name in RECIPES[goal.key]:
        cells.setdefault(name, []).append(cell)
    for name, wanted in cells.items():
        slots = [slot for slot, (other, _) in main.items() if other == name and slot <= 8]
        if not slots:
            return
        yield Click(*_slot(slots[0]))
        if len(wanted) == 1:
            yield Click(*_cell(wanted[0]))
            continue
        for cell in wanted:
            yield Click(*_cell(cell), right=True)
        # What is left goes back, or the hand could not take the result.
        if main[slots[0]][1] > len(wanted):
            yield Click(*_slot(slots[0]))
    for _ in range(2):
        # The server has to say what comes of it before it can be taken.
        yield Rest(5)
        yield Click(*_RESULT)
    yield Rest(6)


def cook_moves(goal: Goal, state: PlayerState) -> Iterator[Move]:
    """Yield the moves that cook ``goal`` in the open furnace."""
    main = {name: slot for slot, name, _ in state.main if slot <= 8}
    for name, place in ((COOKED[goal.key], _SOURCE), ("default:coal_lump", _FUEL)):
        if name in main:
            yield Click(*_furnace_slot(main[name]))
            yield Click(*place)
            yield Rest(2)
    taken = set(main.values())
    free = next((slot for slot in range(1, 9) if slot not in taken), 1)
    yield Rest(COOK_TICKS)
    for _ in range(6):
        yield Click(*_COOKED)
        yield Click(*_furnace_slot(free))
        yield Rest(12)


def _slot(slot: int) -> tuple[float, float]:
    left, step, y = _INVENTORY
    return left + step * (slot - 1), y


def _furnace_slot(slot: int) -> tuple[float, float]:
    left, step, y = _FURNACE
    return left + step * (slot - 1), y


def _cell(cell: int) -> tuple[float, float]:
    return _GRID_X[(cell - 1) % 3], _GRID_Y[(cell - 1) // 3]
