"""Minecraft's tasks: a few built in, more from YAML files as MineStudio and MCU write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recorder.errors import GameError
from recorder.games.base import Task

EVENTS = (
    "mine_block", "kill_entity", "craft_item", "pickup", "use_item", "break_item", "damage_dealt",
    "custom",
)  # fmt: skip
MAX_TICKS = 600
MOST = 1_000_000_000
"""No task takes longer, or wants more of a thing."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A task and how the simulator's counters judge it.

    It is done when ``event`` has happened ``count`` times to any of ``objects`` (any at all
    where that is empty); ``commands`` are said at the start.
    """

    task: Task
    event: str
    objects: tuple[str, ...]
    count: int = 1
    commands: tuple[str, ...] = ()


def _built_in(event: str, thing: str, text: str, *commands: str, ticks: int = MAX_TICKS) -> Goal:
    task = Task(f"{event}:{thing}", text, event, thing, ticks)
    return Goal(task, event, (thing,), 1, commands)


GOALS: tuple[Goal, ...] = (
    _built_in("mine_block", "oak_log", "Mine the oak log."),
    _built_in("mine_block", "dirt", "Mine the dirt."),
    _built_in("mine_block", "grass", "Mine the grass."),
    _built_in(
        "mine_block",
        "stone",
        "Mine the stone.",
        "/replaceitem entity @s weapon.mainhand minecraft:stone_pickaxe",
    ),
    _built_in(
        "kill_entity",
        "zombie",
        "Kill the zombie.",
        "/replaceitem entity @s weapon.mainhand minecraft:iron_sword",
        "/time set night",
        "/execute at @s run summon minecraft:zombie ~5 ~ ~",
    ),
    _built_in(
        "craft_item", "crafting_table", "Craft a crafting table.", "/give @s minecraft:oak_planks 8"
    ),
)
TASKS = tuple(goal.task for goal in GOALS)


def load_goal(path: Path) -> Goal:
    """Read a task's YAML file: MineStudio's ``text``/``reward_conf``/``command`` or MCU's.

    Raises GameError, naming the field, for a file that is no task.
    """
    import yaml

    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise _bad(path, "it cannot be read") from error
    if not isinstance(raw, Mapping):
        raise _bad(path, "it holds no table")
    conf = raw.get("task_conf")
    named = conf[0] if isinstance(conf, list) and conf and isinstance(conf[0], Mapping) else raw
    text = named.get("text", raw.get("text"))
    if not isinstance(text, str) or not text.strip():
        raise _bad(path, "the field 'text' is no sentence")
    rewards = raw.get("reward_conf")
    if not isinstance(rewards, list) or not rewards or not isinstance(rewards[0], Mapping):
        raise _bad(path, "the field 'reward_conf' is empty, so nothing could be judged")
    event, objects, count = _reward(path, rewards[0])
    commands = raw.get("command", raw.get("custom_init_commands", []))
    if not isinstance(commands, list) or not all(isinstance(c, str) for c in commands):
        raise _bad(path, "the field 'command' is no list of commands")
    name = str(named.get("name") or path.stem)
    steps = _count(path, raw, "max_steps", MAX_TICKS, least=0)
    task = Task(f"{event}:{name}", text.strip(), event, name, steps)
    return Goal(task, event, objects, count, tuple(commands))


def _reward(path: Path, reward: Mapping[str, object]) -> tuple[str, tuple[str, ...], int]:
    event = reward.get("event")
    if event not in EVENTS:
        raise _bad(path, f"the field 'reward_conf.event' is none of {', '.join(EVENTS)}")
    objects = reward.get("objects", [])
    if not isinstance(objects, list) or not all(isinstance(o, str) for o in objects):
        raise _bad(path, "the field 'reward_conf.objects' is no list of names")
    times = _count(path, reward, "max_reward_times", 1)
    return str(event), tuple(o.removeprefix("minecraft:") for o in objects), times


def _count(
    path: Path, table: Mapping[str, object], field: str, otherwise: int, least: int = 1
) -> int:
    value = table.get(field, otherwise)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST:
        raise _bad(path, f"the field '{field}' is no whole number from {least} to {MOST:,}")
    return value


def _bad(path: Path, why: str) -> GameError:
    return GameError(
        f"The task file {path.name} cannot be used: {why}; correct it or take it out of the folder."
    )
