from typing import cast

import numpy as np
import pytest

from model.play.policy import Observation
from recorder.games.base import Bindings
from recorder.games.luanti.game import LuantiGame
from recorder.games.luanti.judge import PlayerState
from recorder.games.luanti.tasks import TASKS, Goal, goal_of
from recorder.types import Action, Frame
from trainer.experts.luanti import LuantiExpert, aim_at
from trainer.experts.luanti_forms import Click, Rest, cook_moves, craft_moves


def goal(task_id: str) -> Goal:
    found = goal_of(next(task for task in TASKS if task.id == task_id))
    assert found is not None
    return found


def state(
    main: tuple[tuple[int, str, int], ...] = (), craft: tuple[tuple[int, str, int], ...] = ()
) -> PlayerState:
    return PlayerState(0, 8.5, 0, 0, 0, 20, 1, "", main=main, craft=craft)


class Grid:
    """The game's side of a crafting screen, as far as clicks go; some clicks may get lost.

    What is in the hand stays in its place until it is put down, as on the server.
    """

    def __init__(self, main: dict[int, tuple[str, int]], lost: set[int]) -> None:
        self.places = {("main", slot): stack for slot, stack in main.items()}
        self.hand: tuple[tuple[str, int], str, int] | None = None
        self.clicks = 0
        self.lost = lost
        self.results = 0

    @property
    def main(self) -> dict[int, tuple[str, int]]:
        return {where: stack for (kind, where), stack in self.places.items() if kind == "main"}

    @property
    def cells(self) -> dict[int, tuple[str, int]]:
        return {where: stack for (kind, where), stack in self.places.items() if kind == "craft"}

    def look(self) -> PlayerState:
        return state(
            tuple((slot, *stack) for slot, stack in sorted(self.main.items())),
            tuple((cell, *stack) for cell, stack in sorted(self.cells.items())),
        )

    def click(self, click: Click) -> None:
        self.clicks += 1
        if self.clicks in self.lost:
            return
        if (click.x, click.y) == (399.0, 93.0):
            self.results += self.hand is None
            return
        if click.y > 200:
            place = ("main", round((click.x - 197) / 35.15) + 1)
        else:
            column, row = (258.0, 293.0, 328.0).index(click.x), (61.0, 93.0, 126.0).index(click.y)
            place = ("craft", row * 3 + column + 1)
        there = self.places.get(place)
        if self.hand is None:
            if there is not None:
                count = there[1] if not click.right else (there[1] + 1) // 2
                self.hand = (place, there[0], count)
            return
        home, name, held = self.hand
        if there is not None and there[0] != name:
            return
        count = 1 if click.right else held
        self._take(home, count)
        self.places[place] = (name, count + self.places.get(place, (name, 0))[1])
        self.hand = (home, name, held - count) if held > count else None

    def _take(self, place: tuple[str, int], count: int) -> None:
        name, there = self.places[place]
        if there > count:
            self.places[place] = (name, there - count)
        else:
            del self.places[place]


@pytest.mark.parametrize("lost", [set(), {1}, {2}, {3}, {5, 6}, {10}])
def test_a_ring_is_filled_even_where_a_click_gets_lost(lost: set[int]) -> None:
    grid = Grid({4: ("default:cobble", 8)}, lost)
    for move in craft_moves(goal("craft:furnace"), grid.look):
        if isinstance(move, Click):
            grid.click(move)
    assert sorted(grid.cells) == [1, 2, 3, 4, 6, 7, 8, 9]
    assert all(count == 1 for _, count in grid.cells.values())
    assert grid.results


def test_two_in_one_cell_are_parted() -> None:
    grid = Grid({}, set())
    for cell in (1, 2, 3, 4, 6, 7, 9):
        grid.places["craft", cell] = ("default:cobble", 2 if cell == 7 else 1)
    for move in craft_moves(goal("craft:furnace"), grid.look):
        if isinstance(move, Click):
            grid.click(move)
    assert sorted(grid.cells) == [1, 2, 3, 4, 6, 7, 8, 9]
    assert grid.results


