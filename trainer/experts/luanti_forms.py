"""Luanti's inventory and furnace screens, played with the mouse: where to click, in what order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recorder.games.luanti.judge import PlayerState
from recorder.games.luanti.layouts import COOKED, RECIPES
from recorder.games.luanti.tasks import Goal

# Middles of slots in the window of 640 x 360 pixels that Playteach starts Luanti with.
_INVENTORY = (197.0, 35.15, 214.0)
_LOWER_ROWS = (251.0, 283.0, 316.0)
_GRID_X, _GRID_Y = (258.0, 293.0, 328.0), (61.0, 93.0, 126.0)
_RESULT = (399.0, 93.0)
_FURNACE = (191.0, 36.8, 194.0)
_SOURCE, _FUEL, _COOKED = (292.0, 65.0), (292.0, 133.0), (365.0, 81.0)
FILL_TRIES = 6
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


def craft_moves(goal: Goal, look: Callable[[], PlayerState]) -> Iterator[Move]:
    """Yield the moves that craft ``goal`` in the open inventory from what is in it.

    ``look`` is asked for the state whenever it matters: a click may have been lost.
    """
    recipe = dict(RECIPES[goal.key])
    yield from _clear(recipe, look())
    for name in dict.fromkeys(recipe.values()):
        yield from _fill(name, recipe, look)
    for _ in range(2):
        yield Click(*_RESULT)
        yield Rest(5)


def _clear(recipe: dict[int, str], state: PlayerState) -> Iterator[Move]:
    """Take out of the grid what the recipe does not have there."""
    main = {slot: name for slot, name, _ in state.main}
    free = [slot for slot in range(1, 33) if slot not in main]
    for cell, name, _ in state.craft:
        if recipe.get(cell) != name:
            yield Click(*_cell(cell))
            yield Click(*_slot(free.pop(0)))


def _fill(name: str, recipe: dict[int, str], look: Callable[[], PlayerState]) -> Iterator[Move]:
    """Put one of an item into each of its cells; where it has one cell only, all of it.

    A stack that was picked up stays in its slot until it is put down, for all that the
    server says.  So what was put down first tells whether there was anything in the hand.
    """
    cells = [cell for cell, item in recipe.items() if item == name]

    def empty() -> list[int]:
        there = {cell for cell, item, _ in look().craft if item == name}
        return [cell for cell in cells if cell not in there]

    for _ in range(FILL_TRIES):
        wanted = empty()
        slot = next((slot for slot, item, _ in look().main if item == name), None)
        if not wanted:
            return
        if slot is None:
            # A click that came late put two into one cell: one of them is taken out again.
            rich = [cell for cell, item, count in look().craft if item == name and count > 1]
            if not rich:
                return
            yield Click(*_cell(rich[0]), right=True)
            yield Click(*_cell(wanted[0]))
            yield Rest(5)
            continue
        yield Click(*_slot(slot))
        yield Click(*_cell(wanted[0]), right=len(cells) > 1)
        # The server says a little later what has come of it.
        yield Rest(5)
        if wanted[0] in empty() or len(cells) == 1:
            continue
        for cell in wanted[1:]:
            yield Click(*_cell(cell), right=True)
        yield Rest(5)
        if look().count(name):
            # What is left goes back, or the hand could not take the result.
            yield Click(*_slot(slot))


def cook_moves(goal: Goal, look: Callable[[], PlayerState]) -> Iterator[Move]:
    """Yield the moves that cook ``goal`` in the open furnace; ``look`` as in crafting."""
    for name, place in ((COOKED[goal.key], _SOURCE), ("default:coal_lump", _FUEL)):
        yield from _put(name, place, look)
    taken = {slot for slot, _, _ in look().main}
    free = next((slot for slot in range(1, 9) if slot not in taken), 1)
    yield Rest(COOK_TICKS)
    for _ in range(6):
        yield Click(*_COOKED)
        yield Click(*_furnace_slot(free))
        yield Rest(12)


def _put(name: str, place: tuple[float, float], look: Callable[[], PlayerState]) -> Iterator[Move]:
    """Move a stack from the hotbar to a place of the furnace, however many clicks get lost."""
    for _ in range(3):
        slots = [slot for slot, item, _ in look().main if item == name and slot <= 8]
        if not slots:
            return
        yield Click(*_furnace_slot(slots[0]))
        for _ in range(2):
            # The server moves it when it is put down; until then it may be in the hand.
            yield Click(*place)
            yield Rest(5)
            if look().count(name) == 0:
                return


def _slot(slot: int) -> tuple[float, float]:
    left, step, y = _INVENTORY
    row, column = divmod(slot - 1, 8)
    return left + step * column, y if row == 0 else _LOWER_ROWS[row - 1]


def _furnace_slot(slot: int) -> tuple[float, float]:
    left, step, y = _FURNACE
    return left + step * (slot - 1), y


def _cell(cell: int) -> tuple[float, float]:
    return _GRID_X[(cell - 1) % 3], _GRID_Y[(cell - 1) // 3]
