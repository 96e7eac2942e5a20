"""Minecraft as a game: the world waits for every tick (50 ms of it), so nothing is missed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from recorder import json_values
from recorder.errors import GameError
from recorder.games.base import Bindings, Missing, Task
from recorder.games.minecraft.names import BASALT, TITLES, engine_of, title_of
from recorder.games.minecraft.process import SimulatorProcess
from recorder.games.minecraft.tasks import GOALS, Goal, load_goal
from recorder.json_values import whole
from recorder.types import Action, Frame, Outcome

PYTHON_VARIABLE = "PLAYTEACH_MINECRAFT_PYTHON"
TASKS_VARIABLE = "PLAYTEACH_MINECRAFT_TASKS"

MINECRAFT_BINDINGS = Bindings(
    keys={
        "forward": "W",
        "back": "S",
        "left": "A",
        "right": "D",
        "sprint": "Ctrl",
        "sneak": "Shift",
        "use": "RightButton",
        "drop": "Q",
        "attack": "LeftButton",
        "jump": "Space",
        "inventory": "E",
        **{f"hotbar.{n}": str(n) for n in range(1, 10)},
    },
    degrees_per_count=0.15,
)


@dataclass(frozen=True, slots=True)
class Installation:
    """Where a simulator's own Python is."""

    engine: str
    python: Path


def engines_folder() -> Path:
    """Return where simulators are installed: beside the platform's data folder."""
    from recorder.data_folder import default_data_folder

    return default_data_folder() / "engines"


def installation(name: str, folder: Path | None = None) -> Installation:
    """Return the installation of a game's simulator; PLAYTEACH_MINECRAFT_PYTHON overrides it.

    Raises GameError where there is none.
    """
    engine = engine_of(name)
    override = os.environ.get(PYTHON_VARIABLE)
    if override:
        return Installation(engine, Path(override))
    path = (folder or engines_folder()) / f"{engine}.json"
    try:
        python = Path(json_values.parse(path.read_text(encoding="utf-8"))["python"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GameError(
            f"{TITLES.get(engine, engine)} is not installed, so it cannot be played; install it "
            f"with: playteach games install {engine}."
        ) from error
    return Installation(engine, python)


def missing_installation(name: str) -> Missing | None:
    """Return why the game called ``name`` cannot be started here, None if nothing is missing."""
    try:
        python = installation(name).python
    except GameError:
        return Missing("is not installed, so it cannot be played")
    if shutil.which(python) is None:
        return Missing("has lost its own Python, so it cannot be played", broken=True)
    return None


class MinecraftGame:
    """One running Minecraft.  Single-threaded: call it from the control thread only.

    Attributes:
        warnings: sentences about controls that do nothing and pictures unlike the model's.

    """

    tick_rate_hz = 20.0
    realtime = False
    bindings = MINECRAFT_BINDINGS

    def __init__(
        self,
        engine: str,
        process: SimulatorProcess,
        goals: Sequence[Goal] = GOALS,
        *,
        start_process: Callable[[], SimulatorProcess] | None = None,
    ) -> None:
        self.name = engine
        self.title = title_of(engine)
        self.warnings = _warnings(process, commanded=any(goal.commands for goal in goals))
        self._process = process
        self._start_process = start_process
        self._goals = {goal.task.id: goal for goal in goals}
        self._goal: Goal | None = None
        self._max_ticks = 0
        self._outcome: Outcome | None = None
        self._ticks = 0
        self._frame_id = 0
        self._untouched: int | None = None

    @classmethod
    def start(cls, name: str) -> MinecraftGame:
        """Start the installed simulator; raises GameError where it cannot be started."""
        found = installation(name)
        goals = goals_of(name)
        world = f"{found.engine}/{BASALT[name][0]}" if name in BASALT else found.engine
        start_process = partial(SimulatorProcess, found.python, world)
        return cls(name, start_process(), goals, start_process=start_process)

    def tasks(self) -> Sequence[Task]:
        """Return what the simulator's counters can judge."""
        return tuple(goal.task for goal in self._goals.values())

    def reset(self, task: Task, seed: int) -> Frame:
        """Make a new world from the seed.

        That takes half a minute; a world in which nothing was done since is kept.  A simulator
        that has ended meanwhile is started anew.
        """
        if task.judged and task.id not in self._goals:
            raise GameError(
                f"Minecraft has no task {task.id!r}, so nothing was started; choose one of: "
                f"{', '.join(self._goals)}."
            )
        self._goal = self._goals[task.id] if task.judged else None
        self._max_ticks = task.max_ticks
        self._outcome = None
        if self._process.ended and self._start_process is not None:
            self._process.close()
            self._untouched = None
            self._process = self._start_process()
        kept = self._untouched == seed
        order: dict[str, object] = {"do": "begin" if kept else "reset", "seed": seed}
        self._untouched = None
        if self._goal is not None:
            order["goal"] = {"event": self._goal.event, "objects": list(self._goal.objects)}
            order["commands"] = list(self._goal.commands)
        self._ticks = 0
        self._process.ask(order)
        if self._goal is None or not self._goal.commands:
            self._untouched = seed
        return self._frame()

    def step(self, action: Action) -> Frame:
        """Do one tick of 50 ms."""
        self._untouched = None
        told = {name: value for name, value in asdict(action).items() if value}
        answer = self._process.ask({"do": "step", "action": told})
        self._ticks += 1
        goal = self._goal
        if self._outcome is None and goal is not None:
            if whole(answer, "count") >= goal.count:
                self._outcome = Outcome.SUCCESS
            elif answer["over"]:
                self._outcome = Outcome.FAILURE
            elif self._max_ticks and self._ticks >= self._max_ticks:
                self._outcome = Outcome.TIMEOUT
        elif self._outcome is None and answer["over"]:
            self._outcome = Outcome.UNKNOWN
        return self._frame()

    def outcome(self) -> Outcome | None:
        """Return how the attempt ended."""
        return self._outcome

    def close(self) -> None:
        """End the simulator."""
        self._process.close()

    def _frame(self) -> Frame:
        self._frame_id += 1
        return Frame(self._frame_id, time.monotonic_ns(), self._process.picture())


def goals_of(name: str) -> tuple[Goal, ...]:
    """Return what the game called ``name`` can judge.

    The built-in goals and those of the YAML files in PLAYTEACH_MINECRAFT_TASKS; BASALT shows
    no counters, so a person judges it.
    """
    if name in BASALT:
        return ()
    folder = os.environ.get(TASKS_VARIABLE)
    more = [load_goal(path) for path in sorted(Path(folder).glob("*.yaml"))] if folder else []
    return (*GOALS, *more)


def _warnings(process: SimulatorProcess, *, commanded: bool) -> tuple[str, ...]:
    found = []
    if process.lacks:
        found.append(
            f"This simulator does not know {', '.join(process.lacks)}, so those controls do "
            "nothing here."
        )
    if not process.commands and commanded:
        found.append(
            "This simulator takes no commands, so tasks begin without what they would set up, "
            "such as a pickaxe in the hand."
        )
    if process.differs:
        values = ", ".join(f"{name} {value}" for name, value in process.differs.items())
        found.append(
            f"The picture differs from what the model was trained on ({values}), so it will play "
            "worse; use the simulator's own settings."
        )
    return tuple(found)