def test_two_kinds_go_to_their_cells_and_what_is_left_goes_back() -> None:
    grid = Grid({1: ("default:stick", 2), 8: ("default:wood", 5)}, set())
    for move in craft_moves(goal("craft:pickaxe"), grid.look):
        if isinstance(move, Click):
            grid.click(move)
    assert {cell: name for cell, (name, _) in grid.cells.items()} == {
        1: "default:wood", 2: "default:wood", 3: "default:wood",
        5: "default:stick", 8: "default:stick",
    }  # fmt: skip
    assert grid.main[8] == ("default:wood", 2)
    assert grid.results


def test_a_try_that_went_wrong_is_cleared_away_first() -> None:
    grid = Grid({2: ("default:wood", 3)}, set())
    grid.places["craft", 9] = ("default:wood", 1)
    for move in craft_moves(goal("craft:sticks"), grid.look):
        if isinstance(move, Click):
            grid.click(move)
    assert list(grid.cells) == [1]
    assert grid.results


def test_cooking_puts_both_in_waits_and_takes_it_out() -> None:
    here = state(((2, "default:sand", 1), (5, "default:coal_lump", 1)))
    states = iter([here, state(), state(((5, "default:coal_lump", 1),)), *[state()] * 9])
    moves = list(cook_moves(goal("smelt:glass"), lambda: next(states)))
    assert [type(move) for move in moves[:6]] == [Click, Click, Rest, Click, Click, Rest]
    assert sum(move.ticks for move in moves if isinstance(move, Rest)) > 60


class DeafScreen:
    """A game that does not hear the first presses of the inventory key.

    The pointer is put back into the middle while no screen is open.
    """

    bindings = Bindings({}, degrees_per_count=0.2)
    angles = (0.0, 0.0)

    def __init__(self, deaf_to: int) -> None:
        self.goal = goal("craft:planks")
        self.open = False
        self.presses = 0
        self.strikes_in_the_world = 0
        self.clicks: list[tuple[int, int]] = []
        self._deaf_to = deaf_to
        self._pointer = (320, 180)

    def hidden_state(self) -> PlayerState:
        return state(((1, "default:tree", 1),))

    def pointer_in_window(self) -> tuple[int, int]:
        return self._pointer

    def step(self, action: Action) -> None:
        if action.inventory:
            self.presses += 1
            self.open = self.presses > self._deaf_to and not self.open
        if action.attack:
            self.clicks.append(self._pointer)
            self.strikes_in_the_world += not self.open
        x, y = self._pointer
        down, right = (round(degrees / 0.2) for degrees in action.camera)
        self._pointer = (x + right, y + down) if self.open else (320, 180)


@pytest.mark.parametrize("deaf_to", [0, 1, 3])
def test_a_screen_that_did_not_open_is_opened_again(deaf_to: int) -> None:
    game = DeafScreen(deaf_to)
    expert = LuantiExpert(cast("LuantiGame", game))
    expert.reset("craft planks")
    picture = np.zeros((4, 4, 3), np.uint8)
    for number in range(300):
        chunk = expert.propose(Observation(Frame(number, number, picture), "craft planks"))
        game.step(chunk.actions[0])
        if game.clicks:
            break
    assert game.open
    assert game.presses == deaf_to + 1
    assert game.strikes_in_the_world == 0


@pytest.mark.parametrize(
    ("x", "z", "yaw", "bearing"),
    [(0, 5, 0, 0), (5, 0, 0, 90), (-5, 0, 0, -90), (-5, 0, 90, 0), (0, -5, 170, -10)],
)
def test_a_bearing_is_positive_to_the_right(x: float, z: float, yaw: float, bearing: float) -> None:
    aim = aim_at(state(), (yaw, 0.0), x, 8.5 + 1.47, z)
    assert aim.bearing_deg == pytest.approx(bearing, abs=1e-6)
    assert aim.drop_deg == pytest.approx(0)
    assert aim.distance == 5
