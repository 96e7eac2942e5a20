"""The practice yard on ViZDoom: real 3D pictures, real engine, no screen needed."""

from __future__ import annotations

import time
import weakref
from collections.abc import Sequence
from pathlib import Path

from recorder.errors import GameEndedError, GameError
from recorder.games.base import Bindings, Task
from recorder.games.doom.engine import Acts, EngineProcess, EngineState, Seen
from recorder.games.doom.goals import Goal
from recorder.games.doom.judge import Judge
from recorder.games.doom.leftovers import OwnFolder, no_folder
from recorder.games.doom.named import chosen_kinds, missing_thing
from recorder.games.doom.projection import face_box
from recorder.games.doom.scene import Scene, build_scene, scene_seed
from recorder.games.doom.state import HiddenState, SeenThing
from recorder.games.doom.tasks import ALL_TASKS, TASKS, goal_of
from recorder.games.doom.things import KIND_BY_ACTOR, WEAPON_SLOTS, Kind
from recorder.games.doom.wad import write_wad
from recorder.types import Action, Frame, Outcome, RGBImage

TICS_PER_TICK = 2
"""The engine runs at 35 tics a second, so a tick is 1/17.5 s."""
SETTLE_TICS = 10
"""The engine ignores turning in a map's first tics, and the weapon is still coming up."""
ARMING_TICS = 45
"""So long it takes until the weapon that the scene begins with is in the hands."""

_HELD_BUTTONS = (
    ("forward", "MOVE_FORWARD"),
    ("back", "MOVE_BACKWARD"),
    ("left", "MOVE_LEFT"),
    ("right", "MOVE_RIGHT"),
    ("sprint", "SPEED"),
    ("sneak", "CROUCH"),
    ("use", "USE"),
    ("drop", "DROP_SELECTED_ITEM"),
    ("attack", "ATTACK"),
    ("jump", "JUMP"),
)
_WEAPONS = tuple(f"SELECT_WEAPON{n}" for n in range(1, 8))
_CONTROLS = tuple(control for control, _ in _HELD_BUTTONS)
_USE = _CONTROLS.index("use")
_CAMERA = ("TURN_LEFT_RIGHT_DELTA", "LOOK_UP_DOWN_DELTA")
_VARIABLES = ("POSITION_X", "POSITION_Y", "ANGLE", "PITCH", "HEALTH", "SELECTED_WEAPON")

DOOM_BINDINGS = Bindings(
    keys={
        "forward": "W",
        "back": "S",
        "left": "A",
        "right": "D",
        "sprint": "Shift",
        "sneak": "Ctrl",
        "use": "E",
        "drop": "Q",
        "attack": "LeftButton",
        "jump": "Space",
        "inventory": "Tab",
        **{f"hotbar.{n}": str(n) for n in range(1, 10)},
    },
    degrees_per_count=0.15,
    # The engine's look button: so the model was taught, and so the recordings are.
    pitch_up=True,
)


