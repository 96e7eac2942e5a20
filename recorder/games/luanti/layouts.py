"""Where everything stands when a task begins: a function of task and seed only."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from recorder.games.luanti.tasks import Goal

ORIGIN = (0, 9, 0)
"""On the flat world's grass; layouts are relative to it."""
NOON = 0.5
RADIUS = 16
_PILES = {
    "default:stone": 2,
    "default:stone_with_coal": 2,
    "default:stone_with_iron": 2,
    "default:sand": 1,
    "default:gravel": 1,
}
"""How high a heap of each stands."""
_POSTS = ("red", "blue", "yellow", "white")
_HOME_TOOLS = {
    "default:tree": "default:axe_steel",
    "default:stone": "default:pick_steel",
    "default:stone_with_coal": "default:pick_steel",
    "default:sand": "default:shovel_steel",
    "default:gravel": "default:shovel_steel",
    "default:dirt_with_grass": "default:shovel_steel",
}
# Grid cells count from 1, row by row.
RECIPES: dict[str, tuple[tuple[int, str], ...]] = {
    "planks": ((1, "default:tree"),),
    "sticks": ((1, "default:wood"),),
    "pickaxe": (
        (1, "default:wood"), (2, "default:wood"), (3, "default:wood"),
        (5, "default:stick"), (8, "default:stick"),
    ),
    "torch": ((2, "default:coal_lump"), (5, "default:stick")),
    "furnace": tuple((cell, "default:cobble") for cell in (1, 2, 3, 4, 6, 7, 8, 9)),
    "chest": tuple((cell, "default:wood") for cell in (1, 2, 3, 4, 6, 7, 8, 9)),
}  # fmt: skip
COOKED = {"iron_ingot": "default:iron_lump", "glass": "default:sand", "meat": "playteach:raw_meat"}


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the layout, in nodes from the origin; ``node`` is what stands there."""

    x: int
    y: int
    z: int
    node: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A start: the mod's command, and what an expert may know of it."""

    command: dict[str, object]
    yaw_deg: float
    targets: tuple[Spot, ...]
    obstacles: tuple[Spot, ...]


def layout_seed(task_id: str, seed: int) -> int:
    """Return a start's number, equal on every machine."""
    digest = hashlib.sha256(f"luanti/{task_id}/{seed}/1".encode()).digest()
    return int.from_bytes(digest[:4], "little")


def build_layout(goal: Goal | None, task_id: str, seed: int) -> Layout:
    """Return the start of (task, seed); a free task gets a meadow with a little of all."""
    number = layout_seed(task_id, seed)
    rng = np.random.default_rng(number)
    return _Builder(rng, number).build(goal)


