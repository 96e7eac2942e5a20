"""The practice yard on ViZDoom: real 3D pictures, real engine, no screen needed."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recorder.errors import GameError
from recorder.games.base import Bindings, Task
from recorder.games.doom.goals import Goal
from recorder.games.doom.judge import Judge
from recorder.games.doom.leash import leash, own_folder
from recorder.games.doom.projection import face_box
from recorder.games.doom.scene import Scene, build_scene, scene_seed
from recorder.games.doom.state import HiddenState, SeenThing
from recorder.games.doom.tasks import ALL_TASKS, TASKS, goal_of
from recorder.games.doom.things import KIND_BY_ACTOR
from recorder.games.doom.wad import write_wad
from recorder.types import Action, Frame, Outcome

TICS_PER_TICK = 2
"""The engine runs at 35 tics a second, so a tick is 1/17.5 s."""
SETTLE_TICS = 10
"""The engine ignores turning in a map's first tics, and the weapon is still coming up."""
ARMING_TICS = 45
"""So long it takes until the weapon that the scene begins with is in the hands."""
MAX_FREE_TICKS = 1 << 30

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
_CHDIR_LOCK = threading.Lock()

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
)


class DoomGame:
    """One running yard.  Single-threaded: call it from the control thread only."""

    name = "doom"
    title = "Practice yard"
    tick_rate_hz = 17.5
    realtime = False
    bindings = DOOM_BINDINGS

    def __init__(self, *, width: int = 640, height: int = 360, labels: bool = False) -> None:
        self._size = (width, height)
        self._labels = labels
        self._folder = own_folder()
        self._wad = Path(self._folder.name) / "yard.wad"
        self._engine: Any = None
        self._buttons: tuple[str, ...] = (
            *(button for _, button in _HELD_BUTTONS),
            *_WEAPONS,
            *_CAMERA,
        )
        self._task: Task = TASKS[0]
        self._goal: Goal | None = None
        self._scene: Scene | None = None
        self._outcome: Outcome | None = None
        self._ticks = 0
        self._frame_id = 0
        self._judge: Judge | None = None
        self._hidden: HiddenState | None = None
        self._newest: Any = None

    def tasks(self) -> Sequence[Task]:
        """Return every task of the yard; the default suite's twelve come first."""
        return ALL_TASKS

    def reset(self, task: Task, seed: int) -> Frame:
        """Build the map of (task, seed) and return the first picture."""
        self._goal = goal_of(task)
        self._task = task
        self._begin(build_scene(self._goal, task.id, seed), scene_seed(task.id, seed))
        if self._goal is not None:
            self._judge = Judge(self._goal, self.hidden_state(), task.max_ticks)
        return self._frame()

    def show(self, scene: Scene, seed: int) -> Frame:
        """Build a given scene in which nothing is asked or judged; return its first picture."""
        self._goal = None
        self._begin(scene, seed)
        return self._frame()

    def _begin(self, scene: Scene, seed: int) -> None:
        self._scene = scene
        write_wad(self._wad, scene)
        if self._engine is None:
            self._engine = self._start_engine()
        self._engine.set_seed(seed % (1 << 31))
        self._engine.new_episode()
        self._settle(scene)
        self._outcome = None
        self._ticks = 0
        self._hidden = self._newest = None
        self._judge = None

    def step(self, action: Action) -> Frame:
        """Do two engine tics; after the end of an attempt the world still moves.

        A use that is held counts anew in every tick.  Who dies, of their own rocket, has failed
        the task; the picture stands still from then on.
        """
        engine = self._running()
        pitch_deg, yaw_deg = action.camera
        values = [float(getattr(action, control)) for control, _ in _HELD_BUTTONS]
        values += [float(action.hotbar == n) for n in range(1, len(_WEAPONS) + 1)]
        # Positive is right and down, per tic; the turn is spread over the tick.
        values += [yaw_deg / TICS_PER_TICK, pitch_deg / TICS_PER_TICK]
        if action.use:
            engine.make_action(values, 1)
            # The engine hears the pressing, not the holding.
            values[_USE] = 0.0
            engine.make_action(values, TICS_PER_TICK - 1)
        else:
            engine.make_action(values, TICS_PER_TICK)
        self._hidden = None
        self._ticks += 1
        if self._outcome is None and engine.is_player_dead():
            self._outcome = Outcome.UNKNOWN if self._judge is None else Outcome.FAILURE
        elif self._outcome is None and self._judge is not None:
            self._outcome = self._judge.see(self.hidden_state())
        return self._frame()

    def outcome(self) -> Outcome | None:
        """Return the engine's verdict on the task, or None while it goes on."""
        return self._outcome

    def hidden_state(self) -> HiddenState:
        """Return the engine's own view of the scene, for teachers and judges."""
        if self._hidden is None:
            self._hidden = self._look()
        return self._hidden

    def _look(self) -> HiddenState:
        state, scene = self._state(), self._scene
        assert scene is not None
        boxes = (
            {
                label.object_id: (label.x, label.y, label.width, label.height)
                for label in state.labels
            }
            if self._labels
            else {}
        )
        things = []
        for item in state.objects:
            kind = KIND_BY_ACTOR.get(item.name)
            if kind is not None:
                things.append(
                    SeenThing(
                        kind.key,
                        item.id,
                        item.position_x,
                        item.position_y,
                        boxes.get(item.id),
                        stalks=item.name.endswith("Stalker"),
                    )
                )
        x, y, angle, pitch, health, weapon = (float(value) for value in state.game_variables)
        fixtures = []
        for number, fixture in enumerate(scene.plan.fixtures):
            now, built = state.sectors[fixture.sector], scene.plan.sectors[fixture.sector]
            used = (now.floor_height, now.ceiling_height) != (built.floor, built.ceiling)
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
        """Stop the engine and remove its folder."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        self._folder.cleanup()

    def _settle(self, scene: Scene) -> None:
        """Let the map come to rest, with the right weapon in the hands."""
        engine = self._running()
        nothing = [0.0] * len(self._buttons)
        engine.make_action(nothing, SETTLE_TICS)
        if scene.armed:
            press = list(nothing)
            press[len(_HELD_BUTTONS) + scene.armed[-1] - 1] = 1.0
            # Only who moves finds what lies at his feet, and it is drawn before all else.
            for control in ("forward", "back"):
                values = list(nothing)
                values[_CONTROLS.index(control)] = 1.0
                engine.make_action(values, 4)
            engine.make_action(nothing, ARMING_TICS)
            engine.make_action(press, 2)
            engine.make_action(nothing, ARMING_TICS)

    def _frame(self) -> Frame:
        rgb = np.ascontiguousarray(self._state().screen_buffer)
        rgb.flags.writeable = False
        self._frame_id += 1
        return Frame(self._frame_id, time.monotonic_ns(), rgb)

    def _running(self) -> Any:
        if self._engine is None:
            raise RuntimeError("reset() was not called")
        return self._engine

    def _state(self) -> Any:
        state = self._running().get_state()
        if state is not None:
            self._newest = state
        elif self._newest is None or not self._engine.is_player_dead():
            raise GameError(
                "The practice yard ended by itself, so this attempt cannot go on; reset it."
            )
        # The engine shows nothing to the dead.
        return self._newest

    def _start_engine(self) -> Any:
        try:
            import vizdoom
        except ImportError as error:
            raise GameError(
                "The practice yard needs the vizdoom package, which is not installed; "
                "run `python3 play.py` to install it."
            ) from error
        engine = vizdoom.DoomGame()
        engine.set_doom_scenario_path(str(self._wad))
        engine.set_doom_map("MAP01")
        leashed = leash(Path(vizdoom.__file__).with_name("vizdoom"), Path(self._folder.name))
        if leashed is not None:
            engine.set_vizdoom_path(str(leashed))
        engine.set_doom_config_path(str(Path(self._folder.name) / "engine.ini"))
        width, height = self._size
        resolution = getattr(vizdoom.ScreenResolution, f"RES_{width}X{height}", None)
        if resolution is None:
            raise GameError(
                f"The practice yard cannot draw {width} x {height} pictures; use 640 x 360."
            )
        engine.set_screen_resolution(resolution)
        engine.set_screen_format(vizdoom.ScreenFormat.RGB24)
        engine.set_window_visible(False)
        engine.set_sound_enabled(False)
        engine.set_render_hud(False)
        engine.set_mode(vizdoom.Mode.PLAYER)
        engine.set_objects_info_enabled(True)
        engine.set_sectors_info_enabled(True)
        engine.set_labels_buffer_enabled(self._labels)
        engine.set_available_buttons([getattr(vizdoom.Button, name) for name in self._buttons])
        engine.set_available_game_variables(
            [getattr(vizdoom.GameVariable, name) for name in _VARIABLES]
        )
        engine.set_episode_timeout(MAX_FREE_TICKS)
        try:
            # The engine leaves a folder where it is started; it gets a private one.
            with _CHDIR_LOCK, contextlib.chdir(self._folder.name):
                engine.init()
            # At the interpreter's end too, and before the folder goes.
            weakref.finalize(self, engine.close)
        except (vizdoom.ViZDoomErrorException, vizdoom.FileDoesNotExistException, OSError) as error:
            raise GameError(
                f"The practice yard's engine did not start ({error}), so it cannot be played; "
                "run `playteach doctor`."
            ) from error
        return engine