class DoomGame:
    """One running yard.  Single-threaded: call it from the control thread only.

    The engine runs in a process of its own (:mod:`recorder.games.doom.engine`).  If it ends,
    :meth:`step` raises GameEndedError and the next :meth:`reset` starts another.
    """

    name = "doom"
    title = "Practice yard"
    tick_rate_hz = 17.5
    realtime = False
    bindings = DOOM_BINDINGS

    def __init__(self, *, width: int = 640, height: int = 360, labels: bool = False) -> None:
        self._size = (width, height)
        self._labels = labels
        self._room = _Room()
        # At the interpreter's end too: the engine goes, and its folder.
        self._tidy = weakref.finalize(self, self._room.clear)
        self._buttons: tuple[str, ...] = (
            *(button for _, button in _HELD_BUTTONS),
            *_WEAPONS,
            *_CAMERA,
        )
        self._task: Task = TASKS[0]
        self._furnished: tuple[Kind, ...] = ()
        self._goal: Goal | None = None
        self._scene: Scene | None = None
        self._outcome: Outcome | None = None
        self._ticks = 0
        self._frame_id = 0
        self._judge: Judge | None = None
        self._hidden: HiddenState | None = None
        self._dead = False
        self._newest: tuple[EngineState, RGBImage] | None = None

    def tasks(self) -> Sequence[Task]:
        """Return every task of the yard; the default suite's twelve come first."""
        return ALL_TASKS

    def reset(self, task: Task, seed: int) -> Frame:
        """Build the map of (task, seed) and return the first picture.

        An engine that has ended meanwhile is started anew.  Raises GameError if none starts.
        """
        self._goal = goal_of(task)
        self._task = task
        number = scene_seed(task.id, seed)
        # Nobody can do anything to what is not there, and who is told to would search for it.
        named = () if task.judged else self._furnished or chosen_kinds(task.instruction, number)
        self._begin(build_scene(self._goal, task.id, seed, named), number)
        if self._goal is not None:
            self._judge = Judge(self._goal, self.hidden_state(), task.max_ticks)
        return self._frame()

    def furnish(self, kinds: tuple[Kind, ...]) -> None:
        """Lay these things out, from the next reset on, for sentences that nobody judges.

        None leaves it to the sentence again.
        """
        self._furnished = kinds

    def show(self, scene: Scene, seed: int) -> Frame:
        """Build a given scene in which nothing is asked or judged; return its first picture."""
        self._goal = None
        self._begin(scene, seed)
        return self._frame()

    def _begin(self, scene: Scene, seed: int) -> None:
        # Of the last attempt nothing is left, whatever happens from here on.
        self._scene = scene
        self._outcome = None
        self._ticks = 0
        self._hidden = self._newest = None
        self._judge = None
        started = self._lay_down(scene)
        try:
            self._see(self._running().begin(seed % (1 << 31), self._settling(scene)))
        except GameEndedError:
            if started:
                raise
            # It ended since the last attempt, which is nobody's loss.
            self._lay_down(scene)
            self._see(self._running().begin(seed % (1 << 31), self._settling(scene)))

    def _lay_down(self, scene: Scene) -> bool:
        """Write the scene where the engine reads it; return whether an engine was started.

        An engine whose folder was removed, or its map in it, would go on reading the old map.
        """
        room = self._room
        if room.engine is None or room.engine.closed or not room.holds_its_map:
            room.clear()
            room.folder = OwnFolder()
        assert room.folder is not None
        try:
            write_wad(room.wad, scene)
        except OSError as error:
            raise no_folder(error) from error
        if room.engine is not None:
            return False
        room.engine = EngineProcess(
            room.folder.path,
            room.wad,
            size=self._size,
            labels=self._labels,
            buttons=self._buttons,
            variables=_VARIABLES,
        )
        room.map_id = room.found_map_id()
        return True

    def step(self, action: Action) -> Frame:
        """Do two engine tics; after the end of an attempt the world still moves.

        A use that is held counts anew in every tick.  Who dies, of their own rocket, has failed
        the task; the picture stands still from then on.
        """
        pitch_deg, yaw_deg = action.camera
        values = [float(getattr(action, control)) for control, _ in _HELD_BUTTONS]
        values += [float(action.hotbar == n) for n in range(1, len(_WEAPONS) + 1)]
        # Positive is right and up, per tic; the turn is spread over the tick.
        values += [yaw_deg / TICS_PER_TICK, pitch_deg / TICS_PER_TICK]
        acts = [(values, TICS_PER_TICK)]
        if action.use:
            # The engine hears the pressing, not the holding.
            held = [*values[:_USE], 0.0, *values[_USE + 1 :]]
            acts = [(values, 1), (held, TICS_PER_TICK - 1)]
        self._see(self._running().act(acts))
        self._hidden = None
        self._ticks += 1
        if self._outcome is None and self._dead:
            self._outcome = Outcome.UNKNOWN if self._judge is None else Outcome.FAILURE
        elif self._outcome is None and self._judge is not None:
            self._outcome = self._judge.see(self.hidden_state(), yaw_deg)
        return self._frame()

    def outcome(self) -> Outcome | None:
        """Return the engine's verdict on the task, or None while it goes on."""
        return self._outcome

    def missing(self, sentence: str) -> str:
        """Return what a sentence names that was not laid out in this room, "" for nothing."""
        scene = self._scene
        if scene is None:
            return ""
        things = [placed.kind.key for placed in scene.things]
        things += [fixture.key for fixture in scene.plan.fixtures]
        things += [weapon for weapon, slot in WEAPON_SLOTS.items() if slot in scene.armed]
        return missing_thing(sentence, things)

    def hidden_state(self) -> HiddenState:
        """Return the engine's own view of the scene, for experts and judges."""
        if self._hidden is None:
            self._hidden = self._look()
        return self._hidden

    def _look(self) -> HiddenState:
        (state, _), scene = self._shown(), self._scene
        assert scene is not None
        boxes = {number: (x, y, width, height) for number, x, y, width, height in state.labels}
        things = []
        for number, actor, x, y in state.objects:
            kind = KIND_BY_ACTOR.get(actor)
            if kind is not None:
                stalks = actor.endswith("Stalker")
                things.append(SeenThing(kind.key, number, x, y, boxes.get(number), stalks=stalks))
        x, y, angle, pitch, health, weapon = state.variables
        fixtures = []
        for number, fixture in enumerate(scene.plan.fixtures):
            built = scene.plan.sectors[fixture.sector]
            used = state.sectors[fixture.sector] != (built.floor, built.ceiling)
            pose = x, y, angle, pitch
            box = face_box(fixture, scene, pose, self._size) if self._labels else None
            fixtures.append(SeenThing(fixture.key, -1 - number, fixture.x, fixture.y, box, used))
        return HiddenState(
            x, y, angle, pitch, health, tuple(things), tuple(fixtures), round(weapon), scene
        )

    @property
    def goal(self) -> Goal | None:
        """What the current task wants."""
        return self._goal

    @property
    def step_to_do(self) -> int:
        """Which step of the current task is to be done, from 0."""
        return self._judge.step if self._judge is not None else 0

    @property
    def steps_done(self) -> int:
        """How many steps of the current task are done."""
        return self.step_to_do + (self._outcome is Outcome.SUCCESS)

    def close(self) -> None:
        """Stop the engine and remove its folder; may be called twice."""
        self._tidy()

    def _settling(self, scene: Scene) -> Acts:
        """Return what lets the map come to rest, with the right weapon in the hands."""
        nothing = [0.0] * len(self._buttons)
        acts = [(nothing, SETTLE_TICS)]
        if scene.armed:
            press = list(nothing)
            press[len(_HELD_BUTTONS) + scene.armed[-1] - 1] = 1.0
            # Only who moves finds what lies at his feet, and it is drawn before all else.
            for control in ("forward", "back"):
                values = list(nothing)
                values[_CONTROLS.index(control)] = 1.0
                acts.append((values, 4))
            acts += [(nothing, ARMING_TICS), (press, 2), (nothing, ARMING_TICS)]
        return acts

    def _frame(self) -> Frame:
        self._frame_id += 1
        return Frame(self._frame_id, time.monotonic_ns(), self._shown()[1])

    def _running(self) -> EngineProcess:
        if self._room.engine is None:
            raise RuntimeError("reset() was not called")
        return self._room.engine

    def _see(self, seen: Seen) -> None:
        self._dead = seen.dead
        if seen.state is not None and seen.rgb is not None:
            self._newest = seen.state, seen.rgb
        elif self._newest is None or not seen.dead:
            raise GameError(
                "The practice yard ended by itself, so this attempt cannot go on; reset it."
            )
        # Else the engine shows nothing to the dead, and the picture stands still.

    def _shown(self) -> tuple[EngineState, RGBImage]:
        if self._newest is None:
            raise RuntimeError("reset() was not called")
        return self._newest


class _Room:
    """The engine, and the folder that it reads its map from."""

    def __init__(self) -> None:
        self.folder: OwnFolder | None = None
        self.engine: EngineProcess | None = None
        self.map_id: tuple[int, int] | None = None

    @property
    def wad(self) -> Path:
        """Where the map lies."""
        assert self.folder is not None
        return self.folder.path / "yard.wad"

    def found_map_id(self) -> tuple[int, int] | None:
        """Return what tells the map's file from another of its name, None if there is none."""
        try:
            facts = self.wad.stat()
        except OSError:
            return None
        return facts.st_dev, facts.st_ino

    @property
    def holds_its_map(self) -> bool:
        """Whether the file that the engine reads is still there."""
        return self.map_id is not None and self.found_map_id() == self.map_id

    def clear(self) -> None:
        """End the engine and remove the folder; may be called twice."""
        engine, self.engine = self.engine, None
        folder, self.folder = self.folder, None
        if engine is not None:
            engine.close()
        if folder is not None:
            folder.cleanup()
