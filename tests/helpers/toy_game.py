"""A game small enough to reason about: a white dot that must reach a coloured one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.play.policy import ActionChunk, Observation
from recorder.errors import GameEndedError, GameError
from recorder.games.base import Bindings, Task
from recorder.games.registry import GameSpec
from recorder.types import Action, Frame, Outcome

SIZE = 64
TASKS = tuple(Task(f"reach:{c}", f"reach the {c} dot", "reach", c, 60) for c in ("red", "green"))
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0)}


class ToyGame:
    """The dot moves by one pixel per pressed direction; the target is four to the right."""

    name = "toy"
    title = "Toy"
    tick_rate_hz = 20.0
    realtime = False
    bindings = Bindings(
        keys={"forward": "W", "back": "S", "left": "A", "right": "D", "attack": "LeftButton",
              "hotbar.1": "1", "hotbar.2": "2"},
        degrees_per_count=0.5,
    )  # fmt: skip

    def __init__(self, *, distance: int = 4) -> None:
        self.distance = distance
        self.actions: list[Action] = []
        self.resets: list[tuple[str, int]] = []
        self.break_at: int | None = None
        self.gone = False
        self.ends_at: int | None = None
        self.no_start: str = ""
        self.closed = False
        self._task = TASKS[0]
        self._place = 0
        self._count = 0

    def tasks(self) -> Sequence[Task]:
        return TASKS

    def reset(self, task: Task, seed: int) -> Frame:
        if self.gone:
            raise GameError("The toy is gone, so nothing began; start it again.")
        if self.no_start:
            raise GameError(self.no_start)
        self._task, self._place, self.actions = task, 0, []
        self.resets.append((task.id, seed))
        return self._frame()

    def step(self, action: Action) -> Frame:
        if self.ends_at is not None and len(self.actions) >= self.ends_at:
            # As a real one does: gone once, and new from the next reset on.
            self.ends_at = None
            raise GameEndedError("The toy ended by itself, so this attempt does not count; again.")
        if self.break_at is not None and len(self.actions) >= self.break_at:
            raise GameError("The toy broke, so the attempt ended; reset it.")
        self.actions.append(action)
        self._place += int(action.right) - int(action.left)
        return self._frame()

    def outcome(self) -> Outcome | None:
        if not self._task.judged:
            return None
        if self._place >= self.distance:
            return Outcome.SUCCESS
        return Outcome.TIMEOUT if len(self.actions) >= self._task.max_ticks else None

    def close(self) -> None:
        self.closed = True

    def _frame(self) -> Frame:
        self._count += 1
        rgb = np.zeros((SIZE, SIZE, 3), np.uint8)
        rgb[30:34, 40:44] = COLOURS.get(self._task.thing, (0, 0, 255))
        rgb[30:34, self._place % SIZE] = 255
        rgb.flags.writeable = False
        return Frame(self._count, self._count, rgb)


class ToyExpert:
    """Walks to the target; made with the game, as every expert is."""

    name = "expert"

    def __init__(self, game: ToyGame) -> None:
        self._game = game

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        del instruction, seed

    def propose(self, observation: Observation) -> ActionChunk:
        walk = self._game.outcome() is None
        return ActionChunk((Action(right=walk),), observation.frame.id, 1.0, 1.0)


TOY = GameSpec(
    "toy", "Toy", lambda opening: ToyGame(), lambda: TASKS,
    detail="A dot", expert="toy_game:ToyExpert", lessons=("reach the red dot",),
)  # fmt: skip
"""The entry that makes the toy a game like any other."""


class WalkPolicy:
    """Always walks in one direction."""

    def __init__(self, control: str = "right", *, fail_at: int | None = None) -> None:
        self.name = f"walk {control}"
        self._action = Action(**{control: True})
        self._fail_at = fail_at
        self.heard: list[str] = []
        self.calls = 0

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        self.heard.append(instruction)

    def propose(self, observation: Observation) -> ActionChunk:
        self.calls += 1
        if self._fail_at is not None and self.calls >= self._fail_at:
            raise RuntimeError("a bug in the policy")
        return ActionChunk((self._action,), observation.frame.id, 1.0, 1.0)