class _Builder:
    """Collects one layout."""

    def __init__(self, rng: np.random.Generator, number: int) -> None:
        self._rng = rng
        self._number = number
        self._nodes: list[list[object]] = []
        self._trees: list[list[object]] = []
        self._entities: list[list[object]] = []
        self._items: list[list[object]] = []
        self._give: list[list[object]] = []
        self._spots: list[Spot] = []
        self._taken: list[tuple[float, float]] = [(0.0, 0.0)]
        self._yaw = float(rng.uniform(0, 360))

    def build(self, goal: Goal | None) -> Layout:
        targets: list[Spot] = []
        match goal.verb if goal is not None else "":
            case "mine":
                targets = self._mine(goal)
            case "craft":
                self._craft(goal)
            case "smelt" | "cook":
                targets = self._furnace(goal)
            case "kill":
                self._kill(goal)
            case "place":
                self._place(goal)
            case "go_to":
                targets = self._posts(goal)
            case "collect":
                self._collect(goal)
            case _:
                self._meadow()
        command = {
            "origin": list(ORIGIN), "radius": RADIUS, "height": 12, "time": NOON,
            "seed": self._number % 1_000_000, "pos": [0, 0, 0], "yaw": round(self._yaw, 3),
            "pitch": 10, "nodes": self._nodes, "trees": self._trees,
            "entities": self._entities, "items": self._items, "give": self._give, "hp": 20,
        }  # fmt: skip
        return Layout(command, round(self._yaw, 3), tuple(targets), tuple(self._spots))

    # What the verbs need

    def _mine(self, goal: Goal | None) -> list[Spot]:
        if goal is None:
            return []
        if goal.target == "default:stone_with_iron":
            # The right pickaxe is in the second or third slot; the wooden one cannot do it.
            slot = int(self._rng.integers(2, 4))
            tools = {1: "default:pick_wood", slot: "default:pick_stone"}
            tools[5 - slot] = "default:shovel_wood"
            self._give = [[number, name] for number, name in sorted(tools.items())]
        else:
            self._give = [[1, _HOME_TOOLS[goal.target]]]
        others = [*_PILES, "default:tree"]
        if goal.target in others:
            others.remove(goal.target)
        targets: list[Spot] = []
        if goal.key != "dirt":
            targets = self._stand(goal.target, in_view=True)
        for node in self._rng.choice(others, 2, replace=False):
            self._stand(str(node), in_view=False)
        return targets

    def _craft(self, goal: Goal | None) -> None:
        if goal is None:
            return
        need: dict[str, int] = {}
        for _, item in RECIPES[goal.key]:
            need[item] = need.get(item, 0) + 1
        slots = self._rng.permutation(np.arange(1, 9))[: len(need)]
        for slot, (item, count) in zip(slots, sorted(need.items()), strict=True):
            # A recipe of one cell each takes whole stacks; the others get what they need.
            more = int(self._rng.integers(0, 4)) if len(RECIPES[goal.key]) == len(need) else 0
            self._give.append([int(slot), f"{item} {count + more}"])
        self._meadow()

    def _furnace(self, goal: Goal | None) -> list[Spot]:
        if goal is None:
            return []
        slots = [int(each) for each in self._rng.permutation(np.arange(1, 9))[:2]]
        self._give = [[slots[0], COOKED[goal.key]], [slots[1], "default:coal_lump"]]
        x, z = self._free(2.5, 4.5, spread_deg=35)
        spot = self._node(x, 0, z, "default:furnace")
        self._stand("default:tree", in_view=False)
        return [spot]

    def _kill(self, goal: Goal | None) -> None:
        if goal is None:
            return
        self._give = [[1, "default:sword_steel"]]
        others = [name for name in ("pig", "sheep") if f"playteach:{name}" != goal.target]
        x, z = self._free(4.0, 7.0, spread_deg=35)
        self._entities.append([x, 1, z, goal.target])
        x, z = self._free(5.0, 9.0, spread_deg=180, clear_deg=40)
        self._entities.append([x, 1, z, f"playteach:{self._rng.choice(others)}"])

    def _place(self, goal: Goal | None) -> None:
        if goal is None:
            return
        names = ["default:torch", "default:cobble", "default:wood"]
        order = [str(each) for each in self._rng.permutation(names)]
        self._give = [[slot, f"{name} 5"] for slot, name in enumerate(order, 1)]
        self._stand("default:tree", in_view=False)
        self._stand("default:stone", in_view=False)

    def _posts(self, goal: Goal | None) -> list[Spot]:
        if goal is None:
            return []
        targets = []
        x, z = self._free(5.0, 9.0, spread_deg=40)
        targets = [self._node(x, height, z, goal.target) for height in (0, 1)]
        rivals = [c for c in _POSTS if f"playteach:post_{c}" != goal.target]
        for colour in self._rng.choice(rivals, 2, replace=False):
            x, z = self._free(5.0, 9.0, spread_deg=60, clear_deg=25)
            for height in (0, 1):
                self._node(x, height, z, f"playteach:post_{colour}")
        return targets[:1]

    def _collect(self, goal: Goal | None) -> None:
        if goal is None:
            return
        x, z = self._free(3.0, 6.0, spread_deg=35)
        self._items.append([x, 0.3, z, goal.target])
        other = "default:diamond" if goal.key == "apple" else "default:apple"
        x, z = self._free(4.0, 7.0, spread_deg=180, clear_deg=40)
        self._items.append([x, 0.3, z, other])

    def _meadow(self) -> None:
        for node in self._rng.choice(["default:tree", *_PILES], 3, replace=False):
            self._stand(str(node), in_view=False)

    # Places

    def _stand(self, node: str, *, in_view: bool) -> list[Spot]:
        """Put a tree or a heap somewhere and return its nodes within reach, lowest first."""
        spread, clear = (35.0, 0.0) if in_view else (180.0, 45.0)
        x, z = self._free(3.5, 7.0, spread_deg=spread, clear_deg=clear)
        if node == "default:tree":
            height = int(self._rng.integers(4, 7))
            self._trees.append([x, 0, z, height])
            spots = [Spot(x, level, z, node) for level in range(height)]
            self._spots += spots
            return spots[:3]
        return [self._node(x, level, z, node) for level in range(_PILES[node])]

    def _node(self, x: int, y: int, z: int, node: str) -> Spot:
        spot = Spot(x, y, z, node)
        self._nodes.append([x, y, z, node, 0])
        self._spots.append(spot)
        return spot

    def _free(
        self, near: float, far: float, *, spread_deg: float, clear_deg: float = 0.0
    ) -> tuple[int, int]:
        """Choose whole coordinates within ``spread_deg`` of the view's middle, apart from all else.

        ``clear_deg`` keeps out of that many degrees round the middle.
        """
        for _ in range(200):
            off = float(self._rng.uniform(-spread_deg, spread_deg))
            far_off = float(self._rng.uniform(near, far))
            if abs(off) < clear_deg:
                continue
            # The map's yaw grows to the left, a bearing to the right.
            angle = math.radians(self._yaw - off)
            x, z = round(-math.sin(angle) * far_off), round(math.cos(angle) * far_off)
            if all(math.hypot(x - a, z - b) >= 3.0 for a, b in self._taken):
                self._taken.append((x, z))
                return x, z
        raise RuntimeError("a layout has no room left")
