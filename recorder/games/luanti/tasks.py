"""What Luanti can judge: the sentences, and what of the mod's events makes them true."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from recorder.errors import UsageError
from recorder.games.base import Task


@dataclass(frozen=True, slots=True)
class Goal:
    """What a task wants.

    ``verb`` is one of mine, craft, smelt, cook, kill, place, go_to, collect; ``target`` a
    node, item or entity of the game; ``also`` other names that count as well.
    """

    verb: str
    key: str
    target: str
    also: tuple[str, ...] = ()

    @property
    def wanted(self) -> frozenset[str]:
        """Every name that counts."""
        return frozenset((self.target, *self.also))


# About 2.5 times the number of ticks (20 a second) that the expert needs for the longest task
# of a verb.
MAX_TICKS = {
    "mine": 180, "craft": 180, "smelt": 300, "cook": 300, "kill": 150, "place": 60,
    "go_to": 110, "collect": 110,
}  # fmt: skip

# (key, sentence, target, other names that count)
_PLAN: tuple[tuple[str, tuple[tuple[str, str, str, tuple[str, ...]], ...]], ...] = (
    (
        "mine",
        (
            ("oak_log", "chop a tree", "default:tree", ()),
            ("stone", "mine stone", "default:stone", ()),
            ("coal", "mine coal ore", "default:stone_with_coal", ()),
            ("iron", "mine iron ore with the stone pickaxe", "default:stone_with_iron", ()),
            ("sand", "dig sand", "default:sand", ()),
            ("gravel", "dig gravel", "default:gravel", ()),
            ("dirt", "dig dirt", "default:dirt_with_grass", ("default:dirt",)),
        ),
    ),
    (
        "craft",
        (
            ("planks", "craft planks", "default:wood", ()),
            ("sticks", "craft sticks", "default:stick", ()),
            ("pickaxe", "craft a wooden pickaxe", "default:pick_wood", ()),
            ("torch", "craft torches", "default:torch", ()),
            ("furnace", "craft a furnace", "default:furnace", ()),
            ("chest", "craft a chest", "default:chest", ()),
        ),
    ),
    (
        "smelt",
        (
            ("iron_ingot", "smelt an iron ingot", "default:steel_ingot", ()),
            ("glass", "smelt glass", "default:glass", ()),
        ),
    ),
    ("cook", (("meat", "cook the meat", "playteach:cooked_meat", ()),)),
    (
        "kill",
        (
            ("pig", "kill the pig", "playteach:pig", ()),
            ("sheep", "kill the sheep", "playteach:sheep", ()),
            ("zombie", "kill the zombie", "playteach:zombie", ()),
        ),
    ),
    (
        "place",
        (
            ("torch", "place a torch", "default:torch", ()),
            ("cobblestone", "place a cobblestone block", "default:cobble", ()),
            ("planks", "place a wooden block", "default:wood", ()),
        ),
    ),
    (
        "go_to",
        (
            ("red_post", "go to the red post", "playteach:post_red", ()),
            ("blue_post", "go to the blue post", "playteach:post_blue", ()),
            ("yellow_post", "go to the yellow post", "playteach:post_yellow", ()),
            ("white_post", "go to the white post", "playteach:post_white", ()),
        ),
    ),
    (
        "collect",
        (
            ("apple", "collect the apple", "default:apple", ()),
            ("diamond", "collect the diamond", "default:diamond", ()),
        ),
    ),
)


def _phrasings() -> dict[str, list[str]]:
    """Return other ways to say a task, by its id."""
    path = Path(__file__).resolve().parents[3] / "assets" / "tasks" / "luanti_phrasings.json"
    phrasings: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
    return phrasings


_SAID = _phrasings()
TAUGHT = frozenset({
    "mine:oak_log", "mine:stone", "mine:coal", "mine:iron", "mine:sand", "mine:gravel", "mine:dirt",
    "kill:pig", "kill:sheep", "kill:zombie", "place:torch", "place:cobblestone", "place:planks",
    "go_to:red_post", "go_to:blue_post", "go_to:yellow_post", "collect:apple",
})  # fmt: skip
"""What the small model that ships for Luanti was taught; nothing is held out from training."""
_GOALS: dict[str, Goal] = {}
_TASKS: list[Task] = []
for _verb, _rows in _PLAN:
    for _key, _sentence, _target, _also in _rows:
        _id = f"{_verb}:{_key}"
        _GOALS[_id] = Goal(_verb, _key, _target, _also)
        _TASKS.append(
            Task(
                _id,
                _sentence,
                _verb,
                _key.replace("_", " "),
                MAX_TICKS[_verb],
                tuple(_SAID[_id]),
                split="train" if _id in TAUGHT else "",
            )
        )
TASKS: tuple[Task, ...] = tuple(_TASKS)

RIVALS: dict[str, frozenset[str]] = {
    verb: frozenset(row[2] for row in rows) - {"default:dirt_with_grass"} for verb, rows in _PLAN
}
"""Targets of a verb's other tasks: doing it to one of them is a failure."""


def goal_of(task: Task) -> Goal | None:
    """Return what ``task`` wants; None for a free task.

    Raises UsageError for a task of another game.
    """
    if not task.judged:
        return None
    goal = _GOALS.get(task.id)
    if goal is None:
        raise UsageError(
            f"Luanti has no task {task.id!r}, so it cannot judge it; see `playteach tasks "
            "--game luanti`."
        )
    return goal
